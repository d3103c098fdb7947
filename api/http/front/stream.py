"""The bytes of one connection that speaks another protocol from now on: a WebSocket's.

Layer: api.http.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from eventlet.hubs import trampoline

from api.http.front.bounds import READ_BODY_BYTES
from api.http.front.transport import Transport


class Stream:
    """Reads and writes in a greenlet, with deadlines. One greenlet may read while another one writes."""

    __slots__ = ("_closed", "_rest", "_transport", "take_turn")

    def __init__(self, transport: Transport, rest: bytes, take_turn: Callable[[], None]) -> None:
        """`rest`: what has come already. `take_turn` waits until it is the turn of the client's address."""
        self._transport = transport
        self.take_turn = take_turn
        self._rest = rest
        self._closed = False

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
            self._wait(until, read=True)

    def send(self, data: bytes, timeout_s: float) -> None:
        """Write all of `data`. Cooperative. Raises TimeoutError, or OSError for a connection that broke."""
        until = time.monotonic() + timeout_s
        view = memoryview(data)
        while view:
            if self._closed:
                raise BrokenPipeError("closed")
            taken = self._transport.write(view)
            view = view[taken:]
            if not taken:
                self._wait(until, read=False)

    def close(self) -> None:
        """End the connection; whoever reads or writes learns it at once. Idempotent.

        Its descriptor is freed when the handler that was given the connection returns.
        """
        if not self._closed:
            self._closed = True
            self._transport.shut_down()

    def _wait(self, until: float | None, *, read: bool) -> None:
        left = None if until is None else until - time.monotonic()
        if left is not None and left <= 0:
            raise TimeoutError("the client is too slow")
        trampoline(self._transport.fd, read=read, write=not read, timeout=left, timeout_exc=TimeoutError)
