"""What two snapshots are behind leaves the journal, and nothing that is behind them does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from journal.archive import ArchiveFolder
from journal.sqlite import SqliteJournal
from replica import archiver as archiver_module
from replica.archiver import Archiver
from tests.journal.archived import archived
from tests.journal.commands import fill
from tests.journal.mixed_records import RECORDS
from tests.server import eventually


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    with closing(SqliteJournal(tmp_path / "journal.sqlite")) as opened:
        fill(opened, RECORDS)
        yield opened


def test_records_are_archived_before_the_journal_is_to_let_go_of_them(tmp_path: Path, journal: SqliteJournal) -> None:
    archive, trimmed = ArchiveFolder(tmp_path / "archive"), list[tuple[int, int]]()
    with closing(Archiver(journal, archive, lambda n: trimmed.append((n, archive.last_n)))) as archiver:
        for covered in (7, 7, 3, 31):
            archiver.cover(covered)
        eventually(lambda: bool(trimmed) and trimmed[-1] == (31, 31))
    assert all(archived >= n for n, archived in trimmed)
    assert list(archived(archive.folder)) == RECORDS[:31]


def test_without_an_archive_they_are_only_let_go_of(journal: SqliteJournal) -> None:
    trimmed: list[int] = []
    with closing(Archiver(journal, None, trimmed.append)) as archiver:
        archiver.cover(20)
        eventually(lambda: trimmed == [20])


def test_an_archive_that_cannot_be_written_lets_nothing_go(
    tmp_path: Path, journal: SqliteJournal, caplog: pytest.LogCaptureFixture
) -> None:
    archive, trimmed = ArchiveFolder(tmp_path / "archive"), list[int]()
    (tmp_path / "archive").write_bytes(b"a file")
    with closing(Archiver(journal, archive, trimmed.append)) as archiver:
        archiver.cover(20)
        eventually(lambda: "could not be archived" in caplog.text)
    assert trimmed == []


def test_what_gathers_is_bounded_in_bytes(
    tmp_path: Path, journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiver_module, "SEGMENT_BYTES", 1)
    monkeypatch.setattr(archiver_module, "READ_AT_ONCE", 5)
    archive, trimmed = ArchiveFolder(tmp_path / "archive"), list[int]()
    with closing(Archiver(journal, archive, trimmed.append)) as archiver:
        archiver.cover(12)
        eventually(lambda: trimmed == [5, 10, 12])


def test_a_damaged_record_lets_nothing_go_and_it_is_tried_again(
    tmp_path: Path, journal: SqliteJournal, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiver_module, "AGAIN_S", 0.05)
    body = journal._connection.execute("SELECT body FROM batches WHERE n = 5").fetchone()[0]
    journal._connection.execute("UPDATE batches SET body = ? WHERE n = 5", (body + b"!",))
    archive, trimmed = ArchiveFolder(tmp_path / "archive"), list[int]()
    with closing(Archiver(journal, archive, trimmed.append)) as archiver:
        archiver.cover(20)
        eventually(lambda: "record 5" in caplog.text)
        assert trimmed == []
        journal._connection.execute("UPDATE batches SET body = ? WHERE n = 5", (body,))
        eventually(lambda: trimmed == [20])
    assert list(archived(archive.folder)) == RECORDS[:20]
