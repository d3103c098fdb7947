"""What waits for one client to read it, counted in messages and in bytes. engine.io takes it for its queue.

What is put there for a WebSocket whose client reads is written to it soon, behind whatever is running, several messages
at once; engine.io's own writer, a greenlet, takes over as soon as a client's connection does not take all, until it has
read everything, and so do the answers of long polling.
Layer: api.feed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from queue import Empty
from typing import Final, Protocol

from engineio.packet import Packet as EnginePacket
from eventlet.queue import LightQueue

from api.feed.packets import PACKET_BYTES, Message
from api.http.front.flusher import Flusher
from api.http.front.websocket import WebSocket, frame_of

TAKE_BYTES: Final = 262_144  # given at once: the body of one answer of long polling, while the rest waits for the next
WRITE_BYTES: Final = 65_536  # written at once: a longer message goes alone


class Outgoing(Protocol):
    """A packet as engine.io sends one."""

    def encode(self, b64: bool = False) -> str | bytes:
        """Its text, or a frame where it is one already; the text with `b64`."""
        ...


Joined = dict[tuple[Outgoing, ...], bytes]  # the frames of several packets one behind the other


class _Rest:
    """Stands in the queue for what a WebSocket has not taken of the last write; sending it writes that."""

    __slots__ = ("size",)

    def __init__(self, size: int) -> None:
        self.size = size

    def encode(self, b64: bool = False) -> bytes:
        """Nothing more than is left."""
        return b""


class Outbox:
    """The packets of one connection; None among them ends it. No method but `get` switches greenlets."""

    __slots__ = (
        "_due",
        "_flusher",
        "_given_bytes",
        "_idle",
        "_packets",
        "_pending",
        "_websocket",
        "_wrote",
        "waiting_bytes",
    )

    def __init__(self, flusher: Flusher[Outgoing]) -> None:
        self._flusher = flusher
        self._packets = LightQueue()  # for who calls `get`
        self._pending: deque[Outgoing] = deque()  # to be written by the flusher; older than `_packets`
        self._websocket: WebSocket | None = None
        self._idle = False  # whether the writer of the WebSocket waits for more
        self._due = False  # whether the flusher is to come
        self._wrote = False  # whether the flusher has written since the writer began to wait
        self._given_bytes = 0  # since somebody last waited
        self.waiting_bytes = 0

    def attach(self, websocket: WebSocket | None) -> None:
        """Have what is put here written to a WebSocket; to none any more."""
        self._websocket = websocket
        if websocket is None:
            self._idle = False
            self._spill()

    def put(self, packet: Outgoing | None) -> None:
        """Add a packet, however many wait."""
        if packet is None:
            self._spill()
            self._packets.put(None)
        else:
            self.put_all((packet,), _size(packet))

    def put_all(self, packets: Sequence[Outgoing], size: int) -> None:
        """Add packets of `size` bytes together, however many wait."""
        self.waiting_bytes += size
        if not self._idle or self._packets.qsize():
            self._spill()
            for packet in packets:
                self._packets.put(packet)
            return
        self._pending += packets
        if not self._due:
            self._due = True
            self._flusher.add(self)

    def get(self, block: bool = True, timeout: float | None = None) -> Outgoing | None:
        """The oldest packet; cooperative when it waits for one. Raises queue.Empty, unless it waits also when enough
        was given."""
        if block:
            self._given_bytes = 0
            packet = self._wait(timeout)
        elif self._given_bytes >= TAKE_BYTES:
            raise Empty
        else:
            packet = self._packets.get(False)
        size = _size(packet)
        self.waiting_bytes -= size
        self._given_bytes += size
        return packet

    def _wait(self, timeout: float | None) -> Outgoing | None:
        """The oldest packet for who calls `get`. Raises queue.Empty when nothing was sent for so long."""
        while True:
            self._idle, self._wrote = self._websocket is not None, False
            try:
                packet: Outgoing | None = self._packets.get(True, timeout)
                return packet
            except Empty:
                if not self._wrote and not self._pending:
                    raise
            finally:
                self._idle = False

    def flush(self, joined: Joined) -> None:
        """Write what is pending, as far as the client's connection takes it; leave the rest to the writer.

        `joined`: what was made of the same for others.
        """
        self._due = False
        pending, websocket = self._pending, self._websocket
        while pending:
            if websocket is None or not websocket.may_write:
                self._spill()
                return
            frames = self._next_frames() if self.waiting_bytes > WRITE_BYTES else self._all_frames(joined)
            self._wrote = True
            left = websocket.write_now(frames)
            if left:
                self.waiting_bytes += left
                self._packets.put(_Rest(left))
                self._spill()

    def _all_frames(self, joined: Joined) -> bytes:
        """Take what is pending: all that waits, and the same as with others who are in the same rooms."""
        packets = tuple(self._pending)
        self._pending.clear()
        self.waiting_bytes = 0
        frames = joined.get(packets)
        if frames is None:
            frames = joined[packets] = b"".join([_frame_of(packet) for packet in packets])
        return frames

    def _next_frames(self) -> bytes:
        """Take as many of the pending as are written at once."""
        pending = self._pending
        frames: list[bytes] = []
        length = 0
        while pending and (not frames or length < WRITE_BYTES):
            packet = pending.popleft()
            self.waiting_bytes -= _size(packet)
            frame = _frame_of(packet)
            frames.append(frame)
            length += len(frame)
        return b"".join(frames)

    def _spill(self) -> None:
        """Leave what is pending to the writer."""
        pending = self._pending
        while pending:
            self._packets.put(pending.popleft())

    def qsize(self) -> int:
        """How many packets wait."""
        waiting: int = self._packets.qsize() + len(self._pending)
        return waiting

    def clear(self) -> None:
        """Forget what waits: nobody reads it any more."""
        self._pending.clear()
        while self._packets.qsize():
            self._packets.get(block=False)
        self.waiting_bytes = 0

    def task_done(self) -> None:
        """engine.io says so after each `get`."""

    def join(self) -> None:
        """engine.io would wait here until a client that it ends has read everything. Nobody waits for a client."""


def _frame_of(packet: Outgoing) -> bytes:
    if type(packet) is Message:
        return packet.frame
    text = packet.encode()
    return text if isinstance(text, bytes) else frame_of(text.encode())


def _size(packet: Outgoing | None) -> int:
    if isinstance(packet, Message | _Rest):
        return packet.size
    if isinstance(packet, EnginePacket):
        data = packet.data
        return PACKET_BYTES + (len(data) if isinstance(data, str | bytes) else 0)
    return 0
