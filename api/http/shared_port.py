"""One port for the processes of one server, by SO_REUSEPORT among themselves, and for nobody else.

The first socket is bound as any server's is, alone: a port that another server has is refused. Only then are further
ones let beside it. Some socket of ours always listens, so that no other server gets the port in between: it needs one
that nobody shares, and finds it taken. The kernel gives each connection to one of those that listen.
Layer: api.http.
"""

from __future__ import annotations

import socket

from api.http.listener import BACKLOG, SEND_BUFFER_BYTES


class SharedPort:
    """The listening sockets of one server, by the number of the process that each is of."""

    def __init__(self, first: socket.socket) -> None:
        """`first` listens already, and is that of process 1. Raises OSError where ports cannot be shared."""
        first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._address = first.getsockname()
        self._family = first.family
        self._of: dict[int, socket.socket] = {1: first}
        self._listening = {1}

    def of(self, number: int) -> socket.socket:
        """The socket of a process, for it to inherit: bound, and listening when `listens` was called. Raises OSError.

        A process listens when it can answer, so that no connection waits for it to be ready.
        """
        if number not in self._of:
            made = socket.socket(self._family, socket.SOCK_STREAM)
            try:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
                made.bind(self._address)
            except BaseException:
                made.close()
                raise
            self._of[number] = made
        return self._of[number]

    def listens(self, number: int) -> None:
        """That process listens by its socket now."""
        self._listening.add(number)

    def ended(self, number: int) -> None:
        """That process is gone: what waits to be accepted by it is let go, unless nobody else accepts.

        Where it was the last one the next inherits its socket, and with it whoever waits.
        """
        if self._listening - {number}:
            self._listening.discard(number)
            made = self._of.pop(number, None)
            if made is not None:
                made.close()

    def close(self) -> None:
        """Listen no more. Idempotent."""
        while self._of:
            self._of.popitem()[1].close()
        self._listening.clear()


def listen_again(inherited: socket.socket) -> None:
    """Listen by a socket that was inherited; does nothing where it listens already. Raises OSError."""
    inherited.listen(BACKLOG)
