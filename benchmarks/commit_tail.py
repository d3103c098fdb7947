"""What a slow commit waits for: a processor, the disk, or the folding of the log.

    python -m benchmarks.commit_tail [--commits 3000] [--rounds 3]

Appends records of three orders one after the other, as a server at a few thousand orders a second does, with the log
folded after so many pages, alone and beside a process that writes a history on the same disk. The scheduler says how
long the thread waited for a processor (`schedstat`, Linux): what is left of a commit besides is its own computing and
the disk, which other programs on these cores change little.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

from benchmarks.arguments import positive_int
from benchmarks.generators import percentile
from benchmarks.journal_commit import commands
from benchmarks.machine import describe
from history import sqlite
from history.layout import ORDERS, TRADES
from journal.codec import GENESIS, seal
from journal.sqlite import SqliteJournal

ORDERS_A_RECORD = 3
PAUSE_S = 0.0007  # between two commits
NEVER = 2**62
FOLD_PAGES = (NEVER, 1_000, 250, 64)
HISTORY_ROWS, HISTORY_PAUSE_S = 100, 0.03  # of each transaction of the history, and between two
SHARES = (50, 99, 99.9, 100)


class Stopwatch:
    """Milliseconds of one thread since it was started, without those that it waited for a processor."""

    def __init__(self) -> None:
        self._schedstat = os.open("/proc/thread-self/schedstat", os.O_RDONLY)
        self.start()

    def start(self) -> None:
        """Begin anew."""
        self._waited_ns, self._began_ns = self._waited(), time.perf_counter_ns()

    def read_ms(self) -> tuple[float, float]:
        """What passed besides waiting for a processor, and what was waited for one."""
        waited_ns = self._waited() - self._waited_ns
        return (time.perf_counter_ns() - self._began_ns - waited_ns) / 1e6, waited_ns / 1e6

    def _waited(self) -> int:
        return int(os.pread(self._schedstat, 100, 0).split()[1])


def write_history(path: Path) -> None:
    """Rows of orders and trades in transactions, as the historian writes them, until it is ended."""
    connection = sqlite.connect_writer(path)
    sqlite.make_tables(connection, sqlite.Progress(0, 0))
    row = 0
    while True:
        connection.execute("BEGIN IMMEDIATE")
        for table in (ORDERS, TRADES):
            width = len(table.columns) - 1
            rows = [(row + number, *([row + number] * width)) for number in range(HISTORY_ROWS)]
            connection.executemany(sqlite.insertion(table), rows)
        connection.execute("COMMIT")
        row += HISTORY_ROWS
        time.sleep(HISTORY_PAUSE_S)


@contextmanager
def history_beside(folder: Path) -> Iterator[None]:
    """A process that writes a history in `folder`."""
    process = multiprocessing.get_context("spawn").Process(target=write_history, args=(folder / "history.sqlite",))
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def measure(commits: int, fold_pages: int, *, beside_history: bool) -> str:
    """A row of the table."""
    own: list[float] = []
    waits: list[float] = []
    folds: list[float] = []
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        history = history_beside(Path(name)) if beside_history else nullcontext()
        with closing(SqliteJournal(Path(name) / "journal.sqlite")) as journal, history:
            watch, chain = Stopwatch(), GENESIS
            orders = commands(ORDERS_A_RECORD)
            for n in range(1, commits + 1):
                record = seal(n, 1, 1 + (n - 1) * ORDERS_A_RECORD, orders, chain)
                watch.start()
                journal.append(record)
                spent_ms, waited_ms = watch.read_ms()
                own.append(spent_ms)
                waits.append(waited_ms)
                chain = record.chain
                if journal._folding.pages >= fold_pages:
                    watch.start()
                    journal._folding.fold()
                    folds.append(watch.read_ms()[0])
                time.sleep(PAUSE_S)
    cells = [
        "never" if fold_pages == NEVER else f"{fold_pages:,} pages",
        "yes" if beside_history else "no",
        *[" / ".join(f"{percentile(sorted(each), share):.2f}" for share in SHARES) for each in (own, waits)],
        f"{len(folds)}, longest {max(folds, default=0):.2f}, all {sum(folds):.1f}",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commits", type=positive_int, default=3_000, help="of each row (default %(default)s)")
    parser.add_argument("--rounds", type=positive_int, default=3, help="of all rows (default %(default)s)")
    arguments = parser.parse_args()
    shares = " / ".join(f"p{share:g}" for share in SHARES)
    print(f"{describe()}. Milliseconds.\n")
    print(f"| log folded after | beside a history | a commit: {shares} | of it waited for a processor | folds |")
    print("|---|---|---|---|---|")
    for _ in range(arguments.rounds):
        for beside_history in (False, True):
            for fold_pages in FOLD_PAGES:
                print(measure(arguments.commits, fold_pages, beside_history=beside_history), flush=True)


if __name__ == "__main__":
    main()
