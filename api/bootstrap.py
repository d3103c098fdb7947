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
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from flask import Flask

from api.market.activity import Activity
from api.auth.access import Access
from api.auth.credentials import Credentials
from explain.host import ExplainHost
from api.feed.feed import Feed
from api.http.guard import Guard, WsgiApp
from listings.instruments_file import DEFAULT_INSTRUMENTS, ListingError, read_venue_file
from api.orders.repetition import Repetitions
from listings.schedule_runner import CommandedStatuses, Sessions
from api.settings import Settings
from api.auth.service import Signing
from api.accounts.service import Teller
from listings.timetable import KeptSchedules, Timetable
from api.venue import Venue
from engine.commands import AdoptRulebook, ListInstrument
from engine.events import Applied, Rejected
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.rulebook import CURRENT_EDITION
from journal.committer import SWITCH_INTERVAL_SECONDS, Committer
from journal.replay import ReplayResult, replay
from journal.sqlite import SqliteJournal
from sequencer.clock import Clock
from sequencer.sequencer import Sequencer
from identity import secrets
from history.store import History
from identity.store import Identity
from history.writer import HistoryWriter

log = logging.getLogger(__name__)

CreateApp = Callable[[Venue], tuple[Flask, Feed]]

EXIT_INVARIANT_VIOLATION = 70  # EX_SOFTWARE
REPLAY_STORE_COMMANDS = 5_000  # written to the history with one transaction during a replay
PROGRESS_COMMANDS = 100_000  # replayed between two lines in the log
GC_YOUNG_THRESHOLD = 50_000  # allocations between two collections: pauses that a resting book does not lengthen


class Server:
    """Everything that runs, from the open journal to the WSGI application."""

    def __init__(self, settings: Settings, create_app: CreateApp) -> None:
        """Open the data folder, replay the journal, list the instruments and begin to take orders.

        Raises JournalError, StoreError, ListingError or OSError when it cannot; nothing is
        left open then.
        """
        self._closers: list[Callable[[], None]] = []
        try:
            self._open(settings, create_app)
        except BaseException:
            self.close()
            raise

    def _open(self, settings: Settings, create_app: CreateApp) -> None:
        file = read_venue_file(settings.instruments or DEFAULT_INSTRUMENTS)
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = KeptSchedules(settings.data / "schedules.json")
        journal = SqliteJournal(settings.data / "journal.sqlite")
        self._closers.append(journal.close)
        history = History(settings.data / "history.sqlite")
        self._closers.append(history.close)
        exchange = Exchange()
        activity, commanded = Activity(exchange), CommandedStatuses()
        result = _replay(journal, exchange, history, activity, commanded)
        history.require_not_ahead(exchange.seq)
        _log_replay(result, exchange)
        _tune_the_interpreter()
        access, signing = self._open_identity(settings, exchange)
        committer = Committer(journal)
        writer = HistoryWriter(history)
        self._closers.append(writer.close)
        room = _Room(writer)
        sequencer = _sequencer(settings, exchange, committer, journal, room)
        explainer = ExplainHost(journal)
        self._closers.append(explainer.close)
        instruments, schedules = kept.over(file, exchange)
        since_ns = {symbol: told.since_ns for symbol, told in kept.by_symbol.items()}
        sessions = Sessions(schedules, exchange, sequencer, commanded, time.time_ns, since_ns)
        timetable = Timetable(kept, exchange, sequencer, sessions)
        self._closers.append(timetable.close)
        self.venue = Venue(
            settings=settings,
            exchange=exchange,
            sequencer=sequencer,
            history=history,
            history_writer=writer,
            activity=activity,
            sessions=sessions,
            timetable=timetable,
            access=access,
            signing=signing,
            explainer=explainer,
            repetitions=Repetitions(exchange, journal, history, writer),
            started_ns=time.time_ns(),
        )
        self.app, feed = create_app(self.venue)
        self.wsgi: WsgiApp = Guard(self.app.wsgi_app, settings)

        def publish(batch: list[Applied]) -> None:
            commanded.on_applied(batch)
            trades = activity.on_applied(batch)
            room.put(batch)
            feed.publish(batch, trades)

        sequencer.listen(publish)
        sequencer.listen_failure(feed.tell_venue_state)
        committer.start()
        self._closers.append(committer.stop)
        sequencer.start()
        self._closers.append(sequencer.stop)
        feed.start()
        self._begin(instruments, sessions)
        self.feed: Feed = feed

    def _begin(self, instruments: list[Instrument], sessions: Sessions) -> None:
        """What happens before anybody's orders are taken: first what fell due while no server ran."""
        exchange, sequencer = self.venue.exchange, self.venue.sequencer
        clock = Clock(exchange, sequencer, time.time_ns)
        self._closers.append(clock.stop)
        clock.start()
        if exchange.rulebook < CURRENT_EDITION:
            sequencer.submit(AdoptRulebook(CURRENT_EDITION))
        newly_scheduled = [
            listed.symbol for listed in instruments if listed.scheduled and not _scheduled(exchange, listed)
        ]
        self._list(instruments_to_list(instruments, exchange))
        Teller(self.venue).fund_sandbox()
        self._closers.append(sessions.stop)
        sessions.start(newly_scheduled)

    def _open_identity(self, settings: Settings, exchange: Exchange) -> tuple[Access, Signing]:
        """Who is who, under the server's secret."""
        secret = secrets.load_or_create(settings.secret_file or settings.data / "secret.key")
        identity = Identity(
            settings.identity_url or settings.data / "identity.sqlite",
            secret,
            refresh_days=settings.refresh_days,
        )
        self._closers.append(identity.close)
        # an operator's slip of before may have money or a stop wait for whoever got that number
        identity.reserve({*exchange.accounts, *exchange.ledger.accounts})
        credentials = Credentials(secret.token_key, settings.token_minutes * 60)
        signing = Signing(identity, credentials)
        self._closers.append(signing.close)
        return Access(credentials, sandbox=settings.profile == "sandbox"), signing

    def _list(self, commands: list[ListInstrument]) -> None:
        if not commands:
            return
        for applied in self.venue.sequencer.submit_all(commands):
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


def _sequencer(
    settings: Settings, exchange: Exchange, committer: Committer, journal: SqliteJournal, room: _Room
) -> Sequencer:
    return Sequencer(
        exchange,
        committer,
        journal.last,
        clock=time.time_ns,
        make_room=room.make,
        on_invariant_violation=_stop_the_process,
        max_batch=settings.max_batch,
        max_waiting=settings.max_waiting,
        checkpoint_every=settings.checkpoint_every,
    )


class _Room:
    """Keeps the history's backlog bounded: lets the sequencer wait when it was told to."""

    def __init__(self, writer: HistoryWriter) -> None:
        self._writer = writer
        self._full = False

    def put(self, batch: list[Applied]) -> None:
        self._full = not self._writer.put(batch)

    def make(self) -> None:
        if self._full:
            self._full = False
            self._writer.wait_for_room()


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
    journal: SqliteJournal, exchange: Exchange, history: History, activity: Activity, commanded: CommandedStatuses
) -> ReplayResult:
    """Bring exchange, activity and history to the end of the journal, saying how far it is."""
    behind: list[Applied] = []

    def fold(batch: list[Applied]) -> None:
        activity.on_applied(batch)
        commanded.on_applied(batch)
        behind.extend(batch)
        if len(behind) >= REPLAY_STORE_COMMANDS:
            history.write(behind)
            behind.clear()

    told = 0

    def progress(commands: int) -> None:
        nonlocal told
        if commands - told >= PROGRESS_COMMANDS:
            told = commands
            log.info("replaying the journal: %d commands so far", commands)

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
            return exchange, _replay(journal, exchange, history, Activity(exchange), CommandedStatuses())
        finally:
            history.close()
    finally:
        journal.close()


def _tune_the_interpreter() -> None:
    """Short turns for the event loop, and garbage collections that pass over what was replayed."""
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_YOUNG_THRESHOLD, 20, 50)


def _stop_the_process(violation: BaseException) -> NoReturn:
    """A broken invariant: no answer leaves any more, and a restart would stop at the same command."""
    log.critical("the engine contradicts itself; stopping before any answer", exc_info=violation)
    logging.shutdown()
    os._exit(EXIT_INVARIANT_VIOLATION)
