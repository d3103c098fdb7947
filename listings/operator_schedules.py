"""The schedules that operators gave while the server ran: kept in the data folder, and counting over the file's.

The engine knows no schedule (decision 0008): a start reads this file as it reads the instruments file, and
every change of status that comes of it is a journaled command. What is kept is on the disk before it counts.
Layer: listings.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

import msgspec
from eventlet.semaphore import Semaphore

from engine.commands import ListInstrument
from engine.exchange import Exchange
from engine.types import Seq
from listings.instruments_file import ListingError, VenueFile
from listings.schedule_file import ScheduleError, ScheduleTable, schedule_of
from listings.schedule_runner import ScheduleRunner
from loop.workers import Workers
from sequencer.port import Sequencing

log = logging.getLogger(__name__)

CHANGES_WAITING_MAX = 100


class ScheduleNotSaved(Exception):
    """A schedule could not be written to the data folder, so the one before still counts."""


class StoredSchedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The schedule that an operator gave to one symbol, or that it has none."""

    since_ns: int  # epoch nanoseconds: changes due later are commanded; 0: the one then in force was, too
    schedule: ScheduleTable | None  # None: it has none, whatever the instruments file says


class ScheduleStore:
    """The file of operators' schedules: read once, at the start, and written whole at each change."""

    def __init__(self, path: Path) -> None:
        """Read the file, where there is one. Raises ListingError when it cannot be used."""
        self._path = path
        self.by_symbol: dict[str, StoredSchedule] = {}
        try:
            if path.exists():
                self.by_symbol = msgspec.json.decode(path.read_bytes(), type=dict[str, StoredSchedule])
            self._schedules = {
                symbol: None if stored.schedule is None else schedule_of(stored.schedule)
                for symbol, stored in self.by_symbol.items()
            }
        except (OSError, msgspec.DecodeError, ScheduleError) as problem:
            raise ListingError(f"{path}: {problem}") from problem

    def over(self, file: VenueFile, exchange: Exchange) -> VenueFile:
        """The instruments and schedules of the file as they are with what is kept, on an exchange that was replayed.

        Instruments that are listed, and not in the file, are added where an operator said something of them.
        """
        instruments = {instrument.symbol: instrument for instrument in file.instruments}
        schedules = dict(file.schedules)
        for symbol, schedule in self._schedules.items():
            instrument = instruments.get(symbol) or exchange.instrument(symbol)
            if instrument is None:
                log.warning("%s: %s is not listed any more, and its schedule waits until it is", self._path, symbol)
                continue
            schedules.pop(symbol, None)
            if schedule is not None:
                schedules[symbol] = schedule
            instruments[symbol] = msgspec.structs.replace(instrument, scheduled=schedule is not None)
        return VenueFile(list(instruments.values()), schedules)

    def save(self, symbol: str, stored: StoredSchedule) -> None:
        """Write the file with `stored` for `symbol`, durably. Blocks. Raises OSError, and then nothing has changed."""
        wanted = self.by_symbol | {symbol: stored}
        partial = self._path.with_suffix(".partial")
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(wanted), indent=2))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self.by_symbol = wanted


class OperatorSchedules:
    """Changes the schedules of a running venue on behalf of operators."""

    def __init__(self, store: ScheduleStore, exchange: Exchange, sequencer: Sequencing, runner: ScheduleRunner) -> None:
        self._store = store
        self._exchange = exchange
        self._sequencer = sequencer
        self._runner = runner
        self._disk = Workers("schedules", 1, CHANGES_WAITING_MAX)
        self.one_at_a_time = Semaphore()  # held by whoever changes an instrument by its present state

    def close(self) -> None:
        """Finish what is being written. Idempotent."""
        self._disk.close()

    def is_operators(self, symbol: str) -> bool:
        """Whether the schedule of `symbol`, or that it has none, was set by an operator."""
        return symbol in self._store.by_symbol

    def put(self, symbol: str, table: ScheduleTable | None, *, at_once: bool = False) -> Seq:
        """Give a listed symbol a schedule, or (None) take it away; the seq of the command. Cooperative.

        It counts from its next change on, or `at_once`. Raises ScheduleError, NotAccepting, and ScheduleNotSaved when
        it could not be written.
        """
        schedule = None if table is None else schedule_of(table)
        with self.one_at_a_time:
            since_ns = 0 if at_once else self._sequencer.now_ns()
            try:
                self._disk.run(self._store.save, symbol, StoredSchedule(since_ns, table))
            except OSError as problem:
                log.exception("the schedule of %s could not be kept", symbol)
                raise ScheduleNotSaved(symbol) from problem
            instrument = self._exchange.books[symbol].instrument
            listed = ListInstrument(msgspec.structs.replace(instrument, scheduled=schedule is not None))
            seq = self._sequencer.submit(listed).seq
            self._runner.put(symbol, schedule, since_ns)
        return seq
