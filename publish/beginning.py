"""Where a publisher begins: behind what the broker has, with a state that is no newer.

Layer: publish. Blocks.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from journal.snapshots import SnapshotFolder
from publish.broker import BEGINNING, Batch, Broker, BrokerAway, behind
from publish.options import PublisherOptions
from publish.publisher import AWAY, REPORT_S, RETRY_S, RETRY_S_MAX, PositionLost, Publisher
from publish.target import Target
from replica.follower import Follower
from replica.frames import Position, Record
from replica.stream import RecordStream, StreamEnded, is_over, say_waiting

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")
BEGINS_LATER: Final = "It is made ready to publish what comes from now on."


def broker_of(target: Target) -> Broker:
    """The broker of a target; only its own client is imported. Raises BrokerRefused."""
    if target.kind == "kafka":
        from publish.kafka_topics import KafkaTopics  # noqa: PLC0415 - one of the two is needed

        return KafkaTopics(target)
    from publish.redis_streams import RedisStreams  # noqa: PLC0415 - as above

    return RedisStreams(target)


def begun(connection: socket.socket, options: PublisherOptions, broker: Broker, *, at_newest: bool) -> Publisher:
    """A publisher behind what the broker has. Waits for a broker that does not answer. Takes over `connection`.

    `at_newest`: begin with the newest state of all, since records before cannot be read: those are left out.
    Raises StreamEnded, BrokerRefused, PositionLost, BadFrame, and what `Follower.follow` raises.
    """
    waiting = _Waiting(connection)
    position = waiting.answer(broker.position)
    target = options.target
    waiting.answer(lambda: broker.prepare(is_new=position is None))
    from_now = position is None and not target.from_start
    if position is None and target.from_start:
        position = waiting.answer(lambda: broker.publish(Batch((), None, BEGINNING))) or BEGINNING
    until_seq = None if at_newest or position is None else position.seq
    snapshot = SnapshotFolder(Path(options.snapshots), options.version).newest(until_seq=until_seq)
    follower = Follower() if snapshot is None else Follower(snapshot.exchange, snapshot.last)
    stream = RecordStream(connection, follower.last)
    first: list[Record] = []
    if from_now:
        first = _followed_to_newest(stream, follower)
        last = follower.last
        now = BEGINNING if last is None else behind(last, 0)
        position = waiting.answer(lambda: broker.publish(Batch((), None, now)))
        if position != now:
            raise PositionLost("somebody else has begun to publish there")
    if position is None:
        position = BEGINNING
    if follower.n > position.n and not from_now:
        log.error("records %d to %d are not published: they cannot be read any more", position.n + 1, follower.n)
    return Publisher(stream, follower, broker, target.topics, position, first)


class _Waiting:
    """Waits for the broker before the writer is said hello to."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._is_said = False

    def answer(self, ask: Callable[[], Answer]) -> Answer:
        """What the broker answers, once it does. Raises StreamEnded, BrokerRefused."""
        retry_s = RETRY_S
        while True:
            try:
                return ask()
            except BrokerAway as away:
                if not self._is_said:
                    log.error("nothing is published, trading goes on: %s", away)
                self._is_said = True
            say_waiting(self._connection, AWAY)
            if is_over(self._connection, retry_s):
                raise StreamEnded("the writer has ended")
            retry_s = min(2 * retry_s, RETRY_S_MAX)


def _followed_to_newest(stream: RecordStream, follower: Follower) -> list[Record]:
    """Follow up to the record that was newest when the stream began; return what came behind it."""
    behind_it: list[Record] = []
    said_at = 0.0
    while follower.n < stream.journal_n:
        for frame in stream.receive():
            if not isinstance(frame, Record):
                continue
            if follower.n == stream.journal_n:
                behind_it.append(frame)
                continue
            for seq, digest in frame.digests.items():
                follower.expect(seq, digest)
            follower.follow(frame.record)
            if time.monotonic() - said_at >= REPORT_S:
                said_at = time.monotonic()
                stream.say(Position(0, None, BEGINS_LATER))
    return behind_it
