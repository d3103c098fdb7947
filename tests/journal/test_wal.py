"""Damage in SQLite's log is told from a torn tail, so that no flushed commit is dropped in silence."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from journal import wal
from journal.port import JournalCorrupt
from journal.sqlite import SqliteJournal
from tests.journal.commands import flow, sealed

RECORDS = list(sealed(flow(1, 400), 20))  # 20 records
FRAME_BYTES = 24 + 4096

_WRITE_AND_DIE = """
import os, signal, sys
from journal.sqlite import SqliteJournal
from tests.journal.commands import fill, flow, sealed
journal = SqliteJournal(sys.argv[1])
records = list(sealed(flow(1, 400), 20))
fill(journal, records)
if len(sys.argv) > 2:
    from tests.journal.commands import START_NS
    from journal.codec import seal
    journal.append(seal(21, START_NS + 21, 401, flow(2, int(sys.argv[2])), records[-1].chain))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """A journal of 20 records whose writer was killed, so that the records are in the log."""
    path = tmp_path / "journal.sqlite"
    subprocess.run([sys.executable, "-c", _WRITE_AND_DIE, path], timeout=60, check=False)
    assert log_of(path).stat().st_size > 20 * FRAME_BYTES
    return path


def log_of(path: Path) -> Path:
    return path.with_name("journal.sqlite-wal")


def flip(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 0x10]))


def test_a_whole_log_loses_nothing(killed: Path) -> None:
    assert wal.first_lost_byte(log_of(killed)) is None
    with closing(SqliteJournal(killed)) as journal:
        assert list(journal.read()) == RECORDS
    assert wal.first_lost_byte(log_of(killed)) is None  # no log any more


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9])
def test_a_flipped_byte_in_the_log_refuses_to_open_again_and_again_and_names_the_record(
    killed: Path, share: float
) -> None:
    log = log_of(killed)
    flip(log, int(log.stat().st_size * share))
    before = log.read_bytes()
    named = set()
    for _ in range(2):
        with pytest.raises(JournalCorrupt, match=r"record \d+ and those after it cannot be read") as caught:
            SqliteJournal(killed)
        named.add(int(str(caught.value).split("damaged: record ")[1].split()[0]))
        assert log.read_bytes() == before
    assert len(named) == 1
    assert 1 <= named.pop() <= 20


def test_a_flipped_byte_in_the_header_of_the_log_is_damage(killed: Path) -> None:
    flip(log_of(killed), 18)
    with pytest.raises(JournalCorrupt, match="damaged at byte 0"):
        SqliteJournal(killed)


def test_a_log_torn_in_its_last_commit_opens_without_it(killed: Path) -> None:
    log = log_of(killed)
    os.truncate(log, log.stat().st_size - 100)
    killed.with_suffix(".position").unlink()  # written when the commit was flushed, and this one was not
    with closing(SqliteJournal(killed)) as journal:
        assert list(journal.read()) == RECORDS[:19]
        journal.append(RECORDS[19])


def test_a_last_commit_with_a_bad_byte_opens_without_it(killed: Path) -> None:
    log = log_of(killed)
    flip(log, log.stat().st_size - 100)
    killed.with_suffix(".position").unlink()
    with closing(SqliteJournal(killed)) as journal:
        assert list(journal.read()) == RECORDS[:19]


def test_a_last_commit_of_many_pages_that_is_torn_in_the_first_opens_without_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    subprocess.run([sys.executable, "-c", _WRITE_AND_DIE, path, "1000"], timeout=60, check=False)
    log = log_of(path)
    assert wal.first_lost_byte(log) is None
    flip(log, log.stat().st_size - 5 * FRAME_BYTES)
    path.with_suffix(".position").unlink()
    with closing(SqliteJournal(path)) as journal:
        assert list(journal.read()) == RECORDS


def test_a_log_without_its_journal_is_refused_before_sqlite_throws_it_away(killed: Path) -> None:
    killed.unlink()
    with pytest.raises(JournalCorrupt, match="is there without the journal"):
        SqliteJournal(killed)
    assert log_of(killed).stat().st_size > 0
