"""Reading the history beside an event loop: nothing blocks it, who waits is woken, failure is told."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import eventlet
import pytest

from engine.types import OrderId, Seq
from history import access as access_module
from history.access import OPENING_S, HistoryAccess
from loop.errors import StoreAway, StoreError
from tests.history.runs import expected_orders, expected_trades, run_exchange
from tests.history.written import WrittenHistory

RUN = run_exchange(3000)
DONE_ORDER = next(iter(expected_orders(RUN).values()))


@pytest.fixture
def history(tmp_path: Path) -> Iterator[WrittenHistory]:
    history = WrittenHistory(tmp_path / "history.sqlite")
    yield history
    history.close()


class Access(HistoryAccess):
    """With what it asked to be hurried."""

    def __init__(self, history: WrittenHistory, stored_seq: Seq | None = None) -> None:
        self.hurried: list[Seq] = []
        super().__init__(history, stored_seq, self.hurried.append)


@pytest.fixture
def access(history: WrittenHistory) -> Iterator[Access]:
    access = Access(history, Seq(0))
    yield access
    access.close()


def write_and_note(history: WrittenHistory, access: Access, until: int) -> None:
    history.write(RUN[:until])
    access.note(1, history.applied_seq, None)


def in_a_thread(history: WrittenHistory, access: Access) -> threading.Thread:
    """Note all of the run, hundred by hundred, as the link to the historian does: from a native thread."""

    def note_all() -> None:
        for until in range(100, len(RUN) + 1, 100):
            access.note(until // 100, Seq(until), None)

    history.write(RUN)
    return threading.Thread(target=note_all, daemon=True)


class Ticker:
    """Counts how often the event loop comes round while something is waited for."""

    def __enter__(self) -> Ticker:
        self.turns = 0
        self._greenlet = eventlet.spawn(self._tick)
        return self

    def __exit__(self, *exc: object) -> None:
        self._greenlet.kill()

    def turns_beyond(self, turns: int) -> None:
        """Wait, in a greenlet, until it came round more often than so; fail when it does not."""
        with eventlet.Timeout(20):
            while self.turns <= turns:
                eventlet.sleep(0.001)

    def _tick(self) -> None:
        while True:
            eventlet.sleep(0.001)
            self.turns += 1


def test_what_is_noted_can_be_read_and_the_rest_is_the_lag(history: WrittenHistory, access: Access) -> None:
    write_and_note(history, access, 2000)
    assert access.wait(Seq(2000), timeout_s=30)
    assert access.stored_seq == 2000
    assert access.lag(Seq(2000)) == 0
    assert access.lag(Seq(2005)) == 5
    assert access.hurried == []  # nobody had to wait
    assert expected_trades(RUN[:2000])[::-1] == access.query(history.trades, limit=100_000)
    assert access.query(history.order, DONE_ORDER.order_id) == DONE_ORDER
    assert access.look_up(history.order, DONE_ORDER.order_id) == DONE_ORDER


def test_who_waits_has_the_process_that_writes_hurry(access: Access) -> None:
    waiting = eventlet.spawn(access.wait, Seq(7), 30)
    eventlet.sleep(0.01)
    assert access.hurried == [7]
    assert not waiting.dead
    access.note(1, Seq(6), None)
    eventlet.sleep(0.01)
    assert not waiting.dead
    access.note(2, Seq(7), None)
    assert waiting.wait() is True


def test_the_event_loop_goes_on_while_a_greenlet_waits(access: Access) -> None:
    release = threading.Event()

    def slow_read() -> str:
        release.wait(30)
        return "read"

    with Ticker() as ticker:
        reading = eventlet.spawn(access.query, slow_read)
        ticker.turns_beyond(10)
        assert not reading.dead
        release.set()
        assert reading.wait() == "read"


def test_many_greenlets_wait_and_read_at_once(
    history: WrittenHistory, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_module, "READ_S", 100.0)  # one waits for all the others, on a busy machine
    trades = expected_trades(RUN)

    def read_after(seq: int) -> bool:
        assert access.wait(Seq(seq), timeout_s=30)
        return trades[0] in access.query(history.trades, trades[0].symbol, limit=100_000)

    readers = [eventlet.spawn(read_after, seq) for seq in range(100, 3000, 50)]
    eventlet.sleep(0)
    thread = in_a_thread(history, access)
    thread.start()
    assert all(reader.wait() for reader in readers)
    thread.join()


def test_waiting_ends_at_its_timeout_when_the_command_never_comes(access: Access) -> None:
    access.note(1, Seq(10), None)
    assert not access.wait(Seq(11), timeout_s=0.05)
    assert access.wait(Seq(10), timeout_s=30)


def test_a_read_raises_its_error_where_it_was_asked(history: WrittenHistory, access: Access) -> None:
    with pytest.raises(ZeroDivisionError):
        access.query(lambda: 1 // 0)
    assert access.query(history.order, OrderId(1)) is None


def test_closing_answers_what_waits_and_ends_the_threads(history: WrittenHistory) -> None:
    access = Access(history)
    waiting, reading = eventlet.spawn(access.wait, Seq(5), 30), eventlet.spawn(access.query, lambda: "read")
    eventlet.sleep(0.05)
    access.close()
    assert waiting.wait() is False
    assert reading.wait() == "read"
    assert not any(thread.name.startswith("history-") for thread in threading.enumerate())
    with pytest.raises(StoreError):
        access.query(history.order, OrderId(1))
    assert not access.wait(Seq(5), timeout_s=30)
    access.close()


def test_failure_wakes_who_waits_and_who_comes_later_does_not_wait(access: Access) -> None:
    waiting = eventlet.spawn(access.wait, Seq(100), 30)
    eventlet.sleep(0.01)
    access.note(3, Seq(50), "it fails")
    assert waiting.wait() is False
    assert not access.wait(Seq(100), timeout_s=30)
    assert access.wait(Seq(50), timeout_s=30)
    assert access.failure == "it fails"


def test_when_it_is_written_again_the_failure_is_over(access: Access) -> None:
    access.note(3, Seq(50), "it fails")
    access.note(3, Seq(60), None)
    assert access.failure is None
    waiting = eventlet.spawn(access.wait, Seq(100), 30)
    eventlet.sleep(0.01)
    assert access.hurried == [100]
    access.note(4, Seq(100), None)
    assert waiting.wait() is True


def test_a_read_that_hangs_is_given_up_and_those_behind_it_with_it(
    access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, begun, reads = threading.Event(), list[str](), list[str]()

    def read(name: str) -> str:
        begun.append(name)
        release.wait(30)
        reads.append(name)
        return name

    with monkeypatch.context() as impatient:
        impatient.setattr(access_module, "READ_S", 0.1)
        for ask, name in ((access.query, "a read"), (access.look_up, "a look-up")):
            while name not in begun:  # a busy machine's thread may come too late for the first
                with pytest.raises(StoreAway, match="does not answer"):
                    ask(read, name)
            with pytest.raises(StoreAway, match="does not answer"):
                ask(read, "waits behind it")
    release.set()
    assert access.query(read, "later") == access.look_up(read, "later") == "later"
    assert sorted(reads) == ["a look-up", "a read", "later", "later"]  # nobody reads what nobody waits for


def test_no_more_reads_wait_than_may(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_module, "READS_MAX", 3)
    release = threading.Event()
    waiting = [eventlet.spawn(access.query, release.wait, 30) for _ in range(3)]
    eventlet.sleep(0.01)
    with pytest.raises(StoreAway, match="too many"):
        access.query(release.wait, 30)
    assert access.look_up(lambda: "read") == "read"
    release.set()
    assert [one.wait() for one in waiting] == [True] * 3
    assert access.query(release.wait, 30)


def test_closing_does_not_wait_for_ever_for_a_read_that_hangs(
    history: WrittenHistory, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(access_module, "READ_S", 0.1)
    monkeypatch.setattr(access_module, "CLOSE_S", 0.1)
    release, begun, access = threading.Event(), threading.Event(), Access(history, Seq(0))

    def hangs() -> None:
        begun.set()
        release.wait(30)

    while not begun.is_set():
        with pytest.raises(StoreAway):
            access.look_up(hangs)
    access.close()
    assert "does not end" in caplog.text
    release.set()


def test_a_read_at_a_first_start_waits_for_the_file_to_be_there(tmp_path: Path) -> None:
    nowhere = WrittenHistory(tmp_path / "history.sqlite")
    access = Access(nowhere)
    reading = eventlet.spawn(access.query, nowhere.trades)
    eventlet.sleep(0.05)
    assert not reading.dead
    access.note(0, Seq(0), None)
    assert reading.wait() == []
    access.close()
    nowhere.close()


def test_reads_that_come_one_behind_the_other_wait_for_the_file_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    with closing(WrittenHistory(tmp_path / "history.sqlite")) as nowhere, closing(Access(nowhere)) as access:
        monkeypatch.setattr(access._is_there, "wait", waits.append)
        for _ in range(2):
            with pytest.raises(StoreAway, match="not there yet"):
                access.query(nowhere.trades)
    assert 0 <= waits[1] < waits[0] <= OPENING_S


def test_a_file_that_was_made_anew_is_read_anew(history: WrittenHistory, access: Access) -> None:
    write_and_note(history, access, 1000)
    assert access.query(history.trades, limit=5)
    history.writer.set_aside()
    history.writer = type(history.writer)(history.path)
    access.note(0, Seq(0), None)
    assert access.query(history.trades, limit=5) == []
    write_and_note(history, access, 500)
    assert access.query(history.trades, limit=100_000) == expected_trades(RUN[:500])[::-1]


def test_a_file_that_was_read_when_it_was_damaged_and_then_deleted_is_let_go(
    history: WrittenHistory, access: Access
) -> None:
    write_and_note(history, access, 1000)
    access.note(1, Seq(0), "It is damaged.")
    assert access.query(history.trades, limit=5)  # opened anew before it is deleted
    history.writer.set_aside()
    history.writer = type(history.writer)(history.path)
    access.note(0, Seq(0), None)
    assert access.query(history.trades, limit=5) == []
    write_and_note(history, access, 500)
    assert access.query(history.trades, limit=100_000) == expected_trades(RUN[:500])[::-1]


def test_a_file_that_cannot_be_read_is_told_without_its_cause(
    history: WrittenHistory, access: Access, caplog: pytest.LogCaptureFixture
) -> None:
    history.writer.set_aside()
    history.reopen()
    with pytest.raises(StoreAway, match="cannot be read"):
        access.query(history.trades)
    assert "unable to open database file" in caplog.text


def test_nothing_is_monkey_patched() -> None:
    script = "import history.access, threading, eventlet; print(eventlet.patcher.is_monkey_patched('thread'))"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout == "False\n"
