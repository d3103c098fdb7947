"""A follower's end of the record stream: it says hello, takes records and says how far it is.

Layer: replica. Blocks.
"""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Final

from journal.codec import GENESIS, BatchRecord
from replica import unix_sockets
from replica.frames import (
    FORMAT,
    BadFrame,
    FromWriter,
    Hello,
    Hurry,
    Position,
    Record,
    Refused,
    State,
    framed,
    from_writer,
)

SOCKET_NAME: Final = "records.sock"  # in the data folder of a running server
RECEIVED_AT_ONCE: Final = 2**20


class StreamEnded(Exception):
    """No more records come: the writer has ended, or has let this follower go."""


class StreamRefused(StreamEnded):
    """The writer does not serve this follower. Says why."""


class RecordStream:
    """The records behind a position, from the process of the writer."""

    def __init__(self, connection: socket.socket, last: BatchRecord | None = None, patience_s: float = 60.0) -> None:
        """Say hello as one who has applied `last`, and wait for the answer. Takes over `connection`.

        Raises StreamRefused, StreamEnded, BadFrame and TimeoutError; the connection is closed then.
        """
        self._socket = connection
        self._socket.setblocking(True)
        self._reader = from_writer()
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._frames: deque[FromWriter] = deque()
        self.journal_n = 0  # the newest record when the stream began
        try:
            n, chain = (0, GENESIS) if last is None else (last.n, last.chain)
            with suppress(StreamEnded):  # why not may have been said already
                self._say(framed(Hello(FORMAT, n, chain)))
            self._wait_for_hello(time.monotonic() + patience_s)
        except BaseException:
            self.close()
            raise

    def receive(self, wait_s: float | None = None) -> list[Record | Hurry]:
        """What has come, in order; waits at most `wait_s` seconds for it. Raises StreamEnded and BadFrame."""
        if not self._frames:
            self._read(wait_s)
        frames: list[Record | Hurry] = []
        while self._frames:
            frame = self._frames.popleft()
            if not isinstance(frame, Record | Hurry):
                raise BadFrame("the writer says hello once")
            frames.append(frame)
        return frames

    def say(self, message: Position | State) -> None:
        """Tell the writer how far this follower is, or in which state. Raises StreamEnded."""
        self._say(framed(message))

    def is_over(self, wait_s: float) -> bool:
        """Wait so long at most, taking no records, for the writer to be gone."""
        return is_over(self._socket, wait_s)

    def close(self) -> None:
        """Let go of the connection. Idempotent."""
        self._socket.close()

    def _say(self, frame: bytes) -> None:
        try:
            self._socket.sendall(frame)
        except OSError as error:
            raise StreamEnded("the writer has ended") from error

    def _wait_for_hello(self, until: float) -> None:
        while not self._frames:
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError("the writer does not answer")
            self._read(left)
        first = self._frames.popleft()
        if isinstance(first, Refused):
            raise StreamRefused(first.why)
        if not isinstance(first, Hello):
            raise BadFrame("the writer begins with a hello")
        if first.format != FORMAT:
            raise StreamRefused(f"the record stream is of format {first.format} there, and of {FORMAT} here")
        self.journal_n = first.after_n

    def _read(self, wait_s: float | None) -> None:
        if not self._poll.poll(None if wait_s is None else wait_s * 1000):
            return
        try:
            data = self._socket.recv(RECEIVED_AT_ONCE)
        except OSError as error:
            raise StreamEnded("the writer has ended") from error
        if not data:
            raise StreamEnded("the writer has ended")
        self._frames.extend(self._reader.feed(data))


def is_over(connection: socket.socket, wait_s: float) -> bool:
    """Wait so long at most, reading nothing, for the writer at the other end of a connection to be gone."""
    poll = select.poll()
    poll.register(connection, getattr(select, "POLLRDHUP", 0))
    return bool(poll.poll(wait_s * 1000))


def say_waiting(connection: socket.socket, failure: str) -> None:
    """Tell the writer, before the hello, that this follower cannot begin yet, and why. Raises StreamEnded."""
    try:
        connection.sendall(framed(Position(0, None, failure)))
    except OSError as error:
        raise StreamEnded("the writer has ended") from error


def connect(data: Path) -> socket.socket:
    """A connection to the server that runs on the folder `data`. Raises OSError when none does, or takes no more."""
    return unix_sockets.connect(data / SOCKET_NAME)
