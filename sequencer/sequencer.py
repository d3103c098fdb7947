"""The one writer of the exchange: gathers commands, makes them durable, applies them, answers.

Commands that wait while a batch is flushed form the next batch. A batch is journaled
first and applied only when it is durable, so the exchange never shows a state that a
crash could take back. All of it runs in one eventlet hub; only the flush itself runs in
a native thread.
Layer: sequencer.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Generator, Sequence
from typing import Final, NoReturn, TypeVar

import eventlet

from engine.commands import AdvanceTime, Command, EnterOrder
from engine.events import CommandResult
from engine.exchange import Exchange
from engine.types import Seq, TimeInForce, end_of_day_ns
from journal.codec import GENESIS, BatchRecord, Submission, seal
from journal.committer import Committer
from journal.port import JournalFailed, JournalFenced, JournalUnsettled
from loop.reply import Reply
from loop.turns import Turn
from projections.submissions import KeptSubmission, SubmissionWindow
from sequencer.entries import Entry, KeyedEntries, KeyedEntry, OnRefused, fingerprint_of
from sequencer.port import (
    NO_DEADLINE,
    STARTING,
    STOPPING,
    Listener,
    NotAccepting,
    OutcomeUnknown,
    Submit,
    TooManyWaiting,
)
from sequencer.publication import Publication
from sequencer.readings import Readings

log = logging.getLogger(__name__)

T = TypeVar("T")

EVENTS_AT_ONCE: Final = 500  # of the commands that are published together, the last one's apart
EXPIRED_AT_ONCE: Final = 300  # orders by one command, where more are due
SHORTEST_TIMER_NS = 1_000_000_000  # except for the expiry of its own order, a command makes nothing due sooner

_GTD, _DAY = TimeInForce.GTD, TimeInForce.DAY


class Sequencer:
    """Gives every command its seq and time. One for a running exchange."""

    def __init__(
        self,
        exchange: Exchange,
        committer: Committer,
        last: BatchRecord | None,
        *,
        clock: Callable[[], int],
        on_invariant_violation: Callable[[BaseException], NoReturn],
        max_batch: int,
        max_waiting: int,
        submissions: SubmissionWindow | None = None,
        publication: Publication | None = None,
    ) -> None:
        """`last` is the journal's newest batch; `clock` gives epoch nanoseconds.

        `on_invariant_violation` must end the process: nothing may be answered after it. It is
        called for any bug that the writer runs into.
        `max_batch` and `max_waiting` count commands. `submissions` has noted the records up to `last`; where it is not
        given, there were none in the last minutes. `publication`: where there are listeners already.
        """
        self._exchange = exchange
        self._committer = committer
        self._clock = clock
        self._stop_the_process = on_invariant_violation
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._n = last.n if last else 0
        self._chain = last.chain if last else GENESIS
        self._next_seq = exchange.seq + 1
        self._last_ns = exchange.ts_ns
        self._unapplied_due_ns: int | None = None  # the earliest that the batch which is not applied yet may set
        self._durable: tuple[list[Entry], Seq, int, Sequence[Submission]] | None = (
            None  # the batch that is not applied yet
        )
        self._waiting: deque[Entry] = deque()
        self._waiting_commands = 0
        self._wake: Reply[None] | None = None
        self._publication = Publication() if publication is None else publication
        self._replies = self._publication.replies
        self._readings = Readings(exchange, self._replies)
        self._keyed = KeyedEntries(SubmissionWindow() if submissions is None else submissions)
        self._refusal: str | None = STARTING
        self._stopping = False
        self._lost: JournalFailed | None = None  # the journal failed while nothing was committed
        committer.on_failure(self._on_lost)
        self._writer: eventlet.greenthread.GreenThread | None = None

    @property
    def refusal(self) -> str | None:
        """Why commands are not taken just now, in words; None while they are."""
        return self._refusal

    def now_ns(self) -> int:
        """The venue's time, in epoch nanoseconds: what a command would get now. Never before the last record's."""
        return max(self._clock(), self._last_ns)

    @property
    def waiting_commands(self) -> int:
        """How many commands wait to be journaled, those of the record that is being flushed left out."""
        return self._waiting_commands

    def listen(self, listener: Listener) -> None:
        """Have `listener` called with every applied batch, in order, as soon as it is applied, before others run.

        What must agree with the exchange whenever it is read is kept here. It must be quick, as answers come behind it,
        and must not switch. What it raises is logged and goes no further.
        """
        self._publication.listeners.append(listener)

    def listen_behind(self, listener: Listener) -> None:
        """Have `listener` called with every applied batch, in order, when those who wait for its answers have them.

        What makes and sends messages is done here. It must not block; it may switch, and the exchange stays as the
        batch left it until it returns. What it raises is logged and goes no further.
        """
        self._publication.listeners_behind.append(listener)

    def listen_failure(self, listener: Callable[[], None]) -> None:
        """Have `listener` called once when the journal fails; `refusal` says why."""
        self._publication.failure_listeners.append(listener)

    def start(self) -> None:
        """Begin to take commands."""
        self._refusal = None
        self._writer = eventlet.spawn(self._run)

    def stop(self) -> None:
        """Take no more, finish what waits, and return when it is answered."""
        self._stopping = True
        self._refusal = self._refusal or STOPPING
        self._signal()
        if self._writer is not None:
            self._writer.wait()

    def submit(self, command: Command) -> CommandResult:
        """Sequence one command; return what it caused, once it is durable. Cooperative.

        Raises NotAccepting when it was not taken or could not be made durable.
        """
        return self.submit_all((command,))[0]

    def submit_all(self, commands: Sequence[Command]) -> list[CommandResult]:
        """Sequence commands one behind the other, nothing in between, in one batch.

        Raises NotAccepting as `submit` does, for all of them together, and what `journal.codec.seal`
        raises for commands that cannot be encoded. Commands that nobody waits ahead of are never too many.
        """
        if self._refusal is not None:
            raise NotAccepting(self._refusal)
        if self._waiting and self._waiting_commands + len(commands) > self._max_waiting:
            raise self._too_many()
        entry = Entry(commands)
        self._waiting.append(entry)
        self._waiting_commands += len(commands)
        self._signal()
        return entry.wait()

    def submit_as(self, key: bytes, commands: Sequence[Command], fingerprint: bytes = b"") -> list[CommandResult]:
        """As `submit_all`, once: commands under a `key` of 16 bytes are never taken twice while it is remembered.

        `fingerprint`: of what was asked, 16 bytes; by default of the commands. Raises as `submit_all`, KeyReused where
        the key stands for something else, and AlreadySubmitted.
        """
        reply: Reply[list[CommandResult]] = Reply()

        def refuse(problem: Exception) -> None:
            reply.fail(problem)
            self._replies.send((reply,))

        if not fingerprint:
            fingerprint = fingerprint_of(commands)
        submission = Submit(key, NO_DEADLINE, self._keyed.window.forgotten_seq, fingerprint, list(commands))
        self.take(submission, refuse, reply)
        return reply.wait()

    def take(self, submission: Submit, on_refused: OnRefused, reply: Reply[list[CommandResult]] | None = None) -> None:
        """Sequence what a front door sent, which hears of it by the records. Never waits.

        `on_refused` is called, at once or later, where it is not taken: with AlreadySubmitted; with a Refused, or what
        `journal.codec.seal` raises, where it never will be; with Forgotten; with OutcomeUnknown where it may have been,
        since the journal failed meanwhile; with any other NotAccepting where the next writer may take it.
        `reply`: of who waits in this process. It is settled with what the commands caused, in its turn.
        """
        if self._refusal is not None:
            on_refused(NotAccepting(self._refusal))
        elif self._keyed.admits(submission, on_refused):
            if self._waiting and self._waiting_commands + len(submission.commands) > self._max_waiting:
                on_refused(self._too_many())
                return
            entry = KeyedEntry(submission, on_refused, reply)
            self._keyed.add(entry)
            self._waiting.append(entry)
            self._waiting_commands += len(entry.commands)
            self._signal()

    def _too_many(self) -> NotAccepting:
        return TooManyWaiting(f"{self._waiting_commands} commands are waiting already")

    def submitted(self, key: bytes) -> KeptSubmission | None:
        """Where the commands of a key are, as far as they are applied; None: not there, or forgotten. O(1)."""
        return self._keyed.window.find(key)

    def outcome(self, key: bytes) -> Sequence[CommandResult] | None:
        """As `Sequencing.outcome`."""
        return self._keyed.window.outcomes.find(key)

    def read_in_turns(self, reading: Callable[[], Generator[None, None, T]]) -> tuple[Seq, T]:
        """Go through a reading of one state of the exchange, in turns; return the seq of the state and what was read.

        No command is applied meanwhile: commands wait, everything else goes on. Raises what `reading` raises.
        """
        if self._writer is None or self._writer.dead:  # nothing changes any more
            return self._readings.read(reading)
        reply = self._readings.add(reading)
        self._signal()
        return reply.wait()

    def _on_lost(self, failure: JournalFailed) -> None:
        self._lost = failure
        self._signal()

    def _signal(self) -> None:
        if self._wake is not None and not self._wake.settled:
            self._wake.settle(None)
            self._replies.send((self._wake,))

    def _run(self) -> None:
        try:
            self._write()
        except Exception as bug:  # without a writer every caller would wait for ever
            self._stop_the_process(bug)

    def _write(self) -> None:
        """The writer: flush a batch, and while it is flushed apply and answer the one before."""
        while True:
            if self._readings:
                self._settle_durable()
                self._readings.answer()
            if not self._waiting:
                if self._durable is not None:
                    self._settle_durable()
                    continue
                if self._stopping:
                    return
                if self._lost is not None:
                    self._fail([], self._lost)
                    return
                self._wake = Reply()
                self._wake.wait()
                self._wake = None
                continue
            entries, commands, ts_ns = self._next_batch()
            if not entries:  # the deadline of all of them has passed
                continue
            first_seq = Seq(self._next_seq)
            submissions = self._keyed.within(entries) if self._keyed.queued else ()
            try:
                record = seal(self._n + 1, ts_ns, first_seq, commands, self._chain, submissions)
            except (ValueError, OverflowError, TypeError):
                self._return_unsealable(entries)
                continue
            try:
                ticket = self._committer.commit(record)
                self._settle_durable()
                self._committer.wait(ticket)
            except JournalFailed as failure:
                self._settle_durable()
                self._fail(entries, failure)
                return
            self._n, self._chain = record.n, record.chain
            self._next_seq += len(commands)
            self._last_ns = ts_ns
            self._unapplied_due_ns = _earliest_due(commands, ts_ns)
            self._durable = (entries, first_seq, ts_ns, submissions)

    def _settle_durable(self) -> None:
        """Apply what is durable and not applied yet, if anything is."""
        if self._durable is not None:
            durable, self._durable = self._durable, None
            self._settle(*durable)

    def _next_batch(self) -> tuple[list[Entry], list[Command], int]:
        """What comes next, with its time. An AdvanceTime comes first, so that nobody trades with an expired order."""
        ts_ns = self.now_ns()
        if self._exchange.are_due(EXPIRED_AT_ONCE, ts_ns):
            self._settle_durable()  # which may be of that already
            if self._exchange.are_due(EXPIRED_AT_ONCE, ts_ns):
                part: list[Command] = [AdvanceTime(EXPIRED_AT_ONCE)]  # what waits goes on waiting until nothing is due
                return [Entry(part)], part, ts_ns
            ts_ns = self.now_ns()
        entries, commands = self._gather()
        if self._keyed.queued and (late := self._keyed.late(entries, ts_ns)):
            self._replies.send(late)
            entries = [entry for entry in entries if entry not in late]
            commands = [command for entry in entries for command in entry.commands]
        if self._is_due(ts_ns) and commands[:1] != [AdvanceTime()]:
            entries.insert(0, Entry((AdvanceTime(),)))
            commands.insert(0, AdvanceTime())
        return entries, commands, ts_ns

    def _gather(self) -> tuple[list[Entry], list[Command]]:
        """Take what waits, whole callers at a time, up to about `max_batch` commands."""
        entries: list[Entry] = []
        commands: list[Command] = []
        while self._waiting and len(commands) < self._max_batch:
            entry = self._waiting.popleft()
            entries.append(entry)
            commands.extend(entry.commands)
        self._waiting_commands -= len(commands)
        return entries, commands

    def _is_due(self, ts_ns: int) -> bool:
        """Whether the exchange may have something to do by itself before a batch of this time.

        The batch before it is durable but may not be applied yet: of that one it is what its commands can set.
        """
        due_ns, unapplied_ns = self._exchange.next_due_ns(), self._unapplied_due_ns
        return (due_ns is not None and due_ns <= ts_ns) or (unapplied_ns is not None and unapplied_ns <= ts_ns)

    def _return_unsealable(self, entries: list[Entry]) -> None:
        """Answer the callers whose commands cannot be encoded, and let the others wait again, in their order.

        Such commands are a bug of their caller, who must refuse them before; it must not stop the others.
        """
        for entry in reversed(entries):
            try:
                seal(1, 0, 1, entry.commands)
            except (ValueError, OverflowError, TypeError) as problem:
                self._keyed.fail(entry, problem)
                self._replies.send((entry,))
            else:
                self._waiting.appendleft(entry)
                self._waiting_commands += len(entry.commands)

    def _settle(self, entries: list[Entry], first_seq: Seq, ts_ns: int, submissions: Sequence[Submission]) -> None:
        """Apply a durable batch, answer its callers, call the listeners.

        A batch that takes longer than a turn is published as far as it is applied, and others have their turn: what
        they read is the state after a command, and all that led to it was published.
        """
        apply, turn = self._exchange.apply, Turn()
        batch: list[CommandResult] = []
        answered: list[Entry] = []
        seq, events = first_seq, 0
        for entry in entries:
            mine: list[CommandResult] = []
            for command in entry.commands:
                if events >= EVENTS_AT_ONCE or (len(batch) % 8 == 7 and turn.over):
                    self._publication.publish(batch, answered)
                    batch, answered, events, turn = [], [], 0, Turn()
                try:
                    applied = CommandResult(seq, ts_ns, command, apply(command, seq, ts_ns))
                except Exception as violation:
                    self._stop_the_process(violation)
                mine.append(applied)
                batch.append(applied)
                events += len(applied.events)
                seq = Seq(seq + 1)
            entry.settle(mine)
            if type(entry) is KeyedEntry:
                self._keyed.keep(entry, mine)
            answered.append(entry)
        self._unapplied_due_ns = None  # the exchange knows
        if submissions:
            self._keyed.remember(submissions, first_seq, ts_ns)
        self._publication.publish(batch, answered)

    def _fail(self, entries: list[Entry], failure: JournalFailed) -> None:
        """Refuse everything from now on: what is not durable is not acknowledged."""
        fenced = isinstance(failure, JournalFenced)
        goes_on_elsewhere = fenced or isinstance(failure, JournalUnsettled)
        if goes_on_elsewhere:
            log.warning("another node sequences now: %s", failure)
            self._refusal = "another node sequences now"
        else:
            log.critical("the journal failed, no more orders are taken until a restart: %s", failure)
            self._refusal = "the journal failed"  # all that a client may know
        for entry in entries:  # what was being written may be in the journal
            if isinstance(entry, KeyedEntry) and not fenced:
                self._keyed.fail(entry, OutcomeUnknown(entry.submission.key))
            else:
                self._keyed.fail(entry, NotAccepting(self._refusal))
        for entry in self._waiting:
            self._keyed.fail(entry, NotAccepting(self._refusal))
        self._replies.send((*entries, *self._waiting))
        self._waiting.clear()
        self._waiting_commands = 0
        if not goes_on_elsewhere:
            self._publication.publish_failure()
        self._readings.answer()


def _earliest_due(commands: Sequence[Command], ts_ns: int) -> int:
    """The earliest moment that commands of this time can make the exchange do something by itself. O(commands)."""
    earliest = ts_ns + SHORTEST_TIMER_NS
    for command in commands:
        if type(command) is EnterOrder:
            if command.time_in_force is _GTD:
                expire_ns = None if command.options is None else command.options.expire_ns
                if expire_ns is not None and expire_ns < earliest:
                    earliest = expire_ns
            elif command.time_in_force is _DAY:
                earliest = min(earliest, end_of_day_ns(ts_ns))
    return earliest
