"""How fast the journal commits: against a bare file, through the commit thread, beside a busy event loop.

    python -m benchmarks.journal_commit [--seconds 2] [--directory DIR]

Every figure is of commits: a commit is one batch, flushed. "bare file" appends the same bytes to a
file and calls fsync. "busy" keeps the event loop computing between turns, as a server under load
does, for several `sys.setswitchinterval`.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import NamedTuple

import eventlet

from benchmarks.arguments import positive_float
from engine.commands import Command, EnterOrder
from engine.types import SANDBOX_ACCOUNT, Lots, OrderType, Side, Ticks, TimeInForce
from journal.codec import GENESIS, BatchRecord, seal
from journal.committer import SWITCH_INTERVAL_SECONDS, Committer
from journal.sqlite import SqliteJournal

BATCH_SIZES = (1, 100)
SWITCH_INTERVALS = (0.005, 0.001, 0.0005, 0.0001)  # 5 ms is Python's default
BUSY_SLICE_SECONDS = 0.001  # how long the busy event loop computes between two turns: some five requests


class Figures(NamedTuple):
    """What was measured of one way to commit."""

    latencies_ns: list[int]
    seconds: float


def commands(size: int) -> list[Command]:
    """Limit orders as a client sends them."""
    rng = random.Random(size)
    return [
        EnterOrder(
            SANDBOX_ACCOUNT,
            "BTC-USDT",
            rng.choice(list(Side)),
            OrderType.LIMIT,
            TimeInForce.GTC,
            Lots(rng.randint(1, 10**9)),
            Ticks(rng.randint(2_990_000, 3_010_000)),
            f"client-{rng.randrange(10**6)}",
        )
        for _ in range(size)
    ]


def records(size: int) -> Iterator[BatchRecord]:
    """Chained records of `size` commands without end. Sealing is part of what is measured."""
    batch, chain = commands(size), GENESIS
    for n in count(1):
        record = seal(n, time.time_ns(), (n - 1) * size + 1, batch, chain)
        yield record
        chain = record.chain


def timed(commit: Callable[[BatchRecord], None], size: int, seconds: float) -> Figures:
    """Commit one batch after the other for `seconds`, and for as long as the last one takes."""
    latencies_ns: list[int] = []
    stream = records(size)
    begun = time.perf_counter()
    while time.perf_counter() < begun + seconds:
        record = next(stream)
        started = time.perf_counter_ns()
        commit(record)
        latencies_ns.append(time.perf_counter_ns() - started)
    return Figures(latencies_ns, time.perf_counter() - begun)


def report(name: str, figures: Figures, bare: float | None = None) -> float:
    """Print one line; return commits a second."""
    ordered = sorted(figures.latencies_ns)
    rate = len(ordered) / figures.seconds
    p50, p99, p999 = (ordered[min(len(ordered) - 1, int(len(ordered) * q))] / 1e6 for q in (0.5, 0.99, 0.999))
    ratio = f"  x{rate / bare:.2f} of a bare file" if bare else ""
    print(
        f"  {name:<34}{rate:>8,.0f}/s   p50 {p50:6.3f}  p99 {p99:6.3f}  p99.9 {p999:7.3f}"
        f"  max {ordered[-1] / 1e6:7.3f} ms{ratio}",
        flush=True,
    )
    return rate


def bare_file(folder: Path, size: int, seconds: float) -> Figures:
    """Append the record's body to a file and fsync."""
    with (folder / "bare").open("wb", buffering=0) as file:

        def commit(record: BatchRecord) -> None:
            file.write(record.body)
            os.fsync(file.fileno())

        return timed(commit, size, seconds)


def sqlite_journal(folder: Path, size: int, seconds: float) -> Figures:
    """The journal called directly."""
    with closing(SqliteJournal(folder / f"direct-{size}.sqlite")) as journal:
        return timed(journal.append, size, seconds)


def through_thread(folder: Path, size: int, seconds: float, interval: float, busy: bool) -> Figures:
    """The journal behind its commit thread, from a greenlet; with `busy`, another greenlet computes."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(interval)
    path = folder / f"thread-{size}-{interval}-{busy}.sqlite"
    worker = eventlet.spawn(compute) if busy else None
    try:
        with closing(SqliteJournal(path)) as journal:
            committer = Committer(journal)
            committer.start()
            latencies = timed(lambda record: committer.wait(committer.commit(record)), size, seconds)
            committer.stop()
            return latencies
    finally:
        sys.setswitchinterval(usual)
        if worker is not None:
            worker.kill()


def compute() -> None:
    """Pure Python without I/O, in slices."""
    while True:
        until = time.perf_counter() + BUSY_SLICE_SECONDS
        while time.perf_counter() < until:
            sum(range(50))
        eventlet.sleep(0)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=positive_float, default=2.0, help="for each figure (default 2)")
    parser.add_argument("--directory", help="where to write; the disk of this folder is measured")
    options = parser.parse_args()
    print(f"{platform.platform()}, {os.cpu_count()} CPUs, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        folder = Path(name)
        for size in BATCH_SIZES:
            print(f"{size} command{'s' if size > 1 else ''} a batch")
            bare = report("bare file, write + fsync", bare_file(folder, size, options.seconds))
            direct = sqlite_journal(folder, size, options.seconds)
            report("journal", direct, bare)
            quiet = through_thread(folder, size, options.seconds, SWITCH_INTERVAL_SECONDS, busy=False)
            report("through the commit thread", quiet, bare)
            for interval in SWITCH_INTERVALS:
                busy = through_thread(folder, size, options.seconds, interval, busy=True)
                report(f"busy loop, switch interval {interval * 1000:g} ms", busy, bare)


if __name__ == "__main__":
    main()
