"""Faults that are real, each for a moment: nothing acknowledged is lost, others are served, and it says what is wrong.

`python -m tests.faults` runs them in full.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import clients, clocks, disk, feed_clients, files, pauses, public_reads
from tests.faults.files import Case
from tests.faults.report import Report
from tests.faults.tracing import can_trace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
QUICK_CASES = [
    case
    for case in files.CASES
    if case.name
    in ("the journal is removed", "the journal's log is renamed, and put back", "the snapshots are removed")
]


@pytest.fixture
def report() -> Iterator[Report]:
    """What does not hold fails the test at its end."""
    found = Report(quiet=True)
    yield found
    assert found.sentences, "nothing was judged"
    assert found.failures == []


def test_a_server_and_a_historian_that_stand_still_lose_nothing(report: Report, tmp_path: Path) -> None:
    pauses.pause_server(report, tmp_path, 2.0, with_historian=True)


def test_a_historian_that_stands_still_holds_nobody_up(report: Report, tmp_path: Path) -> None:
    pauses.pause_historian(report, tmp_path, 2.0)


@pytest.mark.skipif(not disk.can_mount(), reason="no file system can be mounted here")
def test_a_full_disk_is_refused_by_name_and_heals_with_room_and_a_restart(report: Report, tmp_path: Path) -> None:
    disk.full_disk(report, tmp_path)


@pytest.mark.skipif(not disk.can_mount(), reason="no file system can be mounted here")
def test_a_folder_that_cannot_be_written_is_refused_with_a_reason(report: Report, tmp_path: Path) -> None:
    disk.read_only(report, tmp_path)


@pytest.mark.skipif(not can_trace(), reason="no process can be traced here")
def test_a_flush_that_fails_stops_entry_and_loses_nothing(report: Report, tmp_path: Path) -> None:
    disk.io_errors(report, tmp_path)


@pytest.mark.skipif(not can_trace(), reason="no process can be traced here")
def test_slow_flushes_are_waited_for_by_orders_and_by_nobody_else(report: Report, tmp_path: Path) -> None:
    disk.slow_flushes(report, tmp_path, 1.0, timed=False)


@pytest.mark.parametrize("case", QUICK_CASES, ids=lambda case: case.name)
def test_a_file_that_is_taken_away(report: Report, tmp_path: Path, case: Case) -> None:
    files.judge(report, tmp_path, case)


def test_a_locked_identity_database_refuses_signing_in_at_once_and_nothing_else(report: Report, tmp_path: Path) -> None:
    files.judge_identity_lock(report, tmp_path)


@pytest.mark.skipif(not clocks.LIBRARIES, reason="libfaketime is not installed")
def test_a_wrong_clock_lets_nothing_expire_until_an_operator_says_it_is_right(report: Report, tmp_path: Path) -> None:
    clocks.judge_steps(report, tmp_path)


def test_half_open_connections_and_clients_without_end_leave_others_served(report: Report, tmp_path: Path) -> None:
    scale = clients.Scale(half_open=600, loris=50, seconds=0.3)
    clients.judge_connections(report, tmp_path, scale, timed=False)


def test_malformed_bodies_are_each_answered_with_what_is_wrong(report: Report, tmp_path: Path) -> None:
    clients.judge_malformed(report, tmp_path, 2_000, timed=False)


def test_feed_clients_that_stop_reading_cost_the_others_nothing(report: Report, tmp_path: Path) -> None:
    feed_clients.judge_silent(report, tmp_path, 60, 3.0, timed=False)


def test_a_flood_of_subscriptions_leaves_others_served(report: Report, tmp_path: Path) -> None:
    feed_clients.judge_subscriptions(report, tmp_path, 1.0, timed=False)


def test_expensive_reads_in_a_loop_leave_others_served(report: Report, tmp_path: Path) -> None:
    public_reads.judge(report, tmp_path, 1.5, limited=False, timed=False, levels=500)
