"""Connections between simulated processes: bytes come later, in pieces, or never; a death is noticed late."""

from __future__ import annotations

import random
import select
from typing import Final

from tests.sim.hub import Process, hub_here
from tests.sim.machine import Signal

WINDOW_BYTES: Final = 16_384  # under way to one end, before who sends must wait
_IN, _OUT = select.POLLIN, select.POLLOUT


class Connection:
    """One end of a connection, as far as the record stream uses a socket."""

    def __init__(self, process: Process, number: int, rng: random.Random, delay_s: float) -> None:
        self.process = process
        self.watchers: list[Signal] = []
        self._number = number
        self._rng = rng
        self._delay_s = delay_s
        self._peer: Connection = self
        self._received = bytearray()
        self._under_way = 0  # bytes sent by this end that the other has not taken
        self._arrives_ns = 0  # when what was sent last comes: bytes do not overtake each other
        self._at_end = self._closed = self._blocking = False
        self._room = Signal()
        process.on_death(self.close)

    def join(self, peer: Connection) -> None:
        """Make these two the ends of one connection."""
        self._peer, peer._peer = peer, self

    def fileno(self) -> int:
        """What stands for it in what `poll` returns."""
        return self._number

    def ready(self, mask: int) -> int:
        """Of these events, those that hold."""
        holds = _IN if self._received or self._at_end or self._closed else 0
        if self._under_way < WINDOW_BYTES or self._peer._closed:
            holds |= _OUT
        if self._at_end:
            holds |= select.POLLRDHUP
        return mask & holds

    def setblocking(self, blocking: bool) -> None:
        """Whether `sendall` waits for room."""
        self._blocking = blocking

    def send(self, data: bytes | memoryview) -> int:
        """Send a part of it. Raises BlockingIOError where there is no room, OSError where nobody takes it."""
        self._require_open()
        room = WINDOW_BYTES - self._under_way
        if room <= 0:
            raise BlockingIOError
        piece = bytes(data[: self._rng.randint(1, room) if self._rng.random() < 0.2 else room])
        self._under_way += len(piece)
        self._later(self._peer._arrive, piece)
        return len(piece)

    def sendall(self, data: bytes) -> None:
        """Send all of it, waiting for room. Raises OSError as `send` does."""
        while data:
            try:
                data = data[self.send(data) :]
            except BlockingIOError:
                self._room.wait()

    def recv(self, size: int) -> bytes:
        """What has come. Raises BlockingIOError where nothing has; b"" at the end."""
        if not self._received:
            if self._at_end or self._closed:
                return b""
            raise BlockingIOError
        size = min(size, len(self._received))
        if self._rng.random() < 0.2:
            size = self._rng.randint(1, size)
        piece = bytes(self._received[:size])
        del self._received[:size]
        peer = self._peer
        peer._under_way -= size
        peer._room.notify()
        peer._changed()
        return piece

    def shutdown(self, _how: int) -> None:
        """Send no more: the other end notices behind what was sent."""
        self._later(self._peer._end)

    def close(self) -> None:
        """Let go of it, as the kernel does at the death of a process. Idempotent."""
        if not self._closed:
            self._closed = True
            self._later(self._peer._end)
            self._room.notify()
            self._changed()

    def _require_open(self) -> None:
        if self._closed or self._peer._closed:
            raise BrokenPipeError("nobody is at the other end")

    def _later(self, call: object, *arguments: object) -> None:
        hub = hub_here()
        arrives_ns = hub.now_ns + int(self._rng.random() * self._delay_s * 1e9)
        self._arrives_ns = max(arrives_ns, self._arrives_ns + 50_000)  # more than the jitter of the hub
        hub.call(hub.world, (self._arrives_ns - hub.now_ns) / 1e9, call, *arguments)  # type: ignore[arg-type]

    def _arrive(self, piece: bytes) -> None:
        if not self._closed:
            self._received += piece
            self._changed()

    def _end(self) -> None:
        self._at_end = True
        self._changed()

    def _changed(self) -> None:
        for watcher in self.watchers:
            watcher.notify()


def connected(
    first: Process, second: Process, numbers: tuple[int, int], rng: random.Random, delay_s: float
) -> tuple[Connection, Connection]:
    """A connection between two processes. `delay_s`: at most, that a piece takes on its way."""
    one, other = (
        Connection(process, number, rng, delay_s) for process, number in zip((first, second), numbers, strict=True)
    )
    one.join(other)
    return one, other
