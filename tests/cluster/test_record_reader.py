"""The record stream in the event loop: what is believed of it, and when it is begun anew."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

import eventlet
import pytest

from cluster import record_reader
from cluster.channel import Channel, ChannelClosed
from cluster.record_reader import RETRY_S, RETRY_S_MAX, RecordReader
from journal.codec import GENESIS, BatchRecord
from replica.frames import FORMAT, FromFollower, FromWriter, Hello, Position, Record, Refused, framed, from_follower
from tests.cluster.door import until
from tests.journal.mixed_records import RECORDS

HELLO = Hello(FORMAT, 9, GENESIS)


class Stream:
    """A channel whose other end is the test."""

    def __init__(self) -> None:
        self.heard: list[FromFollower] = []
        self.waits: list[float] = []
        self.is_closed = False
        self._said: deque[bytes] = deque()

    def say(self, *frames: FromWriter) -> None:
        """All at once."""
        self._said.append(b"".join(framed(frame) for frame in frames))

    def nothing(self) -> None:
        """So much time passes that nobody waits any longer."""
        self._said.append(b"")

    def send(self, data: bytes) -> None:
        if self.is_closed:
            raise ChannelClosed("closed")
        self.heard += from_follower().feed(data)

    def receive(self, wait_s: float) -> bytes:
        self.waits.append(wait_s)
        while not self._said:
            if self.is_closed:
                raise ChannelClosed("closed")
            eventlet.sleep(0.001)
        return self._said.popleft()

    def close(self) -> None:
        self.is_closed = True


class Taker:
    """Whoever applies records."""

    def __init__(self) -> None:
        self.last: BatchRecord | None = None
        self.taken: list[list[int]] = []
        self.applied_n, self.applied_seq, self.backlog_bytes = 3, 4, 0

    def deliver(self, records: Sequence[Record]) -> None:
        self.taken.append([each.record.n for each in records])
        self.last = records[-1].record


class Read:
    """A reader, the streams that it has had, and how long it has slept."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.streams: list[Stream] = []
        self.refusals: list[str] = []
        self.sleeps: list[float] = []
        self.taker = Taker()
        self.unreachable = 0

        def sleep(seconds: float) -> None:
            self.sleeps.append(seconds)
            eventlet.sleep(0.002)

        monkeypatch.setattr(record_reader, "eventlet", SimpleNamespace(sleep=sleep, spawn=eventlet.spawn))
        self.reader = RecordReader(self.connect, self.refusals.append)
        self.reader.start(self.taker)

    def connect(self) -> Channel:
        if self.unreachable:
            self.unreachable -= 1
            raise ConnectionRefusedError("nobody listens")
        self.streams.append(Stream())
        return cast(Channel, self.streams[-1])

    def stream(self, number: int) -> Stream:
        """The stream of this number, once the reader has said hello there."""
        until(lambda: len(self.streams) >= number and bool(self.streams[number - 1].heard))
        return self.streams[number - 1]

    def pauses(self) -> list[float]:
        """How long it has stayed away each time."""
        return [each for each in self.sleeps if each not in (record_reader.REPORT_S, record_reader.BACKLOG_CHECK_S)]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Iterator[Read]:
    """A reader that runs; how far it is is said at other moments than it retries."""
    monkeypatch.setattr(record_reader, "REPORT_S", 0.7)
    made = Read(monkeypatch)
    yield made
    made.reader.close()
    assert made.streams[-1].is_closed


def records(first: int, last: int) -> list[Record]:
    return [Record(record) for record in RECORDS[first - 1 : last]]


def test_records_are_taken_as_they_come_and_the_next_stream_begins_behind_them(read: Read) -> None:
    first = read.stream(1)
    assert first.heard[0] == Hello(FORMAT, 0, GENESIS, prompt=True)
    first.say(HELLO, *records(1, 2))
    first.say(*records(3, 3))
    until(lambda: read.taker.taken == [[1, 2], [3]])
    read.reader.reconnect()
    assert first.is_closed
    assert read.stream(2).heard[0] == Hello(FORMAT, 3, RECORDS[2].chain, prompt=True)
    assert read.refusals == []


def test_how_far_a_door_is_is_said_again_and_again(read: Read) -> None:
    stream = read.stream(1)
    until(lambda: Position(3, 4) in stream.heard)
    read.taker.applied_n, read.taker.applied_seq = 5, 6
    until(lambda: Position(5, 6) in stream.heard)
    stream.is_closed = True  # which is noticed where records are read
    assert read.stream(2)
    until(lambda: Position(5, 6) in read.streams[-1].heard)


@pytest.mark.parametrize(
    "said",
    [
        (records(1, 1)[0],),
        (Hello(FORMAT + 1, 9, GENESIS), *records(1, 1)),
        (*records(1, 1), HELLO),
    ],
)
def test_a_stream_that_does_not_begin_with_a_hello_of_this_format_is_let_go(
    read: Read, said: tuple[FromWriter, ...]
) -> None:
    stream = read.stream(1)
    stream.say(*said)
    assert read.stream(2)
    assert stream.is_closed
    assert read.taker.taken == []
    assert read.refusals == []


def test_a_writer_that_gives_no_records_says_why_each_time(read: Read) -> None:
    read.stream(1).say(Refused("they are no more"))
    read.stream(2).say(HELLO, Refused("nor now"))
    assert read.stream(3)
    assert read.refusals == ["they are no more", "nor now"]


def test_a_writer_that_does_not_greet_is_let_go_and_one_that_has_nothing_to_say_is_not(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = read.stream(1)
    assert slow.waits == [record_reader.GREETING_S]
    slow.nothing()  # a part of a record of TLS, which is nothing yet
    until(lambda: len(slow.waits) == 2)
    assert not slow.is_closed
    monkeypatch.setattr(record_reader, "GREETING_S", 0.0)
    read.reader.reconnect()
    silent = read.stream(2)
    silent.nothing()
    greeted = read.stream(3)
    assert silent.is_closed
    greeted.say(HELLO)
    for _ in range(3):
        greeted.nothing()
    greeted.say(*records(1, 1))
    until(lambda: read.taker.taken == [[1]])
    assert len(read.streams) == 3


def test_no_more_is_read_while_much_waits_to_be_applied(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_reader, "BACKLOG_BYTES_MAX", 10)
    stream = read.stream(1)
    read.taker.backlog_bytes = 11
    stream.say(HELLO, *records(1, 1))
    stream.say(*records(2, 2))
    until(lambda: read.sleeps.count(record_reader.BACKLOG_CHECK_S) > 2)
    assert read.taker.taken == [[1]]
    read.taker.backlog_bytes = 10
    until(lambda: read.taker.taken == [[1], [2]])


def test_a_stream_that_cannot_be_had_is_tried_again_later_each_time_and_soon_behind_one_that_gave_records(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(record_reader, "REPORT_S", 0.7)
    read = Read(monkeypatch)
    read.unreachable = 6
    stream = read.stream(1)
    assert read.pauses() == [RETRY_S, 2 * RETRY_S, 4 * RETRY_S, 8 * RETRY_S, RETRY_S_MAX, RETRY_S_MAX]
    stream.say(HELLO, *records(1, 1))
    until(lambda: read.taker.taken == [[1]])
    read.reader.reconnect()
    assert read.stream(2)
    assert read.pauses()[6:] == [RETRY_S]
    read.reader.reconnect()  # without a record
    assert read.stream(3)
    assert read.pauses()[6:] == [RETRY_S, 2 * RETRY_S]
    read.reader.close()


def test_a_failure_of_ours_ends_that_stream_alone(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver: Any = read.taker.deliver

    def failing(given: Sequence[Record]) -> None:
        monkeypatch.setattr(read.taker, "deliver", deliver)
        raise KeyError("a bug")

    monkeypatch.setattr(read.taker, "deliver", failing)
    read.stream(1).say(HELLO, *records(1, 1))
    read.stream(2).say(HELLO, *records(1, 1))
    until(lambda: read.taker.taken == [[1]])
