"""The historian beside a real server: killed, stopped, cut off, damaged; trading goes on and nothing is missing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import msgspec
import psutil
import pytest

from audit.__main__ import CLEAN
from audit.__main__ import main as audit
from engine.recent import HOUR_NS
from history.store import History
from history.writer import HistoryWriter, stored_seq
from journal.codec import GENESIS, BatchRecord, seal
from journal.snapshots import SnapshotFolder
from replica.child import EXIT_DIFFERS, EXIT_UNREADABLE, ROOT
from replica.frames import (
    FORMAT,
    FromFollower,
    Hello,
    Position,
    Record,
    Refused,
    State,
    framed,
    from_follower,
)
from replica.historian.options import HistorianOptions
from replica.stream import RecordStream, connect
from tests.history.written import break_orders
from tests.journal.commands import START_NS, flow, sealed
from tests.replica.historian import ORDER, caught_up, historian_of, history_of, is_in_history, trade
from tests.replica.served import WAIT_S, received
from tests.server import RunningServer, eventually


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_of_the_terminal_does_not_end_it_before_the_server_does(
    tmp_path: Path, number: signal.Signals
) -> None:
    with RunningServer(tmp_path / "data") as server:
        process = historian_of(server)
        assert os.getpgid(process.pid) != os.getpgid(server.process.pid)
        caught_up(server)  # it has begun
        process.send_signal(number)
        sold = trade(server)
        assert is_in_history(server, sold)
        assert historian_of(server) == process
        assert server.stop(number if number is not signal.SIGHUP else signal.SIGTERM) == 0
        assert not process.is_running()
        assert "Traceback" not in server.log
    assert audit([str(tmp_path / "data"), "--quiet"]) == CLEAN


def test_killed_it_is_started_again_and_writes_what_is_missing(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data") as server:
        sold = [trade(server)]
        for _ in range(3):
            process = historian_of(server)
            process.kill()
            sold.append(trade(server))
            eventually(lambda process=process: historian_of(server) != process)
        caught_up(server)
        for order_id in sold:
            assert is_in_history(server, order_id)
        assert "another is started in" in server.log
        assert history_of(server)["failure"] is None


def test_one_that_ends_again_and_again_is_told(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data") as server:
        was_reported = False
        for _ in range(4):
            process = historian_of(server)
            process.kill()
            eventually(lambda process=process: not process.is_running())
            was_reported = was_reported or history_of(server)["failure"] is not None
        assert was_reported
        caught_up(server)
        eventually(lambda: history_of(server)["failure"] is None)


def test_stopped_it_slows_nobody_and_its_lag_is_told(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data") as server:
        caught_up(server)
        process = historian_of(server)
        process.suspend()
        body = {"orders": [ORDER | {"side": side} for side in ("sell", "buy")] * 50}
        for _ in range(50):
            assert len(server.http.post("/orders/batch", body).granted()["results"]) == 100
        assert history_of(server)["lag"] == 5000
        assert server.http.get("/statistics")["history_lag"] == 5000
        process.resume()
        caught_up(server)
        assert historian_of(server) == process
        assert len(server.http.get("/trades/BTC-USDT?limit=100")["trades"]) == 100
        server.stop()
    assert audit([str(tmp_path / "data"), "--quiet"]) == CLEAN


def test_one_that_does_not_end_is_killed_and_the_next_start_writes_the_rest(
    tmp_path: Path,
) -> None:
    with RunningServer(tmp_path / "data") as server:
        caught_up(server)
        process = historian_of(server)
        process.suspend()
        sold = trade(server)
        assert server.stop() == 0
        assert "does not end, and is killed" in server.log
        assert not process.is_running()
        server.start()
        assert is_in_history(server, sold)


def test_when_the_server_is_killed_it_writes_what_it_has_and_ends(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with RunningServer(data) as server:
        caught_up(server)
        process = historian_of(server)
        for _ in range(20):
            trade(server)
        seq = server.http.get("/health")["seq"]
        eventually(lambda: history_of(server)["record"] > 0)
        server.kill()
        process.wait(WAIT_S)
        assert stored_seq(data / "history.sqlite") <= seq
        server.start()
        caught_up(server)
        server.stop()
    assert audit([str(data), "--quiet"]) == CLEAN


def test_a_history_that_is_damaged_is_built_anew_beside_the_trading(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with RunningServer(data) as server:
        sold = trade(server)
        server.stop()
        break_orders(data / "history.sqlite")
        server.start()
        trade(server)
        eventually(lambda: "built anew" in server.log)
        caught_up(server)
        eventually(lambda: history_of(server)["failure"] is None)
        assert is_in_history(server, sold)
        assert "Traceback" not in server.log
        server.stop()
    assert audit([str(data), "--quiet"]) == CLEAN


def test_a_history_that_is_deleted_under_the_server_is_built_anew_with_the_next_order(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with RunningServer(data) as server:
        trade(server)
        caught_up(server)
        assert len(server.http.get("/account/fills")["fills"]) == 2
        for file in data.glob("history.sqlite*"):
            if file.suffix != ".lock":
                file.unlink()
        trade(server)
        eventually(lambda: server.http.call("GET", "/account/fills").status == 200)
        assert len(server.http.get("/account/fills")["fills"]) == 4
        assert "was deleted or replaced" in server.log
        assert "Traceback" not in server.log
        server.stop()
    assert audit([str(data), "--quiet"]) == CLEAN


def test_while_another_process_writes_the_history_trading_goes_on_and_it_is_told(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    other = HistoryWriter(data / "history.sqlite")
    with RunningServer(data) as server:
        eventually(lambda: history_of(server)["failure"] is not None)
        sold = trade(server)
        assert server.http.get(f"/order/{sold}")["status"] == "filled"  # from memory
        assert server.http.call("GET", "/account/fills").status == 503
        other.close()
        caught_up(server)
        eventually(lambda: history_of(server)["failure"] is None)
        assert server.http.get("/account/fills")["fills"]


def test_programs_follow_a_server_that_offers_its_records(tmp_path: Path) -> None:
    data = tmp_path / ("deep" * 30) / "data"
    with RunningServer(data, "--record-socket") as server:
        trade(server)
        with closing(RecordStream(connect(data))) as stream:
            assert received(stream, stream.journal_n)[-1].n == stream.journal_n
    with RunningServer(data) as server, pytest.raises(OSError, match="No such file"):
        connect(data)


def test_on_a_full_disk_with_records_that_it_does_not_take_it_ends_with_the_server(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data") as server:
        caught_up(server)
        size = max(file.stat().st_size for file in server.data.glob("history.sqlite*"))
        process = historian_of(server)
        process.rlimit(psutil.RLIMIT_FSIZE, (size, psutil.RLIM_INFINITY))
        body = {"orders": [ORDER | {"side": side} for side in ("sell", "buy")] * 50}
        for _ in range(150):
            server.http.post("/orders/batch", body).granted()
        eventually(lambda: history_of(server)["failure"] is not None)
        assert server.stop() == 0
        assert not process.is_running()
        server.start()
        caught_up(server)
        server.stop()
    assert audit([str(tmp_path / "data"), "--quiet"]) == CLEAN


# -- the process alone


class Writer:
    """The other end of a historian, which tells it what is to be told."""

    def __init__(
        self,
        database: Path,
        snapshots: Path | None = None,
        after: BatchRecord | None = None,
        every: int = 10**6,
        answer: Refused | None = None,
        days: int | None = None,
    ) -> None:
        """`snapshots`: by default a folder that nobody else has; `after`: where it is to begin."""
        folder = database.with_name(f"snapshots-{time.monotonic_ns()}") if snapshots is None else snapshots
        options = HistorianOptions(
            str(database),
            str(folder),
            "1.2.3",
            snapshot_every=every,
            snapshot_seconds=3600,
            prove=True,
            history_days=days,
        )
        self.socket, theirs = socket.socketpair()
        self.socket.settimeout(WAIT_S)
        self._reader = from_follower()
        self._frames: list[FromFollower] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "replica.historian", str(theirs.fileno()), msgspec.json.encode(options)],
            cwd=ROOT,
            pass_fds=[theirs.fileno()],
            stderr=subprocess.PIPE,
            text=True,
        )
        theirs.close()
        hello = Hello(FORMAT, 0, bytes(32)) if after is None else Hello(FORMAT, after.n, after.chain)
        assert self.next() == hello
        self.socket.sendall(framed(hello if answer is None else answer))

    def next(self) -> FromFollower:
        while not self._frames:
            data = self.socket.recv(65536)
            assert data, "the historian has ended"
            self._frames += self._reader.feed(data)
        return self._frames.pop(0)

    def send(self, records: list[BatchRecord], digests: dict[int, str] | None = None) -> None:
        self.socket.sendall(b"".join(framed(Record(record, digests or {})) for record in records))

    def ended(self) -> tuple[int, str]:
        """Its exit status, and what it logged but for the snapshots that were written."""
        self.socket.shutdown(socket.SHUT_WR)
        _, log = self.process.communicate(timeout=WAIT_S)
        self.socket.close()
        return self.process.returncode, "".join(
            line for line in log.splitlines(keepends=True) if "a snapshot was written behind" not in line
        )


RECORDS = list(sealed(flow(5, 900), 9))


def test_it_says_how_far_it_is_and_ends_when_no_more_will_come(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "history.sqlite")
    assert writer.next() == Position(0, 0)
    writer.send(RECORDS)
    position = writer.next()
    while position != Position(100, 900):
        assert isinstance(position, Position)
        position = writer.next()
    assert writer.ended() == (0, "")


def test_it_says_that_it_has_all_also_where_nothing_was_to_be_written(tmp_path: Path) -> None:
    for _ in range(2):
        writer = Writer(tmp_path / "history.sqlite")
        writer.send(RECORDS)
        while writer.next() != Position(100, 900):
            pass
        assert writer.ended() == (0, "")


def test_it_goes_on_where_the_database_stands_in_the_middle_of_a_record(tmp_path: Path) -> None:
    database = tmp_path / "history.sqlite"
    first = Writer(database)
    first.send(RECORDS[:50])
    assert first.ended() == (0, "")
    assert stored_seq(database) == 450
    other = list(sealed(flow(5, 900), 7))  # the same commands in other records
    again = Writer(database)
    assert again.next() == Position(0, 450)
    again.send(other)
    assert again.ended() == (0, "")
    assert stored_seq(database) == 900


@pytest.mark.parametrize(
    ("wrong", "digests", "ends", "named"),
    [
        (RECORDS[11], {}, EXIT_UNREADABLE, "record 11: it is missing; record 12 stands in its place"),
        (
            seal(11, START_NS + 11, 91, flow(4, 9), RECORDS[8].chain),
            {},
            EXIT_UNREADABLE,
            "record 11: it is not chained",
        ),
        (RECORDS[10], {99: "another"}, EXIT_DIFFERS, "record 11: the state digest differs at seq 99"),
    ],
)
def test_where_the_records_differ_it_writes_what_came_before_and_stops_and_says_where(
    tmp_path: Path, wrong: BatchRecord, digests: dict[int, str], ends: int, named: str
) -> None:
    writer = Writer(tmp_path / "history.sqlite")
    writer.send(RECORDS[:10])
    writer.send([wrong], digests)
    status, log = writer.ended()
    assert status == ends
    assert named in log
    assert "Traceback" not in log
    assert stored_seq(tmp_path / "history.sqlite") == 90


def states(writer: Writer, until_seq: int) -> list[State]:
    """The states that it says up to this command."""
    found: list[State] = []
    while not found or found[-1].seq < until_seq:
        message = writer.next()
        if isinstance(message, State):
            found.append(message)
    return found


def test_by_setting_it_prunes_what_is_older_than_so_many_days(tmp_path: Path) -> None:
    chain, records = GENESIS, list[BatchRecord]()
    for n in range(1, 101):  # four in a day
        record = seal(n, START_NS + n * 6 * HOUR_NS, 9 * n - 8, flow(5, 900)[9 * n - 9 : 9 * n], chain)
        chain = record.chain
        records.append(record)
    database, kept_ns = tmp_path / "history.sqlite", records[-1].ts_ns - 5 * 24 * HOUR_NS
    first = Writer(database)
    first.send(records[:99])
    assert first.ended() == (0, "")
    with closing(History(database)) as history:
        before = history.trades(limit=1000)
        assert before[-1].ts_ns < kept_ns < before[0].ts_ns
    again = Writer(database, days=5)
    again.send(records)
    while again.next() != Position(100, 900):  # it is written, and pruning follows
        pass
    assert again.ended() == (0, "")
    with closing(History(database)) as history:
        after = history.trades(limit=1000)
        assert [trade for trade in after if trade.seq <= 891] == [trade for trade in before if trade.ts_ns >= kept_ns]


def test_it_prunes_also_where_nothing_more_comes_to_be_written(tmp_path: Path) -> None:
    commands, database = flow(5, 900), tmp_path / "history.sqlite"
    old = seal(1, START_NS, 1, commands[:450], GENESIS)
    records = [old, seal(2, START_NS + 9 * 24 * HOUR_NS, 451, commands[450:], old.chain)]
    first = Writer(database)
    first.send(records)
    assert first.ended() == (0, "")
    again = Writer(database, days=5)
    again.send(records)
    with closing(History(database)) as history:
        assert history.trades(limit=1000)[-1].ts_ns < records[1].ts_ns
        eventually(lambda: history.trades(limit=1000)[-1].ts_ns == records[1].ts_ns)
    assert again.ended() == (0, "")


def test_it_writes_snapshots_as_it_goes_and_one_at_the_end_and_begins_with_the_newest(tmp_path: Path) -> None:
    database, snapshots = tmp_path / "history.sqlite", tmp_path / "snapshots"
    first = Writer(database, snapshots, every=200)
    said: list[State] = []
    for begin in (0, 25):  # 225 commands each: a snapshot behind each
        first.send(RECORDS[begin : begin + 25])
        said += states(first, 200 if not begin else 400)
    assert first.ended() == (0, "")
    assert len(said) >= 2
    assert [state.covered_n for state in said] == [0, *(state.n for state in said[:-1])]  # by the one before
    assert SnapshotFolder(snapshots).files()[0].n == 50
    again = Writer(database, snapshots, after=RECORDS[49])
    assert again.next() == Position(50, 450)
    again.send(RECORDS[50:])
    assert again.ended() == (0, "")
    assert stored_seq(database) == 900


def test_a_snapshot_that_is_newer_than_the_history_is_not_begun_with(tmp_path: Path) -> None:
    first = Writer(tmp_path / "history.sqlite", tmp_path / "snapshots")
    first.send(RECORDS[:50])
    assert first.ended() == (0, "")
    other = Writer(tmp_path / "another.sqlite", tmp_path / "snapshots")
    other.send(RECORDS)
    assert other.ended() == (0, "")
    assert stored_seq(tmp_path / "another.sqlite") == 900


def test_a_snapshot_of_another_journal_is_set_aside(tmp_path: Path) -> None:
    database, snapshots = tmp_path / "history.sqlite", tmp_path / "snapshots"
    first = Writer(database, snapshots)
    first.send(RECORDS[:50])
    assert first.ended() == (0, "")
    refused = Writer(database, snapshots, after=RECORDS[49], answer=Refused("record 50 is another one here"))
    status, log = refused.ended()
    assert status == 1
    assert "record 50 is another one here" in log
    assert SnapshotFolder(snapshots).files() == []


def test_what_is_no_record_stream_ends_it_with_a_sentence(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "history.sqlite")
    writer.socket.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 10)
    status, log = writer.ended()
    assert status == 1
    assert "the historian ends" in log
    assert "Traceback" not in log
