"""Records leave the journal bit by bit; who reads gets them from the archive, or is told that they were dropped."""

from __future__ import annotations

import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.exchange import Exchange
from journal.archive import ArchiveFolder, archive_beside
from journal.beginnings import belongs, first_kept
from journal.codec import GENESIS
from journal.committer import Committer
from journal.copies import copied_journal
from journal.port import Checkpoint, JournalCorrupt, RecordsDropped
from journal.sqlite import SqliteJournal
from replica.replay import replay
from tests.journal.commands import applied_digest, fill, flow, sealed

RECORDS = list(sealed(flow(1, 1000), 5))  # 200 records


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def trimmed(path: Path, until_n: int, *, archived: bool = True) -> None:
    """A closed journal of 200 records, of which those up to `until_n` have left."""
    with closing(SqliteJournal(path)) as journal:
        fill(journal, RECORDS)
        if archived:
            archive_beside(path).write(RECORDS[:until_n])
        journal.trim(until_n)
        while journal.tend(idle=True):
            pass
        assert journal.first_n == until_n + 1


@contextmanager
def unflushed(path: Path) -> Iterator[SqliteJournal]:
    """A journal that leaves flushing to the system, for tests that no power cut ends."""
    with closing(SqliteJournal(path)) as journal:
        journal._connection.execute("PRAGMA synchronous = OFF")
        yield journal


@pytest.mark.parametrize("until_n", [1, 77, 198])
def test_a_reader_does_not_notice_that_records_are_archived(path: Path, until_n: int) -> None:
    trimmed(path, until_n)
    with closing(SqliteJournal(path)) as journal:
        assert journal.last == RECORDS[-1]
        assert list(journal.read()) == RECORDS
        for after in (0, until_n - 1, until_n, until_n + 1, 199, 200):
            assert list(journal.read(after)) == RECORDS[after:]
            assert journal.part(after, after + 1) == RECORDS[after : after + 1]
        assert [journal.holding(seq) for seq in range(1, 1001)] == [r for r in RECORDS for _ in range(5)]
        assert replay(journal, Exchange()).digest == applied_digest(RECORDS)
    with copied_journal(path) as copy:  # which reads the archive in place
        assert list(copy.read()) == RECORDS


def test_where_records_were_dropped_the_first_that_is_there_is_named(path: Path) -> None:
    trimmed(path, 120, archived=False)
    with closing(SqliteJournal(path)) as journal:
        for ask in (lambda: list(journal.read()), lambda: journal.part(10, 20), lambda: journal.holding(33)):
            with pytest.raises(RecordsDropped, match="it begins with record 121, seq 601") as caught:
                ask()
            assert caught.value.first_n == 121
        assert list(journal.read(120)) == RECORDS[120:]
        assert journal.part(119, 121) == [RECORDS[119]]  # the last that left is kept, to chain the next to it
        assert journal.holding(600) == RECORDS[119]
        more = list(sealed(flow(1, 1010), 5))
        journal.append(more[200])
    with copied_journal(path) as copy, pytest.raises(RecordsDropped, match=re.escape(str(path.parent))):
        list(copy.read())


def test_the_newest_records_stay_whatever_is_asked(path: Path) -> None:
    trimmed_n = 198
    with closing(SqliteJournal(path)) as journal:
        journal.trim(10**9)
        assert not journal.tend(idle=True)
        fill(journal, RECORDS)
        journal.trim(10**9)
        while journal.tend(idle=True):
            pass
        assert journal.first_n == trimmed_n + 1
    with closing(SqliteJournal(path)) as journal:
        assert journal.last == RECORDS[-1]


@pytest.mark.parametrize(("archived", "noted"), [(0, 0), (70, 70), (120, 120), (150, 120)])
def test_it_is_noted_up_to_which_record_those_that_left_were_archived(path: Path, archived: int, noted: int) -> None:
    with unflushed(path) as journal:
        fill(journal, RECORDS)
        archive_beside(path).write(RECORDS[:archived])
        journal.trim(120)
        while journal.tend(idle=True):
            pass
        assert (journal.first_n, journal.archived_n) == (121, noted)
    shutil.rmtree(path.parent / "archive", ignore_errors=True)
    with closing(SqliteJournal(path)) as journal:
        assert journal.archived_n == noted
        with pytest.raises(RecordsDropped) as caught:
            journal.part(0, 1)
    said = f"Records up to {noted} were archived, and are gone from archive/." if noted else "before was dropped."
    assert said in str(caught.value)


def test_a_version_that_knows_whole_files_alone_is_told_by_the_format(path: Path) -> None:
    with closing(SqliteJournal(path)) as journal:
        fill(journal, RECORDS[:10])
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    path.unlink()
    path.with_suffix(".position").unlink()
    trimmed(path, 50)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)


def test_a_record_that_is_missing_behind_those_that_left_is_damage(path: Path) -> None:
    trimmed(path, 50)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM batches WHERE n = 51")
    with closing(SqliteJournal(path)) as journal, pytest.raises(JournalCorrupt, match="record 51: it is missing"):
        list(journal.read())


def test_an_archive_of_another_journal_is_noticed_where_the_two_meet(path: Path) -> None:
    trimmed(path, 50, archived=False)
    archive_beside(path).write(list(sealed(flow(2, 1000), 5))[:50])
    with pytest.raises(JournalCorrupt, match=r"another branch than its archive .*: record 50 is another one there"):
        SqliteJournal(path)


def with_a_gap(path: Path) -> None:
    """A closed journal of which the first 50 records were dropped, and those up to 120 are archived."""
    trimmed(path, 50, archived=False)
    with closing(SqliteJournal(path)) as journal:
        archive_beside(path).write(RECORDS[50:120])
        journal.trim(120)
        while journal.tend(idle=True):
            pass


def test_behind_a_gap_reading_begins_with_the_first_record_that_is_kept(path: Path) -> None:
    with_a_gap(path)
    with closing(SqliteJournal(path)) as journal:
        assert first_kept(journal) == 51
        assert list(journal.read(50)) == RECORDS[50:]
        with pytest.raises(RecordsDropped, match="it begins with record 51, seq 251"):
            list(journal.read(49))
        belonging = [belongs(journal.part, n, RECORDS[n - 1].chain) for n in (49, 50, 51, 120, 200)]
        assert belonging == [False, True, True, True, True]
        assert not belongs(journal.part, 50, RECORDS[50].chain)
        assert belongs(journal.part, 0, GENESIS)


def test_a_command_is_found_though_the_records_before_it_are_dropped_meanwhile(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = SqliteJournal._number_holding

    def trim_and_search(journal: SqliteJournal, seq: int) -> int:
        if journal.first_n > 1:
            return search(journal, seq)
        journal.trim(100)
        while journal.tend(idle=True):
            pass
        return 1  # the first that was there when the search began

    with unflushed(path) as journal:
        fill(journal, RECORDS)
        monkeypatch.setattr(SqliteJournal, "_number_holding", trim_and_search)
        assert journal.holding(900) == RECORDS[179]
        with pytest.raises(RecordsDropped):
            journal.holding(400)


def test_a_record_that_is_missing_among_those_that_are_to_leave_keeps_them_and_stops_nothing(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with unflushed(path) as journal:
        fill(journal, RECORDS[:190])
        journal._connection.execute("DELETE FROM batches WHERE n = 20")
        journal.trim(20)
        while journal.tend(idle=True):
            pass
        assert "record 20: it is missing" in caplog.text
        assert journal.first_n == 1
        fill(journal, RECORDS[190:])
        assert journal.last == RECORDS[-1]


def test_the_file_stays_as_long_as_it_was_while_records_come_and_go(path: Path) -> None:
    records = list(sealed(flow(1, 8000), 5))
    sizes = []
    with unflushed(path) as journal:
        for first in range(0, 1600, 200):
            fill(journal, records[first : first + 200])
            journal.trim(first + 100)
            while journal.tend(idle=True):
                pass
            journal._folding.fold()
            sizes.append(path.stat().st_size)
        assert journal.first_n == 1501
        assert max(sizes[2:]) <= sizes[1] + 8 * 4096
        assert list(journal.read(1500)) == records[1500:]


@given(
    trims=st.lists(st.integers(0, 230), min_size=1, max_size=5),
    archived=st.integers(0, 200),
    slices=st.integers(0, 6),
)
@settings(max_examples=8, deadline=None)
def test_wherever_trimming_is_cut_off_nothing_that_is_archived_is_missing(
    tmp_path_factory: pytest.TempPathFactory, trims: list[int], archived: int, slices: int
) -> None:
    path = tmp_path_factory.mktemp("trim") / "journal.sqlite"
    with unflushed(path) as journal:
        fill(journal, RECORDS)
    archive_beside(path).write(RECORDS[:archived])
    for until_n in trims:
        with unflushed(path) as journal:
            journal.trim(min(until_n, archived))
            for _ in range(slices):
                journal.tend(idle=True)
            assert journal.first_n <= archived + 1
            assert list(journal.read()) == RECORDS


def test_records_are_read_by_others_while_they_leave(path: Path) -> None:
    wrong: list[object] = []
    with closing(SqliteJournal(path)) as journal:
        fill(journal, RECORDS)
        archive_beside(path).write(RECORDS[:190])
        ended = threading.Event()

        def read() -> None:
            while not ended.is_set():
                try:
                    if list(journal.read()) != RECORDS or journal.holding(444) != RECORDS[88]:
                        wrong.append("other records")
                except Exception as problem:
                    wrong.append(problem)

        reader = threading.Thread(target=read)
        reader.start()
        for until_n in range(1, 191):
            journal.trim(until_n)
            journal.tend(idle=True)
        ended.set()
        reader.join(60)
        while journal.tend(idle=True):
            pass
        assert (wrong, journal.first_n) == ([], 191)


def test_the_commit_thread_trims_and_notes_between_commits(path: Path) -> None:
    with closing(SqliteJournal(path)) as journal:
        committer = Committer(journal)
        committer.start()
        for record in RECORDS[:160]:
            committer.commit(record).wait()
        committer.note(Checkpoint(800, "c" * 64))
        committer.note(Checkpoint(900, "d" * 64))  # of a state that is still to come: logged, and no harm
        archive_beside(path).write(RECORDS[:150])
        committer.trim(150)
        for record in RECORDS[160:]:
            committer.commit(record).wait()
        committer.stop()
        while journal.tend(idle=True):
            pass
        assert journal.first_n == 151
        assert journal.checkpoints() == [Checkpoint(800, "c" * 64)]
        assert list(journal.read()) == RECORDS


_TRIMMER = """
import sys
from pathlib import Path
from journal import trimming
from journal.sqlite import SqliteJournal
trimming.SLICE_RECORDS_MAX = 3
journal = SqliteJournal(sys.argv[1])
print("begun", flush=True)
journal.trim(180)
while journal.tend(idle=True):
    pass
print("done", flush=True)
sys.stdin.read()
"""


def test_kill_9_while_records_leave_loses_none(path: Path) -> None:
    with closing(SqliteJournal(path)) as journal:
        fill(journal, RECORDS)
    archive_beside(path).write(RECORDS[:180])
    first_ns = [1]
    for _ in range(6):
        trimmer = subprocess.Popen(
            [sys.executable, "-c", _TRIMMER, path], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
        )
        assert trimmer.stdout is not None
        assert trimmer.stdin is not None
        assert trimmer.stdout.readline() == "begun\n"
        trimmer.send_signal(signal.SIGKILL)
        trimmer.communicate(timeout=30)
        with closing(SqliteJournal(path)) as journal:
            first_ns.append(journal.first_n)
            assert list(journal.read()) == RECORDS
    assert first_ns == sorted(first_ns)
    assert ArchiveFolder(path.parent / "archive").last_n == 180
