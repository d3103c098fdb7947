"""Followers in processes that hang, end and cannot be started: told, ended, started again, later and later."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.types import Seq
from history.store import History
from journal.sqlite import SqliteJournal
from replica import child as child_module
from replica.child import BACK_OFF_S, BACK_OFF_S_MAX, STUCK_S_MAX, ChildEnd, ChildFollower, _back_off_s
from replica.historian.host import COULD_NOT_START, GETS_NO_FURTHER, IS_SILENT, HistorianHost
from replica.historian.options import HistorianOptions
from replica.link import FollowerLink
from replica.record_log import RecordLog
from tests.journal.commands import flow, sealed
from tests.server import eventually

RECORDS = list(sealed(flow(5, 900), 9))
CLOSE_S = 10.0


@pytest.fixture
def records(tmp_path: Path) -> Iterator[RecordLog]:
    with closing(RecordLog(SqliteJournal(tmp_path / "journal.sqlite"))) as records:
        yield records


@contextmanager
def hosted(records: RecordLog, folder: Path, **silence: Any) -> Iterator[HistorianHost]:
    """A historian of these records, once it has said that it is there."""
    with closing(History(folder / "history.sqlite")) as history:
        database, snapshots = str(folder / "history.sqlite"), str(folder / "snapshots")
        options = HistorianOptions(
            database, snapshots, "test", snapshot_every=1_000, snapshot_seconds=3600, prove=False
        )
        host = HistorianHost(records, history, Seq(0), options, **silence)
        try:
            yield host
        finally:
            host.close()


def written(host: HistorianHost, records: RecordLog, until: int) -> None:
    """Append up to so many records, and wait for the last to be in the history."""
    for record in RECORDS[records.last_n : until]:
        records.append(record)
    eventually(lambda: host.access.stored_seq == RECORDS[until - 1].last_seq and host.access.failure is None)


def test_a_historian_that_hangs_is_told_and_goes_on_when_it_does(tmp_path: Path, records: RecordLog) -> None:
    with hosted(records, tmp_path, silence_report_s=0.5, silence_end_s=1000) as host:
        written(host, records, 10)
        process = psutil.Process(host.pid)
        process.suspend()
        records.append(RECORDS[10])
        eventually(lambda: host.access.failure == IS_SILENT)
        process.resume()
        written(host, records, 12)
        assert host.pid == process.pid


def test_a_historian_that_hangs_for_long_is_killed_and_another_writes_what_is_missing(
    tmp_path: Path, records: RecordLog, caplog: pytest.LogCaptureFixture
) -> None:
    with hosted(records, tmp_path, silence_report_s=0.5, silence_end_s=6) as host:
        written(host, records, 10)
        process = psutil.Process(host.pid)
        process.suspend()
        written(host, records, 12)
        assert not process.is_running()
        assert host.pid != process.pid
    assert "has said nothing for 0 s" in caplog.text


def test_who_has_all_that_there_is_may_say_nothing(tmp_path: Path, records: RecordLog) -> None:
    with hosted(records, tmp_path, silence_report_s=0.5, silence_end_s=1000) as host:
        written(host, records, 10)
        eventually(lambda: host.access.record_n == 10)
        process = psutil.Process(host.pid)
        process.suspend()
        with pytest.raises(AssertionError, match="did not become so"):
            eventually(lambda: host.access.failure is not None, within_s=2)
        process.resume()


def ends_of(records: RecordLog, *seqs: str) -> list[ChildEnd]:
    """How the first processes end that say to be at these commands, one behind the other."""
    ends: list[ChildEnd] = []
    child = ChildFollower(
        "tests.replica.ending_follower",
        lambda: seqs,
        records,
        on_said=lambda message: None,
        on_end=ends.append,
        on_silence=lambda: None,
    )
    eventually(lambda: len(ends) >= 3)
    child.close(CLOSE_S)
    return ends[:3]


def test_those_that_get_no_further_are_counted(records: RecordLog, caplog: pytest.LogCaptureFixture) -> None:
    for record in RECORDS[:10]:
        records.append(record)
    assert [end.stuck for end in ends_of(records, "7", "7")] == [1, 2, 3]
    assert "no further than 1 before it" in caplog.text
    assert [end.stuck for end in ends_of(records)] == [1, 2, 3]  # before they say anything
    assert [end.stuck for end in ends_of(records, "7", "0")] == [1, 2, 3]  # what they have is lost
    assert [end.stuck for end in ends_of(records, "7", "9")] == [0, 0, 0]


def test_another_is_started_later_and_later_where_the_last_ones_got_no_further() -> None:
    assert [_back_off_s(times, 0, 50.0) for times in (1, 2, 3, 50)] == [
        BACK_OFF_S,
        2 * BACK_OFF_S,
        4 * BACK_OFF_S,
        BACK_OFF_S_MAX,
    ]
    assert _back_off_s(1, 1, 600.0) == BACK_OFF_S
    assert _back_off_s(1, 2, 600.0) == 600.0  # no more than half the time goes into reading the journal
    assert _back_off_s(1, 10, 0.1) == 512 * BACK_OFF_S
    assert _back_off_s(1, 1000, 0.1) == _back_off_s(1, 2, 1e6) == STUCK_S_MAX


def test_a_historian_that_gets_no_further_is_told(
    tmp_path: Path, records: RecordLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("replica.historian.host.MODULE", "tests.replica.ending_follower")
    with hosted(records, tmp_path) as host:
        eventually(lambda: host.access.failure == GETS_NO_FURTHER)


def test_a_fault_of_what_supervises_is_told_and_another_is_started(
    tmp_path: Path, records: RecordLog, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failures: list[str | None] = []

    def link(*arguments: Any) -> FollowerLink:
        if len(failures) < 2:
            failures.append(None)
            arguments[0].close()
            raise RuntimeError("nobody foresaw this")
        failures.append(host.access.failure)
        return FollowerLink(*arguments)

    monkeypatch.setattr(child_module, "FollowerLink", link)
    with hosted(records, tmp_path) as host:
        written(host, records, 10)
    assert failures[2] == COULD_NOT_START
    assert "nobody foresaw this" in caplog.text


def test_that_an_end_cannot_be_told_does_not_end_the_supervising(
    records: RecordLog, caplog: pytest.LogCaptureFixture
) -> None:
    ends: list[ChildEnd] = []

    def fails(end: ChildEnd) -> None:
        ends.append(end)
        raise RuntimeError("nobody listens")

    child = ChildFollower(
        "tests.replica.ending_follower",
        list,
        records,
        on_said=lambda message: None,
        on_end=fails,
        on_silence=lambda: None,
    )
    eventually(lambda: len(ends) >= 2)
    child.close(CLOSE_S)
    assert "nobody listens" in caplog.text
