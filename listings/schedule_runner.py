"""Keeps the symbols to their schedules.

A scheduled change is a SetStatus command like an operator's, so that a replay needs no calendar. What an
operator commands holds until the next scheduled change, over a restart as well. What ends by itself, a limit state,
its halt, an auction for a time, is the engine's own.
Layer: listings.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping

from engine.commands import SetStatus
from engine.exchange import Exchange
from engine.types import TradingStatus
from listings.schedule import Change, Schedule
from loop.alarm import Alarm
from projections.statuses import CommandedStatuses
from sequencer.port import NotAccepting, Sequencing

log = logging.getLogger(__name__)

_AUCTION, _TRADING, _CLOSED = TradingStatus.AUCTION, TradingStatus.TRADING, TradingStatus.CLOSED


class ScheduleRunner:
    """The schedules of one venue. A symbol without one is left alone."""

    def __init__(
        self,
        schedules: Mapping[str, Schedule],
        exchange: Exchange,
        sequencer: Sequencing,
        commanded: CommandedStatuses,
        clock: Callable[[], int],
        since_ns: Mapping[str, int] | None = None,
    ) -> None:
        """`commanded` holds what was replayed; `clock` gives epoch nanoseconds.

        `since_ns`: the moments from which on schedules count that operators gave.
        """
        self._schedules = dict(schedules)
        self._since_ns = dict(since_ns or {})
        self._exchange = exchange
        self._sequencer = sequencer
        self._commanded = commanded
        self._clock = clock
        self._done_ns: dict[str, int] = {}  # of each symbol: scheduled changes up to then are done, or overridden
        self._alarm: Alarm | None = None  # while it runs
        self.on_planned: Callable[[str], None] = lambda _symbol: None  # called when its plan changes

    def start(self, newly_scheduled: Collection[str] = ()) -> None:
        """Bring every symbol to the status that it should have; return when it has. Cooperative.

        A status that was commanded after the last scheduled change stays, but for `newly_scheduled` symbols.
        It may have been stopped before. Raises NotAccepting.
        """
        self._alarm = Alarm(self._clock, self._ring)
        for symbol in self._schedules:
            if symbol in self._since_ns or symbol not in newly_scheduled:
                self._done_ns[symbol] = max(self._commanded.at_ns.get(symbol, 0), self._since_ns.get(symbol, 0))
        self._follow()

    def check_again(self) -> None:
        """The venue's time was set forward: what is due by now happens at once."""
        if self._alarm is not None:
            self._alarm.check_again()

    def stop(self) -> None:
        """Change nothing any more. Idempotent."""
        if self._alarm is not None:
            self._alarm.stop()
            self._alarm = None

    def has(self, symbol: str) -> bool:
        """Whether a schedule opens and closes `symbol`."""
        return symbol in self._schedules

    def schedule(self, symbol: str) -> Schedule | None:
        """What opens and closes `symbol`; None: nothing does."""
        return self._schedules.get(symbol)

    def put(self, symbol: str, schedule: Schedule | None, since_ns: int) -> None:
        """Keep a listed symbol to `schedule` from the first change after `since_ns` on; None: to none. Cooperative.

        With `since_ns` 0 it is brought to its status at once. While this does not run, somebody else does it.
        Raises NotAccepting.
        """
        self._schedules.pop(symbol, None)
        self._done_ns.pop(symbol, None)
        self._since_ns[symbol] = since_ns
        if schedule is not None:
            self._schedules[symbol] = schedule
            self._done_ns[symbol] = since_ns
            self._follow()
        self.on_planned(symbol)

    def next_change(self, symbol: str) -> Change | None:
        """What comes next, by the schedule or by itself; None: nothing is planned."""
        planned: list[Change] = []
        if (schedule := self._schedules.get(symbol)) is not None:
            change = schedule.next_change(max(self._clock(), self._done_ns.get(symbol, 0)))
            planned += [] if change is None else [change]
        if (timer := self._exchange.timers.get(symbol)) is not None:
            planned.append(Change(*timer))
        return min(planned, default=None)

    def _ring(self) -> None:
        try:
            self._follow()
        except NotAccepting:
            if self._sequencer.refusal is not None:  # until a restart, which makes up for it
                log.warning("no session begins or ends: %s", self._sequencer.refusal)
                return
            raise

    def _follow(self) -> None:
        if self._alarm is None:
            return
        self._change_what_is_due()
        if self._alarm is not None:  # it may have been stopped meanwhile
            self._alarm.set(self._next_ns())

    def _next_ns(self) -> int | None:
        now_ns = self._clock()
        changes = (
            schedule.next_change(self._done_ns.get(symbol, now_ns)) for symbol, schedule in self._schedules.items()
        )
        return min((change.at_ns for change in changes if change), default=None)

    def _change_what_is_due(self) -> None:
        now_ns = self._clock()
        for symbol in list(self._schedules):
            schedule = self._schedules.get(symbol)
            if schedule is None:  # the schedule was taken away meanwhile
                continue
            commands = self._missed(symbol, schedule, now_ns)
            # set before waiting, since the alarm may ring meanwhile
            done_ns, self._done_ns[symbol] = self._done_ns.get(symbol), now_ns
            if commands:
                log.info("%s by its schedule: %s", symbol, ", ".join(command.status for command in commands))
                try:
                    self._sequencer.submit_all(commands)
                except NotAccepting:
                    self._done_ns[symbol] = done_ns or 0
                    raise
                self.on_planned(symbol)

    def _missed(self, symbol: str, schedule: Schedule, now_ns: int) -> list[SetStatus]:
        """The commands for what the schedule asked for since it was last followed.

        Of several changes the last counts; but a session that has ended is closed first, for its day orders
        expire then. An auction is not closed without its uncross.
        """
        done_ns = self._done_ns.get(symbol)
        last = schedule.last_change(now_ns)
        if last is None or (done_ns is not None and last.at_ns <= done_ns):
            return []
        status, statuses = self._exchange.books[symbol].status, [last.status]
        closed = schedule.last_change(now_ns, _CLOSED)
        if done_ns and last.status is not _CLOSED and closed is not None and closed.at_ns > done_ns:
            statuses.insert(0, _CLOSED)
        if statuses[0] is _CLOSED and status is _AUCTION:
            statuses.insert(0, _TRADING)
        return [SetStatus(symbol, wanted) for wanted in statuses]
