"""The bytes of one connection that speaks another protocol from now on: a WebSocket's.

Layer: api.http.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from eventlet import hubs
from greenlet import getcurrent

from api.http.front.bounds import READ_BODY_BYTES
from api.http.front.transport import Transport


class Stream:
    """Reads and writes in a greenlet, with deadlines. One greenlet may read while another one writes."""

    __slots__ = ("_closed", "_listener", "_reader", "_rest", "_transport", "take_turn")

    def __init__(self, transport: Transport, rest: bytes, take_turn: Callable[[], None]) -> None:
        """`rest`: what has come already. `take_turn` waits until it is the turn of the client's address."""
        self._transport = transport
        self.take_turn = take_turn
        self._rest = rest
        self._closed = False
        self._reader: Any = None  # the greenlet that waits to read
        self._listener: Any = None  # what the hub calls; kept from one wait to the next while nothing comes between

    def fileno(self) -> int:
        """Its descriptor."""
        return self._transport.fd

    def recv(self, timeout_s: float | None) -> bytes:
        """The next bytes; b"" at the end. Cooperative. Raises TimeoutError, or OSError for a connection that broke."""
        if self._rest:
            rest, self._rest = self._rest, b""
            return rest
        until = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            if self._closed:
                return b""
            data = self._transport.read(READ_BODY_BYTES)
            if data is not None:
                return bytes(data)
            self._await_readable(until)

    def write(self, data: memoryview) -> int:
        """How many bytes of `data` are taken now. Raises OSError for a connection that broke."""
        if self._closed:
            raise BrokenPipeError("closed")
        return self._transport.write(data)

    def send(self, data: bytes | memoryview, timeout_s: float) -> None:
        """Write all of `data`. Cooperative. Raises TimeoutError, or OSError for a connection that broke."""
        until = time.monotonic() + timeout_s
        view = memoryview(data)
        while view:
            taken = self.write(view)
            view = view[taken:]
            if not taken:
                hubs.trampoline(self._transport.fd, write=True, timeout=_left(until), timeout_exc=TimeoutError)

    def close(self) -> None:
        """End the connection; whoever reads or writes learns it at once. Idempotent.

        Its descriptor is freed when the handler that was given the connection returns.
        """
        if not self._closed:
            self._closed = True
            self._transport.shut_down()
            if self._reader is None:
                self._ignore()

    def _await_readable(self, until: float | None) -> None:
        """Wait until there is something to read, or the connection has ended. Raises TimeoutError."""
        hub, left = hubs.get_hub(), None if until is None else _left(until)
        if self._listener is None:
            self._listener = hub.add(hub.READ, self._transport.fd, self._on_readable, _forget, _forget)
        self._reader = getcurrent()
        timer = None if left is None else hub.schedule_call_global(left, self._expire)
        try:
            readable = hub.switch()
        finally:
            self._reader = None
            if timer is not None:
                timer.cancel()
            if self._closed:
                self._ignore()
        if not readable:
            raise TimeoutError("the client is too slow")

    def _on_readable(self, _fd: int) -> None:
        """The hub's callback."""
        if self._reader is None:
            self._ignore()  # until somebody reads
        else:
            self._reader.switch(True)

    def _expire(self) -> None:
        if self._reader is not None:
            self._reader.switch(False)

    def _ignore(self) -> None:
        if self._listener is not None:
            hubs.get_hub().remove(self._listener)
            self._listener = None


def _left(until: float) -> float:
    """How long it is until then, in seconds. Raises TimeoutError when it is past."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("the client is too slow")
    return left


def _forget(*_: object) -> None:
    """The hub's callbacks for a closed descriptor: ours is removed before it is closed."""
