"""The venue's clock: has an AdvanceTime sequenced whenever the exchange has something to do by itself.

Orders expire, limit states end, halts and auctions do. The sequencer sees to it as well, before any
command that comes later than what is due, so a late timer lets nobody trade with an order that has expired.
Layer: sequencer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from engine.commands import AdvanceTime
from engine.events import CommandResult
from engine.exchange import Exchange
from loop.alarm import Alarm
from sequencer.port import NotAccepting, Sequencing

log = logging.getLogger(__name__)


class Clock:
    """Sleeps until the exchange's next due moment; woken when an earlier one comes up."""

    def __init__(self, exchange: Exchange, sequencer: Sequencing, clock: Callable[[], int]) -> None:
        """`clock` gives epoch nanoseconds. `start` once the sequencer takes commands."""
        self._exchange = exchange
        self._sequencer = sequencer
        self._clock = clock
        self._alarm: Alarm | None = None  # while it keeps the time
        self._listens = False

    def start(self) -> None:
        """Let happen what fell due while nobody kept the time; return when it has. Cooperative.

        It may have been stopped before. Raises NotAccepting.
        """
        while self._is_due():
            self._sequencer.submit(AdvanceTime())
        if not self._listens:
            self._listens = True
            self._sequencer.listen(self._on_applied)
        self._alarm = Alarm(self._clock, self._ring)
        self._alarm.set(self._exchange.next_due_ns())

    def check_again(self) -> None:
        """The venue's time was set forward: what is due by now happens at once."""
        if self._alarm is not None:
            self._alarm.check_again()

    def stop(self) -> None:
        """Keep the time no more. Idempotent."""
        if self._alarm is not None:
            self._alarm.stop()
            self._alarm = None

    def _is_due(self) -> bool:
        due_ns = self._exchange.next_due_ns()
        return due_ns is not None and due_ns <= self._clock()

    def _on_applied(self, _batch: list[CommandResult]) -> None:
        if self._alarm is not None:
            self._alarm.set(self._exchange.next_due_ns())

    def _ring(self) -> None:
        if self._is_due():
            try:
                self._sequencer.submit(AdvanceTime())
            except NotAccepting:
                if self._sequencer.refusal is not None:  # until a restart, which begins with what is due
                    log.warning("the clock stands still: %s", self._sequencer.refusal)
                    return
                raise
        if self._alarm is not None:  # it may have been stopped meanwhile
            self._alarm.set(self._exchange.next_due_ns())
