"""What waits for one WebSocket of the second wire, bounded in bytes: who reads too slowly is closed, not left a hole.

What is put here is written soon, behind whatever is running, several frames at once and all sockets in one go; only
where a connection does not take all has it a greenlet of its own, until it has taken everything.
Layer: api.binance.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import Final

import eventlet
from websockets.frames import CloseCode

from api.http.front.flusher import Flusher
from api.http.front.websocket import WebSocket
from logs.limit import limited

client_log = limited(logging.getLogger(__name__))

WRITE_BYTES: Final = 65_536  # written at once: a longer frame goes alone
TOO_SLOW: Final = "reads too slowly; connect again and begin with a snapshot"

Joined = dict[tuple[bytes, ...], bytes]  # several frames one behind the other


class Outbox:
    """The frames of one socket, in order. No method switches greenlets."""

    __slots__ = (
        "_bytes_max",
        "_draining",
        "_due",
        "_flusher",
        "_left",
        "_pending",
        "_websocket",
        "overflowed",
        "waiting_bytes",
    )

    def __init__(self, flusher: Flusher[bytes], websocket: WebSocket, bytes_max: int) -> None:
        """At most `bytes_max` wait; a frame that comes to an empty outbox may be as long as it is."""
        self._flusher = flusher
        self._websocket = websocket
        self._bytes_max = bytes_max
        self._pending: deque[bytes] = deque()
        self._due = False  # whether the flusher is to come
        self._draining = False  # whether a greenlet writes
        self._left = 0  # bytes of a frame that was begun
        self.waiting_bytes = 0
        self.overflowed = False  # its client read too slowly: nothing is taken any more

    def put(self, frame: bytes) -> None:
        """Have a whole frame sent, behind those before it. The socket is closed where too much waits. O(1)."""
        if self.overflowed or self._websocket.ended:
            return
        if self.waiting_bytes and self.waiting_bytes + len(frame) > self._bytes_max:
            self._overflow()
            return
        self._pending.append(frame)
        self.waiting_bytes += len(frame)
        if not self._due and not self._draining:
            self._due = True
            self._flusher.add(self)

    def flush(self, joined: Joined) -> None:
        """Write what is pending, as far as the connection takes it; leave the rest to a greenlet.

        `joined`: what was made of the same for others.
        """
        self._due = False
        while self._pending:
            if not self._websocket.may_write:
                self._drain_soon()
                return
            self._left = self._websocket.write_now(self._next_frames(joined))
            if self._left:
                self.waiting_bytes += self._left
                self._drain_soon()
                return

    def _next_frames(self, joined: Joined) -> bytes:
        """Take what is written at once: all that waits, the same as for others who get the same, or the first of it."""
        pending = self._pending
        if self.waiting_bytes <= WRITE_BYTES:
            frames = tuple(pending)
            pending.clear()
        else:
            taken = [pending.popleft()]
            length = len(taken[0])
            while pending and length < WRITE_BYTES:
                taken.append(pending.popleft())
                length += len(taken[-1])
            frames = tuple(taken)
        if len(frames) == 1:
            made = frames[0]
        else:
            found = joined.get(frames)
            made = joined[frames] = b"".join(frames) if found is None else found
        self.waiting_bytes -= len(made)
        return made

    def _drain_soon(self) -> None:
        if not self._draining:
            self._draining = True
            eventlet.spawn(self._drain)

    def _drain(self) -> None:
        """Send what is left of a frame, and what waits behind it. Cooperative."""
        try:
            self._websocket.send(b"")
            self.waiting_bytes -= self._left
            self._left = 0
            while self._pending:
                self._websocket.send(self._next_frames({}))
        except OSError as problem:  # it has ended; TimeoutError is one
            client_log.debug("a client of the second wire went: %s", problem)
            self._forget()
        finally:
            self._draining = False

    def _overflow(self) -> None:
        """End the connection with a code that says why; a stream would otherwise go on with a hole in it."""
        self.overflowed = True
        self._forget()
        eventlet.spawn(self._websocket.close, CloseCode.POLICY_VIOLATION, TOO_SLOW)

    def _forget(self) -> None:
        self._pending.clear()
        self.waiting_bytes = self._left = 0
