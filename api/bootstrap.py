"""The composition root: settings -> journal, exchange, sequencer, history -> Flask application.

The only module that names concrete adapters.
Layer: api.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from flask import Flask, request
from flask_cors import CORS

from api.accounts import routes as account_routes
from api.accounts.profit import Profits
from api.accounts.service import AccountService
from api.auth import authenticator as authentication
from api.auth import routes as auth_routes
from api.auth.authenticator import Authenticator, requesting_operator
from api.auth.credentials import Credentials
from api.auth.identity_calls import IdentityCalls
from api.auth.own_user import OwnUserService
from api.auth.service import AuthService
from api.explanations import routes as explanation_routes
from api.feed import order_entry
from api.feed.feed import Feed
from api.feed.levels import touched_levels
from api.http import errors, limits, strict, symbols
from api.http.answer_headers import AnswerHeaders
from api.http.guard import Guard
from api.http.limits import RateLimits
from api.http.request_log import RequestLog
from api.http.strict import WholeNumberConverter
from api.http.wsgi import WsgiApp
from api.market import candles
from api.market import routes as market_routes
from api.market.activity import Activity
from api.market.book_reader import BookReader
from api.market.health import HealthService
from api.market.service import MarketService
from api.market.status_views import StatusService
from api.operator import routes as operator_routes
from api.operator.user_service import UserService
from api.orders import routes as order_routes
from api.orders.duplicates import DuplicateLookup
from api.orders.lookup import OrderLookup
from api.orders.service import OrderService
from api.page import docs
from api.page import routes as page_routes
from api.private_files import make_private
from api.settings import Settings, is_loopback
from engine.commands import AdoptRulebook, ListInstrument
from engine.events import CommandResult, Rejected
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.rulebook import CURRENT_EDITION
from explain.host import ExplainHost
from history.backpressure import HistoryBackpressure
from history.reader import HistoryReader
from history.store import History
from history.writer import HistoryWriter
from identity import secrets
from identity.store import Identity
from journal.committer import SWITCH_INTERVAL_SECONDS, Committer
from journal.replay import ReplayResult, replay
from journal.sqlite import SqliteJournal
from listings.instruments_file import DEFAULT_INSTRUMENTS, ListingError, read_venue_file
from listings.operator_schedules import OperatorSchedules, ScheduleStore
from listings.schedule_runner import CommandedStatuses, ScheduleRunner
from sequencer.clock import Clock
from sequencer.sequencer import Sequencer

log = logging.getLogger(__name__)

EXIT_INVARIANT_VIOLATION = 70  # EX_SOFTWARE of sysexits.h
REPLAY_STORE_COMMANDS = 5_000  # commands in one transaction of the history during a replay
PROGRESS_S = 5.0  # between two lines in the log of a replay
# allocations between two young collections: each takes as long as there are, here a millisecond or two
GC_YOUNG_THRESHOLD = 10_000
# young ones between two older ones, and older ones between two full ones: rare, so that a resting book costs few pauses
GC_OLDER_THRESHOLDS = 100, 50


class Server:
    """Everything that runs, from the open journal to the WSGI application."""

    exchange: Exchange
    sequencer: Sequencer
    history: History
    history_writer: HistoryWriter
    auth: AuthService
    own_user: OwnUserService
    users: UserService
    explainer: ExplainHost
    duplicates: DuplicateLookup
    feed: Feed
    app: Flask
    wsgi: WsgiApp

    def __init__(self, settings: Settings) -> None:
        """Open the data folder, replay the journal, list the instruments and begin to take orders.

        Raises JournalError, StoreError, ListingError or OSError when it cannot; nothing is
        left open then.
        """
        self._closers: list[Callable[[], None]] = []
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
        journal = SqliteJournal(settings.data / "journal.sqlite")
        self._closers.append(journal.close)
        history = self.history = History(settings.data / "history.sqlite")
        self._closers.append(history.close)
        exchange = self.exchange = Exchange()
        activity, profits, commanded = Activity(exchange), Profits(), CommandedStatuses()
        result = _replay(journal, exchange, history, [activity.on_applied, profits.on_applied, commanded.on_applied])
        history.require_not_ahead(exchange.seq)
        _log_replay(result, exchange)
        _tune_the_interpreter()
        authenticator = self._open_identity(settings, exchange)
        committer = Committer(journal)
        writer = self.history_writer = HistoryWriter(history)
        self._closers.append(writer.close)
        backpressure = HistoryBackpressure(writer)
        sequencer = self.sequencer = _sequencer(settings, exchange, committer, journal, backpressure)
        self.explainer = ExplainHost(journal)
        self._closers.append(self.explainer.close)
        instruments, schedules = schedule_store.over(file, exchange)
        since_ns = {symbol: schedule.since_ns for symbol, schedule in schedule_store.by_symbol.items()}
        runner = ScheduleRunner(schedules, exchange, sequencer, commanded, time.time_ns, since_ns)
        operator_schedules = OperatorSchedules(schedule_store, exchange, sequencer, runner)
        self._closers.append(operator_schedules.close)
        self.duplicates = DuplicateLookup(exchange, journal, history, writer)
        reader = HistoryReader(history, writer)
        accounts = AccountService(exchange, sequencer, profits, reader, sandbox=settings.sandbox)
        self._build_app(settings, authenticator, activity, reader, accounts, runner, operator_schedules)
        feed = self.feed

        def publish(batch: list[CommandResult]) -> None:
            commanded.on_applied(batch)
            self._book_reader.on_applied(batch)
            trades = activity.on_applied(batch)
            profits.on_applied(batch)
            backpressure.put(batch)
            feed.publish(batch, trades)

        sequencer.listen(publish)
        sequencer.listen_failure(feed.publish_venue_state)
        committer.start()
        self._closers.append(committer.stop)
        sequencer.start()
        self._closers.append(sequencer.stop)
        feed.start()
        self._begin(instruments, accounts, runner)

    def _open_identity(self, settings: Settings, exchange: Exchange) -> Authenticator:
        """Who is who, under the server's secret."""
        secret = secrets.load_or_create(settings.secret_file or settings.data / "secret.key")
        identity = Identity(
            settings.identity_url or settings.data / "identity.sqlite",
            secret,
            idle_hours=settings.session_idle_hours,
            session_days=settings.session_days,
        )
        self._closers.append(identity.close)
        # an operator's earlier mistake may have left money or a stop on a number that a new user would get
        identity.reserve({*exchange.accounts, *exchange.ledger.accounts})
        credentials = Credentials(secret.token_key, settings.token_minutes * 60)
        calls = IdentityCalls()
        self._closers.append(calls.close)
        self.auth = AuthService(identity, credentials, calls)
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
    ) -> Feed:
        feed = Feed(
            app,
            settings,
            self.exchange,
            self.sequencer,
            activity,
            statuses=statuses,
            authenticator=authenticator,
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
        app, rate_limits = _flask_app(settings, exchange, authenticator)
        if rate_limits is not None:
            self._closers.append(rate_limits.close)
        statuses = StatusService(runner)
        market = MarketService(exchange, activity, reader)
        self._book_reader = BookReader(exchange, touched_levels)
        lookup = OrderLookup(exchange, reader)
        orders = OrderService(exchange, sequencer, lookup, self.duplicates, activity.record_latency)
        feed = self._feed_of(app, settings, activity, statuses, authenticator)
        runner.on_planned = feed.refresh_status
        order_entry.install(feed, orders, exchange, sequencer)
        venue = HealthService(
            exchange,
            sequencer,
            activity,
            self.history_writer,
            profile=settings.profile,
            connections=lambda: feed.connections,
            flows=feed.flows,
        )
        app.register_blueprint(auth_routes.blueprint(self.auth, self.own_user, settings, on_guest=accounts.welcome))
        app.register_blueprint(account_routes.blueprint(accounts, settings))
        app.register_blueprint(
            operator_routes.blueprint(
                exchange=exchange,
                sequencer=sequencer,
                market=market,
                orders=orders,
                accounts=accounts,
                auth=self.auth,
                users=self.users,
                schedules=operator_schedules,
                runner=runner,
                sandbox=settings.sandbox,
                on_listed=feed.publish_venue_state,
            )
        )
        app.register_blueprint(order_routes.blueprint(orders, lookup, exchange))
        app.register_blueprint(explanation_routes.blueprint(self.explainer))
        app.register_blueprint(
            market_routes.blueprint(market, exchange, statuses, venue, self._book_reader, _operators_only(settings))
        )
        app.register_blueprint(candles.blueprint(market, exchange))
        app.register_blueprint(page_routes.blueprint())
        description = docs.Description(app, sandbox=settings.sandbox)
        self._closers.append(description.close)
        app.register_blueprint(docs.blueprint(description))
        self.app, self.feed = app, feed
        self.wsgi = AnswerHeaders(Guard(app.wsgi_app, settings, rate_limits))
        if settings.debug:
            self.wsgi = RequestLog(self.wsgi)

    def _begin(self, instruments: list[Instrument], accounts: AccountService, runner: ScheduleRunner) -> None:
        """What happens before anybody's orders are taken: first what fell due while no server ran."""
        exchange, sequencer = self.exchange, self.sequencer
        clock = Clock(exchange, sequencer, time.time_ns)
        self._closers.append(clock.stop)
        clock.start()
        if exchange.rulebook < CURRENT_EDITION:
            sequencer.submit(AdoptRulebook(CURRENT_EDITION))
        newly_scheduled = [
            listed.symbol for listed in instruments if listed.scheduled and not _scheduled(exchange, listed)
        ]
        self._list(instruments_to_list(instruments, exchange))
        accounts.fund_sandbox()
        self._closers.append(runner.stop)
        runner.start(newly_scheduled)

    def _list(self, commands: list[ListInstrument]) -> None:
        if not commands:
            return
        for applied in self.sequencer.submit_all(commands):
            for event in applied.events:
                if isinstance(event, Rejected):
                    raise ListingError(
                        f"{event.symbol} is listed in this data folder with another tick, lot or asset. "
                        "Give it another symbol, or start with another --data folder."
                    )

    def close(self) -> None:
        """Answer what waits, then close everything, newest first. Idempotent."""
        while self._closers:
            self._closers.pop()()


def _flask_app(settings: Settings, exchange: Exchange, authenticator: Authenticator) -> tuple[Flask, RateLimits | None]:
    """An application without routes: errors, limits and credentials; and the limits, where there are any."""
    app = Flask("openbell", static_folder=None)
    app.url_map.converters["int"] = WholeNumberConverter
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.json.sort_keys = False  # type: ignore[attr-defined]
    errors.install(app)
    strict.install_body_limits(app)  # before the limits, which read a body that is signed
    rate_limits = limits.install(app, settings, authenticator.rate_key)
    if settings.cors_origins:
        CORS(app, origins=list(settings.cors_origins))
    authentication.install(app, authenticator, secured=settings.profile == "secured")
    strict.install(app)
    symbols.install(app, exchange)
    return app, rate_limits


def _operators_only(settings: Settings) -> Callable[[], object]:
    """What lets operators pass, and in a sandbox whoever asks from its own machine. Raises ApiError 401 or 403."""

    def require() -> None:
        if not (settings.sandbox and is_loopback(request.remote_addr or "")):
            requesting_operator()

    return require


def _sequencer(
    settings: Settings,
    exchange: Exchange,
    committer: Committer,
    journal: SqliteJournal,
    backpressure: HistoryBackpressure,
) -> Sequencer:
    return Sequencer(
        exchange,
        committer,
        journal.last,
        clock=time.time_ns,
        make_room=backpressure.wait_for_room,
        on_invariant_violation=_stop_the_process,
        max_batch=settings.max_batch,
        max_waiting=settings.max_waiting,
        checkpoint_every=settings.checkpoint_every,
    )


def _scheduled(exchange: Exchange, instrument: Instrument) -> bool:
    """Whether sessions opened and closed this symbol until now."""
    known = exchange.instrument(instrument.symbol)
    return known is not None and known.scheduled


def instruments_to_list(instruments: list[Instrument], exchange: Exchange) -> list[ListInstrument]:
    """The commands that bring the listed instruments to what the settings say."""
    return [
        ListInstrument(instrument) for instrument in instruments if exchange.instrument(instrument.symbol) != instrument
    ]


def _replay(
    journal: SqliteJournal,
    exchange: Exchange,
    history: History,
    folds: Sequence[Callable[[list[CommandResult]], object]],
) -> ReplayResult:
    """Bring exchange, history and what else folds events to the end of the journal, saying how far it is."""
    behind: list[CommandResult] = []

    def fold(batch: list[CommandResult]) -> None:
        for take in folds:
            take(batch)
        behind.extend(batch)
        if len(behind) >= REPLAY_STORE_COMMANDS:
            history.write(behind)
            behind.clear()

    last = journal.last
    end = 0 if last is None else last.last_seq
    logged = time.monotonic()

    def progress(commands: int) -> None:
        nonlocal logged
        if time.monotonic() - logged >= PROGRESS_S:
            logged = time.monotonic()
            log.info("replaying the journal: %d of %d commands so far", commands, end)

    result = replay(journal, exchange, fold, progress)
    history.write(behind)
    return result


def _log_replay(result: ReplayResult, exchange: Exchange) -> None:
    log.info(
        "replayed %d commands in %.2f s; state digest %s at seq %d",
        result.commands,
        result.seconds,
        result.digest,
        exchange.seq,
    )


def rebuild_history(data: Path) -> tuple[Exchange, ReplayResult]:
    """Build the history in the folder `data` anew, whatever state it is in. No server may be using it.

    Raises JournalError, StoreError.
    """
    journal = SqliteJournal(data / "journal.sqlite")
    try:
        for name in ("history.sqlite", "history.sqlite-wal", "history.sqlite-shm"):
            (data / name).unlink(missing_ok=True)
        history, exchange = History(data / "history.sqlite"), Exchange()
        try:
            return exchange, _replay(journal, exchange, history, ())
        finally:
            history.close()
    finally:
        journal.close()


def _tune_the_interpreter() -> None:
    """Short turns for the event loop, and garbage collections that pass over what was replayed."""
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_YOUNG_THRESHOLD, *GC_OLDER_THRESHOLDS)


def _stop_the_process(violation: BaseException) -> NoReturn:
    """A broken invariant: no answer leaves any more, and a restart would stop at the same command."""
    log.critical("the engine contradicts itself; stopping before any answer", exc_info=violation)
    logging.shutdown()
    os._exit(EXIT_INVARIANT_VIOLATION)
