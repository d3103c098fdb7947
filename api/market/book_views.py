"""A book -> JSON: depth by price and by order, whole and as it changes.

Decimals and times as in `views.py`.
Layer: api.market.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, islice

import msgspec

from api.json.views import seconds
from api.market.book_reader import BookReader
from api.market.level_texts import CountedLevel, LevelTexts
from engine.book import OrderBook
from engine.depth import LevelView, l2
from engine.order import Order
from engine.types import Side, Ticks, TradingStatus
from listings.grid import grid_of
from listings.texts import DecimalText, IdText
from loop.turns import in_turns

PIECE = 1000  # whole numbers that are copied in one go

Level = tuple[DecimalText, DecimalText]  # price, quantity: older clients unpack just these


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


def book_view(book: OrderBook, levels: int | None, reader: BookReader, clock: Callable[[], int]) -> BookView:
    """Depth by price, as it is at one moment. O(levels). Cooperative."""
    if levels is None:
        bids, asks, seq, status, limit_side = reader.whole(book)
    else:
        bids, asks, seq = l2(book.bids, levels), l2(book.asks, levels), book.changed_seq
        status, limit_side = book.status, book.band.limit_side
    grid, ts_ns = grid_of(book.instrument), clock()

    def texts(levels: list[LevelView]) -> list[Level]:
        return [(grid.price(price), grid.quantity(quantity)) for price, quantity, _ in in_turns(levels)]

    return BookView(
        seconds(ts_ns),
        book.instrument.symbol,
        texts(bids),
        texts(asks),
        [orders for _, _, orders in in_turns(bids, PIECE)],
        [orders for _, _, orders in in_turns(asks, PIECE)],
        seq,
        status,
        limit_side,
    )


def book_update(book: OrderBook, texts: LevelTexts, levels: int, ts_ns: int) -> BookUpdate:
    """Depth by price for those who subscribed to so many levels. O(levels)."""
    bids, asks = (texts.best(side, levels) for side in (Side.BUY, Side.SELL))
    return BookUpdate(
        seconds(ts_ns),
        book.instrument.symbol,
        [level[:2] for level in bids],
        [level[:2] for level in asks],
        [level[2] for level in bids],
        [level[2] for level in asks],
        book.changed_seq,
        book.status,
        book.band.limit_side,
        levels,
    )


def book_orders_view(
    book: OrderBook, limit: int, reader: BookReader, clock: Callable[[], int], *, price: Ticks | None = None
) -> BookOrdersView:
    """At most `limit` orders a side, as they would trade, without owners; of one price when given. O(orders).

    Cooperative: which orders there are, and their places, is as at `seq`; what each shows is as it is when it is
    written.
    """
    if price is None:
        bids, asks, seq = reader.queues(book, limit)
    else:
        at = [side.level(price) for side in (book.bids, book.asks)]
        bids, asks = ([] if level is None else list(islice(level, limit)) for level in at)
        seq = book.changed_seq
    symbol, view, ts_ns = book.instrument.symbol, _order_views(book), clock()
    bid_views, ask_views = ([view(order) for order in in_turns(side)] for side in (bids, asks))
    return BookOrdersView(seconds(ts_ns), symbol, bid_views, ask_views, seq)


def book_orders_update(book: OrderBook, levels: int, limit: int, ts_ns: int) -> BookOrdersUpdate:
    """At most `limit` orders a side of the best `levels`, for those who subscribed to so many. O(orders)."""
    view = _order_views(book)
    bids, asks = (
        [view(order) for order in islice(chain.from_iterable(islice(side, levels)), limit)]
        for side in (book.bids, book.asks)
    )
    return BookOrdersUpdate(seconds(ts_ns), book.instrument.symbol, bids, asks, book.changed_seq, levels)


def _order_views(book: OrderBook) -> Callable[[Order], BookOrderView]:
    grid = grid_of(book.instrument)

    def view(order: Order) -> BookOrderView:
        return BookOrderView(
            str(order.order_id),
            grid.price(order.price or Ticks(0)),
            grid.quantity(order.shown),
            seconds(order.entered_ns),
        )

    return view
