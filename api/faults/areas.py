"""Which requests faults apply to: order entry, what an account reads of itself, market data; of both wires.

What ends faults, signs in, shows the page or watches the venue is in no area, so that no fault ever reaches it.
Layer: api.faults.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from api.faults.plan import Area

OWN_FAULTS: Final = "/account/faults"
_ORDERS: Final = ("/order", "/orders", "/cancel")
_MARKET: Final = ("/symbols", "/book", "/bbo", "/quote", "/trades", "/ticker", "/candles", "/status", "/statistics")
_SECOND_ORDERS: Final = ("order", "orderList", "openOrders")  # behind /api/v3/
_SECOND_ACCOUNT: Final = (
    "account",
    "allOrders",
    "allOrderList",
    "openOrderList",
    "myTrades",
    "rateLimit",
    "userDataStream",
)
SECOND_WIRE: Final = "/api/v3/"
FURTHER_SECOND_WIRE: Final = "/sapi/"
FEED_EVENTS: Final = ("order", "cancel", "amend", "batch", "cancel_all", "order_test")  # that enter or change orders


def area_of(method: str, path: str) -> Area | None:
    """The area of a request over REST; None where no fault applies."""
    if path.startswith(SECOND_WIRE):
        name = path[len(SECOND_WIRE) :].partition("/")[0]
        if name in _SECOND_ORDERS:
            return "account" if method == "GET" else "orders"
        return "account" if name in _SECOND_ACCOUNT else "market"
    if path.startswith(FURTHER_SECOND_WIRE):
        return "account"
    first = "/" + path[1:].partition("/")[0]
    if first in _ORDERS:
        return "account" if method == "GET" else "orders"
    if first == "/account":
        return None if path == OWN_FAULTS else "account"
    return "market" if first in _MARKET else None


def applies(routes: Sequence[str] | None, route: str) -> bool:
    """Whether a step that names `routes` applies to one: `POST /order`, or an event of the feed."""
    if routes is None:
        return True
    return any(route == named or (named.endswith("*") and route.startswith(named[:-1])) for named in routes)
