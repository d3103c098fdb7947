"""A front door's sequencer over a link and records that a test gives: which of them ends which wait."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn, cast

import eventlet
import msgspec
import pytest

from cluster import remote_sequencer
from cluster.link_client import WriterLink
from cluster.link_frames import (
    DEADLINE,
    FORGOTTEN,
    INVALID,
    LATER,
    REFUSED,
    REUSED,
    TOO_MANY,
    Known,
    Notice,
    NotTaken,
    Ping,
    WriterHello,
    from_door,
)
from cluster.remote_sequencer import CANNOT_FOLLOW, NO_WRITER, RemoteSequencer
from engine.commands import AdvanceTime, Command
from engine.events import CommandResult
from engine.exchange import Exchange
from engine.types import Seq
from journal.codec import GENESIS, BatchRecord, Submission, seal
from projections.submissions import KeptSubmission, SubmissionWindow
from replica.follower import Follower
from replica.frames import Record
from sequencer.port import (
    DEADLINE_NS,
    STARTING,
    STOPPING,
    AlreadySubmitted,
    DeadlinePassed,
    KeyReused,
    NotAccepting,
    OutcomeUnknown,
    Refused,
    Submit,
    TooManyWaiting,
)
from sequencer.sequencer import Sequencer
from tests.cluster.door import until
from tests.cluster.trading import KEY, opening, order

HELLO = WriterHello(1, "a", 5, 0)
PRINT = b"f" * 16
NOW_NS = 1_000_000


class Link:
    """`WriterLink`, as far as a sequencer uses it."""

    def __init__(self) -> None:
        self.is_up = False
        self.sent: list[Submit] = []
        self.user: Any = None
        self.is_closed = False

    def start(self, user: Any) -> None:
        """The test says when there is a writer."""
        self.user = user

    def send(self, frame: bytes) -> bool:
        if self.is_up:
            (submission,) = from_door().feed(frame)
            assert isinstance(submission, Submit)
            self.sent.append(submission)
        return self.is_up

    def close(self) -> None:
        self.is_closed = True


class Door:
    """A sequencer that runs, and the records that it is given."""

    def __init__(self, **settings: Any) -> None:
        self.link = Link()
        self.notices: list[Notice] = []
        self.batches: list[list[int]] = []
        self.last: BatchRecord | None = None
        usual: dict[str, Any] = {"max_waiting": 10, "names_orders": False, "patience_s": 60.0}
        self.sequencer = RemoteSequencer(
            Follower(Exchange()),
            SubmissionWindow(keys_max=8),
            cast(WriterLink, self.link),
            clock=lambda: NOW_NS,
            on_invariant_violation=_raise,
            on_notice=self.notices.append,
            **usual | settings,
        )
        self.sequencer.listen(lambda batch: self.batches.append([applied.seq for applied in batch]))

    def up(self) -> None:
        self.link.is_up = True
        self.sequencer.on_link_up(HELLO)

    def down(self) -> None:
        self.link.is_up = False
        self.sequencer.on_link_down()

    def asks(self, *commands: Command) -> Any:
        """A greenlet that submits these: what it got, or what was raised."""
        return self._spawned(lambda: self.sequencer.submit_all(commands or (AdvanceTime(),)))

    def asks_as(self, key: bytes, fingerprint: bytes = PRINT) -> Any:
        """The same under a key."""
        return self._spawned(lambda: self.sequencer.submit_as(key, [AdvanceTime()], fingerprint))

    def record(self, commands: Sequence[Command], *submissions: Submission) -> None:
        """Deliver the next record."""
        n, seq, chain = (0, 0, GENESIS) if self.last is None else (self.last.n, self.last.last_seq, self.last.chain)
        self.last = seal(n + 1, NOW_NS + n, seq + 1, commands, chain, submissions)
        self.sequencer.deliver([Record(self.last)])

    def applied(self, seq: int) -> None:
        until(lambda: self.sequencer.applied_seq >= seq and self.sequencer.backlog_bytes == 0)

    @staticmethod
    def _spawned(call: Any) -> Any:
        def attempt() -> Any:
            try:
                return call()
            except Exception as problem:
                return problem

        greenlet = eventlet.spawn(attempt)
        eventlet.sleep(0)
        return greenlet


@pytest.fixture
def door() -> Iterator[Door]:
    """One that has a writer."""
    made = Door()
    made.sequencer.start()
    made.up()
    yield made
    made.sequencer._patience_s = -1.0  # who waits still waits no more
    made.sequencer.stop()
    assert made.link.is_closed


def _raise(bug: BaseException) -> NoReturn:
    raise bug


def _nothing() -> Any:
    """A reading."""
    yield
    return "read"


def of(submit: Submit, place: int = 0, sender: bytes | None = None) -> Submission:
    """What a record says of a submission."""
    return Submission(
        submit.key, place, len(submit.commands), submit.fingerprint, submit.sender if sender is None else sender
    )


def test_the_answer_is_what_the_record_with_its_key_caused_and_of_each_its_own(door: Door) -> None:
    one, two = door.asks(AdvanceTime(), AdvanceTime()), door.asks()
    assert door.sequencer.waiting_commands == 3
    first, second = door.link.sent
    assert (first.deadline_ns, first.after_seq) == (NOW_NS + DEADLINE_NS, 0)
    assert (first.fingerprint, first.sender) == (b"", b"")
    assert first.key != second.key
    door.record([AdvanceTime()] * 4, of(first, 1), of(second, 3))
    assert [[result.seq for result in greenlet.wait()] for greenlet in (one, two)] == [[2, 3], [4]]
    assert door.sequencer.waiting_commands == 0
    assert door.batches == [[1, 2, 3, 4]]
    assert (door.sequencer.applied_n, door.sequencer.last) == (1, door.last)


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        (REFUSED, Refused),
        (TOO_MANY, TooManyWaiting),
        (DEADLINE, DeadlinePassed),
        (REUSED, KeyReused),
        (INVALID, Refused),
        ("of a later version", Refused),
        (FORGOTTEN, OutcomeUnknown),
    ],
)
def test_what_the_writer_does_not_take_is_answered_by_its_kind(door: Door, kind: str, problem: type) -> None:
    asked = door.asks()
    door.sequencer.on_frame(NotTaken(bytes(16), "of somebody else", kind))
    door.sequencer.on_frame(NotTaken(door.link.sent[0].key, "why", kind))
    answer = asked.wait()
    assert type(answer) is problem
    assert problem is OutcomeUnknown or str(answer) == "why"
    assert door.sequencer.waiting_commands == 0
    assert door.sequencer.refusal is None


def test_a_writer_that_ends_says_so_and_the_next_is_sent_the_same_bytes(door: Door) -> None:
    asked = [door.asks(), door.asks()]
    first = list(door.link.sent)
    door.sequencer.on_frame(NotTaken(first[0].key, "it is stopping", LATER))
    assert door.sequencer.refusal == "it is stopping"
    assert isinstance(door.asks().wait(), NotAccepting)
    door.down()
    assert door.sequencer.refusal == "it is stopping"
    door.up()
    assert door.sequencer.refusal is None
    assert door.link.sent == first * 2
    door.record([AdvanceTime()] * 2, of(first[0]), of(first[1], 1))
    assert [[result.seq for result in greenlet.wait()] for greenlet in asked] == [[1], [2]]


def test_only_what_somebody_may_have_taken_is_not_known_when_it_has_waited_for_too_long(door: Door) -> None:
    refused, sent = door.asks(), door.asks()
    door.sequencer.on_frame(NotTaken(door.link.sent[0].key, "it is stopping", LATER))
    door.down()
    door.sequencer._writer_refusal = None
    never = door.asks()
    assert len(door.link.sent) == 2
    door.sequencer._patience_s = -1.0
    assert [type(each.wait()) for each in (refused, sent, never)] == [NotAccepting, OutcomeUnknown, NotAccepting]
    assert never.wait().why == NO_WRITER


def test_what_was_taken_before_is_found_by_its_key_or_waited_for_or_not_known(door: Door) -> None:
    asked = door.asks_as(KEY)
    (sent,) = door.link.sent
    door.sequencer.on_frame(Known(bytes(16), 1))
    door.sequencer.on_frame(Known(KEY, 1))  # its record is still to come
    eventlet.sleep(0.01)
    assert not asked.dead
    door.record([AdvanceTime()], of(sent, sender=b"another door"))
    answer = asked.wait()
    assert isinstance(answer, AlreadySubmitted)
    assert answer.place == KeptSubmission(1, 1, PRINT)
    late = door.asks()
    door.sequencer.on_frame(Known(door.link.sent[-1].key, 1))  # applied here, and forgotten since
    assert isinstance(late.wait(), OutcomeUnknown)


def test_another_door_that_used_the_key_for_something_else_is_said(door: Door) -> None:
    asked = door.asks_as(KEY)
    door.record([AdvanceTime()], Submission(KEY, 0, 1, b"other" + bytes(11), b"another door"))
    assert isinstance(asked.wait(), KeyReused)
    assert isinstance(door.asks_as(KEY).wait(), KeyReused)
    assert isinstance(door.asks_as(KEY, b"other" + bytes(11)).wait(), AlreadySubmitted)
    assert len(door.link.sent) == 1  # what is known here is not sent


def test_a_key_that_waits_is_not_sent_again_and_whoever_repeats_it_waits_for_the_first(door: Door) -> None:
    first, again = door.asks_as(KEY), door.asks_as(KEY)
    assert isinstance(door.asks_as(KEY, b"other" + bytes(11)).wait(), KeyReused)
    assert len(door.link.sent) == 1
    door.record([AdvanceTime()], of(door.link.sent[0]))
    assert [result.seq for result in first.wait()] == [1]
    assert isinstance(again.wait(), AlreadySubmitted)
    assert door.sequencer.outcome(KEY) == first.wait()
    assert door.sequencer.submitted(KEY) == KeptSubmission(1, 1, PRINT)


def test_an_order_by_its_own_name_is_sent_under_the_name_once_at_a_time(door: Door) -> None:
    named = order(1, random.Random(1), "mine")
    door.asks(named)
    door.asks(named)
    first, second = door.link.sent
    assert first.key[:8] != second.key[:8]
    assert first.deadline_ns.to_bytes(8, "big") == first.key[8:]
    assert (first.fingerprint, first.commands) == (b"", [named])


def test_an_order_without_a_name_is_given_one_where_that_is_wanted() -> None:
    door = Door(names_orders=True)
    door.sequencer.start()
    door.up()
    bare, named = order(1, random.Random(1)), order(1, random.Random(2), "mine")
    door.asks(bare, named, AdvanceTime())
    (sent,) = door.link.sent
    given, *rest = sent.commands
    assert rest == [named, AdvanceTime()]
    name = cast(Any, given).client_order_id
    assert name.startswith(remote_sequencer.NAME_PREFIX)
    assert given == msgspec.structs.replace(bare, client_order_id=name, looked_until=0)
    door.sequencer._patience_s = -1.0
    door.sequencer.stop()


def test_no_more_than_may_wait_do_but_one_that_is_larger_alone_does(door: Door) -> None:
    door.asks(*[AdvanceTime()] * 9)
    door.asks()
    assert door.sequencer.waiting_commands == 10
    assert isinstance(door.asks().wait(), TooManyWaiting)
    first, second = door.link.sent
    door.record([AdvanceTime()] * 10, of(first), of(second, 9))
    door.applied(10)
    door.asks(*[AdvanceTime()] * 11)
    assert door.sequencer.waiting_commands == 11


def test_whoever_has_not_begun_or_has_had_no_writer_for_too_long_takes_nothing() -> None:
    door = Door(patience_s=30.0)
    assert door.sequencer.refusal == STARTING
    assert isinstance(door.asks().wait(), NotAccepting)
    door.sequencer.start()
    assert door.sequencer.refusal is None  # there may be a writer soon
    door.sequencer._patience_s = -1.0
    assert door.sequencer.refusal == NO_WRITER
    door.up()
    assert door.sequencer.refusal is None
    door.down()
    assert door.sequencer.refusal == NO_WRITER
    door.sequencer.stop()


def test_pings_and_notices_are_handed_on(door: Door) -> None:
    door.sequencer.on_frame(Ping(3, 4, 5))
    door.sequencer.on_frame(Notice("topic", b"body"))
    assert door.sequencer.writer_said == Ping(3, 4, 5)
    assert door.notices == [Notice("topic", b"body")]


def test_a_long_record_is_published_in_parts_and_each_answer_with_its_part(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_sequencer, "EVENTS_AT_ONCE", 2)
    commands = opening(3)  # an event each
    asked = door.asks(*commands[2:4])
    door.record(commands, of(door.link.sent[0], 2))
    assert [result.seq for result in asked.wait()] == [3, 4]
    door.applied(len(commands))
    assert [seq for batch in door.batches for seq in batch] == list(range(1, len(commands) + 1))
    assert len(door.batches) > 2
    assert door.sequencer.submitted(door.link.sent[0].key) == KeptSubmission(3, 2, b"")


def test_orders_that_go_together_are_not_sent_under_the_name_of_one(door: Door) -> None:
    named = order(1, random.Random(1), "mine")
    door.asks(named, named)
    door.asks(order(1, random.Random(1)))
    assert all(sent.deadline_ns.to_bytes(8, "big") != sent.key[8:] for sent in door.link.sent)


def test_a_name_that_was_taken_at_the_same_moment_is_sent_under_another_key(door: Door) -> None:
    named = order(1, random.Random(1), "mine")
    first = door.asks(named)
    door.record([named], of(door.link.sent[0]))
    first.wait()
    door.asks(named)
    assert door.link.sent[0].deadline_ns == door.link.sent[1].deadline_ns
    assert door.link.sent[0].key != door.link.sent[1].key


def test_a_key_without_a_fingerprint_stands_for_its_commands(door: Door) -> None:
    asked = [door.asks_as(KEY, b""), door._spawned(lambda: door.sequencer.submit_as(KEY, [AdvanceTime()] * 2))]
    assert isinstance(asked[1].wait(), KeyReused)
    assert len(door.link.sent[0].fingerprint) == 16


def test_a_door_that_stops_takes_no_more_and_waits_for_what_it_took() -> None:
    door, behind, failures = Door(), list[int](), list[str]()
    door.sequencer.listen_behind(lambda batch: behind.extend(applied.seq for applied in batch))
    door.sequencer.listen_failure(lambda: failures.append("failed"))
    door.sequencer.start()
    assert door.link.user is door.sequencer
    door.up()
    one = door._spawned(lambda: door.sequencer.submit(AdvanceTime()))
    stopping = eventlet.spawn(door.sequencer.stop)
    eventlet.sleep(0.05)
    assert not stopping.dead
    assert door.sequencer.refusal == STOPPING
    assert isinstance(door.asks().wait(), NotAccepting)
    door.record([AdvanceTime()], of(door.link.sent[0]))
    assert one.wait().seq == 1
    stopping.wait()
    assert door.link.is_closed
    assert (behind, failures) == ([1], [])
    door.sequencer.stop()
    assert door.sequencer.read_in_turns(_nothing) == (1, "read")  # nothing changes any more


def test_a_door_that_never_began_says_so_though_it_is_stopped() -> None:
    door = Door()
    door.sequencer.stop()
    assert door.sequencer.refusal == STARTING
    assert door.sequencer.read_in_turns(_nothing) == (0, "read")


def test_a_reading_is_gone_through_while_no_records_come(door: Door) -> None:
    door.record([AdvanceTime()])
    door.applied(1)
    with eventlet.Timeout(60):
        assert door.sequencer.read_in_turns(_nothing) == (1, "read")


def test_records_that_cannot_be_followed_end_every_wait_by_whether_it_was_sent(door: Door) -> None:
    failures: list[str | None] = []
    door.sequencer.listen_failure(lambda: failures.append(door.sequencer.refusal))
    sent = door.asks()
    door.down()
    waiting = door.asks()
    door.sequencer.deliver([Record(seal(5, NOW_NS, 9, [AdvanceTime()]))])
    assert isinstance(sent.wait(), OutcomeUnknown)
    answer = waiting.wait()
    assert type(answer) is NotAccepting
    assert answer.why == CANNOT_FOLLOW
    assert failures == [CANNOT_FOLLOW]
    assert door.sequencer.failure is not None
    assert isinstance(door.asks().wait(), NotAccepting)


class Local:
    """A writer in this process: it takes what it is given, and says so when it is asked to."""

    def __init__(self) -> None:
        self.refusal: str | None = None
        self.taken: list[tuple[Submit, Any, Any]] = []

    def take(self, submission: Submit, refused: Any, answer: Any) -> None:
        self.taken.append((submission, refused, answer))

    def now_ns(self) -> int:
        return 77

    def read_in_turns(self, reading: Any) -> Any:
        return "read there"


def test_a_writer_in_this_process_is_given_what_waits_and_what_comes_until_it_ends(door: Door) -> None:
    one = door.asks()
    door.down()
    local = Local()
    door.record([AdvanceTime()])
    with pytest.raises(RuntimeError, match="records wait"):
        door.sequencer.attach(cast(Sequencer, local))
    door.applied(1)
    door.sequencer.attach(cast(Sequencer, local))
    two, three = door.asks(), door.asks()
    assert local.taken[0][0] == door.link.sent[0]
    assert len(local.taken) == 3
    assert (door.sequencer.now_ns(), door.sequencer.refusal) == (77, None)
    assert door.sequencer.read_in_turns(lambda: iter(())) == "read there"  # type: ignore[arg-type, return-value, comparison-overlap]
    door.up()
    assert len(door.link.sent) == 1  # the writer is here
    result = [CommandResult(cast(Any, 2), 5, AdvanceTime(), [])]
    _, _, answer = local.taken[0]
    answer.settle(result)
    door.sequencer.publication.replies.send((answer,))
    assert one.wait() == result
    _, refused, _ = local.taken[1]
    refused(TooManyWaiting("many"))
    assert isinstance(two.wait(), TooManyWaiting)
    local.refusal = "it ends"
    assert door.sequencer.refusal == "it ends"
    door.sequencer.detach(door.last)
    assert door.sequencer.refusal is None
    assert [sent.key for sent in door.link.sent[1:]] == [local.taken[2][0].key]
    door.record([AdvanceTime()], of(door.link.sent[-1]))
    assert [applied.seq for applied in three.wait()] == [2]


def test_whoever_was_the_writer_follows_on_behind_the_last_record_that_it_applied(door: Door) -> None:
    door.record([AdvanceTime()])
    door.applied(1)
    door.sequencer.on_frame(NotTaken(bytes(16), "the one before ends", LATER))
    door.sequencer.attach(cast(Sequencer, Local()))
    door.down()
    exchange, before = door.sequencer._exchange, cast(BatchRecord, door.last)
    exchange.apply(AdvanceTime(), Seq(2), NOW_NS + 1)
    door.last = seal(2, NOW_NS + 1, 2, [AdvanceTime()], before.chain)
    asked = door.asks()
    door.sequencer.detach(door.last)
    assert door.sequencer.refusal is None
    assert (door.sequencer.last, door.sequencer.applied_n) == (door.last, 2)
    (waiting,) = door.sequencer._unanswered
    door.sequencer.on_frame(Known(waiting.submission.key, 2))  # which it applied as the writer, and does not know
    assert isinstance(asked.wait(), OutcomeUnknown)
    door.record([AdvanceTime()])
    door.applied(3)
    assert door.sequencer.failure is None


@pytest.mark.parametrize("is_up", [False, True])
def test_whoever_was_the_writer_is_without_one_from_then_on_unless_there_is_another(door: Door, is_up: bool) -> None:
    door.sequencer.attach(cast(Sequencer, Local()))
    if not is_up:
        door.down()
    door.sequencer._down_since = 0.0 if is_up else None
    door.sequencer.detach(None)
    door.sequencer._patience_s = -1.0
    assert door.sequencer.refusal == (None if is_up else NO_WRITER)
