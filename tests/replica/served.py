"""A journal that grows, and who follows it by the record stream: real sockets, real threads."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from journal.codec import BatchRecord
from journal.sqlite import SqliteJournal
from replica.frames import FromFollower, Hurry, Position, Record, State, framed
from replica.link import FollowerLink
from replica.record_log import RECENT_BYTES_MAX, RecordLog
from replica.stream import RecordStream

WAIT_S = 30.0


class Served:
    """A record log, and a link to whoever has the other end of `theirs`."""

    def __init__(self, folder: Path, recent_bytes_max: int = RECENT_BYTES_MAX) -> None:
        self.records = RecordLog(SqliteJournal(folder / "journal.sqlite"), recent_bytes_max)
        self.said: list[Position | State] = []
        self.ended: list[str] = []
        ours, self.theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # so that little is taken at a time
        self.link = FollowerLink(ours, self.records, self.said.append)
        self._thread = threading.Thread(target=lambda: self.ended.append(self.link.serve()), daemon=True)
        self._thread.start()

    def append(self, records: list[BatchRecord]) -> None:
        for record in records:
            self.records.append(record)

    def until_ended(self) -> str:
        """Why the link ended."""
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()
        return self.ended[0]

    def close(self) -> None:
        self.link.abort()
        self.until_ended()
        self.theirs.close()
        self.records.close()


@contextmanager
def served(folder: Path, recent_bytes_max: int = RECENT_BYTES_MAX) -> Iterator[Served]:
    running = Served(folder, recent_bytes_max)
    try:
        yield running
    finally:
        running.close()


def received(stream: RecordStream, until_n: int) -> list[BatchRecord]:
    """What the stream gives up to record `until_n`."""
    found: list[BatchRecord] = []
    while not found or found[-1].n < until_n:
        frames = stream.receive(WAIT_S)
        assert frames, f"nothing came behind {found[-1].n if found else 0}"
        found += [frame.record for frame in frames if isinstance(frame, Record)]
    return found


def hurries(stream: RecordStream, seq: int) -> None:
    """Wait until the stream says that somebody waits for command `seq`."""
    while Hurry(seq) not in stream.receive(WAIT_S):
        pass


def raw(connection: socket.socket, *frames: FromFollower | bytes) -> None:
    """Send what a follower might, or might not."""
    connection.sendall(b"".join(frame if isinstance(frame, bytes) else framed(frame) for frame in frames))
