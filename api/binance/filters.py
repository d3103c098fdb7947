"""An instrument's steps and limits as the filters of `exchangeInfo`: what they say is what the engine holds.

There is no PERCENT_PRICE filter: a collar is measured from the last price brought within the best bid and offer, and
asks nothing of the other direction, which no filter of that surface can say. An order beyond it is refused by name.
Layer: api.binance.
"""

from __future__ import annotations

from typing import Final

import msgspec

from api.binance.numbers import amount_text, price_text, quantity_text
from engine.instrument import Instrument
from engine.rules import MAX_SLICES
from listings.tables import MAX_UNITS

MAX_TICKS: Final = MAX_UNITS - 1  # the greatest price that is read
BIPS: Final = 10_000  # of the whole price: a trail is less


class Filter(msgspec.Struct, frozen=True, tag_field="filterType", rename="camel"):
    """One filter of a symbol."""


class PriceFilter(Filter, frozen=True, tag="PRICE_FILTER", rename="camel"):
    """Prices are whole ticks."""

    min_price: str
    max_price: str
    tick_size: str


class LotSize(Filter, frozen=True, tag="LOT_SIZE", rename="camel"):
    """Quantities are whole lots."""

    min_qty: str
    max_qty: str
    step_size: str


class IcebergParts(Filter, frozen=True, tag="ICEBERG_PARTS", rename="camel"):
    """Into how many parts an iceberg may fall."""

    limit: int


class MarketLotSize(Filter, frozen=True, tag="MARKET_LOT_SIZE", rename="camel"):
    """Quantities of market orders: as others."""

    min_qty: str
    max_qty: str
    step_size: str


class TrailingDelta(Filter, frozen=True, tag="TRAILING_DELTA", rename="camel"):
    """How far a stop may trail, in hundredths of a percent."""

    min_trailing_above_delta: int
    max_trailing_above_delta: int
    min_trailing_below_delta: int
    max_trailing_below_delta: int


class Notional(Filter, frozen=True, tag="NOTIONAL", rename="camel"):
    """Price times quantity, of orders that have a price."""

    min_notional: str
    apply_min_to_market: bool
    max_notional: str
    apply_max_to_market: bool
    avg_price_mins: int


class MaxNumOrders(Filter, frozen=True, tag="MAX_NUM_ORDERS", rename="camel"):
    """Open orders of one account in the symbol, those that wait for a trigger among them."""

    max_num_orders: int


class MaxNumAlgoOrders(Filter, frozen=True, tag="MAX_NUM_ALGO_ORDERS", rename="camel"):
    """Of them, those that wait for a trigger: they have no limit of their own."""

    max_num_algo_orders: int


AnyFilter = (
    PriceFilter | LotSize | IcebergParts | MarketLotSize | TrailingDelta | Notional | MaxNumOrders | MaxNumAlgoOrders
)


def filters_of(instrument: Instrument) -> list[AnyFilter]:
    """The filters of a symbol, PRICE_FILTER first."""
    least, most = quantity_text(instrument, instrument.min_quantity), quantity_text(instrument, instrument.max_quantity)
    lot = quantity_text(instrument, 1)
    return [
        PriceFilter(price_text(instrument, 1), price_text(instrument, MAX_TICKS), price_text(instrument, 1)),
        LotSize(least, most, lot),
        IcebergParts(MAX_SLICES),
        MarketLotSize(least, most, lot),
        TrailingDelta(1, BIPS - 1, 1, BIPS - 1),
        Notional(
            amount_text(instrument, instrument.min_notional),
            False,
            amount_text(instrument, instrument.max_notional),
            False,
            0,
        ),
        MaxNumOrders(instrument.max_open_orders),
        MaxNumAlgoOrders(instrument.max_open_orders),
    ]
