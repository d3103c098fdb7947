"""A disk that is full, read-only, broken or slow, under a running server and under one that starts.

The full disk is a file system of its own in memory, mounted for the purpose, so that journal, history and snapshots
find no room, as it is in life; who may not mount has the limit of a file's size instead (tests/durability).
Errors and delays are those of the system call, injected by strace.
"""

from __future__ import annotations

import os
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.attacks.bystander import Bystander
from tests.durability.client import Client
from tests.durability.load import Promises, order_body
from tests.faults.promised import SNAPSHOTS, enter, judge_promises, loaded
from tests.faults.report import Report, program
from tests.faults.tracing import can_trace, injected
from tests.replica.historian import historian_of
from tests.server import RunningServer, eventually

Fault = Callable[[Report, Path], None]

SIZE_MB = 48
ROOM_BYTES = 400_000
FLUSH_MS = 200
SLOW_P50_MAX_MS = 25.0
ORDERS_MAX = 20_000
HEALED_S = 60.0


def can_mount() -> bool:
    """Whether a file system in memory can be mounted here."""
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as folder:
        if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], capture_output=True, check=False).returncode:
            return False
        subprocess.run(["umount", folder], check=True)
    return True


@contextmanager
def small_disk(folder: Path, size_mb: int = SIZE_MB) -> Iterator[Path]:
    """A file system of so many megabytes, mounted at `folder`."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path, leave_bytes: int) -> Path:
    """A file that takes all room of a disk but so much."""
    room = os.statvfs(disk)
    filler = disk / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize - leave_bytes)
    return filler


def full_disk(report: Report, folder: Path, room_bytes: int = ROOM_BYTES) -> None:
    """No room any more while orders come: 503 from then on, reads go on; with room again a restart heals."""
    promises = Promises()
    with small_disk(folder / "data") as data, RunningServer(data, *SNAPSHOTS) as server:
        client = Client(server.port)
        enter(client, promises, "before", 50)
        filler = fill(data, room_bytes)
        taken = enter(client, promises, "full", ORDERS_MAX)
        report.judge(taken < ORDERS_MAX, f"full disk: 503 after {taken:,} more orders")
        _judge_refusal(report, server, client, "full disk")
        client.close()
        filler.unlink()
        server.kill()
        judge_promises(report, data, promises, "full disk, then room again and a restart")


def _judge_refusal(report: Report, server: RunningServer, client: Client, what: str) -> None:
    """Entry is refused with a reason, and what is read is read."""
    refused = client.call("POST", "/order", order_body("late", random.Random(6)))
    named = (refused.status, refused.body.get("error_code")) == (503, "NOT_ACCEPTING")
    report.judge(named, f"{what}: an order is answered {refused.status} {refused.body.get('error_code')}")
    report.judge(client.get("/health")["accepting"] is False, f"{what}: GET /health says accepting false")
    for path in ("/book/BTC-USDT", "/bbo/ETH-USDT", "/symbols", "/ticker"):
        client.get(path)
    log = server.log
    report.judge("Traceback" not in log, f"{what}: no traceback in the log; book, bbo, symbols and ticker are served")


def read_only(report: Report, folder: Path) -> None:
    """A folder that cannot be written: a start ends with a reason and a status, not a traceback."""
    with small_disk(folder / "data") as data:
        with RunningServer(data) as server:
            server.http.enter("BTC-USDT", "buy", "0.1", "30000.00")
            server.stop()
        subprocess.run(["mount", "-o", "remount,ro", str(data)], check=True)
        starting = RunningServer(data)
        status, _ = starting.fails_to_start()
        said = starting.log.strip()
        report.judge(
            status == 1 and said.splitlines()[-1].startswith("Error: ") and "Traceback" not in said,
            f"read-only folder: a start ends with status {status}: {said.splitlines()[-1].replace(str(data), 'DATA')}",
        )
        subprocess.run(["mount", "-o", "remount,rw", str(data)], check=True)
        with RunningServer(data) as server:
            report.judge(len(server.http.get("/orders")["orders"]) == 1, "writable again: it starts, with its order")


def history_errors(report: Report, folder: Path, seconds: float) -> None:
    """Every write of the historian fails for a while: nobody but its readers notices, and it heals by itself."""
    promises = Promises()
    with RunningServer(folder / "data", *SNAPSHOTS) as server:
        child = historian_of(server)
        trader = Bystander(server.url, order=True)
        with loaded(server, promises, "h"), trader, injected(child, "pwrite64:error=EIO"):
            time.sleep(seconds)
        report.judge(trader.figures.failures == 0, f"EIO of all the historian writes, under load: {trader.figures}")
        began = time.monotonic()
        eventually(lambda: server.http.get("/health")["history"]["lag"] == 0, HEALED_S)
        report.judge(
            True, f"the history was whole again {time.monotonic() - began:.1f} s after that, without a restart"
        )
        server.stop()
    judge_promises(report, folder / "data", promises, "EIO of the historian's writes")


def io_errors(report: Report, folder: Path, call: str = "fdatasync") -> None:
    """EIO from a flush or a write: 503 with a reason, and after a restart all that was acknowledged."""
    promises = Promises()
    with RunningServer(folder / "data", *SNAPSHOTS) as server:
        client = Client(server.port)
        enter(client, promises, "before", 50)
        began = time.monotonic()
        with injected(server.process, f"{call}:error=EIO"):
            taken = enter(client, promises, "broken", 200)
            took_s = time.monotonic() - began
            report.judge(
                taken < 200, f"EIO of {call}: 503 after {taken} more orders, {took_s:.1f} s, strace's start in it"
            )
            _judge_refusal(report, server, client, f"EIO of {call}")
        client.close()
        server.kill()
    judge_promises(report, folder / "data", promises, f"EIO of {call}, then a restart")


def slow_flushes(report: Report, folder: Path, seconds: float, flush_ms: int = FLUSH_MS, *, timed: bool = True) -> None:
    """Each flush takes so long: orders wait for theirs, reads wait for nobody."""
    promises = Promises()
    with RunningServer(folder / "data", *SNAPSHOTS) as server:
        with injected(server.process, f"fdatasync:delay_exit={flush_ms * 1000}"):
            began, before = time.monotonic(), len(promises.orders)
            with loaded(server, promises, "slow"), Bystander(server.url) as reader:
                time.sleep(seconds)
            rate = (len(promises.orders) - before) / (time.monotonic() - began)
        report.judge(
            reader.figures.failures == 0 and (reader.figures.p50_ms < SLOW_P50_MAX_MS or not timed),
            f"flushes of {flush_ms} ms: {rate:.0f} orders a second of four traders, reads {reader.figures}",
        )
        server.stop()
    judge_promises(report, folder / "data", promises, f"flushes of {flush_ms} ms")


def full(report: Report, seconds: float = 10.0) -> None:
    """Each in a folder of its own; what this machine does not allow is said and left out."""
    on_disks: list[Fault] = [full_disk, read_only]
    of_calls: list[Fault] = [
        io_errors,
        lambda report, folder: io_errors(report, folder, "pwrite64"),
        lambda report, folder: slow_flushes(report, folder, seconds),
        lambda report, folder: history_errors(report, folder, seconds),
    ]
    for needed, allowed, faults in (("mount", can_mount(), on_disks), ("trace", can_trace(), of_calls)):
        if not allowed:
            report.progress(f"left out, since this user may not {needed} here: {len(faults)} faults")
            continue
        for fault in faults:
            with tempfile.TemporaryDirectory() as folder:
                fault(report, Path(folder))


if __name__ == "__main__":
    program(full)
