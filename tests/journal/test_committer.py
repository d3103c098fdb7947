"""The commit thread: durable before `wait` returns, in order, and the event loop runs on meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import eventlet
import pytest

from journal.codec import BatchRecord
from journal.committer import Committer, Ticket
from journal.port import Checkpoint, JournalFailed
from journal.sqlite import SqliteJournal
from tests.journal.commands import flow, sealed

RECORDS = list(sealed(flow(1, 3000), 10))
PATIENCE_S = 20  # for what a busy machine is slow with


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    with closing(SqliteJournal(tmp_path / "journal.sqlite")) as opened:
        yield opened


@pytest.fixture
def committer(journal: SqliteJournal) -> Iterator[Committer]:
    committer = Committer(journal)
    committer.start()
    yield committer
    committer.stop()


class SlowJournal(SqliteJournal):
    """Takes 50 ms to flush, as a slow disk does, or as long as `held` says; remembers who wrote."""

    writer: threading.Thread | None = None

    def held(self) -> None:
        """Return when the flush is done."""
        time.sleep(0.05)

    def append(self, record: BatchRecord) -> None:
        self.writer = threading.current_thread()
        self.held()
        super().append(record)


def test_a_record_is_in_the_journal_when_wait_returns(committer: Committer, journal: SqliteJournal) -> None:
    for record in RECORDS[:50]:
        committer.wait(committer.commit(record))
        assert journal.last == record
    committer.stop()
    assert list(journal.read()) == RECORDS[:50]


def test_a_digest_is_noted_behind_what_was_handed_over(committer: Committer, journal: SqliteJournal) -> None:
    committer.commit(RECORDS[0])
    committer.note(Checkpoint(10, "c" * 64))
    committer.stop()
    assert journal.checkpoints() == [Checkpoint(10, "c" * 64)]


def test_many_greenlets_wait_at_once_and_each_is_woken(committer: Committer, journal: SqliteJournal) -> None:
    woken: list[int] = []

    def commit(record: BatchRecord) -> None:
        ticket = committer.commit(record)
        ticket.wait()
        woken.append(record.n)

    greenlets = [eventlet.spawn(commit, record) for record in RECORDS[:200]]
    for greenlet in greenlets:
        greenlet.wait()
    assert woken == [record.n for record in RECORDS[:200]]
    committer.stop()
    assert list(journal.read()) == RECORDS[:200]


def test_the_event_loop_runs_while_a_commit_is_flushed(tmp_path: Path) -> None:
    with closing(SlowJournal(tmp_path / "journal.sqlite")) as journal:
        committer = Committer(journal)
        committer.start()
        turns = 0
        meanwhile: list[int] = []

        def turn() -> None:
            nonlocal turns
            while True:
                eventlet.sleep(0.001)
                turns += 1

        def until_it_turned() -> None:
            before, deadline = turns, time.monotonic() + PATIENCE_S
            while turns < before + 5 and time.monotonic() < deadline:
                time.sleep(0.001)
            meanwhile.append(turns - before)

        journal.held = until_it_turned
        turner = eventlet.spawn(turn)
        for record in RECORDS[:5]:
            committer.wait(committer.commit(record))
        turner.kill()
        committer.stop()
        assert len(meanwhile) == 5
        assert min(meanwhile) >= 5
        assert journal.writer is not threading.current_thread()


def test_a_waiter_that_is_killed_holds_nobody_up(tmp_path: Path) -> None:
    with closing(SlowJournal(tmp_path / "journal.sqlite")) as journal:
        committer = Committer(journal)
        committer.start()
        waiter = eventlet.spawn(committer.commit(RECORDS[0]).wait)
        eventlet.sleep(0)
        waiter.kill()
        committer.commit(RECORDS[1]).wait()
        committer.stop()
        assert journal.last == RECORDS[1]


def test_a_waiter_that_gave_up_is_not_woken_out_of_what_it_does_next(tmp_path: Path) -> None:
    with closing(SlowJournal(tmp_path / "journal.sqlite")) as journal:
        committer = Committer(journal)
        committer.start()

        def give_up_and_sleep() -> float:
            with eventlet.Timeout(0.01, False):
                committer.commit(RECORDS[0]).wait()
            started = time.perf_counter()
            eventlet.sleep(0.15)
            return time.perf_counter() - started

        assert eventlet.spawn(give_up_and_sleep).wait() >= 0.14
        committer.stop()


def test_only_one_greenlet_may_wait_for_a_ticket(tmp_path: Path) -> None:
    with closing(SlowJournal(tmp_path / "journal.sqlite")) as journal:
        committer = Committer(journal)
        committer.start()
        flushed = threading.Event()
        journal.held = lambda: flushed.wait(PATIENCE_S)
        ticket = committer.commit(RECORDS[0])
        first = eventlet.spawn(ticket.wait)
        eventlet.sleep(0)
        with pytest.raises(RuntimeError, match="waits for this already"):
            ticket.wait()
        flushed.set()
        first.wait()
        ticket.wait()  # settled by now: returns at once
        committer.stop()


def test_stop_commits_what_was_handed_over(tmp_path: Path) -> None:
    with closing(SlowJournal(tmp_path / "journal.sqlite")) as journal:
        committer = Committer(journal)
        committer.start()
        tickets = [committer.commit(record) for record in RECORDS[:5]]
        committer.stop()
        committer.stop()
        assert journal.last == RECORDS[4]
        for ticket in tickets:
            ticket.wait()
        with pytest.raises(JournalFailed, match="server is stopping"):
            committer.commit(RECORDS[5])


def test_a_failed_commit_reaches_its_waiter_and_all_after_it(committer: Committer, journal: SqliteJournal) -> None:
    journal._connection.execute("PRAGMA max_page_count = 10")
    tickets: list[Ticket] = [committer.commit(record) for record in RECORDS]
    outcomes = []
    for ticket in tickets:
        try:
            ticket.wait()
            outcomes.append(True)
        except JournalFailed:
            outcomes.append(False)
    stored = outcomes.index(False)
    assert stored > 0
    assert outcomes == [True] * stored + [False] * (len(RECORDS) - stored)
    committer.stop()
    assert list(journal.read()) == RECORDS[:stored]


def test_a_bug_in_the_journal_reaches_the_waiter_too(committer: Committer, journal: SqliteJournal) -> None:
    with pytest.raises(JournalFailed, match="record 2 does not follow record 0"):
        committer.commit(RECORDS[1]).wait()
    committer.commit(RECORDS[0]).wait()
    assert journal.last == RECORDS[0]


def test_it_is_started_once(committer: Committer) -> None:
    with pytest.raises(RuntimeError, match="runs already"):
        committer.start()
