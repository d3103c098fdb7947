"""Engine values -> JSON: where a symbol stands, what comes next, and what an auction would do now.

Layer: api.market.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from api.json.views import seconds
from engine.auction import Clearing, clearing
from engine.book import OrderBook
from engine.rules import gathers
from engine.types import Side, TradingStatus
from listings.grid import grid_of
from listings.schedule import Change
from listings.texts import DecimalText

NextChangeOf = Callable[[str], Change | None]  # what is planned next for a symbol


class NextChange(msgspec.Struct, frozen=True):
    """What is planned next, unless an operator commands otherwise before."""

    status: TradingStatus
    at: float  # epoch seconds


class IndicativeView(msgspec.Struct, frozen=True):
    """What would happen if the auction ended now."""

    price: DecimalText
    quantity: DecimalText
    imbalance: DecimalText  # what an equal trade at the price would still want
    imbalance_side: Side | None  # which side has too much


class StatusView(msgspec.Struct, frozen=True, kw_only=True):
    """GET /status/{symbol}, and `status` of the feed."""

    symbol: str
    status: TradingStatus
    limit_state: Side | None  # of the orders that want to trade beyond the band: buy is limit up
    limit_price: DecimalText | None
    band: tuple[DecimalText, DecimalText] | None  # the lowest and the highest price of a trade
    next_change: NextChange | None
    indicative: IndicativeView | None  # while orders gather, and where they would trade
    timestamp: float
    seq: int


class Indications:
    """The indicative prices of all symbols, each worked out at most once for a state of its book."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, Clearing | None]] = {}  # by symbol, with the book's changed_seq

    def of(self, book: OrderBook) -> Clearing | None:
        """What an auction would do now; None while none gathers. O(levels that cross), or O(1) when nothing changed."""
        if not gathers(book.status):
            return None
        symbol = book.instrument.symbol
        known = self._known.get(symbol)
        if known is None or known[0] != book.changed_seq:
            known = self._known[symbol] = book.changed_seq, clearing(book)
        return known[1]


class StatusService:
    """Says where a symbol stands."""

    def __init__(self, next_change: NextChangeOf) -> None:
        self._next_change = next_change
        self._indications = Indications()

    def view(self, book: OrderBook, seq: int, ts_ns: int) -> StatusView:
        """Everything about the status of one symbol. Cost: see `Indications.of`."""
        grid, limit_side = grid_of(book.instrument), book.band.limit_side
        limits = book.band_limits if book.status is TradingStatus.TRADING else None  # orders gather without a band
        change = self._next_change(book.instrument.symbol)
        limit_price = None if limit_side is None else book.band_limit(limit_side)
        return StatusView(
            symbol=book.instrument.symbol,
            status=book.status,
            limit_state=limit_side,
            limit_price=None if limit_price is None else grid.price(limit_price),
            band=None if limits is None else (grid.price(limits[0]), grid.price(limits[1])),
            next_change=None if change is None else NextChange(change.status, seconds(change.at_ns)),
            indicative=self._indicative(book),
            timestamp=seconds(ts_ns),
            seq=seq,
        )

    def _indicative(self, book: OrderBook) -> IndicativeView | None:
        found = self._indications.of(book)
        if found is None:
            return None
        grid, side = grid_of(book.instrument), None
        if found.imbalance:
            side = Side.BUY if found.imbalance > 0 else Side.SELL
        return IndicativeView(
            grid.price(found.price), grid.quantity(found.quantity), grid.quantity(abs(found.imbalance)), side
        )
