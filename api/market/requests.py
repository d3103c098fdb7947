"""What may be asked of market data beyond `wire.py`: candles, one level of a book, and the feed's subscriptions.

Layer: api.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from api.orders import requests as wire
from api.json.errors import Malformed
from listings.grid import grid_of
from api.json.malformed import joined
from listings.numbers import Number
from api.http.symbols import listed_symbol
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.types import Ticks
from history.candles import Interval

MAX_TIME = 2**40  # epoch seconds
DEFAULT_INTERVAL = Interval.ONE_MINUTE

EpochSeconds = Annotated[int, Meta(ge=0, le=MAX_TIME, description="Epoch seconds")]


class CandlesQuery(wire.Request, frozen=True):
    """GET /candles/{symbol}."""

    interval: Interval = DEFAULT_INTERVAL
    start: EpochSeconds | None = None
    end: EpochSeconds | None = None
    limit: Annotated[int, Meta(ge=1, le=wire.MAX_PAGE)] = 500


class QueueQuery(wire.BookOrdersQuery, frozen=True):
    """GET /book/{symbol}/orders."""

    price: Number | None = None


def price_of(value: Decimal, instrument: Instrument) -> Ticks | str:
    """A price in ticks, or its text when it is no whole number of them. Raises Malformed."""
    if value < 0:
        raise Malformed("NOT_POSITIVE", "price must not be below zero.", field="price")
    ticks = grid_of(instrument).ticks(value)
    if ticks is None:
        raise Malformed("OUT_OF_RANGE", "price is out of range.", field="price")
    return ticks


class Subscription(wire.SubscribeRequest, frozen=True):
    """`subscribe` and `unsubscribe` of the feed."""

    type: Literal["l2_updates", "l2_deltas", "l3", "trades", "bbo", "ticker", "candles", "status", "orders"]  # type: ignore[assignment]
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
    wanted = wire.converted(data, Subscription)
    options = OPTIONS[wanted.type]
    for name, value in msgspec.structs.asdict(wanted).items():
        if name not in ("type", *options) and value is not None:
            has = f"it has {joined(list(options)).replace(' or ', ' and ')}"
            raise Malformed("UNKNOWN_FIELD", f"A subscription to {wanted.type} has no {name}: {has}.", field=name)
    if wanted.symbol is None:
        return wanted
    return msgspec.structs.replace(wanted, symbol=listed_symbol(wanted.symbol, exchange))
