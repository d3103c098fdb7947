"""A lock for what is done for one at a time: in turn by client, however often one of them asks.

Layer: loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

import eventlet
from eventlet.event import Event

from loop.errors import Busy


class FairLock:
    """Held by one greenlet, and then by one of the next client. All methods are for the event loop's thread."""

    def __init__(self, own_max: int, waiting_max: int, patience_s: float) -> None:
        """`own_max`: of one client, waiting or holding it; `waiting_max`: of all; who waits longer gives up."""
        self._own_max = own_max
        self._waiting_max = waiting_max
        self._patience_s = patience_s
        self._own: dict[Hashable, int] = {}
        self._queues: dict[Hashable, deque[Event]] = {}  # of those that wait; who is next first
        self._waiting = 0
        self._taken = False

    def own(self, client: Hashable) -> int:
        """How many of `client` wait for it or hold it."""
        return self._own.get(client, 0)

    @contextmanager
    def held_for(self, client: Hashable) -> Iterator[None]:
        """Wait until it is the turn of `client`, and hold it within the block. Cooperative. Raises Busy."""
        if self.own(client) >= self._own_max or self._waiting >= self._waiting_max:
            raise Busy("too many wait")
        self._own[client] = self.own(client) + 1
        try:
            if self._taken:
                self._wait(client)
            self._taken = True
            try:
                yield
            finally:
                self._pass_on()
        finally:
            self._own[client] -= 1
            if not self._own[client]:
                del self._own[client]

    def _wait(self, client: Hashable) -> None:
        mine = Event()
        self._queues.setdefault(client, deque()).append(mine)
        self._waiting += 1
        try:
            with eventlet.Timeout(self._patience_s, False):
                mine.wait()
        except BaseException:
            if mine.ready():
                self._pass_on()
            raise
        finally:
            self._waiting -= 1
            if not mine.ready():
                self._queues[client].remove(mine)
                if not self._queues[client]:
                    del self._queues[client]
        if not mine.ready():
            raise Busy("others took too long")

    def _pass_on(self) -> None:
        """The next client's first greenlet holds it; that client comes behind all others then."""
        client = next(iter(self._queues), None)
        if client is None:
            self._taken = False
            return
        queue = self._queues.pop(client)
        queue.popleft().send()
        if queue:
            self._queues[client] = queue
