"""When a snapshot is written, and what goes into it.

Layer: replica. Blocks while it writes, which is in nobody's way: the writer's process is another one.
"""

from __future__ import annotations

import logging
import time
from typing import Final

from engine.digest import state_digest
from journal.snapshots import PROVEN_KEPT, SnapshotError, SnapshotFolder
from projections.projections import Projections
from replica.follower import Follower
from replica.frames import State
from replica.historian.options import HistorianOptions

log = logging.getLogger(__name__)

KEPT: Final = 8  # snapshots: the newest two, and ever fewer of older ones
AGAIN_S: Final = 60.0  # before the next try, where one could not be written


class Snapshotter:
    """Writes the state of one follower, with the projections that are folded from the same records."""

    def __init__(
        self, folder: SnapshotFolder, follower: Follower, projections: Projections, options: HistorianOptions
    ) -> None:
        """One is due every so many commands, and after so many seconds in which any came, as the options say."""
        self._folder = folder
        self._follower = follower
        self._projections = projections
        self._options = options
        self._saved_seq = follower.seq
        self._saved_at = time.monotonic()
        self._not_before = 0.0
        self._proven = [follower.n] if follower.n else []  # of those that were loaded, the newest, oldest first
        follower.listen(projections.on_record)

    @property
    def is_due(self) -> bool:
        """Whether one should be written now. O(1)."""
        commands = self._follower.seq - self._saved_seq
        if not commands:
            return False
        now = time.monotonic()
        is_late = now - self._saved_at >= self._options.snapshot_seconds
        return (commands >= self._options.snapshot_every or is_late) and now >= self._not_before

    def save(self) -> State | None:
        """Write one behind the record that was followed last; None, and an error in the log, where that fails."""
        last = self._follower.last
        if last is None:
            return None
        began, exchange = time.monotonic(), self._follower.exchange
        try:
            digest = state_digest(exchange)
            file = self._folder.save(exchange, last, self._projections.saved(), digest)
            if self._options.prove:
                self._folder.load(file)
                self._proven.append(file.n)
            self._folder.thin(KEPT)
            there = {each.n for each in self._folder.files()}  # one that was thinned out or taken away covers nothing
            self._proven = [n for n in self._proven if n in there][-PROVEN_KEPT:]
        except (OSError, SnapshotError) as problem:
            log.error("no snapshot could be written behind record %d; it is tried again: %s", last.n, problem)
            self._not_before = time.monotonic() + AGAIN_S
            return None
        self._saved_seq, self._saved_at = self._follower.seq, time.monotonic()
        log.info(
            "a snapshot was written behind record %d, seq %d: %d bytes in %.2f s",
            last.n,
            last.last_seq,
            file.size,
            time.monotonic() - began,
        )
        covered_n = self._proven[0] if len(self._proven) == PROVEN_KEPT else 0
        return State(last.n, last.last_seq, digest, file.size, covered_n)

    def save_last(self) -> State | None:
        """The last one, when no more records will come; None where there is nothing new."""
        return None if self._follower.seq == self._saved_seq else self.save()
