"""What may be asked of the feed: subscriptions, and the options of each type.

Layer: api.feed.
"""

from __future__ import annotations

from typing import Any, Final, Literal, get_args

import msgspec

from api.http.symbols import listed_symbol
from api.json.errors import Malformed
from api.json.malformed import joined
from api.json.requests import Request, Symbol, converted
from engine.exchange import Exchange
from history.candles import Interval

FeedLevels = Literal[5, 10, 20, 50, 100, 500, 1000]  # a side, of `l2_updates` and `l3`
FEED_LEVELS: Final[tuple[int, ...]] = get_args(FeedLevels)


class Subscription(Request, frozen=True):
    """`subscribe` and `unsubscribe` of the feed."""

    type: Literal["l2_updates", "l2_deltas", "l3", "trades", "bbo", "ticker", "candles", "status", "orders"]
    symbol: Symbol | None = None
    levels: FeedLevels | None = None
    batch: bool | None = None
    interval: Interval | None = None


OPTIONS: Final = {  # of each type of subscription, besides the type itself
    "l2_updates": ("symbol", "levels"),
    "l2_deltas": ("symbol",),
    "l3": ("symbol", "levels"),
    "bbo": ("symbol",),
    "ticker": ("symbol",),
    "candles": ("symbol", "interval"),
    "status": ("symbol",),
    "trades": ("symbol", "batch"),
    "orders": ("batch",),
}


def subscription_of(data: Any, exchange: Exchange) -> Subscription:
    """The data of `subscribe` or `unsubscribe`, its symbol as it is listed. Raises Malformed."""
    wanted = converted(data, Subscription)
    options = OPTIONS[wanted.type]
    for name, value in msgspec.structs.asdict(wanted).items():
        if name not in ("type", *options) and value is not None:
            has = f"it has {joined(list(options)).replace(' or ', ' and ')}"
            raise Malformed("UNKNOWN_FIELD", f"A subscription to {wanted.type} has no {name}: {has}.", field=name)
    if wanted.symbol is None:
        return wanted
    return msgspec.structs.replace(wanted, symbol=listed_symbol(wanted.symbol, exchange))
