"""The sequencer's surface where the writer is elsewhere: commands go over a link, answers come from one's own replica.

Records are applied here as the writer applies them, with the same order of publishing: what folds them, then the
answers, then what publishes. A submission is answered when the record that has its key is applied, by whichever writer
it was taken. While the writer is in this very process (`attach`), it applies, and submissions go to it directly.
Layer: cluster. For the event loop's thread.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Any, Final, NoReturn, TypeVar

import eventlet
import msgspec

from cluster.link_client import WriterLink
from cluster.link_frames import LATER, FromWriter, Known, Notice, NotTaken, Ping, WriterHello, framed
from cluster.link_server import KIND_OF
from cluster.unanswered import Unanswered, UnansweredSubmissions, unknown_outcome
from engine.commands import Command, EnterOrder
from engine.events import CommandResult
from engine.types import Seq
from journal.codec import BatchRecord, CorruptRecord, Submission, UnknownVersion, submissions_of
from loop.reply import Reply
from loop.turns import Turn
from projections.refused_names import named_key
from projections.submissions import KeptSubmission, SubmissionWindow
from replica.follower import Follower, StateDiffers
from replica.frames import Record
from sequencer.entries import fingerprint_of, problem_of
from sequencer.port import (
    DEADLINE_NS,
    STARTING,
    STOPPING,
    AlreadySubmitted,
    Forgotten,
    Listener,
    NotAccepting,
    OutcomeUnknown,
    Refused,
    Submit,
    TooManyWaiting,
)
from sequencer.publication import Publication
from sequencer.readings import Readings
from sequencer.sequencer import EVENTS_AT_ONCE, Sequencer

log = logging.getLogger(__name__)

PATIENCE_S: Final = 10.0  # that an answer is waited for
CHECK_S: Final = 0.1  # between two checks of what is overdue
NAME_PREFIX: Final = "door-"  # of the client order ids that a door makes
NO_WRITER: Final = "no writer can be reached"
CANNOT_FOLLOW: Final = "the records cannot be followed"

FOLLOWING_FAILED: Final = (CorruptRecord, UnknownVersion, StateDiffers)
REFUSALS: Final = {kind: error for error, kind in KIND_OF.items()}

T = TypeVar("T")


class _LocalAnswer(Reply[list[CommandResult]]):
    """Between the writer in this process and who waits."""

    __slots__ = ("_of", "_one")

    def __init__(self, one: Unanswered, of: UnansweredSubmissions) -> None:
        super().__init__()
        self._one = one
        self._of = of

    def settle(self, result: list[CommandResult]) -> None:
        """Give the result to who waits, where anybody does still."""
        super().settle(result)
        if self._of.take(self._one.submission.key) is not None:
            self._one.settle(result)

    def resume(self) -> None:
        """Switch to who waits. Called by the hub alone."""
        self._one.resume()


class RemoteSequencer:
    """`Sequencing` over a link and the records. One for a running front door, whoever the writer is."""

    def __init__(
        self,
        follower: Follower,
        submissions: SubmissionWindow,
        link: WriterLink,
        *,
        clock: Callable[[], int],
        on_invariant_violation: Callable[[BaseException], NoReturn],
        max_waiting: int,
        names_orders: bool,
        patience_s: float = PATIENCE_S,
        on_notice: Callable[[Notice], object] = lambda notice: None,
    ) -> None:
        """`follower` has applied what the door begins with, and `submissions` has noted it.

        `clock` gives epoch nanoseconds. `on_invariant_violation` must end the process. `max_waiting` counts commands.
        `names_orders`: give an EnterOrder without a client order id one, so that it can be asked for afterwards.
        `patience_s`: that an answer is waited for. `on_notice`: called with the writer's notices; must not wait.
        """
        self.publication = Publication()  # to be given to a writer in this process
        self.submissions = submissions  # so too
        self.mark_now: Callable[[], bytes] = bytes  # of the signed request that submits just now; b"": none does
        self.failure: Exception | None = None  # why the records cannot be followed any more
        self.writer_said = Ping(0, 0)  # the writer's last
        self._follower = follower
        self._exchange = follower.exchange
        self._link = link
        self._clock = clock
        self._stop_the_process = on_invariant_violation
        self._max_waiting = max_waiting
        self._names_orders = names_orders
        self._patience_s = patience_s
        self._on_notice = on_notice
        self._replies = self.publication.replies
        self._readings = Readings(self._exchange, self._replies)
        self._unanswered = UnansweredSubmissions()
        self._records: deque[Record] = deque()
        self._backlog_bytes = 0
        self._last = follower.last
        self._noted_seq: int = follower.exchange.seq  # the last command whose submission `submissions` knows
        self._wake: Reply[None] | None = None
        self._local: Sequencer | None = None
        self._refusal: str | None = STARTING
        self._writer_refusal: str | None = None  # what this writer has said, until there is another one
        self._down_since: float | None = time.monotonic()
        self._key_prefix, self._keys = secrets.token_bytes(8), 0
        self._stopping = False
        self._greenlets: list[Any] = []

    # -- Sequencing

    @property
    def refusal(self) -> str | None:
        """As `Sequencing.refusal`."""
        if self._refusal is not None:
            return self._refusal
        if self._local is not None:
            return self._local.refusal
        if self._down_since is not None and time.monotonic() - self._down_since > self._patience_s:
            return NO_WRITER
        return self._writer_refusal

    @property
    def waiting_commands(self) -> int:
        """How many commands wait for their answers."""
        return self._unanswered.commands

    def now_ns(self) -> int:
        """As `Sequencing.now_ns`."""
        return max(self._clock(), self._exchange.ts_ns) if self._local is None else self._local.now_ns()

    def listen(self, listener: Listener) -> None:
        """As `Sequencing.listen`."""
        self.publication.listeners.append(listener)

    def listen_behind(self, listener: Listener) -> None:
        """As `Sequencing.listen_behind`."""
        self.publication.listeners_behind.append(listener)

    def listen_failure(self, listener: Callable[[], None]) -> None:
        """As `Sequencing.listen_failure`: called when the records cannot be followed any more."""
        self.publication.failure_listeners.append(listener)

    def start(self) -> None:
        """Begin to apply records, to connect and to take commands."""
        self._refusal = None
        self._down_since = time.monotonic()
        self._greenlets = [eventlet.spawn(self._run), eventlet.spawn(self._watch)]
        self._link.start(self)

    def stop(self) -> None:
        """Take no more, wait for the answers that are due within the patience, and end. Idempotent."""
        self._refusal = self._refusal or STOPPING
        while self._unanswered and self._greenlets:
            eventlet.sleep(CHECK_S / 10)
        self._stopping = True
        self._signal()
        greenlets, self._greenlets = self._greenlets, []
        for greenlet, ends in zip(greenlets, (True, False), strict=False):
            if ends:
                greenlet.wait()
            else:
                greenlet.kill()
        self._link.close()

    def submit(self, command: Command) -> CommandResult:
        """As `Sequencing.submit`."""
        return self.submit_all((command,))[0]

    def submit_all(self, commands: Sequence[Command]) -> list[CommandResult]:
        """As `Sequencing.submit_all`."""
        if self._names_orders:
            commands = [self._named(command) for command in commands]
        if len(commands) == 1 and type(commands[0]) is EnterOrder and commands[0].client_order_id is not None:
            deadline_ns = self.now_ns() + DEADLINE_NS
            key = named_key(commands[0], deadline_ns)
            if self._unanswered.get(key) is None and self.submissions.find(key) is None:
                try:
                    return self._submit(key, commands, b"", deadline_ns).wait()
                except AlreadySubmitted:  # another request under this id ends at the same nanosecond: the engine says
                    return self._submit(self._new_key(), commands, b"").wait()
        return self._submit(self._new_key(), commands, b"").wait()

    def submit_as(self, key: bytes, commands: Sequence[Command], fingerprint: bytes = b"") -> list[CommandResult]:
        """As `Sequencing.submit_as`."""
        fingerprint = fingerprint or fingerprint_of(commands)
        while (same := self._unanswered.get(key)) is not None:  # this door has sent it, and has no answer yet
            if same.submission.fingerprint != fingerprint:
                raise problem_of(KeptSubmission(0, 0, same.submission.fingerprint), fingerprint)
            eventlet.sleep(CHECK_S / 10)
        known = self.submissions.find(key)
        if known is not None:
            raise problem_of(known, fingerprint)
        return self._submit(key, commands, fingerprint).wait()

    def submitted(self, key: bytes) -> KeptSubmission | None:
        """As `Sequencing.submitted`."""
        return self.submissions.find(key)

    def outcome(self, key: bytes) -> Sequence[CommandResult] | None:
        """As `Sequencing.outcome`."""
        return self.submissions.outcomes.find(key)

    def read_in_turns(self, reading: Callable[[], Generator[None, None, T]]) -> tuple[Seq, T]:
        """As `Sequencing.read_in_turns`."""
        if self._local is not None:
            return self._local.read_in_turns(reading)
        if not self._greenlets or self._greenlets[0].dead:  # nothing changes any more
            return self._readings.read(reading)
        reply = self._readings.add(reading)
        self._signal()
        return reply.wait()

    # -- RecordTaker

    @property
    def last(self) -> BatchRecord | None:
        """The newest record that was delivered."""
        return self._last

    @property
    def applied_n(self) -> int:
        """The last record that is applied."""
        return self._follower.n

    @property
    def applied_seq(self) -> int:
        """The last command that is applied."""
        return self._exchange.seq

    @property
    def backlog_bytes(self) -> int:
        """Of records that were delivered and are not applied yet. From any thread."""
        return self._backlog_bytes

    def deliver(self, records: Sequence[Record]) -> None:
        """Take records that follow one another; they are verified when they are applied. Never waits."""
        if records:
            self._records.extend(records)
            self._backlog_bytes += sum(len(each.record.body) for each in records)
            self._last = records[-1].record
            self._signal()

    # -- LinkUser

    def on_link_up(self, hello: WriterHello) -> None:
        """Send the writer everything that is not answered, in order."""
        log.info("the writer is %s of epoch %d, at seq %d", hello.node or "this venue's", hello.epoch, hello.seq)
        self._down_since = self._writer_refusal = None
        if self._local is None:
            self._send_all()

    def on_link_down(self) -> None:
        """The writer is gone: what is not answered waits for the next."""
        self._down_since = time.monotonic()

    def on_frame(self, frame: FromWriter) -> None:
        """Take what the writer says."""
        match frame:
            case NotTaken(kind=kind) if kind == LATER:
                self._writer_refusal = frame.why
                self._on_refused(frame.key, NotAccepting(frame.why))
            case NotTaken(kind=kind):
                self._on_refused(frame.key, REFUSALS.get(kind, Refused)(frame.why))
            case Known():
                self._on_known(frame.key, frame.first_seq)
            case Ping():
                self.writer_said = frame
            case Notice():
                self._on_notice(frame)

    # -- a writer in this process

    def attach(self, sequencer: Sequencer) -> None:
        """From now on `sequencer`, which has begun, applies to the same exchange; what is unanswered goes to it.

        It has this one's `publication` and `submissions`. Raises RuntimeError while records wait to be applied.
        """
        if self._records or self._backlog_bytes:
            raise RuntimeError("records wait to be applied: the writer begins behind the last one")
        self._local = sequencer
        self._writer_refusal = None
        self._send_all()

    def detach(self, last: BatchRecord | None) -> None:
        """Follow again: the writer in this process has ended, and `last` is the newest record that it applied."""
        self._local = None
        self._last = self._follower.last = last
        self._noted_seq = self._exchange.seq
        self._down_since = None if self._link.is_up else time.monotonic()
        self._send_all()

    # -- submissions

    def _new_key(self) -> bytes:
        self._keys += 1
        return self._key_prefix + self._keys.to_bytes(8, "big")

    def _named(self, command: Command) -> Command:
        """The same, with a client order id where it is an order without: nobody else has that, so it is new."""
        if type(command) is not EnterOrder or command.client_order_id is not None:
            return command
        name = f"{NAME_PREFIX}{self._new_key().hex()}"
        return msgspec.structs.replace(command, client_order_id=name, looked_until=self._exchange.seq)

    def _submit(
        self, key: bytes, commands: Sequence[Command], fingerprint: bytes, deadline_ns: int | None = None
    ) -> Unanswered:
        """Send commands, or have them wait for a writer. Raises NotAccepting, and what encoding raises."""
        refusal = self.refusal
        if refusal is not None:
            raise NotAccepting(refusal)
        if self._unanswered and self._unanswered.commands + len(commands) > self._max_waiting:
            raise TooManyWaiting(f"{self._unanswered.commands} commands are waiting already")
        mark = self.mark_now()
        sender = self._key_prefix + mark if fingerprint or mark else b""
        if deadline_ns is None:
            deadline_ns = self.now_ns() + DEADLINE_NS
        submission = Submit(key, deadline_ns, self._exchange.seq, fingerprint, list(commands), sender)
        one = Unanswered(submission, framed(submission), time.monotonic())
        self._unanswered.add(one)
        self._send(one)
        return one

    def _send_all(self) -> None:
        for one in self._unanswered:
            self._send(one)

    def _send(self, one: Unanswered) -> None:
        if self._local is not None:
            one.out += 1
            refused = partial(self._on_refused, one.submission.key)
            self._local.take(one.submission, refused, _LocalAnswer(one, self._unanswered))
        elif self._link.send(one.frame):
            one.out += 1

    def _on_refused(self, key: bytes, problem: Exception) -> None:
        """The writer has not taken a submission, or nobody can say whether it was."""
        one = self._unanswered.get(key)
        if one is None or isinstance(problem, OutcomeUnknown):  # the next writer knows
            return
        if isinstance(problem, AlreadySubmitted):
            self._on_known(key, problem.place.first_seq)
        elif type(problem) is NotAccepting:  # but the next writer may
            one.out -= 1
        else:
            self._unanswered.take(key)
            self._fail(one, unknown_outcome(one) if isinstance(problem, Forgotten) else problem)

    def _on_known(self, key: bytes, first_seq: int) -> None:
        """A submission was taken before: by an earlier writer of this door, or as somebody else sent it."""
        one = self._unanswered.get(key)
        if one is None:
            return
        known = self.submissions.find(key)
        if known is None and self._noted_seq < first_seq:
            return  # its record is still to come, or is being applied
        self._unanswered.take(key)
        self._fail(one, unknown_outcome(one) if known is None else problem_of(known, one.submission.fingerprint))

    def _fail(self, one: Unanswered, problem: Exception) -> None:
        one.fail(problem)
        self._replies.send((one,))

    def _watch(self) -> None:
        """Give up what has waited for too long."""
        while True:
            eventlet.sleep(CHECK_S)
            self._give_up_overdue()

    def _give_up_overdue(self) -> None:
        for one in self._unanswered.overdue(time.monotonic() - self._patience_s):
            self._fail(one, unknown_outcome(one) if one.out else NotAccepting(self.refusal or NO_WRITER))

    # -- records

    def _signal(self) -> None:
        if self._wake is not None and not self._wake.settled:
            self._wake.settle(None)
            self._replies.send((self._wake,))

    def _run(self) -> None:
        try:
            while self._turn():
                pass
        except FOLLOWING_FAILED as problem:
            self._give_up(problem)
        except Exception as bug:  # the engine's, or ours: without this greenlet every caller would wait in vain
            self._stop_the_process(bug)
        finally:
            self._readings.answer()

    def _turn(self) -> bool:
        """Read for who waits, apply one record, or wait; whether there may be more."""
        if self._readings:
            self._readings.answer()
        if self._records:
            delivered = self._records.popleft()
            try:
                self._apply(delivered)
            finally:
                self._backlog_bytes -= len(delivered.record.body)
            return True
        if self._stopping:
            return False
        self._wake = Reply()
        self._wake.wait()
        self._wake = None
        return True

    def _apply(self, delivered: Record) -> None:
        """Apply a record, answer the callers whose commands are in it, call the listeners: as the writer does it.

        A record that takes longer than a turn is published as far as it is applied, and others have their turn.
        """
        record = delivered.record
        for seq, digest in delivered.digests.items():
            self._follower.expect(seq, digest)
        steps, turn = self._follower.steps(record), Turn()
        submissions = submissions_of(record)
        ours = deque(each for each in submissions if self._unanswered.get(each.key) is not None)
        results: list[CommandResult] = []
        batch: list[CommandResult] = []
        answered: list[Unanswered] = []
        events = 0
        for place in range(1, record.count + 1):
            if events >= EVENTS_AT_ONCE or (len(batch) % 8 == 7 and turn.over):
                self.publication.publish(batch, answered)
                batch, answered, events, turn = [], [], 0, Turn()
            applied = next(steps)
            results.append(applied)
            batch.append(applied)
            events += len(applied.events)
            if ours and place == ours[0].place + ours[0].count:
                one = self._answer(ours.popleft(), record, results)
                if one is not None:
                    answered.append(one)
        next(steps, None)  # which moves the follower's position
        if submissions:
            self.submissions.add(submissions, record.first_seq, record.ts_ns)
            self.submissions.keep(submissions, results)
        self._noted_seq = record.last_seq
        for each in submissions:
            self._on_known(each.key, record.first_seq + each.place)  # what was sent again while it was applied
        self.publication.publish(batch, answered)

    def _answer(
        self, submission: Submission, record: BatchRecord, results: Sequence[CommandResult]
    ) -> Unanswered | None:
        """The one that waits for a submission, with its results; None where nobody does any more."""
        one = self._unanswered.take(submission.key)
        if one is None:
            return None
        place, count = submission.place, submission.count
        if submission.sender != one.submission.sender:
            kept = KeptSubmission(record.first_seq + place, count, submission.fingerprint)
            one.fail(problem_of(kept, one.submission.fingerprint))
        else:
            one.settle(list(results[place : place + count]))
        return one

    def _give_up(self, problem: Exception) -> None:
        """Follow no more: what comes behind would be wrong."""
        log.critical("no more records are followed, and no orders are taken until a restart: %s", problem)
        self._refusal, self.failure = CANNOT_FOLLOW, problem
        for one in self._unanswered:
            self._unanswered.take(one.submission.key)
            self._fail(one, unknown_outcome(one) if one.out else NotAccepting(CANNOT_FOLLOW))
        self.publication.publish_failure()
