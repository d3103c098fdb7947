"""The bytes of one connection, plain or under TLS, without ever waiting.

Layer: api.http.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from typing import Final

from api.http.front.bounds import READ_BODY_BYTES

_SCRATCH: Final = memoryview(bytearray(READ_BODY_BYTES))  # all read into it: nothing switches before it is used
_WOULD_WAIT: Final = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Transport:
    """A socket that does not block. Whoever reads or writes learns at once what can be done now."""

    __slots__ = ("_socket", "fd", "secure", "shaken")

    def __init__(self, accepted: socket.socket, context: ssl.SSLContext | None) -> None:
        """Raises OSError where the client has gone already."""
        accepted.setblocking(False)
        if context is not None:
            accepted.getpeername()  # raises where the client has gone: a TLS socket would be left half made
            accepted = context.wrap_socket(
                accepted, server_side=True, do_handshake_on_connect=False, suppress_ragged_eofs=True
            )
        self._socket = accepted
        self.fd: int = accepted.fileno()
        self.secure = context is not None
        self.shaken = context is None  # whether requests may come

    def shake_hands(self) -> bool:
        """Go on with the TLS handshake; True when it is done. Raises OSError when it fails."""
        try:
            self._socket.do_handshake()  # type: ignore[attr-defined]
        except _WOULD_WAIT:
            return False
        self.shaken = True
        return True

    def read(self, size: int) -> memoryview | None:
        """At most `size` bytes, good until the next read of any transport; none at the end, None when there are none
        now. Raises OSError."""
        try:
            return _SCRATCH[: self._socket.recv_into(_SCRATCH, size)]
        except _WOULD_WAIT:
            return None

    def write(self, data: bytes | memoryview) -> int:
        """How many bytes of `data` are taken; 0 when none can be now. Raises OSError."""
        try:
            return self._socket.send(data)
        except _WOULD_WAIT:
            return 0

    def has_more(self) -> bool:
        """Whether TLS holds bytes that were read already, of which the hub knows nothing."""
        return self.secure and self.shaken and self._socket.pending() > 0  # type: ignore[attr-defined]

    def end_writing(self) -> None:
        """Tell the client that nothing more comes."""
        with suppress(OSError, ValueError):
            if self.secure and self.shaken:
                self._socket.unwrap()  # type: ignore[attr-defined]
        with suppress(OSError, ValueError):
            self._socket.shutdown(socket.SHUT_WR)

    def shut_down(self) -> None:
        """End both directions: whoever waits for this socket goes on."""
        with suppress(OSError, ValueError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close it, a TLS session with its farewell."""
        with suppress(OSError, ValueError):
            if self.secure and self.shaken:
                self._socket.unwrap()  # type: ignore[attr-defined]
        self._socket.close()
