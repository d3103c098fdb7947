"""What each thing takes in memory that the venue keeps, and that the same again takes no more for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.memory import THINGS, Scale, Thing, engine_bytes, judge_server
from tests.faults.report import Report

COUNT = 4_000


@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: thing.name)
def test_one_of_each_takes_at_most_what_is_stated(thing: Thing) -> None:
    assert engine_bytes(thing, COUNT) <= thing.bound


@pytest.mark.slow
def test_connections_and_clients_take_what_is_stated_and_leave_nothing_behind(tmp_path: Path) -> None:
    report = Report(quiet=True)
    judge_server(report, tmp_path, Scale(300, 60, 6))
    assert report.failures == []
