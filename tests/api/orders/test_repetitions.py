"""What comes again under its key is answered as the first time, whatever happened to the server in between."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.api.doors.serving import each_door, server_with_doors
from tests.api.orders.repetitions import Repetitions
from tests.server import RunningServer, eventually


def killed(server: RunningServer) -> None:
    server.kill_all()
    server.start()


def restarted_twice(server: RunningServer) -> None:
    """The second start knows by the first one's snapshot alone."""
    server.restart()
    server.restart()


def first_seq(server: RunningServer) -> int:
    """The first command that the journal has still."""
    with closing(sqlite3.connect(f"file:{server.data / 'journal.sqlite'}?mode=ro", uri=True)) as journal:
        return int(journal.execute("SELECT min(first_seq) FROM batches").fetchone()[0])


@pytest.mark.parametrize("between", [killed, RunningServer.restart, restarted_twice])
def test_a_repetition_is_answered_as_the_first_over(between: Callable[[RunningServer], None], tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data") as server:
        asked = Repetitions(server.http)
        between(server)
        asked.verify(server.http)


def test_a_repetition_is_answered_as_the_first_at_every_front_door_and_over_a_restart(tmp_path: Path) -> None:
    with server_with_doors(tmp_path / "data") as server:
        with each_door(server) as (one, other):
            asked = Repetitions(one)
            asked.verify(other)
        server.restart()
        with each_door(server) as doors:
            for door in doors:
                asked.verify(door)


def test_a_repetition_is_answered_as_the_first_when_its_records_are_dropped_from_the_journal(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data", "--journal", "drop", "--snapshot-every", "20") as server:
        asked = Repetitions(server.http)
        behind = server.http.get("/health")["seq"]

        def dropped() -> bool:
            for _ in range(30):
                server.http.enter("BTC-USDT", "buy", "0.001", "99.00")
            server.stop()  # for its file is its own
            first = first_seq(server)
            server.start()
            return first > behind

        eventually(dropped, within_s=120)
        asked.verify(server.http)
