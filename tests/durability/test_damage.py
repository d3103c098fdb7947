"""A server does not start on a damaged journal; it says which record, and it cuts only a torn tail."""

from __future__ import annotations

import os
import random
import re
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.durability.client import Client
from tests.durability.load import Load, Promises, order_body
from tests.server import RunningServer


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a server that traded for a moment and was killed when its history had caught up."""
    data, promises = tmp_path_factory.mktemp("traded") / "data", Promises()
    with RunningServer(data) as server:
        load = Load(server, promises, "before", traders=3)
        while len(promises.orders) < 100:
            time.sleep(0.05)
        load.stop()
        client = Client(server.port)
        client.get("/orders?limit=1")
        client.close()
        server.kill_all()
    return data


@pytest.fixture
def killed(traded: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged; without snapshots, so that the journal is read from its first record."""
    return shutil.copytree(traded, tmp_path / "data", ignore=shutil.ignore_patterns("snapshots"))


def edit(data: Path, statement: str) -> int:
    """Change the journal behind its back; return its number of records."""
    with closing(sqlite3.connect(data / "journal.sqlite")) as connection, connection:
        connection.execute(statement)
        return int(connection.execute("SELECT max(n) FROM batches").fetchone()[0])


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        ("UPDATE batches SET body = substr(body, 1, length(body) - 1) || x'00' WHERE n = 7", "record 7"),
        ("UPDATE batches SET chain = zeroblob(32) WHERE n = 9", "record 9"),
        ("DELETE FROM batches WHERE n = 8", "record 8"),
        ("INSERT INTO checkpoints VALUES (20, 'another state')", "state digest differs at seq 20"),
    ],
)
@pytest.mark.timeout(180)
def test_a_damaged_middle_keeps_the_server_from_starting_and_is_named(killed: Path, damage: str, named: str) -> None:
    edit(killed, damage)
    server = RunningServer(killed)
    assert server.fails_to_start()[0] != 0
    said = server.log
    assert named in said
    assert "Traceback" not in said


@pytest.mark.timeout(180)
def test_a_bad_byte_in_the_log_behind_which_sqlite_would_forget_everything_is_named_too(killed: Path) -> None:
    log = killed / "journal.sqlite-wal"
    content = bytearray(log.read_bytes())
    content[len(content) // 2] ^= 0x10
    log.write_bytes(content)
    server = RunningServer(killed)
    assert server.fails_to_start()[0] != 0
    said = server.log
    assert re.search(r"record \d+ and those after it cannot be read", said)
    assert log.read_bytes() == content


@pytest.mark.timeout(180)
def test_a_torn_tail_is_cut_with_a_warning_and_trading_goes_on(killed: Path) -> None:
    last_n = edit(killed, "UPDATE batches SET body = substr(body, 1, 5) WHERE n = (SELECT max(n) FROM batches)")
    (killed / "history.sqlite").unlink()  # it knows the torn record, as no history of a real torn tail can
    (killed / "journal.position").unlink()  # as it does
    with RunningServer(killed) as server:
        client = Client(server.port)
        assert client.call("POST", "/order", order_body("after-1", random.Random(1))).status == 200
        client.close()
        assert f"record {last_n}" in server.log
        assert "torn" in server.log
    assert (killed / f"journal.torn-{last_n}").stat().st_size > 0


@pytest.mark.timeout(180)
def test_a_torn_tail_that_the_history_knows_was_acknowledged_so_the_server_does_not_start(killed: Path) -> None:
    edit(killed, "UPDATE batches SET body = substr(body, 1, 5) WHERE n = (SELECT max(n) FROM batches)")
    (killed / "journal.position").unlink()
    server = RunningServer(killed)
    assert server.fails_to_start()[0] != 0
    assert "Traceback" not in server.log


@pytest.mark.timeout(180)
def test_a_log_cut_below_what_was_flushed_keeps_the_server_from_starting_though_the_history_is_gone(
    killed: Path,
) -> None:
    log = killed / "journal.sqlite-wal"
    page = log.stat().st_size // (4096 + 24) // 2
    os.truncate(log, 32 + page * (4096 + 24))
    for history in killed.glob("history.sqlite*"):
        history.unlink()
    server = RunningServer(killed)
    assert server.fails_to_start()[0] != 0
    assert re.search(r"ends with record \d+, seq \d+, and records? \d+.*were flushed and acknowledged", server.log)
    assert "Traceback" not in server.log
