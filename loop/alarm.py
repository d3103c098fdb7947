"""Something that is to happen at a moment of the venue's clock, and not before.

Nothing polls: one timer of the event loop stands at the moment that comes next.
Layer: loop.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

import eventlet

log = logging.getLogger(__name__)

LONGEST_SLEEP_S: Final = 60.0  # the machine's clock may be set while we sleep
AGAIN_S: Final = 1.0  # until the next try, after a ring that failed


class Alarm:
    """Calls `ring` in a greenlet of its own when the clock has reached what it was set to. It may switch."""

    def __init__(self, clock: Callable[[], int], ring: Callable[[], None]) -> None:
        """`clock` gives epoch nanoseconds. `ring` sets the alarm anew if it is to ring again."""
        self._clock = clock
        self._ring = ring
        self._due_ns: int | None = None
        self._timer: Any = None
        self._off = False

    def set(self, due_ns: int | None) -> None:
        """Ring at `due_ns` at the latest: an earlier moment that was set before stays. None changes nothing. O(1)."""
        if due_ns is None or self._off or (self._due_ns is not None and self._due_ns <= due_ns):
            return
        self._due_ns = due_ns
        if self._timer is not None:
            self._timer.cancel()
        wait_s = min(max(0.0, (due_ns - self._clock()) / 1e9), LONGEST_SLEEP_S)
        self._timer = eventlet.spawn_after(wait_s, self._wake)

    def check_again(self) -> None:
        """The clock was set: what is due by now rings at once. O(1)."""
        due_ns, self._due_ns = self._due_ns, None
        self.set(due_ns)

    def stop(self) -> None:
        """Ring no more."""
        self._off = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake(self) -> None:
        due_ns, self._due_ns, self._timer = self._due_ns, None, None
        if due_ns is None or self._off:
            return
        now_ns = self._clock()
        if now_ns < due_ns:
            self.set(due_ns)
            return
        try:
            self._ring()
        except Exception:
            log.exception("what was due could not be done; it is tried again")
            self.set(now_ns + int(AGAIN_S * 1e9))
