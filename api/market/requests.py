"""What may be asked of market data over REST: depth, quotes, trades, candles.

Layer: api.market.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta

from api.json.errors import Malformed
from api.json.requests import MAX_ORDER_ID, MAX_PAGE, Request
from engine.instrument import Instrument
from engine.types import Side, Ticks
from history.candles import Interval
from listings.grid import grid_of
from listings.numbers import Number

MAX_LEVELS = 1000
DEFAULT_LEVELS = 10
MAX_TIME = 2**40  # epoch seconds
DEFAULT_INTERVAL = Interval.ONE_MINUTE

EpochSeconds = Annotated[int, Meta(ge=0, le=MAX_TIME, description="Epoch seconds")]


class BookQuery(Request, frozen=True):
    """GET /book/{symbol}."""

    levels: Annotated[int, Meta(ge=1, le=MAX_LEVELS)] | Literal["all"] = DEFAULT_LEVELS


class QueueQuery(Request, frozen=True):
    """GET /book/{symbol}/orders; with `price` of that level alone."""

    limit: Annotated[int, Meta(ge=1, le=100_000)] = 1000
    price: Number | None = None


class QuoteQuery(Request, frozen=True):
    """GET /quote/{symbol}."""

    side: Side
    quantity: Number


class TradesQuery(Request, frozen=True):
    """GET /trades/{symbol}."""

    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = 100
    before: Annotated[int, Meta(ge=1, le=MAX_ORDER_ID)] | None = None


class CandlesQuery(Request, frozen=True):
    """GET /candles/{symbol}."""

    interval: Interval = DEFAULT_INTERVAL
    start: EpochSeconds | None = None
    end: EpochSeconds | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = 500


class HealthQuery(Request, frozen=True):
    """GET /health."""

    digest: bool = False


def price_of(value: Decimal, instrument: Instrument) -> Ticks | str:
    """A price in ticks, or its text when it is no whole number of them. Raises Malformed."""
    if value < 0:
        raise Malformed("NOT_POSITIVE", "price must not be below zero.", field="price")
    ticks = grid_of(instrument).ticks(value)
    if ticks is None:
        raise Malformed("OUT_OF_RANGE", "price is out of range.", field="price")
    return ticks
