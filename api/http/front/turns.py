"""Whose turn it is: one request or one read of each address after the other, so that many connections are one client.

Layer: api.http.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Final

import greenlet
from eventlet import hubs

from logs.limit import limited
from loop.turns import TURN_S

log = limited(logging.getLogger(__name__))  # clients can repeat what they cause

CROWDED_BYTES: Final = 65_536  # read of one address and waiting: its further connections wait before they are read

Work = Callable[[], None]


class Turns:
    """The work that waits, by address. For the event loop's thread."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[tuple[Work, int]]] = {}  # the next address first
        self._bytes: Counter[str] = Counter()
        self._scheduled = False
        self._last_owner = 0
        self._last_at = 0.0

    def is_free(self, owner: int) -> bool:
        """Whether nothing waits and nobody else had a turn just now, so that `owner` need not wait for the next."""
        if self._waiting or self._scheduled:
            return False
        now = time.perf_counter()
        if owner != self._last_owner and now - self._last_at < TURN_S:
            return False
        self._last_owner, self._last_at = owner, now
        return True

    def note_end(self) -> None:
        """A turn that was free has ended, for now: however long it took, others are next."""
        self._last_at = time.perf_counter()

    def ask(self, address: str, work: Work, size: int = 0) -> None:
        """Have `work` done, from the hub's greenlet, when it is the turn of `address`. `size`: bytes that were read."""
        queue = self._waiting.get(address)
        if queue is None:
            queue = self._waiting[address] = deque()
        queue.append((work, size))
        if size:
            self._bytes[address] += size
        if not self._scheduled:
            self._schedule()

    def wait(self, address: str) -> None:
        """Go on when it is the turn of `address`. Cooperative."""
        waiting, hub = greenlet.getcurrent(), hubs.get_hub()
        waits = True

        def go_on() -> None:
            if waits:  # nothing else has made it go on
                waiting.switch()

        self.ask(address, go_on)
        try:
            hub.switch()
        finally:
            waits = False

    def crowded(self, address: str) -> bool:
        """Whether much of `address` waits already."""
        return self._bytes[address] >= CROWDED_BYTES

    def _schedule(self) -> None:
        self._scheduled = True
        hubs.get_hub().schedule_call_global(0, self._run)

    def _run(self) -> None:
        until = time.perf_counter() + TURN_S  # of all addresses together, before what has come meanwhile is read
        while self._waiting:
            self._do_next()
            if time.perf_counter() >= until:
                break
        self._scheduled = False
        if self._waiting:
            self._schedule()

    def _do_next(self) -> None:
        waiting = self._waiting
        address = next(iter(waiting))
        queue = waiting[address]
        work, size = queue.popleft()
        if not queue:
            del waiting[address]
            self._bytes.pop(address, None)
        else:
            if size:
                self._bytes[address] -= size
            if len(waiting) > 1:
                waiting[address] = waiting.pop(address)  # behind all the others
        try:
            work()
        except Exception:
            log.exception("a turn failed")
