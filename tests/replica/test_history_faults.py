"""A history that is broken, locked or slow beside a running server: orders go on, it is told, and it heals itself."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from audit.__main__ import CLEAN
from audit.__main__ import main as audit
from history import seal
from tests.replica.historian import ORDER, caught_up, historian_of, history_of, is_in_history, trade
from tests.server import RunningServer, eventually

LOCKED_S = 10.0
STOP_S = 5.0
GRACE_S = 5.0  # of a busy machine, for what is to take no longer than that
LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """The database locked by another process."""
    with subprocess.Popen(
        [sys.executable, "-c", LOCK, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        try:
            yield
        finally:
            other.communicate("")


def trade_much(server: RunningServer, batches: int) -> None:
    body = {"orders": [ORDER | {"side": side} for side in ("sell", "buy")] * 50}
    for _ in range(batches):
        assert len(server.http.post("/orders/batch", body).granted()["results"]) == 100


def set_aside(data: Path) -> list[Path]:
    return [each for each in data.glob("history.damaged-*") if not each.name.endswith("-wal")]


def break_an_old_trade(path: Path) -> None:
    """The page of the oldest trades, which nobody writes to and which no start looks at."""
    seal.remove(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        ((page,),) = connection.execute(
            "SELECT pageno FROM dbstat WHERE name = 'trades' AND pagetype = 'leaf' ORDER BY path LIMIT 1"
        )
        ((size,),) = connection.execute("PRAGMA page_size")
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)


def test_a_history_that_only_reads_find_damaged_is_set_aside_and_built_anew(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with RunningServer(data) as server:
        first = trade(server)
        trade_much(server, 5)
        caught_up(server)
        server.stop()
        break_an_old_trade(data / "history.sqlite")
        server.start()
        caught_up(server)
        assert '"history_days":null' in historian_of(server).cmdline()[-1]  # it keeps all
        assert history_of(server)["failure"] is None
        assert server.http.call("GET", "/account/fills?before=10").status == 503
        assert "set aside and built anew" in server.log
        trade(server)
        eventually(lambda: server.http.call("GET", "/account/fills?before=10").status == 200)
        assert {fill["order_id"] for fill in server.http.get("/account/fills?before=2")["fills"]} >= {first}
        caught_up(server)
        eventually(lambda: history_of(server)["failure"] is None)
        assert len(set_aside(data)) == 1
        assert "Traceback" not in server.log
        server.stop()
    assert audit([str(data), "--quiet"]) == CLEAN


@pytest.mark.parametrize("kind", ["directory", "byte"])
def test_whatever_is_in_its_place_at_a_start_the_server_trades_and_it_heals(tmp_path: Path, kind: str) -> None:
    data = tmp_path / "data"
    path = data / "history.sqlite"
    with RunningServer(data) as server:
        first = trade(server)
        caught_up(server)
        server.stop()
        if kind == "byte":  # that breaks no tree
            content = path.read_bytes()
            at = content.rindex(first.encode()[-1:])
            path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        else:
            path.unlink()
            path.mkdir()
        server.start()
        second = trade(server)
        caught_up(server)
        assert is_in_history(server, first)
        assert is_in_history(server, second)
        assert history_of(server)["failure"] is None
        assert "built anew" in server.log
        assert "Traceback" not in server.log
        server.stop()
    assert audit([str(data), "--quiet"]) == CLEAN


def test_a_lock_of_ten_seconds_holds_no_order_and_is_over_when_it_goes(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with RunningServer(data, "--history-days", "2") as server:
        caught_up(server)
        process = historian_of(server)
        with locked(data / "history.sqlite"):
            until = time.monotonic() + LOCKED_S
            sold = trade(server)
            eventually(lambda: history_of(server)["failure"] is not None)
            while time.monotonic() < until:
                sold = trade(server)
                assert server.http.get("/health")["accepting"] is True
                assert server.http.get(f"/order/{sold}")["status"] == "filled"  # from memory
                time.sleep(0.1)
            assert history_of(server)["lag"] > 20
            assert "trading goes on" in server.log
        caught_up(server)
        eventually(lambda: history_of(server)["failure"] is None)
        assert is_in_history(server, sold)
        assert historian_of(server) == process
        assert '"history_days":2' in historian_of(server).cmdline()[-1]
        assert "Traceback" not in server.log


def test_a_stop_does_not_wait_for_a_lock_and_the_next_start_writes_the_rest(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with RunningServer(data) as server:
        caught_up(server)
        with locked(data / "history.sqlite"):
            sold = trade(server)
            began = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - began < STOP_S + GRACE_S
        server.start()
        caught_up(server)
        assert is_in_history(server, sold)
        server.stop()
    assert audit([str(data), "--quiet"]) == CLEAN


@contextmanager
def slow_writes(pid: int, log: Path) -> Iterator[None]:
    """Each write of the process to a file takes 5 ms."""
    inject = "trace=pwrite64:delay_enter=5000"
    with subprocess.Popen(
        ["strace", "-f", "-p", str(pid), "-e", "trace=pwrite64", "-e", f"inject={inject[6:]}", "-o", str(log)],
        stderr=subprocess.PIPE,
        text=True,
    ) as tracer:
        assert tracer.stderr is not None
        line = tracer.stderr.readline()
        try:
            if "attached" not in line:
                pytest.skip(f"no process can be traced here: {line.strip()}")
            yield
        finally:
            with suppress(ProcessLookupError):
                tracer.terminate()


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace to slow the disk down")
def test_a_slow_disk_under_the_history_slows_no_order_and_no_stop(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with RunningServer(data) as server:
        caught_up(server)
        with slow_writes(historian_of(server).pid, tmp_path / "trace"):
            trade_much(server, 60)
            health = server.http.get("/health")
            assert health["accepting"] is True
            assert health["history"]["lag"] > 500
            began = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - began < STOP_S + GRACE_S
        server.start()
        caught_up(server)
        assert server.http.get("/account/fills?limit=1")["fills"][0]["trade_id"] == "3000"
        assert "Traceback" not in server.log
        server.stop()
    assert audit([str(data), "--quiet"]) == CLEAN
