"""The history's threads beside an event loop: nothing blocks it, nothing is lost, failure is told."""

from __future__ import annotations

import logging
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import eventlet
import pytest

from engine.events import CommandResult
from engine.types import OrderId, Seq
from history import writer as writer_module
from history.store import History
from history.writer import HistoryWriter
from loop.errors import StoreError
from tests.history.runs import expected_orders, expected_trades, run_exchange

RUN = run_exchange(3000)
DONE_ORDER = next(iter(expected_orders(RUN).values()))


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    history = History(tmp_path / "history.sqlite")
    yield history
    history.close()


@pytest.fixture
def writer(history: History) -> Iterator[HistoryWriter]:
    writer = HistoryWriter(history)
    yield writer
    writer.close()


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

    def has_turned(self, more: int, within_s: float = 20) -> bool:
        """Wait, in a native thread, until it came round so many times more; whether it did."""
        goal, deadline = self.turns + more, time.monotonic() + within_s
        while self.turns < goal and time.monotonic() < deadline:
            time.sleep(0.001)
        return self.turns >= goal

    def _tick(self) -> None:
        while True:
            eventlet.sleep(0.001)
            self.turns += 1


def test_what_is_put_can_be_read_after_waiting_for_it(history: History, writer: HistoryWriter) -> None:
    for start in range(0, len(RUN), 10):
        assert writer.put(RUN[start : start + 10])
    assert writer.wait(Seq(len(RUN)), timeout_s=30)

    assert writer.stored_seq == len(RUN)
    assert writer.lag(Seq(len(RUN))) == 0
    assert writer.lag(Seq(len(RUN) + 5)) == 5
    assert expected_trades(RUN)[::-1] == writer.query(history.trades, limit=100_000)
    assert writer.query(history.order, DONE_ORDER.order_id) == DONE_ORDER


def test_what_waits_is_written_in_few_transactions(
    history: History, writer: HistoryWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    write = history.write
    monkeypatch.setattr(history, "write", lambda batch: (sizes.append(len(batch)), write(batch)))
    monkeypatch.setattr(writer_module, "GATHER_S", 10.0)  # who waits, below, does not wait for it
    for item in RUN[:100]:
        writer.put([item])
        eventlet.sleep(0.001)
    assert writer.wait(Seq(100), timeout_s=30)

    assert sum(sizes) == 100
    assert len(sizes) < 10


def test_a_large_batch_is_written_in_several_transactions(
    history: History, writer: HistoryWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    write = history.write
    monkeypatch.setattr(history, "write", lambda batch: (sizes.append(len(batch)), write(batch)))
    writer.put(RUN)
    assert writer.wait(Seq(len(RUN)), timeout_s=30)

    assert sum(sizes) == len(RUN)
    assert max(sizes) <= writer_module.TRANSACTION_COMMANDS_MAX
    assert expected_trades(RUN)[::-1] == history.trades(limit=100_000)


def test_it_is_stored_soon_without_anybody_waiting(writer: HistoryWriter) -> None:
    writer.put(RUN[:10])
    deadline = time.monotonic() + 20
    while writer.lag(Seq(10)) and time.monotonic() < deadline:
        time.sleep(0.01)

    assert writer.stored_seq == 10


def test_who_waits_does_not_wait_for_company(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "GATHER_S", 60.0)
    writer = HistoryWriter(history)
    writer.put(RUN[:10])
    started = time.monotonic()
    assert writer.wait(Seq(10), timeout_s=30)
    assert time.monotonic() - started < 20
    writer.close()


def test_the_event_loop_goes_on_while_a_greenlet_waits(history: History, writer: HistoryWriter) -> None:
    release = threading.Event()

    def slow_read() -> str:
        release.wait(30)
        return "read"

    with Ticker() as ticker:
        reading = eventlet.spawn(writer.query, slow_read)
        ticker.turns_beyond(10)
        assert not reading.dead
        release.set()
        assert reading.wait() == "read"


def test_many_greenlets_wait_and_read_at_once(history: History, writer: HistoryWriter) -> None:
    trades = expected_trades(RUN)

    def read_after(seq: int) -> bool:
        assert writer.wait(Seq(seq), timeout_s=30)
        return trades[0] in writer.query(history.trades, trades[0].symbol, limit=100_000)

    readers = [eventlet.spawn(read_after, seq) for seq in range(100, 3000, 50)]
    for start in range(0, len(RUN), 100):
        writer.put(RUN[start : start + 100])
        eventlet.sleep(0)

    assert all(reader.wait() for reader in readers)


def test_waiting_ends_at_its_timeout_when_the_command_never_comes(writer: HistoryWriter) -> None:
    writer.put(RUN[:10])
    assert not writer.wait(Seq(11), timeout_s=0.05)
    assert writer.wait(Seq(10), timeout_s=30)


def test_a_read_raises_its_error_where_it_was_asked(history: History, writer: HistoryWriter) -> None:
    with pytest.raises(ZeroDivisionError):
        writer.query(lambda: 1 // 0)
    assert writer.query(history.order, OrderId(1)) is None


def test_closing_writes_what_waits(tmp_path: Path) -> None:
    history = History(tmp_path / "history.sqlite")
    writer = HistoryWriter(history)
    for start in range(0, len(RUN), 100):
        writer.put(RUN[start : start + 100])
    writer.close()

    assert history.applied_seq == len(RUN)
    assert not any(thread.name.startswith("history-") for thread in threading.enumerate())
    with pytest.raises(StoreError):
        writer.put(RUN[:1])
    with pytest.raises(StoreError):
        writer.query(history.order, OrderId(1))
    writer.close()
    history.close()


def test_closing_wakes_who_waits_for_what_never_came(history: History) -> None:
    writer = HistoryWriter(history)
    waiting = eventlet.spawn(writer.wait, Seq(5))
    eventlet.sleep(0.05)
    writer.close()
    assert waiting.wait() is False


def test_a_full_queue_asks_for_a_pause_and_room_comes(history: History) -> None:
    writer = HistoryWriter(history, waiting_max=1000)
    with history._writer.begin():  # nothing can be written meanwhile
        answers = [writer.put(RUN[start : start + 100]) for start in range(0, 1200, 100)]
    assert answers == [True] * 10 + [False] * 2

    writer.wait_for_room()
    assert writer.lag(Seq(1200)) <= 500
    assert writer.put(RUN[1200:1300])
    writer.close()
    assert history.applied_seq == 1300


def test_a_queue_at_twice_its_limit_is_given_up(history: History, caplog: pytest.LogCaptureFixture) -> None:
    writer = HistoryWriter(history, waiting_max=1000)
    with history._writer.begin():
        for start in range(0, 2500, 100):
            writer.put(RUN[start : start + 100])
    assert writer.failure is not None
    assert "twice the limit" in caplog.text
    assert not writer.wait(Seq(2500))
    assert writer.lag(Seq(2500)) > 0
    writer.close()

    history.write(RUN)  # as the next start does
    assert expected_trades(RUN)[::-1] == history.trades(limit=100_000)


def test_giving_up_wakes_who_waits(history: History) -> None:
    writer = HistoryWriter(history, waiting_max=10)
    waiting = eventlet.spawn(writer.wait, Seq(len(RUN)))
    eventlet.sleep(0.05)
    writer.put(RUN)
    assert waiting.wait() is False
    writer.close()


@pytest.fixture
def full_disk(history: History) -> Iterator[None]:
    """No file of this process may grow beyond what the history has now."""
    size = max(path.stat().st_size for path in history.path.parent.glob("history.sqlite*"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_when_the_disk_is_full_it_says_so_once_and_reads_go_on(
    history: History, caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest
) -> None:
    history.write(RUN[:500])
    writer = HistoryWriter(history)
    request.getfixturevalue("full_disk")
    with caplog.at_level(logging.ERROR, logger="store"):
        for start in range(500, len(RUN), 100):
            assert writer.put(RUN[start : start + 100])
            eventlet.sleep(0.01)
        assert not writer.wait(Seq(len(RUN)))

    assert writer.failure is not None
    assert not writer.wait(Seq(len(RUN)))  # and who comes later is told at once
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "trading goes on" in caplog.text
    assert writer.lag(Seq(len(RUN))) == len(RUN) - writer.stored_seq > 0
    assert expected_trades(RUN[: writer.stored_seq])[::-1] == writer.query(history.trades, limit=100_000)
    assert writer.put(RUN[-100:])
    writer.close()


def test_after_a_full_disk_the_next_start_writes_what_is_missing(
    tmp_path: Path, history: History, request: pytest.FixtureRequest
) -> None:
    history.write(RUN[:500])
    writer = HistoryWriter(history)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    request.getfixturevalue("full_disk")
    writer.put(RUN[500:])
    writer.wait(Seq(len(RUN)), timeout_s=30)
    assert writer.failure is not None
    writer.close()
    history.close()
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    again = History(tmp_path / "history.sqlite")
    again.write(RUN)
    assert expected_trades(RUN)[::-1] == again.trades(limit=100_000)
    again.close()


def test_the_event_loop_keeps_its_pace_while_the_history_is_written(
    history: History, writer: HistoryWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = history.write
    with Ticker() as ticker:
        turned: list[bool] = []

        def write_when_turned(batch: list[CommandResult]) -> None:
            turned.append(ticker.has_turned(5))
            write(batch)

        monkeypatch.setattr(history, "write", write_when_turned)
        for start in range(0, len(RUN), 100):
            writer.put(RUN[start : start + 100])
        assert writer.wait(Seq(len(RUN)), timeout_s=60)

    assert all(turned)
    assert turned


def test_nothing_is_monkey_patched() -> None:
    script = "import history.writer, threading, eventlet; print(eventlet.patcher.is_monkey_patched('thread'))"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout == "False\n"
