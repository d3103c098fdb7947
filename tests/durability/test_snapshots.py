"""A real server begins with its snapshots, whatever became of them, and its disk is bounded where that is asked for."""

from __future__ import annotations

import random
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from audit.__main__ import CLEAN
from audit.__main__ import main as audit
from audit.verify import main as verify
from journal.archive import archive_beside
from journal.snapshots import SnapshotFolder
from tests.server import RunningServer, eventually

EVERY = ("--snapshot-every", "50", "--rate-limit", "off")


def trades(server: RunningServer, count: int, first: int = 0) -> None:
    """So many pairs of orders that fill each other, and as many that rest."""
    for number in range(first, first + count):
        for side, price in (("sell", "30000"), ("buy", "30000"), ("buy", f"{20_000 + number}")):
            server.http.enter("BTC-USDT", side, "0.001", price, client_order_id=f"{side}-{price}-{number}")


def trades_with_snapshots(server: RunningServer) -> None:
    """80 such, and a snapshot behind each 20 at the latest."""
    folder = SnapshotFolder(server.data / "snapshots")
    for part in range(4):
        trades(server, 20, first=20 * part)
        eventually(lambda part=part: bool(folder.files()) and folder.files()[0].seq > 60 * part)


def state(server: RunningServer) -> Any:
    health = server.http.get("/health?digest=true")
    return health["seq"], health["digest"]


def shown(server: RunningServer) -> Any:
    """What everybody sees that is folded from all that happened."""
    statistics = server.http.get("/statistics")
    kept = ("orders_processed", "trades_executed", "total_volume", "volume_by_symbol", "error_counts", "active_orders")
    return (
        {name: statistics[name] for name in kept},
        server.http.depth("BTC-USDT"),
        server.http.get("/trades/BTC-USDT?limit=50")["trades"],
        server.http.get("/account/profit"),
    )


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, Any]:
    """The folder of a server that was killed behind some snapshots; its state, and what it showed."""
    data = tmp_path_factory.mktemp("killed") / "data"
    with RunningServer(data, *EVERY) as server:
        trades_with_snapshots(server)
        found = state(server), shown(server)
        eventually(lambda: server.http.get("/health")["history"]["lag"] == 0)  # it has every record
        server.kill()
    eventually(lambda: is_free(data), within_s=90)  # the historian writes what it has, and a last snapshot
    return data, *found


def is_free(data: Path) -> bool:
    """Whether the last snapshot is there, and the historian has let go of its database."""
    if (data / "history.sqlite-wal").exists():
        return False
    with closing(sqlite3.connect(f"file:{data / 'journal.sqlite'}?mode=ro", uri=True)) as journal:
        (last,) = journal.execute("SELECT max(n) FROM batches").fetchone()
    return SnapshotFolder(data / "snapshots").files()[0].n == last


def damage(path: Path, chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    at = chance.randrange(30, len(data) - 8)
    data[at : at + 8] = bytes(8)
    path.write_bytes(data)


@pytest.mark.parametrize("damaged", [0, 1, 99])
def test_it_comes_to_the_same_state_however_many_of_its_snapshots_are_damaged(
    killed: tuple[Path, Any, Any], tmp_path: Path, damaged: int
) -> None:
    folder, was, showed = killed
    data = shutil.copytree(folder, tmp_path / "data")
    chance = random.Random(damaged)
    snapshots = SnapshotFolder(data / "snapshots").files()
    for file in snapshots[:damaged]:
        damage(file.path, chance)
    with RunningServer(data, *EVERY) as server:
        assert state(server) == was
        assert shown(server) == showed
        assert server.log.count("is damaged and set aside") >= min(damaged, len(snapshots))
        assert ("begun with the snapshot" in server.log) == (damaged < len(snapshots))
        trades(server, 1, first=900)
        assert server.stop() == 0
    assert audit([str(data), "--quiet"]) == CLEAN


def test_a_repeated_order_is_known_behind_a_snapshot(killed: tuple[Path, Any, Any], tmp_path: Path) -> None:
    data = shutil.copytree(killed[0], tmp_path / "data")
    with RunningServer(data, *EVERY) as server:
        before = state(server)[0]
        for side, price in (("sell", "30000"), ("buy", "30000"), ("buy", "20003")):
            body = {"symbol": "BTC-USDT", "side": side, "order_type": "limit", "quantity": "0.001", "price": price}
            answer = server.http.post("/order", body | {"client_order_id": f"{side}-{price}-3"}).granted()
            assert int(answer["order_id"]) < before
        assert server.http.get("/statistics")["trades_executed"] == 80
        assert state(server)[0] == before + 3


@pytest.mark.parametrize("mode", ["archive", "drop"])
def test_the_journal_lets_go_of_what_snapshots_cover_and_starts_go_on_from_there(tmp_path: Path, mode: str) -> None:
    data = tmp_path / "data"
    with RunningServer(data, *EVERY, "--journal", mode) as server:
        trades_with_snapshots(server)
        eventually(lambda: first_record(data) > 50, within_s=90)
        was, showed = state(server), shown(server)
        server.kill()
        server.start()
        assert state(server) == was
        assert shown(server) == showed
        trades(server, 5, first=900)
        server.restart()
        assert server.http.get("/statistics")["trades_executed"] == 85
        assert server.stop() == 0
    if mode == "archive":
        assert audit([str(data), "--quiet"]) == CLEAN
        for file in SnapshotFolder(data / "snapshots").files():
            file.path.unlink()
        with RunningServer(data, *EVERY, "--journal", mode) as server:
            assert server.http.get("/statistics")["trades_executed"] == 85


def first_record(data: Path) -> int:
    """The first record that the journal has, whether its log was folded into the file or not.

    The server holds the file for itself, so a copy is read.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            for path in data.glob("journal.sqlite*"):
                shutil.copy(path, folder)
            with closing(sqlite3.connect(Path(folder) / "journal.sqlite")) as journal:
                (first,) = journal.execute("SELECT min(n) FROM batches").fetchone()
        except (sqlite3.Error, OSError):  # it is being written
            return 0
    return int(first or 0)


def test_a_dropped_beginning_without_a_snapshot_is_refused_by_name(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with RunningServer(data, *EVERY, "--journal", "drop") as server:
        trades_with_snapshots(server)
        eventually(lambda: first_record(data) > 50, within_s=90)
        assert server.stop() == 0
    shutil.rmtree(data / "snapshots")
    server = RunningServer(data, *EVERY)
    status, _ = server.fails_to_start()
    assert status == 1
    assert "Traceback" not in server.log
    assert "dropped" in server.log


def test_a_history_that_is_lost_begins_where_the_records_do_where_earlier_ones_were_dropped(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with RunningServer(data, *EVERY, "--journal", "drop") as server:
        trades_with_snapshots(server)
        eventually(lambda: first_record(data) > 50, within_s=90)
        assert server.stop() == 0
        for path in data.glob("history.sqlite*"):
            path.unlink()
        server.start()
        server.http.enter("BTC-USDT", "buy", "0.001", "28000")
        order = server.http.enter("BTC-USDT", "sell", "0.001", "28000")["order_id"]
        eventually(lambda: server.http.get("/health")["history"]["lag"] == 0)
        found = [trade["order_id"] for trade in server.http.get("/orders?status=filled&limit=5")["orders"]]
        assert found[0] == order
        assert "records before cannot be read" in server.log
        assert server.stop() == 0
        assert "Traceback" not in server.log


@pytest.mark.parametrize("harm", ["a segment is gone", "a record is damaged", "records were dropped in between"])
def test_a_lost_history_begins_behind_the_newest_snapshot_where_older_records_cannot_be_read(
    tmp_path: Path, harm: str
) -> None:
    data = tmp_path / "data"
    mode = "keep" if harm == "a record is damaged" else "archive"
    with RunningServer(data, *EVERY, "--journal", mode) as server:
        trades_with_snapshots(server)
        if mode == "archive":
            eventually(lambda: len(list((data / "archive").glob("segment-*"))) >= 2)
        assert server.stop() == 0
    if harm == "a segment is gone":
        sorted((data / "archive").glob("segment-*"))[0].unlink()
    elif harm == "a record is damaged":
        with closing(sqlite3.connect(data / "journal.sqlite")) as journal, journal:
            journal.execute("UPDATE batches SET body = zeroblob(length(body)) WHERE n = 20")
    else:
        with RunningServer(data, *EVERY, "--journal", "drop") as server:
            trades(server, 40, first=400)
            server.restart()
            trades(server, 40, first=500)
            assert server.stop() == 0
    for path in data.glob("history.sqlite*"):
        path.unlink()
    with RunningServer(data, *EVERY, "--journal", mode) as server:
        trades(server, 30, first=700)
        eventually(lambda: server.http.get("/health")["history"]["lag"] == 0, within_s=60)
        assert server.http.get("/orders?status=filled&limit=1")["orders"]
        repeated = {"symbol": "BTC-USDT", "side": "sell", "order_type": "limit", "quantity": "0.001", "price": "30000"}
        answer = server.http.post("/order", repeated | {"client_order_id": "sell-30000-1"})
        assert answer.status in (200, 409), answer.content  # the engine knows it, whoever else does
        newest = SnapshotFolder(data / "snapshots").files()[0].n
        trades(server, 30, first=800)
        eventually(lambda: SnapshotFolder(data / "snapshots").files()[0].n > newest)
        assert server.stop() == 0


def test_a_file_that_has_the_name_of_a_later_snapshot_and_is_none_stops_no_start(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with RunningServer(data, *EVERY) as server:
        trades(server, 10)
        was = state(server)
        assert server.stop() == 0
        (data / "snapshots" / "snapshot-000000000999-000000000000999.obs").write_bytes(b"")
        server.start()
        assert state(server) == was
        assert "set aside" in server.log


def test_an_older_copy_beside_a_newer_archive_goes_on_from_the_archive(tmp_path: Path) -> None:
    data, older = tmp_path / "data", tmp_path / "older"
    with RunningServer(data, *EVERY) as server:
        trades(server, 1, first=800)
        assert server.stop() == 0
    shutil.copytree(data, older)
    with RunningServer(data, *EVERY, "--journal", "archive") as server:
        trades_with_snapshots(server)
        eventually(lambda: archive_beside(data / "journal.sqlite").last_n > 50)
        assert server.stop() == 0
    last = archive_beside(data / "journal.sqlite").segments[-1]
    shutil.copytree(data / "archive", older / "archive")
    assert verify([str(older), "--quiet"]) == 1
    with RunningServer(older, *EVERY) as server:
        assert f"its archive with record {last.last_n}" in server.log
        assert server.http.get("/health")["seq"] == last.last_seq
        trades(server, 1, first=900)
        assert server.stop() == 0
    assert verify([str(older), "--deep", "--quiet"]) == 0
    assert audit([str(older), "--quiet"]) == CLEAN
