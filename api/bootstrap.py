"""The composition root: settings -> journal, exchange, sequencer, history -> Flask application.

The only module that names concrete adapters.
Layer: api.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from flask import Blueprint, Flask

from api.accounts import routes as account_routes
from api.accounts.service import AccountService
from api.application import flask_app, operators_only, sharing_headers
from api.auth import routes as auth_routes
from api.auth.authenticator import Authenticator
from api.auth.credentials import Credentials
from api.auth.identity_calls import IdentityCalls
from api.auth.own_user import OwnUserService
from api.auth.service import AuthService
from api.binance import market_wiring
from api.binance.streams.wiring import BinanceStreams
from api.binance.wiring import SecondWire
from api.explanations import routes as explanation_routes
from api.faults import routes as fault_routes
from api.faults.flask_hooks import Dropping
from api.faults.injector import FaultInjector
from api.feed import order_entry
from api.feed.feed import Feed
from api.http.answer_headers import AnswerHeaders
from api.http.guard import Guard
from api.http.limits import RateLimits
from api.http.request_log import RequestLog
from api.http.wsgi import WsgiApp
from api.market import candles
from api.market import routes as market_routes
from api.market.book_reader import BookReader
from api.market.health import HealthService
from api.market.latency import Latencies
from api.market.service import MarketService
from api.market.status_views import StatusService
from api.metrics.monitoring import Monitoring
from api.operator import routes as operator_routes
from api.operator.user_service import UserService
from api.orders import routes as order_routes
from api.orders.duplicates import DuplicateLookup
from api.orders.entry import OrderEntry
from api.orders.lane import Lane
from api.orders.lookup import OrderLookup
from api.orders.memory import OrderMemory
from api.orders.service import OrderService
from api.page import docs
from api.page import routes as page_routes
from api.private_files import make_private
from api.replaying import (
    ReplayProgress,
    historian_options,
    log_recovery,
    no_progress,
    parts_of,
    tune_the_interpreter,
)
from api.settings import Settings
from api.stopping import stop_at_violation
from engine.commands import AdoptRulebook
from engine.digest import state_digest
from engine.events import CommandResult
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.rulebook import CURRENT_EDITION
from explain.host import ExplainHost
from history.reader import HistoryReader
from history.store import History
from history.writer import HistoryWriter, require_not_ahead
from identity import secrets
from identity.store import Identity
from journal.archive import ArchiveFolder
from journal.committer import Committer
from journal.port import Checkpoint
from journal.snapshots import SnapshotFolder
from journal.sqlite import SqliteJournal
from journal.versions import origin
from listings.instruments_file import DEFAULT_INSTRUMENTS, read_venue_file
from listings.listing_commands import list_instruments, newly_scheduled
from listings.operator_schedules import OperatorSchedules, ScheduleStore
from listings.schedule_runner import ScheduleRunner
from openbell import __version__
from openbell.programs import called
from projections.activity import Activity
from projections.fold import Fold
from projections.profits import Profits
from projections.statuses import CommandedStatuses
from publish.host import Publishers
from publish.target import target_of
from replica.archiver import Archiver
from replica.follower import OnRecord
from replica.historian.host import HistorianHost
from replica.record_log import RecordLog
from replica.record_server import RecordServer
from replica.recovery import recover
from replica.replay import ReplayResult, replay
from sequencer.clock import Clock
from sequencer.clock_watch import FILE as CLOCK_FILE
from sequencer.clock_watch import ClockWatch, read_kept
from sequencer.sequencer import Sequencer
from sequencer.venue_clock import VenueClock

log = logging.getLogger(__name__)

REPLAY_STORE_COMMANDS = 5_000  # commands in one transaction of the history while it is rebuilt
REBUILD_LOCK_WAIT_S = 10.0  # for the historian of a server that was killed, which writes what it has


class Server:
    """Everything that runs, from the open journal to the WSGI application."""

    exchange: Exchange
    faults: FaultInjector
    clock: VenueClock
    clock_watch: ClockWatch
    sequencer: Sequencer
    history: History
    historian: HistorianHost
    publishers: Publishers
    auth: AuthService
    own_user: OwnUserService
    users: UserService
    explainer: ExplainHost
    duplicates: DuplicateLookup
    feed: Feed
    binance_streams: BinanceStreams
    app: Flask
    wsgi: WsgiApp
    lane: Lane | None = None
    monitoring: Monitoring
    final_state: Checkpoint | None = None  # once it is closed: up to where, and what it came to

    def __init__(self, settings: Settings, on_progress: Callable[[int, int], None] = no_progress) -> None:
        """Open the data folder, replay the journal, list the instruments and begin to take orders.

        `on_progress` is called with the commands that are replayed, now and then, and how many there are.

        Raises JournalError, StoreError, ListingError or OSError when it cannot; nothing is
        left open then.
        """
        self._closers: list[Callable[[], None]] = []
        self._on_progress = on_progress
        try:
            self._open(settings)
        except BaseException:
            self.close()
            raise

    def _open(self, settings: Settings) -> None:
        file = read_venue_file(settings.instruments or DEFAULT_INSTRUMENTS)
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_private(settings.data)
        schedule_store = ScheduleStore(settings.data / "schedules.json")
        journal = SqliteJournal(settings.data / "journal.sqlite", version=__version__)
        self._closers.append(journal.close)
        history = self.history = History(settings.data / "history.sqlite")
        self._closers.append(history.close)
        snapshots = self._snapshots = SnapshotFolder(settings.data / "snapshots", __version__)
        recovered = recover(journal, snapshots, self._remember_orders, ReplayProgress(journal, self._on_progress))
        exchange = self.exchange = recovered.follower.exchange
        activity, profits, commanded = parts_of(recovered.projections)
        memory = self._order_memory
        stored_seq = require_not_ahead(history.path, exchange.seq)
        log_recovery(recovered)
        if (written_by := origin(journal, __version__)) is not None:
            log.warning("%s", written_by)
        tune_the_interpreter()
        clock = self.clock = VenueClock(exchange.ts_ns, read_kept(settings.data / CLOCK_FILE))
        authenticator = self._open_identity(settings, exchange)
        records = self._records = RecordLog(journal)
        committer = self._committer = Committer(records)
        self._closers.append(committer.stop)  # when the historian has said what it has to
        historian = self.historian = HistorianHost(records, history, stored_seq, historian_options(settings))
        self._closers.append(historian.close)
        self._keep_in_bounds(settings, journal)
        self._record_server = RecordServer(settings.data, records) if settings.record_socket else None
        if self._record_server is not None:
            self._closers.append(self._record_server.close)
        sequencer = self.sequencer = _sequencer(settings, exchange, committer, journal, clock)
        self.explainer = ExplainHost(journal, settings.data)
        self._closers.append(self.explainer.close)
        instruments, schedules = schedule_store.over(file, exchange)
        since_ns = {symbol: schedule.since_ns for symbol, schedule in schedule_store.by_symbol.items()}
        runner = ScheduleRunner(schedules, exchange, sequencer, commanded, sequencer.now_ns, since_ns)
        self.clock_watch = ClockWatch(clock, settings.data, called("operator"))
        self._closers.append(self.clock_watch.close)
        operator_schedules = OperatorSchedules(schedule_store, exchange, sequencer, runner)
        self._closers.append(operator_schedules.close)
        self.duplicates = DuplicateLookup(exchange, memory, journal, history, historian.access, clock)
        reader = HistoryReader(history, historian.access)
        accounts = AccountService(exchange, sequencer, profits, reader, self.auth, sandbox=settings.sandbox)
        self._build_app(settings, authenticator, activity, reader, accounts, runner, operator_schedules)

        self._listen(activity, profits, commanded)
        committer.start()
        self._closers.append(self._note_state)
        sequencer.start()
        self._closers.append(sequencer.stop)
        self.feed.start()
        self._begin(instruments, accounts, runner)

    def _remember_orders(self, exchange: Exchange) -> list[OnRecord]:
        """Keep in memory what ends from now on; what ended before is in the history."""
        memory = self._order_memory = OrderMemory(exchange.seq)
        return [lambda _, applied: memory.on_applied(applied)]

    def _keep_in_bounds(self, settings: Settings, journal: SqliteJournal) -> None:
        """Note the digests that the historian says, and have records archived or dropped that its snapshots cover.

        Publishers, which may need some of them for longer, are started here.
        """
        committer, historian = self._committer, self.historian
        targets = [target_of(where) for where in settings.publish]
        self.publishers = Publishers(targets, settings.data / "snapshots", __version__, self._records)
        self._closers.append(self.publishers.close)
        historian.on_state(lambda state: committer.note(Checkpoint(state.seq, state.digest)))
        if settings.journal == "keep":
            return
        archive = ArchiveFolder(settings.data / "archive") if settings.journal == "archive" else None
        archiver = Archiver(journal, archive, committer.trim)
        self._closers.append(archiver.close)
        dropping = archive is None
        needed_from = self.publishers.needed_from
        historian.on_state(lambda state: archiver.cover(needed_from(state.covered_n) if dropping else state.covered_n))

    def _note_state(self) -> None:
        """Note the digest of the last state: the historian's last one, and the next start's, are compared with it."""
        exchange = self.exchange
        if exchange.seq:
            self.final_state = Checkpoint(exchange.seq, state_digest(exchange))
            self._committer.note(self.final_state)

    def _listen(self, activity: Activity, profits: Profits, commanded: CommandedStatuses) -> None:
        """Have each applied batch folded by all who must agree with the exchange, then published."""
        book_reader, feed, streams = followed = self._book_reader, self.feed, self.binance_streams
        fold = Fold(self.exchange, activity, profits, lambda: any(each.follows_levels for each in followed))

        def on_applied(batch: list[CommandResult]) -> None:
            folded = fold.fold(batch)
            book_reader.on_touched(folded.touched)
            feed.on_applied(folded)
            streams.on_applied(folded)

        for listener in (self._order_memory.on_applied, commanded.on_applied, on_applied):
            self.sequencer.listen(listener)
        self.sequencer.listen_behind(feed.publish)
        self.sequencer.listen_failure(feed.publish_venue_state)

    def _open_identity(self, settings: Settings, exchange: Exchange) -> Authenticator:
        """Who is who, under the server's secret."""
        secret = secrets.load_or_create(settings.secret_file or settings.data / "secret.key")
        identity = Identity(
            settings.identity_url or settings.data / "identity.sqlite",
            secret,
            idle_hours=settings.session_idle_hours,
            session_days=settings.session_days,
            clock=self.clock,
        )
        self._closers.append(identity.close)
        # an operator's earlier mistake may have left money or a stop on a number that a new user would get
        identity.reserve({*exchange.accounts, *exchange.ledger.accounts})
        credentials = Credentials(secret.token_key, settings.token_minutes * 60, self.clock)
        calls = IdentityCalls()
        self._closers.append(calls.close)
        self.auth = AuthService(identity, credentials, calls, self.clock)
        self._closers.append(self.auth.close)
        self.own_user = OwnUserService(identity, calls, self.auth)
        self.users = UserService(identity, calls, self.auth)
        return Authenticator(credentials, sandbox=settings.sandbox)

    def _feed_of(
        self,
        app: Flask,
        settings: Settings,
        activity: Activity,
        statuses: StatusService,
        authenticator: Authenticator,
        rate_limits: RateLimits | None,
    ) -> Feed:
        feed = Feed(
            app,
            settings,
            self.exchange,
            self.sequencer,
            activity,
            statuses=statuses,
            authenticator=authenticator,
            limits=rate_limits,
            injector=self.faults,
            clock_held=lambda: self.clock.held is not None,
        )
        authenticator.on_revoked(feed.disconnect)
        return feed

    def _build_app(
        self,
        settings: Settings,
        authenticator: Authenticator,
        activity: Activity,
        reader: HistoryReader,
        accounts: AccountService,
        runner: ScheduleRunner,
        operator_schedules: OperatorSchedules,
    ) -> None:
        """The Flask application: each room is given what it uses."""
        exchange, sequencer = self.exchange, self.sequencer
        faults = self.faults = FaultInjector(exchange, sequencer.now_ns)
        app, rate_limits = flask_app(settings, exchange, authenticator, faults)
        if rate_limits is not None:
            self._closers.append(rate_limits.close)
        statuses = StatusService(runner)
        market = MarketService(exchange, activity, reader)
        self._book_reader = BookReader()
        lookup = OrderLookup(exchange, self._order_memory, reader)
        latencies = Latencies()
        orders = OrderService(exchange, sequencer, lookup, self.duplicates, latencies.record)
        feed = self._feed_of(app, settings, activity, statuses, authenticator, rate_limits)
        runner.on_planned = feed.refresh_status
        order_entry.install(feed, orders, exchange, sequencer)
        venue = HealthService(
            exchange,
            sequencer,
            activity,
            latencies,
            self.historian.access,
            clock=self.clock,
            profile=settings.profile,
            connections=lambda: feed.connections,
            sources=feed.sources,
            faults=faults.counts,
            publishers=self.publishers.states,
        )
        app.register_blueprint(auth_routes.blueprint(self.auth, self.own_user, settings, on_guest=accounts.welcome))
        app.register_blueprint(account_routes.blueprint(accounts, settings))
        app.register_blueprint(
            self._operator_routes(settings, market, orders, accounts, feed, runner, operator_schedules)
        )
        app.register_blueprint(fault_routes.blueprint(faults, settings))
        entry = OrderEntry(orders, exchange)
        app.register_blueprint(order_routes.blueprint(entry, orders, lookup, exchange))
        second = SecondWire(app, exchange, authenticator, orders, lookup, reader, rate_limits)
        public = market_wiring.install(app, second, settings, activity, reader, self._book_reader, sequencer)
        app.register_blueprint(explanation_routes.blueprint(self.explainer))
        app.register_blueprint(
            market_routes.blueprint(
                market, exchange, statuses, venue, self._book_reader, operators_only(settings), sequencer.now_ns
            )
        )
        app.register_blueprint(candles.blueprint(market, exchange))
        app.register_blueprint(page_routes.blueprint())
        app.register_blueprint(self._monitored(settings, activity, authenticator, feed).blueprint)
        description = docs.Description(app, sandbox=settings.sandbox)
        self._closers.append(description.close)
        app.register_blueprint(docs.blueprint(description))
        self.binance_streams = BinanceStreams(
            app, settings, rate_limits, sequencer, authenticator, second, public, faults
        )
        self.app, self.feed = app, feed
        guard = Guard(app.wsgi_app, settings, rate_limits)
        self.wsgi = Dropping(AnswerHeaders(guard))
        if settings.debug:
            self.wsgi = RequestLog(self.wsgi)  # of every request, so none goes past it
        else:
            sharing = sharing_headers(app, settings)
            self.lane = Lane(entry, guard, authenticator, rate_limits, sharing, faults, second.lanes)

    def _operator_routes(
        self,
        settings: Settings,
        market: MarketService,
        orders: OrderService,
        accounts: AccountService,
        feed: Feed,
        runner: ScheduleRunner,
        schedules: OperatorSchedules,
    ) -> Blueprint:
        return operator_routes.blueprint(
            exchange=self.exchange,
            sequencer=self.sequencer,
            market=market,
            orders=orders,
            accounts=accounts,
            auth=self.auth,
            users=self.users,
            schedules=schedules,
            runner=runner,
            clock=self.clock,
            clock_watch=self.clock_watch,
            sandbox=settings.sandbox,
            on_listed=feed.publish_venue_state,
            faults=self.faults,
        )

    def _monitored(
        self, settings: Settings, activity: Activity, authenticator: Authenticator, feed: Feed
    ) -> Monitoring:
        self.monitoring = Monitoring(
            settings,
            self.exchange,
            activity,
            self.sequencer,
            self._records,
            self._record_server,
            self.historian.access,
            self._snapshots,
            feed,
            self.faults,
            authenticator.credentials,
            self.clock,
            {"historian": lambda: self.historian.pid, "explainer": lambda: self.explainer.pid},
            self.publishers,
        )
        self._closers.append(self.monitoring.close)
        return self.monitoring

    def _begin(self, instruments: list[Instrument], accounts: AccountService, runner: ScheduleRunner) -> None:
        """What happens before anybody's orders are taken: first what fell due while no server ran."""
        exchange, sequencer = self.exchange, self.sequencer
        clock = Clock(exchange, sequencer, sequencer.now_ns)
        self._closers.append(clock.stop)
        clock.start()

        def on_clock_changed() -> None:
            self.feed.publish_venue_state()
            clock.check_again()
            runner.check_again()

        self.clock_watch.start(on_clock_changed)
        if exchange.rulebook < CURRENT_EDITION:
            sequencer.submit(AdoptRulebook(CURRENT_EDITION))
        scheduled = newly_scheduled(instruments, exchange)
        list_instruments(instruments, exchange, sequencer)
        accounts.resume_resets()
        accounts.fund_sandbox()
        self._closers.append(runner.stop)
        runner.start(scheduled)

    def stop_taking(self) -> None:
        """Take no commands any more, answer those that were taken, and say so on the feed. Reads go on. Cooperative."""
        self.faults.end_all()
        self.sequencer.stop()
        self.feed.stop()
        self.binance_streams.stop()

    def close(self) -> None:
        """Close everything, newest first, what was not stopped before as well. Idempotent."""
        while self._closers:
            self._closers.pop()()


def _sequencer(
    settings: Settings,
    exchange: Exchange,
    committer: Committer,
    journal: SqliteJournal,
    clock: VenueClock,
) -> Sequencer:
    return Sequencer(
        exchange,
        committer,
        journal.last,
        clock=clock,
        on_invariant_violation=stop_at_violation,
        max_batch=settings.max_batch,
        max_waiting=settings.max_waiting,
    )


def rebuild_history(data: Path) -> tuple[Exchange, ReplayResult]:
    """Build the history in the folder `data` anew, whatever state it is in. No server may be using it.

    Raises JournalError, StoreError.
    """
    journal = SqliteJournal(data / "journal.sqlite")
    try:
        writer, exchange = HistoryWriter(data / "history.sqlite", REBUILD_LOCK_WAIT_S, anew=True), Exchange()
        behind: list[CommandResult] = []

        def fold(batch: list[CommandResult]) -> None:
            behind.extend(batch)
            if len(behind) >= REPLAY_STORE_COMMANDS:
                writer.write(behind)
                behind.clear()

        try:
            result = replay(journal, exchange, fold, ReplayProgress(journal, no_progress))
            writer.write(behind)
        finally:
            writer.close()
        return exchange, result
    finally:
        journal.close()
