"""Changes of schedules while the server runs. What is changed is kept (`schedule_store`) before it counts.

Layer: listings.
"""

from __future__ import annotations

import logging

import msgspec
from eventlet.semaphore import Semaphore

from engine.commands import ListInstrument
from engine.exchange import Exchange
from engine.types import Seq
from listings.schedule_file import ScheduleTable, schedule_of
from listings.schedule_runner import ScheduleRunner
from listings.schedule_store import ScheduleStore, StoredSchedule
from loop.workers import Workers
from sequencer.port import Sequencing

log = logging.getLogger(__name__)

CHANGES_WAITING_MAX = 100


class ScheduleNotSaved(Exception):
    """A schedule could not be written to the data folder, so the one before still counts."""


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
