"""SIGSTOP for ten seconds: of the server, of the historian, of both, under load.

A machine that is suspended, a container that is frozen, a debugger: the process is there and does nothing. Whoever asks
a stopped server waits, and is answered when it goes on; a stopped historian holds nobody up.
"""

from __future__ import annotations

import signal
import tempfile
import time
from pathlib import Path

import psutil

from tests.attacks.bystander import Bystander
from tests.durability.load import Promises
from tests.faults.promised import SNAPSHOTS, judge_promises, loaded
from tests.faults.report import Report, program
from tests.replica.historian import historian_of
from tests.server import RunningServer, eventually

SECONDS = 10.0
GOES_ON_S = 10.0  # within which everything is as before
CAUGHT_UP_S = 60.0
MEMORY_MAX_MB = 150.0


def stopped(processes: list[psutil.Process], seconds: float) -> None:
    """Stop them, and let them go on after so long."""
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)


def pause_server(report: Report, folder: Path, seconds: float, *, with_historian: bool) -> None:
    """Of the server, or of both."""
    what, promises = "server and historian" if with_historian else "the server", Promises()
    with RunningServer(folder / "data", *SNAPSHOTS) as server:
        child = historian_of(server)
        with loaded(server, promises, "p"):
            stopped([server.process, *[child] * with_historian], seconds)
            began, before = time.monotonic(), len(promises.orders)
            eventually(lambda: len(promises.orders) > before, GOES_ON_S)
            first_s = time.monotonic() - began
            eventually(lambda: len(promises.orders) > before + 50, GOES_ON_S)
        report.judge(
            first_s < GOES_ON_S,
            f"{what} stopped for {seconds:.0f} s: the next answer {first_s * 1000:.0f} ms after it goes on",
        )
        report.judge(child.is_running(), f"{what}: the historian is the same process")
        server.stop()
    judge_promises(report, folder / "data", promises, f"{what} stopped")


def pause_historian(report: Report, folder: Path, seconds: float) -> None:
    """Of the historian: orders are answered as if nothing were, and it catches up."""
    promises = Promises()
    with RunningServer(folder / "data", *SNAPSHOTS) as server:
        child, before_mb = historian_of(server), server.process.memory_info().rss / 1e6
        with loaded(server, promises, "p"), Bystander(server.url, rate_per_s=50, order=True) as bystander:
            stopped([child], seconds)
            lag = server.http.get("/health")["history"]["lag"]
        more_mb = server.process.memory_info().rss / 1e6 - before_mb
        figures = bystander.figures
        report.judge(figures.failures == 0, f"the historian stopped for {seconds:.0f} s under load: others {figures}")
        began = time.monotonic()
        eventually(lambda: server.http.get("/health")["history"]["lag"] == 0, CAUGHT_UP_S)
        caught_s = time.monotonic() - began
        report.judge(True, f"it was {lag:,} commands behind and caught up {caught_s:.1f} s after the load ended")
        report.judge(more_mb < MEMORY_MAX_MB, f"the server took {more_mb:.0f} MB more meanwhile")
        server.stop()
    judge_promises(report, folder / "data", promises, "the historian stopped")


def full(report: Report, seconds: float = SECONDS) -> None:
    """All three."""
    for name in ("server", "both", "historian"):
        with tempfile.TemporaryDirectory() as folder:
            if name == "historian":
                pause_historian(report, Path(folder), seconds)
            else:
                pause_server(report, Path(folder), seconds, with_historian=name == "both")


if __name__ == "__main__":
    program(full)
