"""What may be asked of market data beyond `wire.py`: candles, one level of a book, and the feed's subscriptions.

Layer: api.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta

from api import wire
from api.errors import Malformed
from api.grid import grid_of
from engine.instrument import Instrument
from engine.types import Ticks
from store.candles import Interval

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

    price: Decimal | None = None


def price_of(value: Decimal, instrument: Instrument) -> Ticks | str:
    """A price in ticks, or its text when it is no whole number of them. Raises Malformed."""
    if not value.is_finite():
        raise Malformed("NOT_FINITE", f"price must be a finite number, not {value}.", field="price")
    ticks = grid_of(instrument).ticks(value)
    if ticks is None:
        raise Malformed("OUT_OF_RANGE", "price is out of range.", field="price")
    return ticks


class Subscription(wire.SubscribeRequest, frozen=True):
    """`subscribe` and `unsubscribe` of the feed."""

    type: Literal["l2_updates", "l2_deltas", "l3", "trades", "bbo", "ticker", "candles", "status", "orders"]  # type: ignore[assignment]
    interval: Interval | None = None
