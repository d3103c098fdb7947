"""One end of the socket between the writer's process and a front door: messages out without waiting, and in, in order.

Layer: api.doors. For the event loop's thread.
"""

from __future__ import annotations

import logging
import socket
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

import eventlet
from eventlet.event import Event
from eventlet.greenio import GreenSocket

from api.doors.messages import ToDoor, ToWriter, framed
from replica.frames import BadFrame, FrameReader

log = logging.getLogger(__name__)

UNSENT_BYTES_MAX: Final = 128 * 2**20  # that wait for the other end to read, before it counts as gone
READ_BYTES: Final = 2**18

Received = TypeVar("Received")


class DoorChannel(Generic[Received]):
    """Calls `on_message` with each message, and `on_end` once when the other end is gone."""

    def __init__(
        self,
        connection: socket.socket,
        reader: FrameReader[Received],
        on_message: Callable[[Received], object],
        on_end: Callable[[], object],
    ) -> None:
        """Takes over `connection`. Neither may wait."""
        self._socket = GreenSocket(connection)
        self._reader = reader
        self._on_message = on_message
        self._on_end = on_end
        self._unsent: deque[bytes] = deque()
        self._unsent_bytes = 0
        self._more = Event()
        self.closed = False
        self._greenlets = [eventlet.spawn(self._receive), eventlet.spawn(self._send)]

    def send(self, message: ToDoor | ToWriter) -> None:
        """Have a message sent soon, in order. Never waits, and does nothing where the other end is gone."""
        self.send_framed(framed(message))

    def send_framed(self, frame: bytes) -> None:
        """The same, of the bytes of one."""
        if self.closed:
            return
        self._unsent.append(frame)
        self._unsent_bytes += len(frame)
        if self._unsent_bytes > UNSENT_BYTES_MAX:
            log.error("a front door does not read what it is sent: it is let go")
            self.close()
        elif not self._more.ready():
            self._more.send()

    def close(self) -> None:
        """Let go of the other end. Idempotent."""
        if self.closed:
            return
        self.closed = True
        try:
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes who waits for it
        except OSError as gone:
            log.debug("a front door's socket: %s", gone)
        if not self._more.ready():
            self._more.send()

    def _send(self) -> None:
        while not self.closed:
            if not self._unsent:
                self._more = Event()
                self._more.wait()
                continue
            piece = b"".join(self._unsent)
            self._unsent.clear()
            try:
                self._socket.sendall(piece)
            except OSError:
                self.close()
                return
            self._unsent_bytes -= len(piece)

    def _receive(self) -> None:
        try:
            while not self.closed:
                data = self._socket.recv(READ_BYTES)
                if not data:
                    break
                for message in self._reader.feed(data):
                    self._take(message)
        except BadFrame as problem:
            log.error("between the writer and a front door came what is no message: %s", problem)
        except OSError as gone:
            log.debug("a front door's socket: %s", gone)
        self.close()
        self._socket.close()
        self._on_end()

    def _take(self, message: Received) -> None:
        try:
            self._on_message(message)
        except Exception:  # of ours: those that follow are taken all the same
            log.exception("a message between the writer and a front door could not be taken")
