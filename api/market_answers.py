"""Engine values -> JSON: market data that is asked for by REST, and what the exchange says of itself.

Decimals and times as in `answers.py`.
Layer: api.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any, Literal

import msgspec

from api.activity import TickerView
from api.answers import BboView, TradeView, bbo_view, seconds
from api.grid import grid_of, percent, sum_text
from api.status_answers import StatusDesk, StatusView
from api.texts import DecimalText
from api.venue import Venue
from engine.book import OrderBook
from engine.depth import cost
from engine.digest import state_digest
from engine.types import Lots, Side, TradingStatus
from openbell import __version__


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


class TradesPage(msgspec.Struct, frozen=True):
    """GET /trades/{symbol}."""

    symbol: str
    trades: list[TradeView]
    count: int
    seq: int


class TickersView(msgspec.Struct, frozen=True):
    """GET /ticker."""

    tickers: list[TickerView]


class HealthView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /health."""

    status: Literal["healthy", "not_accepting"]
    accepting: bool
    reason: str | None  # why it takes no commands
    timestamp: float
    uptime: float  # seconds
    version: str
    profile: str
    connections: int
    flows: list[str]
    symbols_by_status: dict[TradingStatus, int]  # how many; statuses that no symbol has are left out
    seq: int
    digest: str | None = None  # when asked for


class SymbolLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Of one order; the last of one account."""

    min_quantity: DecimalText
    max_quantity: DecimalText
    min_notional: DecimalText
    max_notional: DecimalText
    collar_percent: DecimalText | None
    band_percent: DecimalText | None
    max_open_orders: int


class SymbolFees(msgspec.Struct, frozen=True):
    """In percent of the notional; below zero: a rebate."""

    maker_percent: DecimalText
    taker_percent: DecimalText


class SymbolInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One listed symbol."""

    bbo: BboView
    active_orders: int
    total_trades: int
    base: str
    quote: str
    quote_scale: int
    tick_size: DecimalText
    lot_size: DecimalText
    status: TradingStatus
    session: StatusView
    limits: SymbolLimits
    fees: SymbolFees


class SymbolsView(msgspec.Struct, frozen=True):
    """GET /symbols."""

    symbols: list[str]
    symbol_info: dict[str, SymbolInfo]
    count: int
    seq: int


class StatisticsView(msgspec.Struct, frozen=True, kw_only=True):
    """GET /statistics."""

    orders_processed: int
    trades_executed: int
    total_volume: DecimalText  # of all symbols, each in its own base asset, as older clients look for
    volume_by_symbol: dict[str, DecimalText]
    orders_per_second: float
    avg_latency_ms: float
    latency_ms: dict[str, float]
    start_time: float  # epoch seconds
    uptime_seconds: float
    symbols_count: int
    symbols_by_status: dict[TradingStatus, int]  # as GET /health
    active_orders: int
    error_counts: dict[str, int]
    history_lag: int
    history_failure: str | None
    seq: int


class SymbolStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """GET /statistics?symbol=; latencies, rate and errors are those of the venue."""

    symbol: str
    status: TradingStatus
    limit_state: Side | None
    orders_processed: int
    trades_executed: int
    total_orders: int  # as orders_processed
    total_trades: int  # as trades_executed
    last_trade_price: DecimalText | None
    last_trade_time: float | None  # epoch seconds
    total_volume: DecimalText
    total_value: DecimalText
    active_orders: int
    bid_levels: int
    ask_levels: int
    orders_per_second: float
    avg_latency_ms: float
    latency_ms: dict[str, float]
    start_time: float  # epoch seconds
    uptime_seconds: float
    symbols_count: int
    error_counts: dict[str, int]
    seq: int


def quote_view(book: OrderBook, side: Side, quantity: Lots, seq: int, ts_ns: int) -> QuoteView:
    """What taking `quantity` from what rests costs or earns, and whether the symbol trades. O(levels walked)."""
    grid = grid_of(book.instrument)
    would = cost(book, side, quantity)
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


def health_view(venue: Venue, connections: int, flows: list[str], *, digest: bool = False) -> HealthView:
    """Whether orders are taken. O(symbols); with `digest` O(open orders)."""
    refusal = venue.sequencer.refusal
    return HealthView(
        status="healthy" if refusal is None else "not_accepting",
        accepting=refusal is None,
        reason=refusal,
        timestamp=time.time(),
        uptime=venue.uptime_s,
        version=__version__,
        profile=venue.settings.profile,
        connections=connections,
        flows=flows,
        symbols_by_status=_by_status(venue),
        seq=venue.exchange.seq,
        digest=state_digest(venue.exchange) if digest else None,
    )


def symbols_view(venue: Venue, status: StatusDesk) -> SymbolsView:
    """Every listed symbol."""
    info = {symbol: _symbol_info(venue, book, status) for symbol, book in venue.exchange.books.items()}
    return SymbolsView(list(info), info, len(info), venue.exchange.seq)


def _symbol_info(venue: Venue, book: OrderBook, status: StatusDesk) -> SymbolInfo:
    instrument, grid = book.instrument, grid_of(book.instrument)
    return SymbolInfo(
        bbo=bbo_view(book, venue.exchange.seq, venue.exchange.ts_ns),
        active_orders=len(book.orders),
        total_trades=book.trade_count,
        base=instrument.base,
        quote=instrument.quote,
        quote_scale=instrument.quote_scale,
        tick_size=instrument.tick_size,
        lot_size=instrument.lot_size,
        status=book.status,
        session=status.view(book, venue.exchange.seq, venue.exchange.ts_ns),
        limits=SymbolLimits(
            min_quantity=grid.quantity(instrument.min_quantity),
            max_quantity=grid.quantity(instrument.max_quantity),
            min_notional=grid.amount(instrument.min_notional),
            max_notional=grid.amount(instrument.max_notional),
            collar_percent=None if instrument.collar is None else percent(instrument.collar),
            band_percent=None if instrument.band is None else percent(instrument.band),
            max_open_orders=instrument.max_open_orders,
        ),
        fees=SymbolFees(percent(instrument.maker_fee), percent(instrument.taker_fee)),
    )


def statistics_view(venue: Venue) -> StatisticsView:
    """What the exchange has done, and how fast."""
    activity, exchange, writer = venue.activity, venue.exchange, venue.history_writer
    volumes = {
        symbol: grid_of(book.instrument).quantity(activity.of(symbol).lots) for symbol, book in exchange.books.items()
    }
    return StatisticsView(
        orders_processed=activity.orders,
        trades_executed=activity.trades,
        total_volume=sum_text(volumes.values()),
        volume_by_symbol=volumes,
        **_pace(venue),
        symbols_by_status=_by_status(venue),
        active_orders=sum(len(book.orders) for book in exchange.books.values()),  # those that wait are not told
        history_lag=writer.lag(exchange.seq),
        history_failure=writer.failure,
        seq=exchange.seq,
    )


def symbol_statistics_view(venue: Venue, book: OrderBook) -> SymbolStatistics:
    """What has been going on in one symbol."""
    symbol, grid = book.instrument.symbol, grid_of(book.instrument)
    activity = venue.activity.of(symbol)
    last = activity.last
    return SymbolStatistics(
        symbol=symbol,
        status=book.status,
        limit_state=book.band.limit_side,
        orders_processed=activity.orders,
        trades_executed=book.trade_count,
        total_orders=activity.orders,
        total_trades=book.trade_count,
        last_trade_price=None if last is None else last.price,
        last_trade_time=None if last is None else last.timestamp,
        total_volume=grid.quantity(activity.lots),
        total_value=grid.amount(activity.notional),
        active_orders=len(book.orders),
        bid_levels=len(book.bids.levels),
        ask_levels=len(book.asks.levels),
        **_pace(venue),
        seq=venue.exchange.seq,
    )


def _pace(venue: Venue) -> dict[str, Any]:
    """How fast the venue is, since when, and what it refused."""
    activity = venue.activity
    return {
        "orders_per_second": activity.orders_per_second(time.time_ns()),
        "avg_latency_ms": activity.average_latency_ms(),
        "latency_ms": activity.latency_ms(),
        "start_time": seconds(venue.started_ns),
        "uptime_seconds": venue.uptime_s,
        "symbols_count": len(venue.exchange.books),
        "error_counts": dict(activity.rejects),
    }


def _by_status(venue: Venue) -> dict[TradingStatus, int]:
    return dict(Counter(book.status for book in venue.exchange.books.values()))
