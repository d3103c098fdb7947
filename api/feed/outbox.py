"""What waits for one client to read it, counted in messages and in bytes. engine.io takes it for its queue.

Layer: api.feed.
"""

from __future__ import annotations

from queue import Empty
from typing import Final

from engineio.packet import Packet as EnginePacket
from eventlet.queue import LightQueue

PACKET_BYTES: Final = 100  # that a packet takes besides its text, about
TAKE_BYTES: Final = 262_144  # given at once: the body of one answer of long polling, while the rest waits for the next


class Outbox:
    """The packets of one connection; None among them ends it. No method but `get` switches greenlets."""

    __slots__ = ("_given_bytes", "_packets", "waiting_bytes")

    def __init__(self) -> None:
        self._packets = LightQueue()
        self._given_bytes = 0  # since somebody last waited
        self.waiting_bytes = 0

    def put(self, packet: EnginePacket | None) -> None:
        """Add a packet, however many wait."""
        self._packets.put(packet)
        self.waiting_bytes += _size(packet)

    def get(self, block: bool = True, timeout: float | None = None) -> EnginePacket | None:
        """The oldest packet; cooperative when it waits for one. Raises queue.Empty, unless it waits also when enough
        was given."""
        if block:
            self._given_bytes = 0
        elif self._given_bytes >= TAKE_BYTES:
            raise Empty
        packet: EnginePacket | None = self._packets.get(block, timeout)
        size = _size(packet)
        self.waiting_bytes -= size
        self._given_bytes += size
        return packet

    def qsize(self) -> int:
        """How many packets wait."""
        waiting: int = self._packets.qsize()
        return waiting

    def clear(self) -> None:
        """Forget what waits: nobody reads it any more."""
        while self._packets.qsize():
            self._packets.get(block=False)
        self.waiting_bytes = 0

    def task_done(self) -> None:
        """engine.io says so after each `get`."""

    def join(self) -> None:
        """engine.io would wait here until a client that it ends has read everything. Nobody waits for a client."""


def _size(packet: EnginePacket | None) -> int:
    if packet is None:
        return 0
    data = packet.data
    return PACKET_BYTES + (len(data) if isinstance(data, str | bytes) else 0)
