"""A front door's records: the writer's record stream, read in the event loop, each record as soon as it is durable.

Layer: cluster. Cooperative; for the event loop's thread.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import eventlet

from cluster.channel import Channel, ChannelClosed
from journal.codec import GENESIS, BatchRecord
from replica.frames import FORMAT, BadFrame, Hello, Position, Record, Refused, framed, from_writer

log = logging.getLogger(__name__)

RETRY_S: Final = 0.05  # after a stream that could not be had or ended; twice as long each time, up to
RETRY_S_MAX: Final = 0.5
GREETING_S: Final = 60.0
REPORT_S: Final = 0.5  # between two positions
BACKLOG_BYTES_MAX: Final = 32 * 2**20  # of records that wait to be applied, before no more are read
BACKLOG_CHECK_S: Final = 0.005


class RecordTaker(Protocol):
    """Who applies records."""

    @property
    def last(self) -> BatchRecord | None:
        """The newest record that was delivered; records behind it are wanted."""

    @property
    def applied_n(self) -> int:
        """The last record that is applied."""

    @property
    def applied_seq(self) -> int:
        """The last command that is applied."""

    @property
    def backlog_bytes(self) -> int:
        """Of records that were delivered and are not applied yet."""

    def deliver(self, records: Sequence[Record]) -> None:
        """Take records that follow one another. Never waits."""


class RecordReader:
    """Reads one writer's stream after the other."""

    def __init__(self, connect: Callable[[], Channel], on_refused: Callable[[str], object]) -> None:
        """`connect` gives a channel to a record server, or raises OSError.

        `on_refused` is called where it gives no records to one who has what is applied here, with why, each time.
        """
        self._connect = connect
        self._on_refused = on_refused
        self._channel: Channel | None = None
        self._greenlets: list[Any] = []

    def start(self, taker: RecordTaker) -> None:
        """Begin to read."""
        self._greenlets = [eventlet.spawn(self._run, taker), eventlet.spawn(self._report, taker)]

    def reconnect(self) -> None:
        """Let go of the stream and connect anew."""
        if self._channel is not None:
            self._channel.close()

    def close(self) -> None:
        """End. Idempotent."""
        greenlets, self._greenlets = self._greenlets, []
        for greenlet in greenlets:
            greenlet.kill()
        self._let_go()

    # -- steps

    def _run(self, taker: RecordTaker) -> None:
        retry_s = RETRY_S
        while True:
            before = taker.last
            try:
                self._channel = self._connect()
                self._read(self._channel, taker)
            except (ChannelClosed, BadFrame, OSError) as problem:
                if taker.last is not before:
                    log.info("the stream of records ended: %s", problem)
                    retry_s = RETRY_S
            except Exception:  # of ours: the next stream may do better
                log.exception("the stream of records failed")
            self._let_go()
            eventlet.sleep(retry_s)
            retry_s = min(2 * retry_s, RETRY_S_MAX)

    def _let_go(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _read(self, channel: Channel, taker: RecordTaker) -> None:
        """Raises ChannelClosed and BadFrame, in the end."""
        last, reader, greeted = taker.last, from_writer(), False
        n, chain = (0, GENESIS) if last is None else (last.n, last.chain)
        until = time.monotonic() + GREETING_S
        channel.send(framed(Hello(FORMAT, n, chain, prompt=True)))
        while True:
            data = channel.receive(GREETING_S)
            if not data and not greeted and time.monotonic() >= until:
                raise ChannelClosed("it does not answer")
            records: list[Record] = []
            for frame in reader.feed(data):
                match frame:
                    case Record() if greeted:
                        records.append(frame)
                    case Refused():
                        self._on_refused(frame.why)
                        raise ChannelClosed(frame.why)
                    case Hello() if not greeted:
                        if frame.format != FORMAT:
                            raise BadFrame(f"the stream is of format {frame.format} there, and of {FORMAT} here")
                        greeted = True
                    case _ if not greeted:
                        raise BadFrame("the writer begins with a hello")
            if records:
                taker.deliver(records)
            while taker.backlog_bytes > BACKLOG_BYTES_MAX:
                eventlet.sleep(BACKLOG_CHECK_S)

    def _report(self, taker: RecordTaker) -> None:
        """Say now and then how far this follower is."""
        while True:
            eventlet.sleep(REPORT_S)
            if self._channel is not None:
                try:
                    self._channel.send(framed(Position(taker.applied_n, taker.applied_seq)))
                except ChannelClosed:
                    continue  # it is noticed where records are read
