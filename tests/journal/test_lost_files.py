"""Files that vanish under the journal, and a file that its log cannot be folded into."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import eventlet
import pytest

from journal import file_watch, folding
from journal.committer import Committer
from journal.port import JournalFailed, JournalLost
from journal.sqlite import SqliteJournal
from tests.journal.commands import fill, flow, sealed

RECORDS = list(sealed(flow(1, 3000), 5))  # 600 records


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqliteJournal]:
    """Of ten records, whose files are looked at with each append."""
    monkeypatch.setattr(file_watch, "WATCH_EVERY_S", 0.0)
    with closing(SqliteJournal(tmp_path / "journal.sqlite")) as opened:
        fill(opened, RECORDS[:10])
        yield opened


def _log(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def _replaced(path: Path) -> None:
    shutil.copy(path, path.with_name("copy"))
    path.with_name("copy").replace(path)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda path: path.unlink(), "was removed or renamed"),
        (lambda path: path.rename(path.with_name("elsewhere")), "was removed or renamed"),
        (lambda path: _log(path).unlink(), "sqlite-wal was removed or renamed"),
        (_replaced, "was replaced by another file"),
        (lambda path: path.parent.rename(path.parent.with_name("moved")), "was removed or renamed"),
    ],
)
def test_a_journal_whose_file_is_gone_takes_nothing_more(
    journal: SqliteJournal, harm: Callable[[Path], object], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    harm(journal.path)
    with pytest.raises(JournalLost, match=said):
        journal.append(RECORDS[10])
    with pytest.raises(JournalFailed, match=said):
        journal.append(RECORDS[10])
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]
    assert "Record 11 was not acknowledged" in caplog.text
    assert journal.last == RECORDS[9]


def test_the_files_are_looked_at_a_few_times_a_second_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 0.1 <= file_watch.WATCH_EVERY_S <= 0.5
    checked = []
    monkeypatch.setattr(file_watch.FileWatch, "changed", lambda self: checked.append(1))
    now = [100.0]
    monkeypatch.setattr("journal.file_watch.time.monotonic", lambda: now[0])
    with closing(SqliteJournal(tmp_path / "journal.sqlite")) as journal:
        fill(journal, RECORDS[:50])
        assert checked == []
        now[0] += 0.3
        journal.append(RECORDS[50])
        assert checked == [1]


# -- folding


def test_the_log_is_folded_in_a_pause_and_between_commits_and_stays_short(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with closing(SqliteJournal(path)) as journal:
        committer = Committer(journal)
        committer.start()
        for record in RECORDS[:300]:
            committer.commit(record).wait()
        for _ in range(500):
            if journal._folding.pages < folding.IDLE_FOLD_PAGES:
                break
            eventlet.sleep(0.02)
        assert journal._folding.pages < folding.IDLE_FOLD_PAGES
        committer.stop()
    with closing(SqliteJournal(path)) as journal:
        assert list(journal.read()) == RECORDS[:300]


def test_without_anybody_who_tends_it_the_log_is_bounded_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folding, "FOLD_PAGES", 50)
    monkeypatch.setattr("journal.sqlite.APPENDER_FOLD_PAGES", 100)
    path = tmp_path / "journal.sqlite"
    with closing(SqliteJournal(path)) as journal:
        journal._connection.execute("PRAGMA synchronous = OFF")
        fill(journal, RECORDS)
        assert _log(path).stat().st_size < 250 * 4120


_MAIN_FILE_IS_FULL = """
import os, resource, signal, sys, logging
logging.basicConfig(format="%(levelname)s %(message)s", stream=sys.stdout)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from journal import folding
folding.RETRY_S = 0.0
folding.IDLE_FOLD_PAGES = 40
folding.LOG_PAGES_MAX = 200
from journal import sqlite
sqlite.LOG_PAGES_MAX = 200
from journal.port import JournalFailed
from journal.sqlite import SqliteJournal
from tests.journal.commands import flow, sealed
journal = SqliteJournal(sys.argv[1])
records = iter(sealed(flow(1, 60_000), 100))
while os.path.getsize(sys.argv[1]) < 1_200_000:  # longer than the log will be
    journal.append(next(records))
    journal.tend(idle=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(sys.argv[1]), resource.RLIM_INFINITY))
stored = journal.last.n
try:
    for record in records:
        journal.append(record)
        journal.tend(idle=True)
        if sys.argv[2] == "mended" and journal.last.n == stored + 40:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        if sys.argv[2] == "mended" and journal.last.n == stored + 50:
            break
except JournalFailed as error:
    print("FAILED", error)
print("stored", journal.last.n - stored, "pages", journal._folding.pages, flush=True)
print("last", journal.last.n, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("end", ["mended", "never"])
def test_an_error_of_the_main_file_is_logged_and_records_stay_durable_in_the_log_up_to_a_bound(
    tmp_path: Path, end: str
) -> None:
    path = tmp_path / "journal.sqlite"
    run = subprocess.run(
        [sys.executable, "-c", _MAIN_FILE_IS_FULL, path, end], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.stdout.count("ERROR The journal's log could not be folded") == 1, run.stdout + run.stderr
    if end == "mended":
        assert "is folded into" in run.stdout
        assert "FAILED" not in run.stdout
        assert int(run.stdout.partition("pages ")[2].split()[0]) < 100
    else:
        assert "CRITICAL" in run.stdout
        assert "FAILED" in run.stdout
        assert "its log cannot be folded" in run.stdout
        assert int(run.stdout.partition("stored ")[2].split()[0]) > 20
        assert os.path.getsize(_log(path)) < 700 * 4120
    last_n = int(run.stdout.partition("last ")[2].split()[0])
    with closing(SqliteJournal(path)) as journal:  # the disk is well again
        assert [record.n for record in journal.read()] == list(range(1, last_n + 1))


def test_a_fold_while_somebody_reads_is_tried_again_and_is_no_failure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(SqliteJournal(tmp_path / "journal.sqlite")) as journal, caplog.at_level(logging.INFO):
        fill(journal, RECORDS[:30])
        journal._folding.pages = 5_000
        reading = journal._connection.execute("SELECT n FROM batches")
        reading.fetchone()
        journal.tend(idle=True)
        reading.close()
        assert (journal._folding.failure, caplog.text) == (None, "")
        journal.tend(idle=True)
        assert journal._folding.pages == 0
