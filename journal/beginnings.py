"""States to begin from, for those who only read: a snapshot that proves right and belongs to the records at hand.

Nothing is renamed and nothing deleted: the folder may be a running server's.
Layer: journal. Blocks.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable

from journal.codec import GENESIS, BatchRecord
from journal.port import Journal, RecordsDropped
from journal.snapshots import Snapshot, SnapshotError, SnapshotFile, SnapshotFolder

ReadRecords = Callable[[int, int], list[BatchRecord]]  # after n, until n -> some of them, in order; none where none are

log = logging.getLogger(__name__)


class ForeignSnapshot(SnapshotError):
    """A snapshot of other records than those at hand, or of some that are not there yet."""


def first_kept(journal: Journal) -> int:
    """The number of the first record that the journal or its archive has. O(segment). Raises JournalError."""
    if journal.first_n > 1:
        try:
            journal.part(0, 1)
        except RecordsDropped as dropped:
            return dropped.first_n
    return 1


def belongs(read: ReadRecords, n: int, chain: bytes) -> bool:
    """Whether a record `n` with this chain hash belongs to these records: as one of them, or before the first."""
    if n == 0:
        return chain == GENESIS
    with contextlib.suppress(RecordsDropped):
        for record in read(n - 1, n):
            return record.n == n and record.chain == chain
    with contextlib.suppress(RecordsDropped):
        for record in read(n, n + 1):
            return record.n == n + 1 and record.prev_chain == chain
    return False


def proven(file: SnapshotFile, read: ReadRecords) -> Snapshot:
    """Load a snapshot that belongs to the records. O(state). Raises SnapshotError, OSError."""
    snapshot = SnapshotFolder(file.path.parent).load(file)
    if not belongs(read, snapshot.last.n, snapshot.last.chain):
        raise ForeignSnapshot(f"{file.path} is of another journal")
    return snapshot


def first_proven(files: Iterable[SnapshotFile], read: ReadRecords) -> Snapshot | None:
    """The first of these, in their order, that can be begun from; None where none can. O(files + state)."""
    for file in files:
        try:
            return proven(file, read)
        except (SnapshotError, OSError) as problem:
            log.warning("a snapshot is passed over: %s", problem)
    return None
