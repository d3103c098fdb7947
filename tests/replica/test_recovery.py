"""A start begins with the newest snapshot that proves right and fits the journal, and ends in the journal's state."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from engine.digest import state_digest
from journal.archive import archive_beside
from journal.port import Checkpoint, JournalCorrupt, RecordsDropped
from journal.snapshots import SnapshotFolder
from journal.sqlite import SqliteJournal
from projections.projections import STATUSES, Projections
from replica.follower import Follower
from replica.recovery import Recovered, recover
from tests.journal.commands import fill
from tests.journal.mixed_records import BATCH, RECORDS, records


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    """All of `RECORDS`."""
    with closing(SqliteJournal(tmp_path / "journal.sqlite")) as opened:
        fill(opened, RECORDS)
        yield opened


@pytest.fixture
def snapshots(tmp_path: Path) -> SnapshotFolder:
    return SnapshotFolder(tmp_path / "snapshots", "1.2.3")


def folded(until_n: int) -> tuple[Follower, Projections]:
    """A follower behind a record, with its projections."""
    follower = Follower()
    projections = Projections(follower.exchange)
    follower.listen(lambda _, applied: projections.fold(applied))
    for record in RECORDS[:until_n]:
        follower.follow(record)
    return follower, projections


def saved(snapshots: SnapshotFolder, *at: int) -> None:
    for n in at:
        follower, projections = folded(n)
        assert follower.last is not None
        snapshots.save(follower.exchange, follower.last, projections.saved())


def recovered(journal: SqliteJournal, snapshots: SnapshotFolder) -> Recovered:
    """As a start does; what it came to is the state and the projections of the whole journal."""
    found = recover(journal, snapshots, lambda _: [], lambda _: None)
    follower, projections = folded(len(RECORDS))
    assert state_digest(found.follower.exchange) == state_digest(follower.exchange)
    assert found.projections.saved() == projections.saved()
    assert found.follower.last == RECORDS[-1]
    return found


@pytest.mark.parametrize(("at", "behind"), [((), 40), ((1,), 39), ((7, 20), 20), ((39,), 1), ((40,), 0)])
def test_only_what_is_behind_the_newest_snapshot_is_replayed(
    journal: SqliteJournal, snapshots: SnapshotFolder, at: tuple[int, ...], behind: int
) -> None:
    saved(snapshots, *at)
    found = recovered(journal, snapshots)
    assert (found.commands, found.began_seq) == (behind * BATCH, (40 - behind) * BATCH)


def test_a_damaged_snapshot_costs_only_the_way_from_the_one_before(
    journal: SqliteJournal, snapshots: SnapshotFolder
) -> None:
    saved(snapshots, 10, 30)
    newest = snapshots.files()[0].path
    newest.write_bytes(newest.read_bytes()[:-10])
    assert recovered(journal, snapshots).commands == 30 * BATCH


def test_where_no_snapshot_proves_right_the_whole_journal_is_replayed(
    journal: SqliteJournal, snapshots: SnapshotFolder
) -> None:
    saved(snapshots, 10, 30)
    for file in snapshots.files():
        file.path.write_bytes(b"openbell snapshot")
    assert recovered(journal, snapshots).began_seq == 0
    assert snapshots.files() == []


def test_a_snapshot_with_sections_of_another_version_is_passed_over(
    journal: SqliteJournal, snapshots: SnapshotFolder, caplog: pytest.LogCaptureFixture
) -> None:
    saved(snapshots, 10)
    follower, projections = folded(30)
    sections = projections.saved()
    sections["statuses-99"] = sections.pop(STATUSES)
    assert follower.last is not None
    snapshots.save(follower.exchange, follower.last, sections)
    assert recovered(journal, snapshots).began_seq == 10 * BATCH
    assert "record 30 is passed over" in caplog.text


def test_a_snapshot_of_another_journal_is_set_aside(
    journal: SqliteJournal, snapshots: SnapshotFolder, caplog: pytest.LogCaptureFixture
) -> None:
    saved(snapshots, 10)
    follower = Follower()
    for record in records(20, seed=2):
        follower.follow(record)
    assert follower.last is not None
    snapshots.save(follower.exchange, follower.last, Projections(follower.exchange).saved())
    assert recovered(journal, snapshots).began_seq == 10 * BATCH
    assert "another journal" in caplog.text


def test_a_snapshot_from_before_what_is_kept_stays_where_it_is(
    journal: SqliteJournal, snapshots: SnapshotFolder
) -> None:
    saved(snapshots, 10)
    journal.trim(20)
    while journal.tend(idle=True):
        pass
    with pytest.raises(RecordsDropped, match="it begins with record 21"):
        recover(journal, snapshots, lambda _: [], lambda _: None)
    assert [file.n for file in snapshots.files()] == [10]


def test_where_the_snapshots_cannot_be_listed_the_whole_journal_is_replayed(
    journal: SqliteJournal, snapshots: SnapshotFolder, caplog: pytest.LogCaptureFixture
) -> None:
    snapshots.folder.write_bytes(b"a file")
    assert recovered(journal, snapshots).began_seq == 0
    assert "cannot be listed" in caplog.text


def test_a_journal_that_ends_before_a_snapshot_has_lost_its_end_and_is_refused(
    tmp_path: Path, snapshots: SnapshotFolder
) -> None:
    saved(snapshots, 30)
    with closing(SqliteJournal(tmp_path / "short.sqlite")) as short:
        fill(short, RECORDS[:29])
        with pytest.raises(JournalCorrupt, match=r"behind record 30, the journal ends at record 29"):
            recover(short, snapshots, lambda _: [], lambda _: None)


def test_a_digest_that_was_noted_behind_the_snapshot_is_compared(
    journal: SqliteJournal, snapshots: SnapshotFolder
) -> None:
    saved(snapshots, 10)
    journal.note(Checkpoint(35 * BATCH, "another state"))
    with pytest.raises(JournalCorrupt, match=f"digest differs at seq {35 * BATCH}"):
        recover(journal, snapshots, lambda _: [], lambda _: None)


@pytest.mark.parametrize("archived", [False, True])
def test_without_a_snapshot_and_the_first_records_it_says_what_is_gone_and_what_to_restore(
    tmp_path: Path, journal: SqliteJournal, snapshots: SnapshotFolder, archived: bool
) -> None:
    if archived:
        archive_beside(journal.path).write(RECORDS[:20])
    journal.trim(20)
    while journal.tend(idle=True):
        pass
    if archived:
        shutil.rmtree(tmp_path / "archive")
    journal.close()
    with (
        closing(SqliteJournal(journal.path)) as opened,
        pytest.raises(RecordsDropped, match=r"restore snapshots/ or archive/ from a copy\.$") as refusal,
    ):
        recover(opened, snapshots, lambda _: [], lambda _: None)
    was = "Records up to 20 were archived, and are gone from archive/." if archived else "What was before was dropped."
    assert was in str(refusal.value)
