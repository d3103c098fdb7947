"""Engine values -> JSON: what is listed, and what the exchange says of itself.

Decimals and times as in `views.py`.
Layer: api.market.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from api.market.flow_sources import FlowSource
from api.market.status_views import StatusService, StatusView
from api.market.ticker_views import TickerView
from api.market.views import BboView, bbo_view
from engine.book import OrderBook
from engine.exchange import Exchange
from engine.types import Side, TradingStatus
from listings.grid import grid_of, percent
from listings.texts import DecimalText
from loop.turns import in_turns


class TickersView(msgspec.Struct, frozen=True):
    """GET /ticker."""

    tickers: list[TickerView]


class HistoryPosition(msgspec.Struct, frozen=True, kw_only=True):
    """How far the process is that writes the history."""

    record: int  # of the journal: the last that it has followed
    seq: int  # everything up to this command can be looked up
    lag: int  # commands that cannot be yet
    failure: str | None  # why it does not get on


class PublisherPosition(msgspec.Struct, frozen=True, kw_only=True):
    """How far one publisher is: Documentation/publishing.md."""

    broker: str  # redis or kafka; of several the second is redis-2
    record: int  # everything up to this record of the journal is in the broker
    seq: int  # likewise, of commands
    lag: int  # commands that are not yet
    failure: str | None  # why it does not get on


class ClockState(msgspec.Struct, frozen=True, kw_only=True):
    """The venue's time, and whether it follows the machine's clock."""

    time: float  # epoch seconds, the venue's
    followed: bool
    held_back_s: float  # by which the machine's clock is ahead while it is not followed; below zero: behind
    since: float | None  # epoch seconds: when it was held
    advice: str | None  # what to do


class FaultsState(msgspec.Struct, frozen=True):
    """Faults on demand: Documentation/faults.md."""

    active: int  # how many plans are set, of accounts and of the venue
    injected: dict[str, int]  # by kind, since the start


class DoorView(msgspec.Struct, frozen=True, kw_only=True):
    """A front door, of a server that has some."""

    door: int  # from 1
    status: Literal["serving", "starting"]
    process: int | None  # its process id, for operators; null while there is none
    connections: int  # feed clients
    seq: int | None  # the last command that it has applied
    lag: int | None  # commands that it has not applied; these figures are up to a second old
    restarts: int  # since the start of the server


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
    sources: list[FlowSource]
    symbols_by_status: dict[TradingStatus, int]  # how many; statuses that no symbol has are left out
    history: HistoryPosition
    clock: ClockState
    faults: FaultsState
    seq: int
    digest: str | None = None  # when asked for
    doors: list[DoorView] | None = None  # where front doors serve clients
    publishers: list[PublisherPosition] = []  # where there are any


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
    total_orders: int  # the same as orders_processed
    total_trades: int  # the same as trades_executed
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


def symbols_view(exchange: Exchange, statuses: StatusService) -> SymbolsView:
    """Every listed symbol, each as it is when it is written; `seq` is that of the beginning. Cooperative."""
    seq = exchange.seq
    info = {symbol: _symbol_info(exchange, book, statuses) for symbol, book in in_turns(list(exchange.books.items()))}
    return SymbolsView(list(info), info, len(info), seq)


def _symbol_info(exchange: Exchange, book: OrderBook, statuses: StatusService) -> SymbolInfo:
    instrument, grid = book.instrument, grid_of(book.instrument)
    return SymbolInfo(
        bbo=bbo_view(book, exchange.seq, exchange.ts_ns),
        active_orders=len(book.orders),
        total_trades=book.trade_count,
        base=instrument.base,
        quote=instrument.quote,
        quote_scale=instrument.quote_scale,
        tick_size=instrument.tick_size,
        lot_size=instrument.lot_size,
        status=book.status,
        session=statuses.view(book, exchange.seq, exchange.ts_ns),
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
