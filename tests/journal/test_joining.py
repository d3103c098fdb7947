"""A journal is opened beside its archive only where both are of one branch; what it lost is put back from there."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from journal.archive import archive_beside
from journal.codec import BatchRecord
from journal.copies import copied_journal
from journal.port import JournalCorrupt
from journal.position import position_path
from journal.sqlite import SqliteJournal
from tests.journal.commands import fill, flow, sealed

RECORDS = list(sealed(flow(1, 300), 5))  # 60 records
OTHERS = list(sealed(flow(2, 300), 5))


def written(path: Path, records: list[BatchRecord], archived: list[BatchRecord]) -> Path:
    """A closed journal, and an archive that need not be its own."""
    with closing(SqliteJournal(path)) as journal:
        journal._connection.execute("PRAGMA synchronous = OFF")
        fill(journal, records)
    for first in range(0, len(archived), 20):
        archive_beside(path).write(archived[first : first + 20])
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.mark.parametrize("kept", [0, 1, 20, 33, 49])
def test_what_an_older_copy_lacks_is_put_back_from_the_archive(
    path: Path, kept: int, caplog: pytest.LogCaptureFixture
) -> None:
    written(path, RECORDS[:kept], RECORDS[:50])
    with copied_journal(path) as copy:  # a reader sees them too
        assert list(copy.read()) == RECORDS[:50]
    for _ in range(2):
        with closing(SqliteJournal(path)) as journal:
            assert journal.last == RECORDS[49]
            assert [record.n for record in journal._stored(0, 100)] == list(range(1, 51))
    assert caplog.text.count(f"ends with record {kept}, its archive with record 50") == 2  # the copy's, and once
    assert "acknowledged behind it is in no file" in caplog.text
    with closing(SqliteJournal(path)) as journal:
        fill(journal, RECORDS[50:])
        assert list(journal.read()) == RECORDS


def test_an_older_copy_of_a_trimmed_journal_goes_on_from_the_archive(path: Path) -> None:
    written(path, RECORDS[:30], RECORDS[:10])
    with closing(SqliteJournal(path)) as journal:
        journal.trim(10)
        while journal.tend(idle=True):
            pass
    archive_beside(path).write(RECORDS[10:50])
    with closing(SqliteJournal(path)) as journal:
        assert (journal.first_n, journal.last) == (11, RECORDS[49])
        assert list(journal.read()) == RECORDS[:50]


@pytest.mark.parametrize("count", [30, 50, 60])
def test_a_journal_of_another_branch_than_its_archive_is_refused_by_name(
    tmp_path: Path, path: Path, count: int
) -> None:
    written(tmp_path / "elsewhere" / "journal.sqlite", [], RECORDS[:50])
    written(path, OTHERS[:count], [])
    shutil.move(tmp_path / "elsewhere" / "archive", tmp_path / "archive")
    for _ in range(2):
        with pytest.raises(JournalCorrupt, match="another branch") as caught:
            SqliteJournal(path)
    assert str(tmp_path / "archive") in str(caught.value)
    (tmp_path / "archive").rename(tmp_path / "moved")
    with closing(SqliteJournal(path)) as journal:  # as the refusal advises: it is as it was
        assert list(journal.read()) == OTHERS[:count]


def test_a_branch_that_left_the_archive_after_a_common_beginning_is_refused(path: Path) -> None:
    """What a venue became that once went on with an older copy, unnoticed."""
    commands = flow(1, 100) + flow(3, 300)[100:]
    written(path, list(sealed(commands, 5)), [])
    archive_beside(path).write(RECORDS[:50])
    with pytest.raises(JournalCorrupt, match="record 50 is another one there"):
        SqliteJournal(path)


def test_an_archive_that_begins_behind_the_journals_end_is_refused(path: Path) -> None:
    written(path, RECORDS[:10], RECORDS[20:50])
    with pytest.raises(JournalCorrupt, match=r"ends with record 10, its archive .* with record 50.* in neither"):
        SqliteJournal(path)


def test_a_damaged_segment_is_named_and_nothing_is_forked(path: Path) -> None:
    written(path, RECORDS[:30], RECORDS[:50])
    segment = archive_beside(path).segments[-1]
    file = path.parent / "archive" / segment.file
    data = bytearray(file.read_bytes())
    data[-40] ^= 1
    file.write_bytes(data)
    with pytest.raises(JournalCorrupt, match=r"lost its end, and so has its archive.*damaged"):
        SqliteJournal(path)


def test_where_records_are_missing_that_the_archive_has_not_either_nothing_is_put_back(path: Path) -> None:
    written(path, RECORDS, [])
    newest = position_path(path).read_bytes()
    path.unlink()
    position_path(path).unlink()
    written(path, RECORDS[:30], [])
    archive_beside(path).write(RECORDS[:50])
    position_path(path).write_bytes(newest)
    for _ in range(2):
        with pytest.raises(JournalCorrupt, match="ends with record 30, seq 150, and records 31 to 60"):
            SqliteJournal(path)
    position_path(path).unlink()
    with closing(SqliteJournal(path)) as journal:
        assert journal.last == RECORDS[49]
