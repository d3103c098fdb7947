"""What became of the submissions whose keys somebody may use again, so that a repetition is answered with it.

Every process that applies records keeps them by itself; a snapshot has none, so a start knows of those behind it. A
submission of which nothing is kept is still not taken twice: that is the window's business.
Layer: projections.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from engine.events import CommandResult

OUTCOMES_MAX: Final = 10_000
EVENTS_MAX: Final = 50_000  # of all of them, some 20 MB


class Outcomes:
    """The results of the newest submissions under keys of clients."""

    def __init__(self) -> None:
        self._kept: dict[bytes, Sequence[CommandResult]] = {}
        self._keys: deque[tuple[bytes, int]] = deque()  # oldest first, and how many events each has
        self._events = 0

    def note(self, key: bytes, results: Sequence[CommandResult]) -> None:
        """Keep what the commands of a key caused. O(commands)."""
        if key in self._kept:
            return
        events = sum(len(result.events) for result in results)
        self._kept[key] = results
        self._keys.append((key, events))
        self._events += events
        while len(self._keys) > OUTCOMES_MAX or (self._events > EVENTS_MAX and len(self._keys) > 1):
            oldest, gone = self._keys.popleft()
            del self._kept[oldest]
            self._events -= gone

    def find(self, key: bytes) -> Sequence[CommandResult] | None:
        """What the commands of a key caused; None where that is not kept (any more). O(1)."""
        return self._kept.get(key)
