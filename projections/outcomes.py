"""What became of the submissions whose keys somebody may use again, so that a repetition is answered with it.

Every process that applies records keeps them by itself, and a snapshot has them, so that a start knows of those before
it as well. They are derived, and in no digest. A submission of which nothing is kept is still not taken twice: that is
the window's business.
Layer: projections.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from msgspec import Raw

from engine.events import CommandResult
from projections.written_outcomes import read_again, written

OUTCOMES_MAX: Final = 10_000
EVENTS_MAX: Final = 50_000  # of all of them, some 20 MB


class SavedOutcome(msgspec.Struct, array_like=True):
    """What became of one submission, to be written."""

    key: str  # 32 hexadecimal digits
    events: int
    results: Raw


class Outcomes:
    """The results of the newest submissions under keys of clients."""

    def __init__(self) -> None:
        self._kept: dict[bytes, Sequence[CommandResult] | Raw] = {}  # Raw: as it was written, and not read since
        self._keys: deque[tuple[bytes, int]] = deque()  # oldest first, and how many events each has
        self._events = 0

    def note(self, key: bytes, results: Sequence[CommandResult]) -> None:
        """Keep what the commands of a key caused. O(commands)."""
        self._keep(key, sum(len(result.events) for result in results), results)

    def find(self, key: bytes) -> Sequence[CommandResult] | None:
        """What the commands of a key caused; None where that is not kept (any more). O(1), of a snapshot O(events)."""
        found = self._kept.get(key)
        return read_again(found) if isinstance(found, Raw) else found

    def saved(self, is_known: Callable[[bytes], object]) -> list[SavedOutcome]:
        """Those of the keys that are known still, to be written, oldest first. O(events)."""
        saved = []
        for key, events in self._keys:
            if is_known(key):
                kept = self._kept[key]
                saved.append(SavedOutcome(key.hex(), events, kept if isinstance(kept, Raw) else written(kept)))
        return saved

    def restore(self, saved: Sequence[SavedOutcome]) -> None:
        """Keep what was written, for one that is new. O(bytes). Raises ValueError."""
        for each in saved:
            self._keep(bytes.fromhex(each.key), each.events, each.results.copy())

    def _keep(self, key: bytes, events: int, results: Sequence[CommandResult] | Raw) -> None:
        if key in self._kept:
            return
        self._kept[key] = results
        self._keys.append((key, events))
        self._events += events
        while len(self._keys) > OUTCOMES_MAX or (self._events > EVENTS_MAX and len(self._keys) > 1):
            oldest, gone = self._keys.popleft()
            del self._kept[oldest]
            self._events -= gone
