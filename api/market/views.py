"""Engine values -> JSON: the best bid and offer, quotes, and trades as everybody sees them.

Decimals are strings: prices and quantities with the precision of tick and lot, amounts as
the shortest exact decimal. Times are epoch seconds with a fraction; `ts_ns` is exact.
Layer: api.market.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import msgspec

from api.json.views import seconds
from api.market.states import TradeState
from engine.book import OrderBook
from engine.depth import LevelView, cost
from engine.instrument import Instrument
from engine.types import (
    Lots,
    Side,
    Ticks,
    TradingStatus,
)
from listings.grid import Grid, grid_of
from listings.texts import DecimalText, IdText, NanosText, nanos_text
from loop.turns import in_turns

BBOS_KEPT: Final = 1_024  # texts of best levels, of all books


class BboView(msgspec.Struct, frozen=True, gc=False):
    symbol: str
    best_bid: DecimalText | None
    best_ask: DecimalText | None
    spread: DecimalText | None
    mid_price: DecimalText | None
    bid_size: DecimalText
    ask_size: DecimalText
    timestamp: float
    seq: int
    status: TradingStatus
    limit_state: Side | None


class TradeView(msgspec.Struct, frozen=True, gc=False):
    timestamp: float
    ts_ns: int
    ts_ns_text: NanosText
    symbol: str
    trade_id: IdText
    price: DecimalText
    quantity: DecimalText
    aggressor_side: Side
    maker_order_id: IdText
    taker_order_id: IdText
    maker_fee: DecimalText
    taker_fee: DecimalText
    trade_value: DecimalText
    seq: int | None = None
    auction: bool = False  # of an auction's uncross: the aggressor is then the younger order
    self_trade: bool = False  # of one account with itself, the sandbox's apart: no price, and in no candle


class TradesPage(msgspec.Struct, frozen=True):
    """GET /trades/{symbol}."""

    symbol: str
    trades: list[TradeView]
    count: int
    seq: int


class QuoteView(msgspec.Struct, frozen=True, kw_only=True):
    """GET /quote/{symbol}; null where the book gives nothing."""

    symbol: str
    status: TradingStatus
    trades_now: bool  # false: the symbol does not trade, so the figures are of what rests and nothing would fill
    side: Side
    quantity: DecimalText
    filled_quantity: DecimalText
    average_price: DecimalText | None
    best_price: DecimalText | None
    worst_price: DecimalText | None
    levels_used: int
    notional: DecimalText
    taker_fee: DecimalText
    timestamp: float
    seq: int


def bbo_view(book: OrderBook, seq: int, ts_ns: int) -> BboView:
    """GET /bbo. O(1)."""
    bid, ask, grid = book.bids.best, book.asks.best, grid_of(book.instrument)
    texts = best_texts(
        grid,
        None if bid is None else bid.price,
        0 if bid is None else bid.quantity,
        None if ask is None else ask.price,
        0 if ask is None else ask.quantity,
    )
    limit_side = book.band.limit_side
    return BboView(book.instrument.symbol, *texts, seconds(ts_ns), seq, book.status, limit_side)


@lru_cache(BBOS_KEPT)  # most commands leave the best levels of their book as they are
def best_texts(
    grid: Grid, bid: Ticks | None, bid_quantity: int, ask: Ticks | None, ask_quantity: int
) -> tuple[str | None, str | None, str | None, str | None, str, str]:
    """Both prices, what is between them, the middle, and what rests at both, as BboView has them."""
    return (
        None if bid is None else grid.price(bid),
        None if ask is None else grid.price(ask),
        None if bid is None or ask is None else grid.price(Ticks(ask - bid)),
        None if bid is None or ask is None else grid.middle(bid, ask),
        grid.quantity(bid_quantity),
        grid.quantity(ask_quantity),
    )


def trade_view(trade: TradeState, instrument: Instrument, ts_ns: int, seq: int | None) -> TradeView:
    """A trade for everybody."""
    grid = grid_of(instrument)
    return TradeView(
        seconds(ts_ns),
        ts_ns,
        nanos_text(ts_ns),
        trade.symbol,
        str(trade.trade_id),
        grid.price(trade.price),
        grid.quantity(trade.quantity),
        trade.taker_side,
        str(trade.maker_order_id),
        str(trade.taker_order_id),
        grid.amount(trade.maker_fee),
        grid.amount(trade.taker_fee),
        grid.amount(trade.notional),
        seq,
        bool(trade.auction),
        bool(trade.self_trade),
    )


def quote_view(
    book: OrderBook, side: Side, quantity: Lots, levels: Iterable[LevelView], seq: int, ts_ns: int
) -> QuoteView:
    """What taking `quantity` of `levels`, the other side's best, costs or earns. O(levels). Cooperative."""
    grid = grid_of(book.instrument)
    would = cost(book.instrument, in_turns(levels), quantity)
    return QuoteView(
        symbol=book.instrument.symbol,
        status=book.status,
        trades_now=book.status is TradingStatus.TRADING,
        side=side,
        quantity=grid.quantity(quantity),
        filled_quantity=grid.quantity(would.filled),
        average_price=grid.average_price(would.notional, would.filled),
        best_price=None if would.best_price is None else grid.price(would.best_price),
        worst_price=None if would.worst_price is None else grid.price(would.worst_price),
        levels_used=would.levels,
        notional=grid.amount(would.notional),
        taker_fee=grid.amount(book.instrument.fee(would.notional, book.instrument.taker_fee)),
        timestamp=seconds(ts_ns),
        seq=seq,
    )
