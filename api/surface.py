"""What clients reach of a server: services over an exchange that is followed, their routes, the feed, the second wire.

Every server has it, whoever sequences: the one process of a venue, a front door of its, a node of a cluster. What
differs is put together by the composition roots beside, and given here: the exchange, a `Sequencing`, what is folded
beside the exchange, and how the history is read.
Layer: api.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from flask import Blueprint, Flask

from api.accounts import routes as account_routes
from api.accounts.service import AccountService
from api.application import flask_app, operators_only, sharing_headers
from api.auth.authenticator import Authenticator
from api.binance import market_wiring
from api.binance.streams.wiring import BinanceStreams
from api.binance.wiring import SecondWire
from api.doors.service import DoorService
from api.faults import routes as fault_routes
from api.faults.flask_hooks import Dropping
from api.faults.injector import FaultInjector
from api.feed import order_entry
from api.feed.feed import Feed
from api.feed.order_entry import Bystander
from api.http.answer_headers import AnswerHeaders
from api.http.guard import Guard
from api.http.limits import RateLimits
from api.http.origins import Origins
from api.http.positions import Positions
from api.http.request_log import RequestLog
from api.http.wsgi import WsgiApp
from api.market import candles
from api.market import routes as market_routes
from api.market.book_reader import BookReader
from api.market.health import HealthService
from api.market.latency import Latencies
from api.market.service import MarketService
from api.market.status_views import NextChangeOf, StatusService
from api.nodes.membership import Membership
from api.orders import routes as order_routes
from api.orders.duplicates import DuplicateLookup
from api.orders.entry import OrderEntry
from api.orders.lane import Lane
from api.orders.lookup import OrderLookup
from api.orders.memory import OrderMemory
from api.orders.service import OrderService
from api.page import routes as page_routes
from api.settings import Settings
from engine.events import CommandResult
from engine.exchange import Exchange
from history.access import HistoryAccess
from history.reader import HistoryReader
from loop.shared_table import SharedTable
from projections.activity import Activity
from projections.fold import Fold
from projections.profits import Profits
from projections.projections import Projections
from projections.statuses import CommandedStatuses
from sequencer.port import Sequencing
from sequencer.venue_clock import ClockReading


class Folds(NamedTuple):
    """What is folded beside the exchange, each as the exchange is."""

    activity: Activity
    profits: Profits
    commanded: CommandedStatuses
    memory: OrderMemory


def folds_of(projections: Projections, memory: OrderMemory) -> Folds:
    """What a start has folded, apart from the exchange; `memory`: of orders, which no snapshot has."""
    return Folds(projections.activity, projections.profits, projections.statuses, memory)


class Followed(NamedTuple):
    """What a surface stands over."""

    exchange: Exchange
    sequencer: Sequencing
    clock: ClockReading
    folds: Folds
    history: HistoryReader
    access: HistoryAccess
    duplicates: DuplicateLookup
    accounts: AccountService
    authenticator: Authenticator
    next_change: NextChangeOf
    membership: Membership
    origins: Origins
    counted_in: SharedTable | None = None  # by the rate limits of all processes, where there are several
    doors: DoorService | None = None  # of a writer that has front doors
    bystander: Bystander | None = None  # who cancels for this process where it is killed


class Surface:
    """The services of one server and what serves them. For the event loop's thread."""

    lane: Lane | None = None

    def __init__(self, settings: Settings, followed: Followed) -> None:
        """Put it together, without the routes that are given to `serve`."""
        self._settings = settings
        self._followed = followed
        exchange, sequencer, folds = followed.exchange, followed.sequencer, followed.folds
        faults = self.faults = FaultInjector(exchange, sequencer.now_ns)
        positions = self._positions = Positions(exchange, sequencer.listen)
        self.app, self.limits = flask_app(
            settings, exchange, followed.authenticator, faults, followed.origins, positions, followed.counted_in
        )
        self.statuses = StatusService(followed.next_change)
        self.market = MarketService(exchange, folds.activity, followed.history)
        self.book_reader = BookReader()
        self.lookup = OrderLookup(exchange, folds.memory, followed.history)
        self.latencies = Latencies()
        self.orders = OrderService(exchange, sequencer, self.lookup, followed.duplicates, self.latencies.record)
        self.feed = self._feed(settings, followed, self.app, self.limits)
        order_entry.install(self.feed, self.orders, exchange, sequencer, followed.bystander)

    def _feed(self, settings: Settings, followed: Followed, app: Flask, limits: RateLimits | None) -> Feed:
        clock = followed.clock
        feed = Feed(
            app,
            settings,
            followed.exchange,
            followed.sequencer,
            followed.folds.activity,
            statuses=self.statuses,
            authenticator=followed.authenticator,
            limits=limits,
            injector=self.faults,
            clock_held=lambda: clock.held is not None,
            membership=followed.membership,
            origins=followed.origins,
            positions=self._positions,
        )
        followed.authenticator.on_revoked(feed.disconnect)
        return feed

    def serve(self, further: Iterable[Blueprint], outermost: Callable[[WsgiApp], WsgiApp] = lambda app: app) -> None:
        """Register every route, with `further` ones, and put what each request passes before them: `wsgi` and `lane`.

        `outermost` wraps the application behind what ends connections by faults.
        """
        settings, followed, app, feed = self._settings, self._followed, self.app, self.feed
        exchange, sequencer, folds = followed.exchange, followed.sequencer, followed.folds
        entry = OrderEntry(self.orders, exchange)
        second = SecondWire(
            app, exchange, followed.authenticator, self.orders, self.lookup, followed.history, self.limits
        )
        public = market_wiring.install(
            app, second, settings, folds.activity, followed.history, self.book_reader, sequencer
        )
        for blueprint in (
            account_routes.blueprint(followed.accounts, settings),
            fault_routes.blueprint(self.faults, settings),
            order_routes.blueprint(entry, self.orders, self.lookup, exchange),
            market_routes.blueprint(
                self.market,
                exchange,
                self.statuses,
                self._health(settings, followed, feed),
                self.book_reader,
                operators_only(settings),
                sequencer.now_ns,
            ),
            candles.blueprint(self.market, exchange),
            page_routes.blueprint(followed.membership),
            *further,
        ):
            app.register_blueprint(blueprint)
        self.binance_streams = BinanceStreams(
            app, settings, self.limits, sequencer, followed.authenticator, second, public, self.faults
        )
        guard = Guard(app.wsgi_app, settings, self.limits, followed.origins)
        self.wsgi: WsgiApp = Dropping(outermost(AnswerHeaders(guard)))
        if settings.debug:
            self.wsgi = RequestLog(self.wsgi)  # of every request, so none goes past it
        else:
            sharing = sharing_headers(app, settings)
            self.lane = Lane(entry, guard, followed.authenticator, self.limits, sharing, self.faults, second.lanes)

    def _health(self, settings: Settings, followed: Followed, feed: Feed) -> HealthService:
        doors, counts = followed.doors, self.faults.counts

        def faults() -> tuple[int, Mapping[str, int]]:
            plans, injected = counts()
            return plans, injected if doors is None else Counter(injected) + Counter(doors.injected)

        return HealthService(
            followed.exchange,
            followed.sequencer,
            followed.folds.activity,
            self.latencies,
            followed.access,
            clock=followed.clock,
            profile=settings.profile,
            connections=lambda: feed.connections + (0 if doors is None else doors.connections),
            sources=feed.sources,
            faults=faults,
            doors=lambda: None if doors is None else doors.views,
        )

    def listen(self) -> None:
        """Have each applied batch folded by all who must agree with the exchange, then published."""
        exchange, sequencer, folds = self._followed.exchange, self._followed.sequencer, self._followed.folds
        book_reader, feed, streams = followed = self.book_reader, self.feed, self.binance_streams
        fold = Fold(exchange, folds.activity, folds.profits, lambda: any(each.follows_levels for each in followed))

        def on_applied(batch: list[CommandResult]) -> None:
            folded = fold.fold(batch)
            book_reader.on_touched(folded.touched)
            feed.on_applied(folded)
            streams.on_applied(folded)

        for listener in (folds.memory.on_applied, folds.commanded.on_applied, on_applied):
            sequencer.listen(listener)
        sequencer.listen_behind(feed.publish)
        sequencer.listen_failure(feed.publish_venue_state)

    def stop(self) -> None:
        """Say on the feed that no orders are taken, and end every connection of it soon."""
        self.feed.stop()
        self.binance_streams.stop()

    def close(self) -> None:
        """Close what is open. Idempotent."""
        if self.limits is not None:
            self.limits.close()
