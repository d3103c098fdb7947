"""Who wrote which part of a journal, digests that are noted without a record, and what a start says of both."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from journal.port import Checkpoint, JournalCorrupt, JournalFailed, WrittenBy
from journal.sqlite import SqliteJournal
from journal.versions import origin
from tests.journal.commands import fill, flow, sealed

RECORDS = list(sealed(flow(1, 200), 10))  # 20 records


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def written(path: Path, until_n: int, version: str) -> None:
    with closing(SqliteJournal(path, version=version)) as journal:
        last = journal.last
        fill(journal, RECORDS[0 if last is None else last.n : until_n])


def test_each_version_that_appends_is_noted_with_its_first_command(path: Path) -> None:
    written(path, 5, "1.0")
    written(path, 8, "1.0")
    written(path, 8, "1.1")  # appends nothing
    written(path, 12, "1.2")
    with closing(SqliteJournal(path)) as journal:
        assert journal.versions() == [WrittenBy(1, "1.0"), WrittenBy(81, "1.2")]


def test_a_start_by_the_version_that_wrote_it_all_has_nothing_to_say(path: Path) -> None:
    with closing(SqliteJournal(path, version="1.0")) as journal:
        assert origin(journal, "1.0") is None
        fill(journal, RECORDS[:5])
        assert origin(journal, "1.0") is None


def test_a_start_by_another_version_says_who_wrote_it_and_what_is_checked(path: Path) -> None:
    with closing(SqliteJournal(path)) as journal:  # a version that did not note itself
        fill(journal, RECORDS[:5])
        assert origin(journal, "2.0") == (
            "The journal was written up to seq 50 by a version that did not note itself; this is 2.0, and no state is "
            "noted in it."
        )
    written(path, 8, "1.0")
    with closing(SqliteJournal(path, version="2.0")) as journal:
        journal.note(Checkpoint(70, "a" * 64))
        assert origin(journal, "2.0") == (
            "The journal was written up to seq 50 by a version that did not note itself, from seq 51 on by 1.0; this "
            "is 2.0, and its states are checked by noted digests up to seq 70, those behind it by nothing."
        )
        journal.note(Checkpoint(80, "b" * 64))
        assert (origin(journal, "2.0") or "").endswith("are checked by noted digests up to the end.")


def test_a_state_is_noted_without_a_record_once_and_another_one_of_the_same_command_is_refused(path: Path) -> None:
    written(path, 8, "1.0")
    with closing(SqliteJournal(path)) as journal:
        for _ in range(2):
            journal.note(Checkpoint(80, "a" * 64))
        with pytest.raises(JournalCorrupt, match="Two different states were noted at seq 80"):
            journal.note(Checkpoint(80, "b" * 64))
        with pytest.raises(ValueError, match="seq 81 is none of this journal"):
            journal.note(Checkpoint(81, "b" * 64))
    with closing(SqliteJournal(path)) as journal:
        assert journal.checkpoints() == [Checkpoint(80, "a" * 64)]
        assert journal.last == RECORDS[7]


def test_a_journal_of_before_opens_and_gets_what_it_lacks(path: Path) -> None:
    written(path, 5, "")
    path.with_suffix(".position").unlink()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TABLE versions")
        connection.execute("DROP TABLE trimmed")
    written(path, 9, "1.0")
    with closing(SqliteJournal(path)) as journal:
        assert list(journal.read()) == RECORDS[:9]
        assert journal.versions() == [WrittenBy(51, "1.0")]
    with closing(sqlite3.connect(path)) as connection:  # and is still opened by the version of before
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)


def test_a_note_for_which_there_is_no_room_stops_nobody(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with closing(SqliteJournal(path)) as journal:
        fill(journal, RECORDS[:9])
        pages = journal._connection.execute("PRAGMA page_count").fetchone()[0]
        journal._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(JournalFailed, match="a digest was not noted"):
            journal.note(Checkpoint(80, "a" * 100_000))
        journal._connection.execute("PRAGMA max_page_count = 100000")
        journal.append(RECORDS[9])
        assert journal.checkpoints() == []
    assert "a digest was not noted" in caplog.text
