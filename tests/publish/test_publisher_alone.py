"""What a publisher does with every answer that a broker may give, without a process of either."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Collection, Sequence
from typing import cast

import msgspec
import pytest

from publish import publisher as publisher_module
from publish.broker import BEGINNING, Batch, Broker, BrokerAway, BrokerPosition, BrokerRefused, behind
from publish.messages import Message
from publish.publisher import AWAY, IS_AHEAD, ForeignPosition, PositionLost, Publisher
from publish.target import Topic
from replica.follower import Follower, StateDiffers
from replica.frames import Hurry, Position, Record
from replica.stream import RecordStream, StreamEnded
from tests.journal.mixed_records import RECORDS
from tests.publish.reading import made

ALL = len(RECORDS)
POSITIONS = [BEGINNING, *(behind(record, 0) for record in RECORDS)]


class Stream:
    """`RecordStream` with so many records behind a follower, some at a time."""

    def __init__(self, after_n: int = 0, at_once: int = 10, until_n: int = ALL) -> None:
        self.journal_n = until_n
        self.said: list[Position] = []
        self.waits: list[float | None] = []
        self.retries: list[float] = []
        self.is_gone = False
        left = [Record(record) for record in RECORDS[after_n:until_n]]
        self._parts = deque(left[at : at + at_once] for at in range(0, len(left), at_once))

    def receive(self, wait_s: float | None = None) -> Sequence[Record | Hurry]:
        self.waits.append(wait_s)
        if not self._parts:
            raise StreamEnded("the writer has ended")
        return [Hurry(1), *self._parts.popleft()]

    def is_over(self, wait_s: float) -> bool:
        self.retries.append(wait_s)
        return self.is_gone

    def say(self, message: Position) -> None:
        self.said.append(message)


class Kept:
    """A broker in memory. What is in `answers` comes first."""

    def __init__(self, position: BrokerPosition = BEGINNING) -> None:
        self.position: BrokerPosition | None = position
        self.messages: list[Message] = []
        self.batches: list[Batch] = []
        self.answers: deque[BrokerPosition | Exception | None] = deque()

    def publish(self, batch: Batch) -> BrokerPosition | None:
        self.batches.append(batch)
        if self.answers:
            answer = self.answers.popleft()
            if isinstance(answer, Exception):
                raise answer
            return answer
        if batch.expected == self.position:
            self.messages += batch.messages
            self.position = batch.position
        return self.position


def publisher(
    stream: Stream,
    broker: Kept,
    begin_n: int = 0,
    topics: Collection[Topic] = tuple(Topic),
    first: Sequence[Record] = (),
) -> Publisher:
    """One whose follower has applied so many records."""
    follower = Follower()
    for record in RECORDS[:begin_n]:
        follower.follow(record)
    assert broker.position is not None
    return Publisher(cast(RecordStream, stream), follower, cast(Broker, broker), topics, broker.position, first)


def test_everything_is_published_once_and_each_batch_behind_the_one_before() -> None:
    stream, broker = Stream(), Kept()
    publisher(stream, broker).run()
    assert sorted(broker.messages) == sorted(made(RECORDS))
    assert broker.position == POSITIONS[ALL]
    assert [batch.position.n for batch in broker.batches] == list(range(10, ALL + 1, 10))
    assert broker.batches[0].expected == BEGINNING
    assert all(one.position == following.expected for one, following in itertools.pairwise(broker.batches))
    assert stream.said[-1] == Position(ALL, RECORDS[-1].last_seq)


def test_what_came_before_the_stream_is_published_too() -> None:
    broker = Kept()
    publisher(Stream(3), broker, first=[Record(record) for record in RECORDS[:3]]).run()
    assert sorted(broker.messages) == sorted(made(RECORDS))


def test_what_the_broker_has_is_followed_and_not_published_again() -> None:
    broker = Kept(POSITIONS[15])
    publisher(Stream(5), broker, 5, [Topic.TRADES, Topic.ORDERS, Topic.RECORDS]).run()
    seq = RECORDS[14].last_seq
    wanted = [each for each in made(RECORDS) if each.seq > seq and each.topic is not Topic.BOOK]
    assert sorted(broker.messages) == sorted(wanted)
    assert broker.position == POSITIONS[ALL]


def test_books_come_whole_behind_what_the_broker_has() -> None:
    broker = Kept(POSITIONS[15])
    publisher(Stream(), broker, topics=[Topic.BOOK]).run()
    first: dict[str, bool] = {}
    for each in broker.messages:
        first.setdefault(each.key, msgspec.json.decode(each.body).get("reset", False))
    assert first
    assert all(first.values())


def test_records_that_nobody_has_any_more_are_counted_once() -> None:
    position = msgspec.structs.replace(POSITIONS[5], gaps=2)
    broker = Kept(position)
    publisher(Stream(8), broker, 8).run()
    assert broker.position == msgspec.structs.replace(POSITIONS[ALL], gaps=3)
    again = Kept(position)
    publisher(Stream(5), again, 5).run()
    assert again.position == msgspec.structs.replace(POSITIONS[ALL], gaps=2)


def test_a_broker_that_does_not_answer_is_asked_the_same_again_later_each_time_and_that_is_said() -> None:
    stream, broker = Stream(), Kept()
    broker.answers.extend([BrokerAway("gone")] * 8)
    publisher(stream, broker).run()
    assert [batch.messages for batch in broker.batches[:9]] == [broker.batches[0].messages] * 9
    assert sorted(broker.messages) == sorted(made(RECORDS))
    assert stream.retries == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert stream.said[1:9] == [Position(0, 0, AWAY)] * 8
    assert stream.said[-1].failure is None


def test_a_publisher_whose_server_ends_while_the_broker_is_away_ends_and_says_no_more() -> None:
    stream, broker = Stream(), Kept()
    broker.answers.append(BrokerAway("gone"))
    stream.is_gone = True
    publisher(stream, broker).run()
    assert len(broker.batches) == 1


@pytest.mark.parametrize("there", [None, POSITIONS[9]])
def test_a_broker_that_has_less_than_it_acknowledged_is_begun_with_anew(there: BrokerPosition | None) -> None:
    broker = Kept(POSITIONS[10])
    broker.answers.append(there)
    with pytest.raises(PositionLost):
        publisher(Stream(10), broker, 10).run()


def test_where_somebody_else_publishes_the_same_it_goes_on_behind_them() -> None:
    stream, broker = Stream(), Kept()
    broker.answers.extend([POSITIONS[4], POSITIONS[12]])
    broker.position = POSITIONS[12]
    one = Publisher(cast(RecordStream, stream), Follower(), cast(Broker, broker), tuple(Topic), BEGINNING)
    one.run()
    assert [batch.expected for batch in broker.batches[:2]] == [BEGINNING, POSITIONS[4]]
    assert broker.batches[2].position.n == 20  # the second part was theirs
    assert broker.batches[2].expected == POSITIONS[12]
    first = {each.key: each for each in reversed(broker.batches[2].messages) if each.topic is Topic.BOOK}
    assert first
    assert all(msgspec.json.decode(each.body).get("reset") for each in first.values())  # theirs are not known here
    assert broker.position == POSITIONS[ALL]


def test_a_position_of_another_journal_is_left_alone() -> None:
    foreign = msgspec.structs.replace(POSITIONS[10], chain="00" * 32)
    for begin_n in (5, 10):
        broker = Kept(foreign)
        with pytest.raises(ForeignPosition):
            publisher(Stream(begin_n), broker, begin_n).run()
        assert broker.batches == []
    broker = Kept(POSITIONS[5])
    broker.answers.append(foreign)
    with pytest.raises(ForeignPosition):
        publisher(Stream(5, at_once=5), broker, 5).run()


def test_a_broker_that_is_ahead_of_the_journal_is_waited_for_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher_module, "POSITION_S", -1.0)  # it is always time to write one
    stream, ahead = Stream(until_n=10), Kept(POSITIONS[12])
    publisher(stream, ahead).run()
    assert ahead.batches == []
    assert stream.said[0] == Position(12, POSITIONS[12].seq, IS_AHEAD)
    assert stream.waits[-1] is None  # there is nothing to do but wait
    begins, level = Stream(until_n=12), Kept(POSITIONS[12])
    publisher(begins, level).run()
    assert level.batches == []  # nothing is behind what it has
    assert begins.said[0] == Position(12, POSITIONS[12].seq)


def test_many_messages_are_published_before_more_records_are_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher_module, "MESSAGES_MAX", 1)
    broker = Kept()
    publisher(Stream(), broker, topics=[Topic.RECORDS]).run()
    assert [len(batch.messages) for batch in broker.batches] == [1] * ALL


def test_a_position_without_messages_is_written_now_and_then_and_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    stream, broker = Stream(until_n=3, at_once=1), Kept()
    receive = stream.receive

    def later(wait_s: float | None = None) -> Sequence[Record | Hurry]:
        now[0] += 3.0
        return receive(wait_s)

    monkeypatch.setattr(stream, "receive", later)
    publisher(stream, broker, topics=[]).run()
    assert [batch.position.n for batch in broker.batches] == [2, 3]
    assert stream.waits == [None, 2.0, None, 2.0]


def test_what_the_broker_refuses_or_does_not_take_at_the_end_is_left_for_the_next_publisher() -> None:
    refusing = Kept()
    refusing.answers.append(BrokerRefused("no"))
    with pytest.raises(BrokerRefused):
        publisher(Stream(), refusing).run()
    away = Kept()
    away.answers.append(BrokerAway("gone"))
    publisher(Stream(until_n=3), away, topics=[]).run()
    assert away.position == BEGINNING


def test_a_state_that_differs_is_not_published() -> None:
    stream, broker = Stream(until_n=3, at_once=1), Kept()
    stream._parts[1] = [Record(RECORDS[1], {RECORDS[1].last_seq: "the digest of another state"})]
    with pytest.raises(StateDiffers):
        publisher(stream, broker).run()
    assert broker.position == POSITIONS[1]
