"""Records were dropped, then archived: who is at the last that was dropped goes on behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from engine.digest import state_digest
from journal.archive import archive_beside
from journal.snapshots import SnapshotFolder
from journal.sqlite import SqliteJournal
from projections.projections import Projections
from replica.follower import Follower
from replica.recovery import recover
from replica.stream import RecordStream
from tests.journal.commands import fill
from tests.journal.mixed_records import BATCH, RECORDS
from tests.replica.served import received, served

DROPPED, ARCHIVED = 20, 30  # up to which records


@contextmanager
def gapped(folder: Path) -> Iterator[SqliteJournal]:
    """All of `RECORDS`, of which the first are dropped, and the next in the archive alone."""
    with closing(SqliteJournal(folder / "journal.sqlite")) as journal:
        fill(journal, RECORDS)
        for until_n, archived in ((DROPPED, []), (ARCHIVED, RECORDS[DROPPED:ARCHIVED])):
            archive_beside(journal.path).write(archived)
            journal.trim(until_n)
            while journal.tend(idle=True):
                pass
        yield journal


def test_a_follower_is_given_what_comes_behind(tmp_path: Path) -> None:
    with gapped(tmp_path):
        pass
    with served(tmp_path) as writer, closing(RecordStream(writer.theirs, RECORDS[DROPPED - 1])) as stream:
        assert received(stream, len(RECORDS)) == RECORDS[DROPPED:]


def test_a_start_begins_with_a_snapshot_there(tmp_path: Path) -> None:
    snapshots, follower = SnapshotFolder(tmp_path / "snapshots"), Follower()
    projections = Projections(follower.exchange)
    for record in RECORDS[:DROPPED]:
        projections.fold(follower.follow(record))
    assert follower.last is not None
    snapshots.save(follower.exchange, follower.last, projections.saved())
    for record in RECORDS[DROPPED:]:
        follower.follow(record)
    with gapped(tmp_path) as journal:
        found = recover(journal, snapshots, lambda _: [], lambda _: None)
    assert found.commands == (len(RECORDS) - DROPPED) * BATCH
    assert state_digest(found.follower.exchange) == state_digest(follower.exchange)
