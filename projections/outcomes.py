"""What became of the submissions whose keys somebody may use again, so that a repetition is answered with it.

Every process that applies records keeps them by itself, and a snapshot has them, so that a start knows of those before
it as well. They are derived, and in no digest. A submission of which nothing is kept is still not taken twice: that is
the window's business.
Layer: projections.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import msgspec
from msgspec import Raw

from engine.events import CommandResult
from engine.types import Seq
from projections.written_outcomes import read_again, written

OUTCOMES_MAX: Final = 10_000
EVENTS_MAX: Final = 50_000  # of all of them, some 20 MB; a command that caused nothing counts as one


class SavedOutcome(msgspec.Struct, array_like=True):
    """What became of one submission, to be written."""

    key: str  # 32 hexadecimal digits
    seq: Seq  # of its first command
    events: int  # as `EVENTS_MAX` counts them
    results: Raw


class _Kept(NamedTuple):
    seq: Seq  # of the first command
    events: int
    results: Sequence[CommandResult] | Raw  # Raw: as it was written, and not read since


class Outcomes:
    """The results of the newest submissions under keys of clients."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()  # oldest first
        self._events = 0

    def note(self, key: bytes, results: Sequence[CommandResult]) -> None:
        """Keep what the commands of a key caused, of the last that had it. O(commands)."""
        if results:
            events = sum(len(result.events) or 1 for result in results)
            self._keep(key, _Kept(results[0].seq, events, results))

    def find(self, key: bytes) -> Sequence[CommandResult] | None:
        """What the commands of a key caused; None where that is not kept (any more). O(1), of a snapshot O(events)."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        return read_again(kept.results) if isinstance(kept.results, Raw) else kept.results

    def saved(self, is_known: Callable[[bytes], object]) -> list[SavedOutcome]:
        """Those of the keys that are known still, to be written, oldest first. O(events)."""
        return [
            SavedOutcome(key.hex(), seq, events, results if isinstance(results, Raw) else written(results))
            for key, (seq, events, results) in self._kept.items()
            if is_known(key)
        ]

    def restore(self, saved: Sequence[SavedOutcome]) -> None:
        """Keep what was written, for one that is new. O(bytes). Raises ValueError."""
        for each in saved:
            self._keep(bytes.fromhex(each.key), _Kept(each.seq, each.events, each.results.copy()))

    def _keep(self, key: bytes, new: _Kept) -> None:
        known = self._kept.get(key)
        if known is not None:
            if known.seq >= new.seq:
                return
            del self._kept[key]  # the key was forgotten, and used for something else
            self._events -= known.events
        self._kept[key] = new
        self._events += new.events
        while len(self._kept) > OUTCOMES_MAX or (self._events > EVENTS_MAX and len(self._kept) > 1):
            _, gone = self._kept.popitem(last=False)
            self._events -= gone.events
