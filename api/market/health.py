"""What the exchange says of itself: whether it takes orders, what it has done, and how fast.

Layer: api.market.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from api.json.views import seconds
from api.market.flow_sources import FlowSource, flows_of
from api.market.latency import Latencies
from api.market.venue_views import (
    ClockState,
    DoorView,
    FaultsState,
    HealthView,
    HistoryPosition,
    PublisherPosition,
    StatisticsView,
    SymbolStatistics,
)
from engine.book import OrderBook
from engine.digest import digest_steps
from engine.exchange import Exchange
from engine.types import Seq, TradingStatus
from history.access import HistoryAccess
from listings.grid import grid_of, sum_text
from loop.turns import in_turns
from openbell import __version__
from openbell.programs import called
from projections.activity import Activity
from publish.host import PublisherState
from sequencer.clock_watch import advice
from sequencer.port import Sequencing
from sequencer.venue_clock import ClockReading


def clock_state(clock: ClockReading) -> ClockState:
    """The venue's time, and whether it follows the machine's clock."""
    now, held = clock(), clock.held
    return ClockState(
        time=seconds(now),
        followed=held is None,
        held_back_s=0.0 if held is None else round(held.away_ns / 1e9, 3),
        since=None if held is None else seconds(held.since_ns),
        advice=None if held is None else advice(held, called("operator")),
    )


class HealthService:
    """The health and the figures of one running server."""

    def __init__(
        self,
        exchange: Exchange,
        sequencer: Sequencing,
        activity: Activity,
        latencies: Latencies,
        history: HistoryAccess,
        *,
        clock: ClockReading,
        profile: str,
        connections: Callable[[], int],
        sources: Callable[[], list[FlowSource]],
        faults: Callable[[], tuple[int, Mapping[str, int]]],
        doors: Callable[[], list[DoorView] | None] = lambda: None,
        publishers: Callable[[], list[PublisherState]] = list,
    ) -> None:
        """`connections`: of the feed; `sources`: of made-up or recorded flow among its clients.

        `faults`: how many plans of them are set, and how often each kind was injected. `doors`: how each is, where
        front doors serve clients. `publishers`: how far each of them is.
        """
        self._publishers = publishers
        self._faults = faults
        self._doors = doors
        self._exchange = exchange
        self._sequencer = sequencer
        self._activity = activity
        self._latencies = latencies
        self._history = history
        self._clock = clock
        self._profile = profile
        self._connections = connections
        self._sources = sources
        self._started_at = time.monotonic()
        self._started_ns = sequencer.now_ns()
        self._known_digest: tuple[Seq, str] = (Seq(-1), "")  # the last that was asked for

    def health(self, *, digest: bool = False, says_processes: Callable[[], bool] = lambda: False) -> HealthView:
        """Whether orders are taken. O(symbols); with `digest` O(open orders), in turns, and orders wait meanwhile.

        `says_processes`: whether who asks may know those of front doors; called only where there are any.
        """
        found = self._known_digest
        if digest and found[0] != self._exchange.seq:
            found = self._known_digest = self._sequencer.read_in_turns(lambda: digest_steps(self._exchange))
        refusal, sources = self._sequencer.refusal, self._sources()
        return HealthView(
            status="healthy" if refusal is None else "not_accepting",
            accepting=refusal is None,
            reason=refusal,
            timestamp=seconds(self._sequencer.now_ns()),
            uptime=self._uptime_s,
            version=__version__,
            profile=self._profile,
            connections=self._connections(),
            flows=flows_of(sources),
            sources=sources,
            symbols_by_status=self._by_status(),
            history=HistoryPosition(
                record=self._history.record_n,
                seq=self._history.stored_seq,
                lag=self._history.lag(self._exchange.seq),
                failure=self._history.failure,
            ),
            publishers=[self._publisher(state) for state in self._publishers()],
            clock=clock_state(self._clock),
            faults=self._faults_state(),
            seq=found[0] if digest else self._exchange.seq,
            digest=found[1] if digest else None,
            doors=self._door_views(says_processes),
        )

    def statistics(self) -> StatisticsView:
        """What the exchange has done, and how fast. O(symbols). Cooperative."""
        activity, exchange, books = self._activity, self._exchange, self._exchange.books
        volumes = {
            symbol: grid_of(book.instrument).quantity(activity.of(symbol).lots)
            for symbol, book in in_turns(list(books.items()))
        }
        return StatisticsView(
            orders_processed=activity.orders,
            trades_executed=activity.trades,
            total_volume=sum_text(in_turns(volumes.values())),
            volume_by_symbol=volumes,
            **self._pace(),
            symbols_by_status=self._by_status(),
            active_orders=sum(
                len(book.orders) for book in books.values()
            ),  # those that wait for a trigger are not counted
            history_lag=self._history.lag(exchange.seq),
            history_failure=self._history.failure,
            seq=exchange.seq,
        )

    def symbol_statistics(self, book: OrderBook) -> SymbolStatistics:
        """What has been going on in one symbol. O(1)."""
        symbol, grid = book.instrument.symbol, grid_of(book.instrument)
        activity = self._activity.of(symbol)
        last = activity.last
        return SymbolStatistics(
            symbol=symbol,
            status=book.status,
            limit_state=book.band.limit_side,
            orders_processed=activity.orders,
            trades_executed=book.trade_count,
            total_orders=activity.orders,
            total_trades=book.trade_count,
            last_trade_price=None if last is None else grid.price(last.filled.price),
            last_trade_time=None if last is None else seconds(last.ts_ns),
            total_volume=grid.quantity(activity.lots),
            total_value=grid.amount(activity.notional),
            active_orders=len(book.orders),
            bid_levels=len(book.bids.levels),
            ask_levels=len(book.asks.levels),
            **self._pace(),
            seq=self._exchange.seq,
        )

    def _door_views(self, says_processes: Callable[[], bool]) -> list[DoorView] | None:
        doors = self._doors()
        if not doors or says_processes():
            return doors
        return [replace(door, process=None) for door in doors]

    def _publisher(self, state: PublisherState) -> PublisherPosition:
        lag = max(0, self._exchange.seq - state.seq)
        return PublisherPosition(broker=state.broker, record=state.n, seq=state.seq, lag=lag, failure=state.failure)

    def _faults_state(self) -> FaultsState:
        active, injected = self._faults()
        return FaultsState(active, dict(injected))

    @property
    def _uptime_s(self) -> float:
        return time.monotonic() - self._started_at

    def _pace(self) -> dict[str, Any]:
        """How fast the venue is, since when, and what it refused."""
        activity = self._activity
        return {
            "orders_per_second": activity.orders_per_second(self._sequencer.now_ns()),
            "avg_latency_ms": self._latencies.average_ms(),
            "latency_ms": self._latencies.percentiles_ms(),
            "start_time": seconds(self._started_ns),
            "uptime_seconds": self._uptime_s,
            "symbols_count": len(self._exchange.books),
            "error_counts": dict(activity.rejects),
        }

    def _by_status(self) -> dict[TradingStatus, int]:
        return dict(Counter(book.status for book in self._exchange.books.values()))
