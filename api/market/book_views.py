"""A book -> JSON: depth by price and by order, whole and as it changes.

Decimals and times as in `views.py`.
Layer: api.market.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from itertools import islice
from typing import Any

import msgspec

from api.json.views import seconds
from engine.book import BookSide, OrderBook
from engine.depth import l2
from engine.order import Order, PriceLevel
from engine.types import Side, Ticks, TradingStatus
from listings.grid import grid_of
from listings.texts import DecimalText, IdText

CHECKSUM_LEVELS = 10  # a side

Level = tuple[DecimalText, DecimalText]  # price, quantity: older clients unpack just these
CountedLevel = tuple[DecimalText, DecimalText, int]  # of the deltas: price, quantity, orders


class BookView(msgspec.Struct, frozen=True):
    """GET /book/{symbol}."""

    timestamp: float
    symbol: str
    bids: list[Level]
    asks: list[Level]
    bid_orders: list[int]  # how many orders are in each level of `bids`
    ask_orders: list[int]
    seq: int
    status: TradingStatus
    limit_state: Side | None  # of the orders that want to trade beyond the band


class BookUpdate(BookView, frozen=True):
    """`l2_update`."""

    levels: int  # which subscription it belongs to


class SnapshotView(msgspec.Struct, frozen=True):
    """`l2_snapshot`: what the deltas that follow build upon."""

    timestamp: float
    symbol: str
    bids: list[CountedLevel]
    asks: list[CountedLevel]
    seq: int
    checksum: int


class DeltaView(msgspec.Struct, frozen=True):
    """`l2_delta`: the levels that changed since `prev_seq`; a quantity of zero takes a level away."""

    timestamp: float
    symbol: str
    prev_seq: int
    seq: int
    bids: list[CountedLevel]
    asks: list[CountedLevel]
    checksum: int


class BookOrderView(msgspec.Struct, frozen=True):
    order_id: IdText
    price: DecimalText
    quantity: DecimalText
    timestamp: float


class BookOrdersView(msgspec.Struct, frozen=True):
    """GET /book/{symbol}/orders."""

    timestamp: float
    symbol: str
    bids: list[BookOrderView]
    asks: list[BookOrderView]
    seq: int


class BookOrdersUpdate(BookOrdersView, frozen=True):
    """`l3`."""

    levels: int  # which subscription it belongs to


def book_view(book: OrderBook, levels: int | None, ts_ns: int) -> BookView:
    """Depth by price. O(levels)."""
    return BookView(*_depth(book, levels, ts_ns))


def book_update(book: OrderBook, levels: int, ts_ns: int) -> BookUpdate:
    """Depth by price for those who subscribed to so many levels. O(levels)."""
    return BookUpdate(*(*_depth(book, levels, ts_ns), levels))


def _depth(book: OrderBook, levels: int | None, ts_ns: int) -> tuple[Any, ...]:
    """The fields of a BookView."""
    bids, asks = (counted_levels(book, side, levels) for side in (Side.BUY, Side.SELL))
    return (
        seconds(ts_ns),
        book.instrument.symbol,
        [level[:2] for level in bids],
        [level[:2] for level in asks],
        [level[2] for level in bids],
        [level[2] for level in asks],
        book.changed_seq,
        book.status,
        book.band.limit_side,
    )


def counted_levels(book: OrderBook, side: Side, levels: int | None) -> list[CountedLevel]:
    """The best levels of one side, best first. O(levels)."""
    grid = grid_of(book.instrument)
    price, quantity = grid.price, grid.quantity
    return [(price(p), quantity(q), orders) for p, q, orders in l2(book.own_side(side), levels)]


def changed_levels(book: OrderBook, side: Side, prices: Iterable[Ticks]) -> list[CountedLevel]:
    """The levels at `prices` as they are now; one that is gone has quantity zero. O(prices)."""
    grid, levels = grid_of(book.instrument), book.own_side(side)
    changed: list[CountedLevel] = []
    for price in prices:
        level = levels.level(price)
        if level is None:
            changed.append((grid.price(price), grid.quantity(0), 0))
        else:
            changed.append((grid.price(price), grid.quantity(level.quantity), level.count))
    return changed


def snapshot_view(book: OrderBook, ts_ns: int) -> SnapshotView:
    """`l2_snapshot`: the whole book. O(levels)."""
    return SnapshotView(
        seconds(ts_ns),
        book.instrument.symbol,
        counted_levels(book, Side.BUY, None),
        counted_levels(book, Side.SELL, None),
        book.changed_seq,
        checksum(book),
    )


def checksum(book: OrderBook) -> int:
    """CRC-32 over the best ten bids, then asks, as "price:quantity" joined by "|". O(1)."""
    best = (
        f"{price}:{quantity}"
        for side in (Side.BUY, Side.SELL)
        for price, quantity, _ in counted_levels(book, side, CHECKSUM_LEVELS)
    )
    return zlib.crc32("|".join(best).encode())


def book_orders_view(book: OrderBook, limit: int, ts_ns: int, *, price: Ticks | None = None) -> BookOrdersView:
    """At most `limit` orders a side, as they would trade, without owners; of one price when given. O(orders)."""

    def found(side: BookSide) -> Iterable[PriceLevel]:
        at = None if price is None else side.level(price)
        return side if price is None else [] if at is None else [at]

    return BookOrdersView(*_queues(book, found(book.bids), found(book.asks), limit, ts_ns))


def book_orders_update(book: OrderBook, levels: int, limit: int, ts_ns: int) -> BookOrdersUpdate:
    """At most `limit` orders a side of the best `levels`, for those who subscribed to so many. O(orders)."""
    best = islice(book.bids, levels), islice(book.asks, levels)
    return BookOrdersUpdate(*(*_queues(book, *best, limit, ts_ns), levels))


def _queues(
    book: OrderBook, bids: Iterable[PriceLevel], asks: Iterable[PriceLevel], limit: int, ts_ns: int
) -> tuple[Any, ...]:
    """The fields of a BookOrdersView."""
    grid = grid_of(book.instrument)

    def queue(levels: Iterable[PriceLevel]) -> list[BookOrderView]:
        return [view(order) for order in islice((order for level in levels for order in level), limit)]

    def view(order: Order) -> BookOrderView:
        return BookOrderView(
            str(order.order_id),
            grid.price(order.price or Ticks(0)),
            grid.quantity(order.shown),
            seconds(order.entered_ns),
        )

    return seconds(ts_ns), book.instrument.symbol, queue(bids), queue(asks), book.changed_seq
