"""A relay between a node and a member of the log that can lose what goes one way, both ways, or nothing.

For machines on which no network namespaces can be made: a held direction is silent, as a cut cable, and no connection
ends by it; what was held comes late when it goes on, which is what TCP makes of lost packets.
"""

from __future__ import annotations

import selectors
import socket
import threading
from collections import deque
from types import TracebackType
from typing import Literal, NamedTuple, Self

Way = Literal["there", "back"]
READ_BYTES = 65_536
QUEUED_MAX = 1_000  # reads that wait for a peer that is slow


class _End(NamedTuple):
    """One side of a relayed connection."""

    sock: socket.socket
    way: Way  # in which goes what this side sends
    waiting: deque[bytes]  # what is to be sent to this side


class Relay:
    """Listens on a free port of loopback. A context manager."""

    def __init__(self, port: int) -> None:
        """`port`: of the member, on loopback."""
        self._target = ("127.0.0.1", port)
        self._held: set[Way] = set()
        self._peers: dict[socket.socket, _End] = {}  # a side -> the other
        self._ends: dict[socket.socket, _End] = {}
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._wake_in, self._wake_out = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._ending = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending = True
        self._wake_in.send(b"x")
        self._thread.join(10)

    def hold(self, *ways: Way) -> None:
        """From now on nothing passes in these directions; without any: in neither."""
        self._held = set(ways or ("there", "back"))
        self._wake_in.send(b"x")

    def go_on(self) -> None:
        """Everything passes again."""
        self._held = set()
        self._wake_in.send(b"x")

    def _run(self) -> None:
        self._selector.register(self._listening, selectors.EVENT_READ)
        self._selector.register(self._wake_out, selectors.EVENT_READ)
        while not self._ending:
            for key, events in self._selector.select():
                sock = key.fileobj
                if sock is self._listening:
                    self._accept()
                elif sock is self._wake_out:
                    self._wake_out.recv(READ_BYTES)
                elif isinstance(sock, socket.socket) and sock in self._ends:
                    self._pass(self._ends[sock], events)
            for end in list(self._ends.values()):
                if end.sock in self._ends:
                    self._listen(end)
        for end in list(self._ends.values()):
            end.sock.close()
        for sock in (self._listening, self._wake_in, self._wake_out):
            sock.close()
        self._selector.close()

    def _accept(self) -> None:
        ours, _ = self._listening.accept()
        theirs = socket.socket()
        try:
            theirs.connect(self._target)
        except OSError:
            ours.close()
            theirs.close()
            return
        one, other = _End(ours, "there", deque()), _End(theirs, "back", deque())
        for end, peer in ((one, other), (other, one)):
            end.sock.setblocking(False)
            end.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._ends[end.sock], self._peers[end.sock] = end, peer

    def _pass(self, end: _End, events: int) -> None:
        peer = self._peers[end.sock]
        try:
            if events & selectors.EVENT_READ:
                content = end.sock.recv(READ_BYTES)
                if not content:
                    raise ConnectionResetError
                peer.waiting.append(content)
            if events & selectors.EVENT_WRITE and end.waiting:
                content = end.waiting.popleft()
                sent = end.sock.send(content)
                if sent < len(content):
                    end.waiting.appendleft(content[sent:])
        except BlockingIOError:
            pass
        except OSError:
            self._drop(end, peer)

    def _listen(self, end: _End) -> None:
        """Ask the kernel for what this side may do now."""
        peer, wanted = self._peers[end.sock], 0
        if end.way not in self._held and len(peer.waiting) < QUEUED_MAX:
            wanted |= selectors.EVENT_READ
        if end.waiting and peer.way not in self._held:
            wanted |= selectors.EVENT_WRITE
        known = self._selector.get_map().get(end.sock)
        if wanted and known is None:
            self._selector.register(end.sock, wanted)
        elif wanted and known is not None and known.events != wanted:
            self._selector.modify(end.sock, wanted)
        elif not wanted and known is not None:
            self._selector.unregister(end.sock)

    def _drop(self, *ends: _End) -> None:
        for end in ends:
            if end.sock in self._ends:
                if end.sock in self._selector.get_map():
                    self._selector.unregister(end.sock)
                del self._ends[end.sock], self._peers[end.sock]
                end.sock.close()
