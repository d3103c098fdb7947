"""Files of the data folder that another program removes, renames or locks while the server runs.

What holds the truth (the journal) stops the taking of orders at once, since nothing could be kept; what is derived from
it, or can be made again, stops nothing. Each time: what happens to orders meanwhile, whether it starts again, and
whether everything promised is there then.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from tests.attacks.bystander import Bystander
from tests.durability.client import Client
from tests.durability.load import Promises
from tests.faults.promised import SNAPSHOTS, enter, judge_promises
from tests.faults.report import Report, program
from tests.server import RunningServer, eventually

JOURNAL = "journal.sqlite"
HISTORY = "history.sqlite"
IDENTITY = "identity.sqlite"
NOTICED_S = 5.0
LOCKED_S = 7.0
REFUSED_S = 4.5  # the lock is waited for half a second; what hangs is given up after five
CAUGHT_UP_S = 60.0
MORE = 30  # orders that are entered afterwards

Act = Callable[[Path], None]


class Case(NamedTuple):
    """What is done to files, and what must come of it."""

    name: str
    files: str  # a pattern within the folder
    act: Act
    stops: bool  # the taking of orders
    put_back: bool = False  # before the next start
    refused: str = ""  # by the next start, with these words


def remove(path: Path) -> None:
    """Files and folders."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def rename(path: Path) -> None:
    """Out of the way; `_put_back` undoes it."""
    path.rename(path.with_name(f"{path.name}.away"))


CASES = (
    Case("the journal is removed", f"{JOURNAL}*", remove, stops=True, refused="Error: "),
    Case("the journal is renamed, and put back", JOURNAL, rename, stops=True, put_back=True),
    Case("the journal's log is removed", f"{JOURNAL}-wal", remove, stops=True, refused="Error: "),
    Case("the journal's log is renamed, and put back", f"{JOURNAL}-wal", rename, stops=True, put_back=True),
    Case("the history is removed", f"{HISTORY}*", remove, stops=False),
    Case("the history is renamed", HISTORY, rename, stops=False),
    Case("the snapshots are removed", "snapshots", remove, stops=False),
    Case("the snapshots are renamed", "snapshots/*", rename, stops=False),
    Case("the secret key is removed", "secret.key", remove, stops=False),
    Case("the schedules are removed", "schedules.json", remove, stops=False),
)


def judge(report: Report, folder: Path, case: Case) -> None:
    """One of them."""
    promises, data = Promises(), folder / "data"
    with RunningServer(data, *SNAPSHOTS) as server:
        client = Client(server.port)
        enter(client, promises, "before", 50)
        if case.files.startswith("snapshots"):  # the historian writes them a moment later
            eventually(lambda: list((data / "snapshots").glob("snapshot-*")))
        found = list(data.glob(case.files))
        for path in found:
            case.act(path)
        if case.stops:
            began = time.monotonic()
            with suppress(AssertionError):
                eventually(lambda: not client.get("/health")["accepting"], NOTICED_S)
            noticed_s = time.monotonic() - began
            taken = enter(client, promises, "after", MORE)
            report.judge(taken == 0, f"{case.name}: {taken} orders taken after {noticed_s:.1f} s, then 503")
        else:
            taken = enter(client, promises, "after", MORE)
            report.judge(taken == MORE, f"{case.name} ({len(found)} files): orders go on")
        report.judge("Traceback" not in server.log, f"{case.name}: no traceback in the log")
        client.close()
        server.kill()
    if case.put_back:
        _put_back(data)
    if case.refused:
        starting = RunningServer(data)
        status, _ = starting.fails_to_start()
        said = starting.log.strip().splitlines()[-1].replace(str(folder), "")
        report.judge(status == 1 and case.refused in said, f"{case.name}: a start ends with status {status}: {said}")
    else:
        judge_promises(report, data, promises, f"{case.name}, then a restart")


def _put_back(data: Path) -> None:
    for path in data.rglob("*.away"):
        path.rename(path.with_suffix(""))


def judge_journal_lock(report: Report, folder: Path) -> None:
    """Another program cannot lock the journal while the server has it."""
    promises, data = Promises(), folder / "data"
    with RunningServer(data, *SNAPSHOTS) as server:
        client = Client(server.port)
        enter(client, promises, "before", 20)
        locked = True
        with closing(sqlite3.connect(data / JOURNAL, timeout=1.0, isolation_level=None)) as other:
            try:
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                locked = False
            taken = enter(client, promises, "after", MORE)
        report.judge(not locked and taken == MORE, "the journal: another program is refused the lock, orders go on")
        client.close()
        server.kill()
    judge_promises(report, data, promises, "the journal, another program at it")


def judge_history_lock(report: Report, folder: Path, seconds: float) -> None:
    """The history is locked for longer than anybody waits: orders go on, and it catches up without a restart."""
    promises, data = Promises(), folder / "data"
    with RunningServer(data, *SNAPSHOTS) as server:
        client = Client(server.port)
        enter(client, promises, "before", 20)
        with closing(sqlite3.connect(data / HISTORY, timeout=10.0, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with Bystander(server.url, order=True, rate_per_s=50) as trader:
                time.sleep(seconds)
        report.judge(trader.figures.failures == 0, f"the history locked for {seconds:.0f} s: others {trader.figures}")
        began = time.monotonic()
        eventually(lambda: client.get("/health")["history"]["lag"] == 0, CAUGHT_UP_S)
        report.judge(True, f"the history had caught up {time.monotonic() - began:.1f} s after its lock was gone")
        client.close()
        server.stop()
    judge_promises(report, data, promises, "the history locked")


def judge_identity_lock(report: Report, folder: Path) -> None:
    """The identity database is locked: signing in is refused at once, orders and those signed in go on."""
    promises, data = Promises(), folder / "data"
    with RunningServer(data, *SNAPSHOTS) as server:
        client = Client(server.port)
        enter(client, promises, "before", 5)
        with closing(sqlite3.connect(data / IDENTITY, timeout=10.0, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with Bystander(server.url, order=True, rate_per_s=50) as trader:
                began = time.monotonic()
                guest = client.call("POST", "/auth/guest")
                took_s = time.monotonic() - began
        report.judge(
            guest.status == 503 and took_s < REFUSED_S,
            f"identity locked: a new guest is answered {guest.status} after {took_s:.1f} s",
        )
        report.judge(trader.figures.failures == 0, f"identity locked: others {trader.figures}")
        began = time.monotonic()
        eventually(lambda: client.call("POST", "/auth/guest").status == 201, CAUGHT_UP_S)
        report.judge(True, f"unlocked: guests come in again after {time.monotonic() - began:.1f} s")
        client.close()
        server.stop()
    judge_promises(report, data, promises, "identity locked")


def full(report: Report) -> None:
    """Each on a folder of its own."""
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            judge(report, Path(folder), case)
    for locked in (
        judge_journal_lock,
        lambda report, folder: judge_history_lock(report, folder, LOCKED_S),
        judge_identity_lock,
    ):
        with tempfile.TemporaryDirectory() as folder:
            locked(report, Path(folder))


if __name__ == "__main__":
    program(full)
