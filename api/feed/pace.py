"""Calls a function for a key: at once after a quiet moment, and then at most once in an interval.

Layer: api.feed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import eventlet

from logs.limit import limited

log = limited(logging.getLogger(__name__))

K = TypeVar("K", bound=Hashable)


class Paced(Generic[K]):
    """Calls `act(key)` in the event loop soon after `touch(key)`, however often that is called."""

    def __init__(self, interval_s: float, act: Callable[[K], None]) -> None:
        self._interval_s = interval_s
        self._act = act
        self._due: dict[K, float] = {}  # monotonic seconds: not before
        self._scheduled: set[K] = set()

    def touch(self, key: K) -> None:
        """Have `act(key)` called soon. O(1); does not switch."""
        if key not in self._scheduled:
            self._scheduled.add(key)
            eventlet.spawn_after(max(0.0, self._due.get(key, 0.0) - time.monotonic()), self._run, key)

    def _run(self, key: K) -> None:
        self._scheduled.discard(key)
        self._due[key] = time.monotonic() + self._interval_s
        try:
            self._act(key)
        except Exception:
            log.exception("the feed of %s failed", key)
