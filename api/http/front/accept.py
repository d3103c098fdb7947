"""The listening socket -> connections. It goes on whatever accept() raises; only without its socket it cannot.

Layer: api.http.
"""

from __future__ import annotations

import errno
import logging
import socket
import ssl
from contextlib import suppress
from typing import Any, Final

from eventlet import hubs

from api.http.front.connections import Connections
from logs.limit import limited

log = limited(logging.getLogger(__name__))  # clients can repeat what they cause

ACCEPTED_MAX: Final = 64  # in one turn of the event loop
PAUSE_S: Final = 0.1  # after descriptors or memory ran out and no connection could give way
_NONE_LEFT: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_NO_SOCKET: Final = (errno.EBADF, errno.ENOTSOCK, errno.EINVAL)


class Acceptor:
    """Takes connections from one listening socket. For the event loop's thread."""

    def __init__(self, listening: socket.socket, context: ssl.SSLContext | None, connections: Connections) -> None:
        """`context`: TLS, where it is set."""
        self._socket = listening
        self._context = context
        self._connections = connections
        self._listener: Any = None
        self._waiting: Any = None  # the timer of a pause
        self._stopped = True
        self.fault: OSError | None = None  # why it can accept nothing any more

    def start(self) -> None:
        """Begin to accept."""
        self._stopped = False
        self._socket.setblocking(False)
        self._connections.on_room = self._listen
        self._listen()

    def stop(self) -> None:
        """Accept no more. The socket stays open, and is its owner's to close."""
        self._stopped = True
        self._pause()
        if self._waiting is not None:
            self._waiting.cancel()

    def _listen(self) -> None:
        if self._listener is None and self._waiting is None and not self._stopped:
            hub = hubs.get_hub()
            self._listener = hub.add(hub.READ, self._socket.fileno(), self._on_readable, _ignore, _ignore)

    def _pause(self) -> None:
        if self._listener is not None:
            hubs.get_hub().remove(self._listener)
            self._listener = None

    def _pause_for(self, seconds: float) -> None:
        self._pause()
        if self._waiting is None:
            self._waiting = hubs.get_hub().schedule_call_global(seconds, self._resume)

    def _resume(self) -> None:
        self._waiting = None
        self._listen()

    def _on_readable(self, _fd: int) -> None:
        """The hub's callback. Nothing may leave it: the hub would drop the socket."""
        if self._listener is None:  # paused in this turn of the hub
            return
        for number in range(ACCEPTED_MAX):
            if self._connections.full:
                if number:  # whether a further one waits, the hub says next
                    return
                if not self._connections.shed():
                    self._pause()  # until one is closed
                    return
            try:
                accepted, peer = self._socket.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as problem:
                if not self._goes_on_after(problem):
                    return
                continue
            except Exception:
                log.exception("a connection could not be accepted")
                continue
            self._admit(accepted, peer)

    def _goes_on_after(self, problem: OSError) -> bool:
        """Whether the next accept may follow at once."""
        if problem.errno in _NO_SOCKET:
            self.fault = problem
            self._pause()
            return False
        if problem.errno in _NONE_LEFT:
            shed = self._connections.shed()
            log.warning("%s: closed %d connections that wait for their client", problem.strerror, shed)
            if not shed:
                self._pause_for(PAUSE_S)
            return shed > 0
        log.debug("accept: %s", problem)  # the client went before it was accepted, as a rule
        return True

    def _admit(self, accepted: socket.socket, peer: tuple[Any, ...]) -> None:
        try:
            self._connections.admit(accepted, peer, self._context)
        except Exception as problem:
            if not isinstance(problem, OSError):
                log.exception("a connection could not be taken in")
            with suppress(OSError):
                accepted.close()


def _ignore(*_: object) -> None:
    """The hub's callbacks for a closed descriptor: this one is removed before it is closed."""
