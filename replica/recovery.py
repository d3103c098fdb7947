"""The start: the newest snapshot that proves right, then the records behind it; from the first record where none does.

Layer: replica. Blocks.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from engine.exchange import Exchange
from engine.types import Seq
from journal.beginnings import belongs
from journal.codec import BatchRecord
from journal.port import Journal, JournalCorrupt, RecordsDropped
from journal.snapshots import SnapshotFolder
from loop.collector import collector_off
from projections.projections import Projections, SectionsUnknown
from replica.follower import Follower, OnRecord
from replica.replay import follow_to_end

log = logging.getLogger(__name__)


class Recovered(NamedTuple):
    """A state that is that of the journal's end, and how it was come to."""

    follower: Follower
    projections: Projections
    began_seq: Seq  # of the snapshot that was begun with; 0: none was
    commands: int  # that were replayed behind it
    seconds: float
    began_digest: str | None  # of the state of that snapshot; None: none was


def recover(
    journal: Journal,
    snapshots: SnapshotFolder,
    listeners_from: Callable[[Exchange], list[OnRecord]],
    progress: Callable[[Seq], None],
) -> Recovered:
    """Bring an exchange and its projections to the end of the journal. O(state + commands behind the snapshot).

    `listeners_from` is given the exchange that is begun with, and gives what is called with each record behind it.
    `progress` is called with the seq that was reached, now and then.
    Raises as `replica.replay.follow_to_end`, and JournalCorrupt when a snapshot is of a record the journal has not.
    """
    started = time.perf_counter()
    with collector_off():
        follower, projections, began_digest = _begun(journal, snapshots)
        began_seq = follower.seq
        follower.listen(projections.on_record)
        for listener in listeners_from(follower.exchange):
            follower.listen(listener)
        try:
            follow_to_end(journal, follower, progress)
        except RecordsDropped as dropped:
            raise RecordsDropped(
                f"{dropped} No snapshot that proves right has the state before it: restore snapshots/ or archive/ from "
                "a copy.",
                dropped.first_n,
            ) from dropped
    seconds = time.perf_counter() - started
    return Recovered(follower, projections, began_seq, follower.seq - began_seq, seconds, began_digest)


class Begun(NamedTuple):
    """What is begun with."""

    follower: Follower
    projections: Projections
    digest: str | None  # of the state; None: the beginning


def snapshot_for(
    snapshots: SnapshotFolder, until_seq: int | None = None, fits: Callable[[BatchRecord], bool] = lambda _: True
) -> Begun:
    """A follower behind the newest snapshot no newer than a command, and its projections; one at the beginning.

    `fits`: whether the snapshot behind a record is to be taken.
    """
    for snapshot in snapshots.proven(until_seq=until_seq):
        if not fits(snapshot.last):
            continue
        try:
            projections = Projections.restored(snapshot.exchange, snapshot.sections)
        except SectionsUnknown as unknown:
            log.warning("the snapshot behind record %d is passed over: %s", snapshot.last.n, unknown)
            continue
        return Begun(Follower(snapshot.exchange, snapshot.last), projections, snapshot.digest)
    exchange = Exchange()
    return Begun(Follower(exchange), Projections(exchange), None)


def _begun(journal: Journal, snapshots: SnapshotFolder) -> Begun:
    """Where to begin. Raises JournalCorrupt when a snapshot is newer than the journal's end, or of another state."""
    end = journal.last

    def fits(last: BatchRecord) -> bool:
        path = snapshots.path_of(last)
        if end is None or last.n > end.n:
            raise _lost_end(path, last.n, 0 if end is None else end.n)
        if _has(journal, last):
            return True
        log.warning("the snapshot behind record %d is set aside: it is of another journal", last.n)
        snapshots.set_aside(path)
        return False

    follower, projections, digest = snapshot_for(snapshots, fits=fits)
    if follower.seq:
        log.info("begun with the snapshot behind record %d, seq %d", follower.n, follower.seq)
        if any(noted.seq == follower.seq and noted.digest != digest for noted in journal.checkpoints()):
            raise JournalCorrupt(
                f"The state digest of the snapshot behind record {follower.n} differs at seq {follower.seq} from the "
                "one in the journal: this engine makes another state of the same commands. Start the version that "
                "wrote the journal."
            )
    return Begun(follower, projections, digest)


def _lost_end(path: Path, n: int, end_n: int) -> JournalCorrupt:
    return JournalCorrupt(
        f"{path} proves the state behind record {n}, the journal ends at record {end_n}: the journal has lost its end, "
        "or the snapshot is of another one. Restore the data folder from a copy as a whole. To go on with the journal "
        f"as it is, move away every snapshot in {path.parent} that is of a later record, and what is derived from them."
    )


def _has(journal: Journal, last: BatchRecord) -> bool:
    """Whether the journal goes on from this record; True where nobody can say: following it says what is missing."""
    try:
        journal.part(last.n, last.n + 1)
    except RecordsDropped:
        return True
    return belongs(journal.part, last.n, last.chain)
