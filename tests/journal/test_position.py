"""The newest position in a second place: a journal that ends before it has lost what was acknowledged, and says so."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from journal.port import JournalCorrupt
from journal.position import PositionFile, position_path, read_position
from journal.sqlite import SqliteJournal
from tests.journal.commands import fill, flow, sealed

RECORDS = list(sealed(flow(1, 200), 10))  # 20 records

_WRITE_AND_DIE = """
import os, signal, sys
from journal.sqlite import SqliteJournal
from tests.journal.commands import fill, flow, sealed
fill(SqliteJournal(sys.argv[1]), list(sealed(flow(1, 200), 10)))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed journal of 20 records."""
    path = tmp_path / "journal.sqlite"
    with closing(SqliteJournal(path)) as journal:
        fill(journal, RECORDS)
    return path


def test_the_newest_record_stands_in_a_file_beside_the_journal(path: Path) -> None:
    found = read_position(position_path(path))
    assert found == (20, 200, RECORDS[-1].chain)
    assert position_path(path).name == "journal.position"
    assert position_path(path).stat().st_mode & 0o777 == 0o600


def test_it_survives_kill_9_with_the_last_record(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    subprocess.run([sys.executable, "-c", _WRITE_AND_DIE, path], timeout=60, check=False)
    found = read_position(position_path(path))
    assert found is not None
    assert found.n == 20
    with closing(SqliteJournal(path)) as journal:
        assert list(journal.read()) == RECORDS


def test_a_log_that_is_cut_below_what_was_flushed_is_refused_until_a_person_decides(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    subprocess.run([sys.executable, "-c", _WRITE_AND_DIE, path], timeout=60, check=False)
    log_path = path.with_name("journal.sqlite-wal")
    os.truncate(log_path, 32 + 12 * (24 + 4096))  # a whole number of commits: for SQLite a sound log
    for _ in range(2):
        with pytest.raises(
            JournalCorrupt, match=r"ends with record \d+, seq \d+, and records? \d+.* 20, up to seq 200"
        ):
            SqliteJournal(path)
    position_path(path).unlink()
    with closing(SqliteJournal(path)) as journal:
        assert journal.last is not None
        kept = list(journal.read())
    assert 0 < len(kept) < 20
    assert kept == RECORDS[: len(kept)]


def test_a_journal_without_its_log_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    subprocess.run([sys.executable, "-c", _WRITE_AND_DIE, path], timeout=60, check=False)
    path.with_name("journal.sqlite-wal").unlink()
    with pytest.raises(JournalCorrupt, match=r"ends with record 0, seq 0, and records 1 to 20") as caught:
        SqliteJournal(path)
    assert f"delete {position_path(path)}" in str(caught.value)


def test_an_older_copy_of_the_journal_is_refused(path: Path, tmp_path: Path) -> None:
    shutil.copy(path, tmp_path / "older")
    more = list(sealed(flow(1, 250), 10))
    with closing(SqliteJournal(path)) as journal:
        fill(journal, more[20:])
    shutil.copy(tmp_path / "older", path)
    with pytest.raises(JournalCorrupt, match="ends with record 20, seq 200, and records 21 to 25, up to seq 250"):
        SqliteJournal(path)


def test_another_journal_in_its_place_is_refused(path: Path) -> None:
    position = position_path(path).read_bytes()
    path.unlink()
    with closing(SqliteJournal(path.with_name("other.sqlite"))) as other:
        fill(other, list(sealed(flow(2, 400), 10)))
    path.with_name("other.sqlite").rename(path)
    position_path(path).write_bytes(position)
    with pytest.raises(JournalCorrupt, match="record 20 is another one than the one that was flushed"):
        SqliteJournal(path)


def test_a_last_record_that_was_flushed_and_is_damaged_is_not_cut_as_torn(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE batches SET body = x'01' WHERE n = 20")
    with pytest.raises(JournalCorrupt, match=r"record 20: its checksum .* though it was flushed and acknowledged"):
        SqliteJournal(path)
    assert list(path.parent.glob("journal.torn*")) == []


@pytest.mark.parametrize(
    "damage", [lambda data: data[:9], lambda data: data[:-1] + b"x", lambda data: b"\0" * len(data)]
)
def test_a_damaged_one_is_a_warning_and_is_made_anew(
    path: Path, damage: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    kept = position_path(path)
    whole = kept.read_bytes()
    kept.write_bytes(damage(whole))
    with caplog.at_level(logging.WARNING), closing(SqliteJournal(path)) as journal:
        assert journal.last == RECORDS[-1]
    assert "is damaged, and is made anew" in caplog.text
    assert kept.read_bytes() == whole


def test_a_missing_one_is_made_anew_and_one_behind_is_none_of_its_business(path: Path) -> None:
    kept = position_path(path)
    whole = kept.read_bytes()
    kept.unlink()
    SqliteJournal(path).close()
    assert kept.read_bytes() == whole
    with closing(PositionFile(kept)) as file:  # as after an older version, which does not write it
        file.write(RECORDS[4])
    with closing(SqliteJournal(path)) as journal:
        assert journal.last == RECORDS[-1]
    assert kept.read_bytes() == whole


def test_a_disk_that_does_not_take_it_is_reported_once_and_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuses(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with closing(SqliteJournal(tmp_path / "journal.sqlite")) as journal:
        monkeypatch.setattr(os, "pwrite", refuses)
        fill(journal, RECORDS[:5])
        assert journal.last == RECORDS[4]
    assert caplog.text.count("could not be written") == 1


def test_an_empty_file_is_none_and_no_damage(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    position_path(path).write_bytes(b"")
    assert read_position(position_path(path)) is None
    with closing(SqliteJournal(path)) as journal:
        assert journal.last == RECORDS[-1]
    assert caplog.text == ""
    assert read_position(position_path(path)) == (20, 200, RECORDS[-1].chain)


@pytest.mark.parametrize("put", [os.mkfifo, os.mkdir, lambda path: path.symlink_to(path)])
def test_what_is_no_file_in_its_place_is_passed_over_by_name(
    path: Path, put: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    position_path(path).unlink()
    put(position_path(path))
    with closing(SqliteJournal(path)) as journal:
        assert journal.last == RECORDS[-1]
    assert f"{position_path(path)} is passed over" in caplog.text
    assert "move it away" in caplog.text
