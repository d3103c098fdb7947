"""The composition root: settings -> journal, exchange, sequencer, history -> Flask application.

The only module that names concrete adapters.
Layer: api.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from flask import Blueprint, Flask

from api.accounts.service import AccountService
from api.auth import routes as auth_routes
from api.auth.authenticator import Authenticator
from api.auth.credentials import Credentials
from api.auth.identity_calls import IdentityCalls
from api.auth.own_user import OwnUserService
from api.auth.service import AuthService
from api.binance.streams.wiring import BinanceStreams
from api.doors.service import DoorService, Served
from api.explanations import routes as explanation_routes
from api.faults.injector import FaultInjector
from api.feed.feed import Feed
from api.http.origins import Origins
from api.http.shared_port import SharedPort
from api.http.wsgi import WsgiApp
from api.metrics.monitoring import Monitoring
from api.nodes import routes as node_routes
from api.nodes.membership import Membership, SingleServer
from api.operator import routes as operator_routes
from api.operator.user_service import UserService
from api.orders.duplicates import DuplicateLookup, entry_command
from api.orders.lane import Lane
from api.orders.memory import OrderMemory
from api.page import docs
from api.private_files import make_private
from api.replaying import (
    ReplayProgress,
    historian_options,
    log_recovery,
    no_progress,
    tune_the_interpreter,
)
from api.settings import Settings
from api.stopping import stop_at_violation
from api.surface import Folds, Followed, Surface, folds_of
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
from listings.operator_schedules import OperatorSchedules
from listings.schedule_runner import ScheduleRunner
from listings.schedule_store import ScheduleFile, ScheduleStore
from loop.collector import made_to_stay
from openbell import __version__
from openbell.programs import called
from projections.submissions import SubmissionWindow
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
from sequencer.port import Sequencing
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
    membership: Membership
    origins: Origins
    sequencer: Sequencing
    writer: Sequencer  # where this process has one of its own from start to end: then it is `sequencer`
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
    doors: DoorService | None = None  # where the settings say so; they are started by `open_doors`
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
        schedule_store = ScheduleStore(ScheduleFile(settings.data / "schedules.json"))
        journal = SqliteJournal(settings.data / "journal.sqlite", version=__version__)
        self._closers.append(journal.close)
        history = self.history = History(settings.data / "history.sqlite")
        self._closers.append(history.close)
        snapshots = self._snapshots = SnapshotFolder(settings.data / "snapshots", __version__)
        with made_to_stay():
            recovered = recover(journal, snapshots, self._remember_orders, ReplayProgress(journal, self._on_progress))
        exchange = self.exchange = recovered.follower.exchange
        folds = folds_of(recovered.projections, self._order_memory)
        stored_seq = require_not_ahead(history.path, exchange.seq)
        log_recovery(recovered)
        if (written_by := origin(journal, __version__)) is not None:
            log.warning("%s", written_by)
        tune_the_interpreter()
        clock = self.clock = VenueClock(exchange.ts_ns, read_kept(settings.data / CLOCK_FILE))
        if settings.front_doors:
            self.doors = DoorService(settings)
            self._closers.append(self.doors.close)
        authenticator = self._open_identity(settings, exchange)
        records = self._records = RecordLog(journal)
        committer = self._committer = Committer(records)
        self._closers.append(committer.stop)  # when the historian has said what it has to
        historian = self.historian = HistorianHost(records, history, stored_seq, historian_options(settings))
        self._closers.append(historian.close)
        self._keep_in_bounds(settings, journal)
        self._record_server = self._serve_records(settings, records)
        sequencer = self.sequencer = self.writer = _sequencer(
            settings, exchange, committer, journal, clock, recovered.projections.submissions
        )
        self.membership = SingleServer(exchange, sequencer, lambda: records.last_n)
        self.explainer = ExplainHost(journal, settings.data)
        self._closers.append(self.explainer.close)
        instruments, schedules = schedule_store.over(file, exchange)
        since_ns = {symbol: schedule.since_ns for symbol, schedule in schedule_store.by_symbol.items()}
        runner = self._runner = ScheduleRunner(
            schedules, exchange, sequencer, folds.commanded, sequencer.now_ns, since_ns
        )
        self.clock_watch = ClockWatch(clock, settings.data, called("operator"))
        self._closers.append(self.clock_watch.close)
        operator_schedules = OperatorSchedules(schedule_store, exchange, sequencer, runner)
        self._closers.append(operator_schedules.close)
        self.duplicates = self._duplicates(journal, folds)
        followed = self._followed(settings, folds, authenticator, runner)
        self._build_surface(settings, followed, runner, operator_schedules)
        self._start()
        self._begin(instruments, followed.accounts, runner)

    def _start(self) -> None:
        """Begin to take commands."""
        self.surface.listen()
        self._committer.start()
        self._closers.append(self._note_state)
        self.sequencer.start()
        self._closers.append(self.sequencer.stop)
        self.feed.start()

    def _serve_records(self, settings: Settings, records: RecordLog) -> RecordServer | None:
        """Who follows by a socket: front doors, and other programs where the settings say so."""
        if not settings.record_socket and not settings.front_doors:
            return None
        server = RecordServer(settings.data, records, settings.front_doors)
        self._closers.append(server.close)
        return server

    def _remember_orders(self, exchange: Exchange) -> list[OnRecord]:
        """Keep in memory what ends from now on; what ended before is in the history."""
        memory = self._order_memory = OrderMemory(exchange.seq)
        return [lambda _, applied: memory.on_applied(applied)]

    def _duplicates(self, journal: SqliteJournal, folds: Folds) -> DuplicateLookup:
        access = self.historian.access
        return DuplicateLookup(
            self.exchange,
            folds.memory,
            lambda seq: access.look_up(entry_command, journal, seq),
            self.history,
            access,
            self.clock,
        )

    def _keep_in_bounds(self, settings: Settings, journal: SqliteJournal) -> None:
        """Note the digests that the historian says, and have records archived or dropped that its snapshots cover.

        Publishers, which may need some of them for longer, are started here.
        """
        committer, historian = self._committer, self.historian
        targets = [target_of(where) for where in settings.publish]
        self.publishers = Publishers(targets, settings.data / "snapshots", __version__, self._records)
        self._closers.insert(-1, self.publishers.close)  # behind the historian's end, whose time serves both
        self._closers.append(self.publishers.finish)
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

    def _load_secret(self, settings: Settings) -> secrets.ServerSecret:
        """The secret that signs tokens, made where there is none. Raises IdentityError, OSError."""
        return secrets.load_or_create(settings.secret_file or settings.data / "secret.key")

    def _open_identity(self, settings: Settings, exchange: Exchange) -> Authenticator:
        """Who is who, under the server's secret."""
        secret = self._load_secret(settings)
        identity = Identity(
            settings.identity_url or settings.data / "identity.sqlite",
            secret,
            idle_hours=settings.session_idle_hours,
            session_days=settings.session_days,
            shared=settings.identity_url is not None,
            clock=self.clock,
        )
        self._closers.append(identity.close)
        # an operator's earlier mistake may have left money or a stop on a number that a new user would get
        identity.reserve({*exchange.accounts, *exchange.ledger.accounts})
        self._token_key = secret.token_key
        seen = None if self.doors is None else self.doors.signatures
        credentials = Credentials(secret.token_key, settings.token_minutes * 60, self.clock, seen)
        calls = IdentityCalls()
        self._closers.append(calls.close)
        self.auth = AuthService(identity, credentials, calls, self.clock)
        self._closers.append(self.auth.close)
        self._credentials = credentials
        self.own_user = OwnUserService(identity, calls, self.auth)
        self.users = UserService(identity, calls, self.auth)
        return Authenticator(credentials, sandbox=settings.sandbox)

    def _followed(
        self, settings: Settings, folds: Folds, authenticator: Authenticator, runner: ScheduleRunner
    ) -> Followed:
        """What the surface stands over."""
        exchange, sequencer, access = self.exchange, self.sequencer, self.historian.access
        self.origins = Origins(settings.cors_origins)
        reader = HistoryReader(self.history, access)
        accounts = AccountService(
            exchange, sequencer, folds.profits, reader, self.auth.users_of, sandbox=settings.sandbox
        )
        return Followed(
            exchange,
            sequencer,
            self.clock,
            folds,
            reader,
            access,
            self.duplicates,
            accounts,
            authenticator,
            runner.next_change,
            self.membership,
            self.origins,
            None if self.doors is None else self.doors.tables.limits,
            self.doors,
            self.publishers.states,
        )

    def _build_surface(
        self,
        settings: Settings,
        followed: Followed,
        runner: ScheduleRunner,
        operator_schedules: OperatorSchedules,
    ) -> None:
        """What clients reach, with the routes that are the writer's alone."""
        surface = self.surface = Surface(settings, followed)
        self._closers.append(surface.close)
        self.app, self.feed, self.faults = surface.app, surface.feed, surface.faults
        runner.on_planned = self._plan_changed
        accounts = followed.accounts
        description = docs.Description(surface.app, sandbox=settings.sandbox)
        self._closers.append(description.close)
        surface.serve(
            [
                auth_routes.blueprint(self.auth, self.own_user, settings, self.origins, on_guest=accounts.welcome),
                self._operator_routes(settings, surface, accounts, runner, operator_schedules),
                explanation_routes.blueprint(self.explainer),
                node_routes.blueprint(self.membership, self.auth),
                self._monitored(settings, followed).blueprint,
                docs.blueprint(description),
            ]
        )
        self.binance_streams, self.wsgi, self.lane = surface.binance_streams, surface.wsgi, surface.lane

    def _plan_changed(self, symbol: str) -> None:
        self.feed.refresh_status(symbol)
        if self.doors is not None:
            self.doors.plan_changed(symbol)

    def _symbols_changed(self, seq: int) -> None:
        self.feed.publish_venue_state(seq)
        if self.doors is not None:
            self.doors.symbols_changed(seq)

    def open_doors(self, port: SharedPort) -> None:
        """Have front doors serve at `port`, and return when all do. Cooperative. Raises OSError where one cannot."""
        if self.doors is None:
            return
        self.doors.open(
            port,
            Served(
                self.exchange,
                self.writer,
                self._credentials,
                self._token_key,
                self.clock,
                self.historian.access,
                self._runner.next_change,
                self.faults,
                self.feed,
                self.binance_streams.listen_keys,
                self._records.holding,
                self.historian.hurry,
            ),
        )

    def _operator_routes(
        self,
        settings: Settings,
        surface: Surface,
        accounts: AccountService,
        runner: ScheduleRunner,
        schedules: OperatorSchedules,
    ) -> Blueprint:
        return operator_routes.blueprint(
            exchange=self.exchange,
            sequencer=self.sequencer,
            market=surface.market,
            orders=surface.orders,
            accounts=accounts,
            auth=self.auth,
            users=self.users,
            schedules=schedules,
            runner=runner,
            clock=self.clock,
            clock_watch=self.clock_watch,
            sandbox=settings.sandbox,
            on_listed=self._symbols_changed,
            faults=surface.faults,
        )

    def _monitored(self, settings: Settings, followed: Followed) -> Monitoring:
        self.monitoring = Monitoring(
            settings,
            self.exchange,
            followed.folds.activity,
            self.sequencer,
            self._records,
            self._record_server,
            self.historian.access,
            self._snapshots,
            self.feed,
            self.faults,
            followed.authenticator.credentials,
            self.clock,
            {"historian": lambda: self.historian.pid, "explainer": lambda: self.explainer.pid},
            self.publishers,
            lambda own: None if self.doors is None else self.doors.families(own),
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
            if self.doors is not None:
                self.doors.venue_changed()
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
        self.surface.stop()

    def close(self, on_step: Callable[[str], object] = lambda _: None) -> None:
        """Close everything, newest first, each part's class given to `on_step` before. Idempotent."""
        while self._closers:
            closer = self._closers.pop()
            on_step(type(getattr(closer, "__self__", closer)).__name__)
            closer()


def _sequencer(
    settings: Settings,
    exchange: Exchange,
    committer: Committer,
    journal: SqliteJournal,
    clock: VenueClock,
    submissions: SubmissionWindow,
) -> Sequencer:
    return Sequencer(
        exchange,
        committer,
        journal.last,
        clock=clock,
        on_invariant_violation=stop_at_violation,
        max_batch=settings.max_batch,
        max_waiting=settings.max_waiting,
        submissions=submissions,
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
