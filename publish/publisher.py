"""Follows the records with an exchange of its own, and publishes what every command caused.

It begins with a snapshot that is no newer than what the broker has; what the broker has already is folded and not
published again. Where the broker does not answer, the same is tried again, later each time; meanwhile no more records
are taken, which stay in the journal.
Layer: publish. Blocks.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Final

from journal.codec import BatchRecord
from publish.broker import Batch, Broker, BrokerAway, BrokerPosition, behind
from publish.message_maker import MessageMaker
from publish.messages import Message
from publish.target import Topic
from replica.follower import Follower
from replica.frames import Hurry, Position, Record
from replica.stream import RecordStream, StreamEnded

log = logging.getLogger(__name__)

MESSAGES_MAX: Final = 2_000  # when so many wait they are published before more records are followed
REPORT_S: Final = 0.5  # between two positions that are said
POSITION_S: Final = 5.0  # between two positions that are written while there is nothing to publish
RETRY_S: Final = 0.25  # before the first try after a failure; twice as long before each further one
RETRY_S_MAX: Final = 10.0
AWAY: Final = "The broker does not answer; what is to be published waits in the journal."
IS_AHEAD: Final = (
    "The broker has messages of records that this venue does not have: wait for them, or publish with another prefix."
)


class ForeignPosition(Exception):
    """What is in the broker is of another journal than the one that is followed. Says what to do."""


class PositionLost(Exception):
    """The broker has less than it acknowledged, or than was published: who begins anew goes on behind what it has."""


class Publisher:
    """Between the record stream and the broker."""

    def __init__(
        self,
        stream: RecordStream,
        follower: Follower,
        broker: Broker,
        topics: Collection[Topic],
        position: BrokerPosition,
        first: Sequence[Record] = (),
    ) -> None:
        """`position`: what the broker has. `first`: what the stream has given already behind the follower."""
        self._stream = stream
        self._follower = follower
        self._broker = broker
        self._maker = MessageMaker(follower.exchange, topics)
        self._first = first
        self._position = position
        self._gaps = position.gaps + (follower.n > position.n)  # nobody has the records between any more
        self._waiting: list[Message] = []
        self._ahead_n = position.n if position.n > stream.journal_n else 0  # of records that were not there yet
        self._written_at = time.monotonic()
        self._reported, self._reported_at = Position(0, None), 0.0
        self._failure: str | None = None

    def run(self) -> None:
        """Follow until the writer's process ends and all is published that can be.

        Raises BadFrame, and what `Follower.follow` raises where the records or the state differ; ForeignPosition,
        PositionLost, BrokerRefused.
        """
        with suppress(StreamEnded):
            self._require_ours(self._follower.last)
            self._report()
            frames: Sequence[Record | Hurry] = self._first
            while True:
                for frame in frames:
                    if isinstance(frame, Record):
                        self._follow(frame)
                self._publish()
                self._report_now_and_then()
                frames = self._stream.receive(self._wait_s())
        if self._failure is None and self._follower.n > self._position.n:
            with suppress(BrokerAway):
                self._broker.publish(self._batch())

    # -- steps

    def _follow(self, frame: Record) -> None:
        for seq, digest in frame.digests.items():
            self._follower.expect(seq, digest)
        record = frame.record
        applied = self._follower.follow(record)
        if record.n <= self._position.n:
            self._require_ours(record)
            self._maker.begin_anew()
            self._report_now_and_then()
            return
        self._waiting += self._maker.of(record, applied)
        if len(self._waiting) >= MESSAGES_MAX:
            self._publish()

    def _wait_s(self) -> float | None:
        """Seconds until something is to be done without records."""
        if self._follower.n <= self._position.n:
            return None
        return max(0.0, self._written_at + POSITION_S - time.monotonic())

    def _publish(self) -> None:
        """Publish what waits, and write the position where it is time for one. Raises StreamEnded and as `run`."""
        last = self._follower.last
        if last is None or last.n <= self._position.n:
            return
        if self._waiting or time.monotonic() - self._written_at >= POSITION_S:
            while not self._has_taken(self._batch()):
                pass

    def _batch(self) -> Batch:
        last = self._follower.last
        return Batch(self._waiting, self._position, self._position if last is None else behind(last, self._gaps))

    def _has_taken(self, batch: Batch) -> bool:
        """Publish until the broker answers; whether it is behind the batch then. Raises StreamEnded, PositionLost."""
        there = self._answered(batch)
        if there is None or there.n < self._position.n:
            raise PositionLost(f"the broker was behind record {self._position.n}, and is at {there}")
        self._position = there
        if there.n < batch.position.n:  # somebody else publishes the same
            return False
        self._require_ours(self._follower.last)
        self._waiting = []
        self._written_at = time.monotonic()
        return True

    def _answered(self, batch: Batch) -> BrokerPosition | None:
        retry_s = RETRY_S
        while True:
            try:
                there = self._broker.publish(batch)
            except BrokerAway as away:
                if self._failure is None:
                    log.error("nothing is published from seq %d on, trading goes on: %s", self._position.seq + 1, away)
                self._failure = AWAY
                self._report()
                if self._stream.is_over(retry_s):
                    raise StreamEnded("the writer has ended") from None
                retry_s = min(2 * retry_s, RETRY_S_MAX)
                continue
            if self._failure is not None:
                log.info("it is published again, from seq %d on", self._position.seq + 1)
                self._failure = None
            return there

    def _require_ours(self, record: BatchRecord | None) -> None:
        """Raise ForeignPosition where the broker's position is at this record, and of another one."""
        position = self._position
        if record is not None and record.n == position.n and record.chain.hex() != position.chain:
            raise ForeignPosition(
                f"the broker has messages up to record {position.n}, which is another one in this journal: publish "
                "with another prefix, or delete what is there"
            )

    # -- reporting

    def _report_now_and_then(self) -> None:
        """Say how far it is: when it changed and nothing is to be done, and while there is much to do."""
        is_idle = not self._waiting and self._follower.n >= self._position.n
        if time.monotonic() - self._reported_at >= REPORT_S or (is_idle and self._now() != self._reported):
            self._report()

    def _report(self) -> None:
        self._reported, self._reported_at = self._now(), time.monotonic()
        self._stream.say(self._reported)

    def _now(self) -> Position:
        """Everything up to there is in the broker, or has no messages."""
        n, seq, follower = self._position.n, self._position.seq, self._follower
        if not self._waiting and follower.n > n:
            n, seq = follower.n, follower.seq
        is_ahead = follower.n < self._ahead_n
        return Position(n, seq, IS_AHEAD if is_ahead and self._failure is None else self._failure)
