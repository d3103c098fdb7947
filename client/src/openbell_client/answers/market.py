"""Answers of the market calls.

Written by tools/setup/generate_client.py from the server's OpenAPI document: change that, not this.
Layer: openbell_client.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from openbell_client.answers.shared import (
    BboView,
    ClockState,
    NextChange,
    Side,
    TradeView,
    TradingStatus,
)


class BookOrderView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Part of an answer: BookOrderView."""

    order_id: str
    price: Decimal
    quantity: Decimal
    timestamp: float


class BookOrdersView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /book/{symbol}/orders."""

    timestamp: float
    symbol: str
    bids: list[BookOrderView]
    asks: list[BookOrderView]
    seq: int


class BookView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /book/{symbol}."""

    timestamp: float
    symbol: str
    bids: list[tuple[Decimal, Decimal]]
    asks: list[tuple[Decimal, Decimal]]
    bid_orders: list[int]
    ask_orders: list[int]
    seq: int
    status: TradingStatus
    limit_state: Side | None


class DoorView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A front door, of a server that has some."""

    door: int
    status: str
    process: int | None
    connections: int
    seq: int | None
    lag: int | None
    restarts: int


class FaultsState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Faults on demand: Documentation/faults.md."""

    active: int
    injected: dict[str, int]


class FlowSource(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A source of made-up or recorded orders, as it calls itself."""

    flow: str
    seed: int | None
    strategy: str | None


class HealthView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /health."""

    status: str
    accepting: bool
    reason: str | None
    timestamp: float
    uptime: float
    version: str
    profile: str
    connections: int
    flows: list[str]
    sources: list[FlowSource]
    symbols_by_status: dict[str, int]
    history: HistoryPosition
    clock: ClockState
    faults: FaultsState
    seq: int
    digest: str | None = None
    doors: list[DoorView] | None = None
    publishers: list[PublisherPosition] = []


class HistoryPosition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far the process is that writes the history."""

    record: int
    seq: int
    lag: int
    failure: str | None


class IndicativeView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What would happen if the auction ended now."""

    price: Decimal
    quantity: Decimal
    imbalance: Decimal
    imbalance_side: Side | None


class PublisherPosition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far one publisher is: Documentation/publishing.md."""

    broker: str
    record: int
    seq: int
    lag: int
    failure: str | None


class QuoteView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /quote/{symbol}; null where the book gives nothing."""

    symbol: str
    status: TradingStatus
    trades_now: bool
    side: Side
    quantity: Decimal
    filled_quantity: Decimal
    average_price: Decimal | None
    best_price: Decimal | None
    worst_price: Decimal | None
    levels_used: int
    notional: Decimal
    taker_fee: Decimal
    timestamp: float
    seq: int


class StatisticsView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /statistics."""

    orders_processed: int
    trades_executed: int
    total_volume: Decimal
    volume_by_symbol: dict[str, Decimal]
    orders_per_second: float
    avg_latency_ms: float
    latency_ms: dict[str, float]
    start_time: float
    uptime_seconds: float
    symbols_count: int
    symbols_by_status: dict[str, int]
    active_orders: int
    error_counts: dict[str, int]
    history_lag: int
    history_failure: str | None
    seq: int


class StatusView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /status/{symbol}, and ``status`` of the feed."""

    symbol: str
    status: TradingStatus
    limit_state: Side | None
    limit_price: Decimal | None
    band: tuple[Decimal, Decimal] | None
    next_change: NextChange | None
    indicative: IndicativeView | None
    timestamp: float
    seq: int


class SymbolFees(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """In percent of the notional; below zero: a rebate."""

    maker_percent: Decimal
    taker_percent: Decimal


class SymbolInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One listed symbol."""

    bbo: BboView
    active_orders: int
    total_trades: int
    base: str
    quote: str
    quote_scale: int
    tick_size: Decimal
    lot_size: Decimal
    status: TradingStatus
    session: StatusView
    limits: SymbolLimits
    fees: SymbolFees


class SymbolLimits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of one order; the last of one account."""

    min_quantity: Decimal
    max_quantity: Decimal
    min_notional: Decimal
    max_notional: Decimal
    collar_percent: Decimal | None
    band_percent: Decimal | None
    max_open_orders: int


class SymbolStatistics(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /statistics?symbol=; latencies, rate and errors are those of the venue."""

    symbol: str
    status: TradingStatus
    limit_state: Side | None
    orders_processed: int
    trades_executed: int
    total_orders: int
    total_trades: int
    last_trade_price: Decimal | None
    last_trade_time: float | None
    total_volume: Decimal
    total_value: Decimal
    active_orders: int
    bid_levels: int
    ask_levels: int
    orders_per_second: float
    avg_latency_ms: float
    latency_ms: dict[str, float]
    start_time: float
    uptime_seconds: float
    symbols_count: int
    error_counts: dict[str, int]
    seq: int


class SymbolsView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /symbols."""

    symbols: list[str]
    symbol_info: dict[str, SymbolInfo]
    count: int
    seq: int


class TickerView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """24 hours of one symbol; null where nothing traded."""

    symbol: str
    open: Decimal | None
    high: Decimal | None
    low: Decimal | None
    last: Decimal | None
    change: Decimal | None
    change_percent: Decimal | None
    volume: Decimal
    quote_volume: Decimal
    trades: int
    best_bid: Decimal | None
    best_ask: Decimal | None
    timestamp: float
    seq: int
    status: TradingStatus
    limit_state: Side | None


class TickersView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /ticker."""

    tickers: list[TickerView]


class TradesPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /trades/{symbol}."""

    symbol: str
    trades: list[TradeView]
    count: int
    seq: int
