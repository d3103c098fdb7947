"""Clones of venues whose oldest records have left the journal: for an archive, or for good."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from journal.archive import archive_beside
from journal.beginnings import first_kept
from journal.codec import BatchRecord
from journal.copies import copied_journal
from journal.sqlite import SqliteJournal
from offline import clone
from tests.offline.made import digest_at, proved, records_of, simulated


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated day, with a snapshot behind a record in the middle beside the one at its end."""
    folder = tmp_path_factory.mktemp("shortened")
    day = simulated(folder / "day", seconds=5)
    middle = _middle(records_of(day))
    assert clone.main([str(day), str(folder / "half"), "--at", str(middle.last_seq)]) == clone.MADE
    (snapshot,) = (folder / "half" / "snapshots").glob("*.obs")
    shutil.copyfile(snapshot, day / "snapshots" / snapshot.name)
    return day


def _middle(records: list[BatchRecord]) -> BatchRecord:
    return records[len(records) // 2]


def _shortened(day: Path, target: Path, until_n: int, *, archived: bool) -> Path:
    """A copy of the day, of whose journal the records up to `until_n` have left."""
    shutil.copytree(day, target)
    path = target / "journal.sqlite"
    with closing(SqliteJournal(path)) as journal:
        if archived:
            archive_beside(path).write(list(journal.read())[:until_n])
        journal.trim(until_n)
        while journal.tend(idle=True):
            pass
        assert journal.first_n == until_n + 1
    return target


def test_a_clone_has_the_archived_records_in_its_journal(day: Path, tmp_path: Path) -> None:
    records = records_of(day)
    middle = _middle(records)
    data = _shortened(day, tmp_path / "archived", middle.n, archived=True)
    for seq in (2, records[3].first_seq, middle.last_seq, middle.last_seq + 1, records[-1].last_seq):
        made = clone.clone(data, tmp_path / f"at-{seq}", seq)
        assert (made.seq, made.digest) == (seq, digest_at(records, seq))
        whole = [record for record in records if record.last_seq <= seq]
        assert records_of(tmp_path / f"at-{seq}")[: len(whole)] == whole
        assert not (tmp_path / f"at-{seq}" / "archive").exists()
        proved(tmp_path / f"at-{seq}")


def test_a_clone_of_what_dropped_its_oldest_records_begins_with_the_snapshot_behind_them(
    day: Path, tmp_path: Path
) -> None:
    records = records_of(day)
    middle = _middle(records)
    data = _shortened(day, tmp_path / "dropped", middle.n, archived=False)
    for seq in (middle.last_seq, middle.last_seq + 1, records[middle.n].last_seq, records[-1].last_seq - 1):
        target = tmp_path / f"at-{seq}"
        made = clone.clone(data, target, seq)
        assert (made.seq, made.digest) == (seq, digest_at(records, seq))
        with copied_journal(target / "journal.sqlite") as journal:
            assert first_kept(journal) == middle.n + 1
        proved(target)
    whole = clone.clone(data, tmp_path / "whole")  # of the end there is a snapshot
    assert (whole.seq, whole.digest) == (records[-1].last_seq, digest_at(records, records[-1].last_seq))
    proved(tmp_path / "whole")


def test_nothing_before_what_is_there_can_be_cloned(
    day: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    middle = _middle(records_of(day))
    data = _shortened(day, tmp_path / "dropped", middle.n, archived=False)
    capsys.readouterr()
    for seq in (1, middle.first_seq, middle.last_seq - 1):
        assert clone.main([str(data), str(tmp_path / "x"), "--at", str(seq)]) == clone.FAILED
        assert "were dropped, and no earlier snapshot" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["dropped"]


@pytest.mark.parametrize("seq", ["0", "-1", "1.5", "²", "", "1e3", "9" * 5_000])
def test_what_is_no_command_is_refused(day: Path, tmp_path: Path, seq: str) -> None:
    with pytest.raises(SystemExit) as refusal:
        clone.main([str(day), str(tmp_path / "x"), f"--at={seq}"])
    assert refusal.value.code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_any_name_is_cloned_with_its_users(day: Path, tmp_path: Path) -> None:
    odd = tmp_path / "100% of it? yes#1"
    shutil.copytree(day, odd)
    assert clone.main([str(odd), str(tmp_path / "copy"), "--with-users"]) == clone.MADE
    for name in ("identity.sqlite", "secret.key"):
        assert (tmp_path / "copy" / name).stat().st_mode & 0o077 == 0
