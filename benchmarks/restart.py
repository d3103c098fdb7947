"""How long a start takes: `python -m benchmarks.restart`, with `--commands`, `--resting`, `--behind`, `--rounds`.

Makes a journal of mixed flow, and by a follower the snapshots that a historian would have written, the last of them
`--behind` commands before the end. Then starts the server on it, again and again, until an order is answered; and
replays a million such commands without a snapshot.
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Final

import psutil

from benchmarks import mixed_journal
from benchmarks.machine import describe
from engine.types import Seq
from history.writer import HistoryWriter
from journal.snapshots import SnapshotFolder
from journal.sqlite import SqliteJournal
from loop.collector import collector_off, made_to_stay
from projections.projections import Projections
from replica.follower import Follower
from replica.recovery import recover

ROOT: Final = Path(__file__).parents[1]
ORDER: Final = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.1", "price": "30000.00"}
PATIENCE_S: Final = 600.0


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commands", type=int, default=3_000_000)
    parser.add_argument("--resting", type=int, default=100_000, help="orders in the books")
    parser.add_argument("--behind", type=int, default=25_000, help="commands behind the newest snapshot")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--replayed", type=int, default=1_000_000, help="commands replayed without a snapshot; 0: none")
    asked = parser.parse_args()
    print(describe())
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir(mode=0o700)
        prepare(data, asked.commands, asked.resting, asked.behind)
        for number in range(asked.rounds):
            took_s, processor_s = started_s(data)
            answered_after = f"the first order was answered after {took_s:.2f} s"
            print(f"start {number + 1}: {answered_after}, {processor_s:.2f} s of a processor", flush=True)
        if asked.replayed:
            replay(Path(folder) / "short", asked.replayed, asked.resting)
    return 0


def prepare(data: Path, commands: int, resting: int, behind: int) -> None:
    """Journal, snapshots, and a history that says it has all."""
    began = time.perf_counter()
    mixed_journal.write(data / "journal.sqlite", commands, resting)
    print(f"a journal of {commands:,} commands, made in {time.perf_counter() - began:.0f} s", flush=True)
    with closing(SqliteJournal(data / "journal.sqlite")) as journal, collector_off():
        follower = Follower()
        projections = Projections(follower.exchange)
        follower.listen(projections.on_record)
        folder = SnapshotFolder(data / "snapshots", "benchmark")
        due = [commands - behind - 50_000, commands - behind]
        began = time.perf_counter()
        for record in journal.read():
            follower.follow(record)
            if due and follower.seq >= due[0]:
                due.pop(0)
                saving = time.perf_counter()
                saved = folder.save(follower.exchange, record, projections.saved())
                saved_s = time.perf_counter() - saving
        print(f"followed in {time.perf_counter() - began:.0f} s")
        orders, remembered = len(follower.exchange.orders), len(follower.exchange.recent)
        print(f"{orders:,} open orders, {remembered:,} remembered; a snapshot: {saved.size:,} bytes in {saved_s:.2f} s")
    HistoryWriter(data / "history.sqlite").close()
    with closing(sqlite3.connect(data / "history.sqlite")) as history:
        history.execute("UPDATE progress SET applied_seq = ?", (commands,))
        history.commit()


def started_s(data: Path) -> tuple[float, float]:
    """Seconds from the start of the server's process to its first answer to an order, by the clock and of a processor.

    Then it is killed. The second is what a busy machine cannot make longer by having it wait.
    """
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    copy = data.with_name(f"copy-{port}")  # of an earlier one a historian may write still
    shutil.copytree(data, copy)
    log = (copy / "log").open("wb")
    began = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "api/app.py", "--port", str(port), "--data", str(copy)], cwd=ROOT, stdout=log, stderr=log
    )
    try:
        while not answered(port):
            if server.poll() is not None or time.perf_counter() - began > PATIENCE_S:
                raise SystemExit((copy / "log").read_text())
            time.sleep(0.01)
        took_s = time.perf_counter() - began
        used = psutil.Process(server.pid).cpu_times()
    finally:
        server.kill()
        server.wait()
        print("".join(line for line in (copy / "log").open() if "replayed" in line), end="")
        shutil.rmtree(copy, ignore_errors=True)
    return took_s, used.user + used.system


def answered(port: int) -> bool:
    """Whether an order is answered."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/order", json.dumps(ORDER).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310 - our own server
            return bool(answer.status == 200)
    except urllib.error.HTTPError as refused:
        if refused.code != 503:
            raise
        return False
    except OSError:
        return False


def replay(folder: Path, commands: int, resting: int) -> None:
    """Replay without a snapshot, as a start does, and print how long it took."""
    mixed_journal.write(folder / "journal.sqlite", commands, resting)
    with closing(SqliteJournal(folder / "journal.sqlite")) as journal, made_to_stay():
        began = time.process_time()
        recovered = recover(journal, SnapshotFolder(folder / "snapshots"), lambda _: [], lambda _: None)
    assert recovered.follower.seq == Seq(commands)
    processor_s = time.process_time() - began
    took = f"{recovered.seconds:.2f} s, {processor_s:.2f} s of a processor"
    print(f"{commands:,} commands replayed without a snapshot in {took}")


if __name__ == "__main__":
    sys.exit(main())
