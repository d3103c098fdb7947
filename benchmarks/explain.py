"""How long an explanation takes on a long journal, and the memory it takes: `python -m benchmarks.explain 3000000`.

Writes a journal of a mixed flow (limit orders of which some take, cancels, amends; at most 100,000 are open), then asks
the process that explains as the server does: at first without anything, then with its index and its snapshots, about
what is new and what is old. Prints times, how late the event loop is meanwhile, and the memory of the process and its
children: proportional (PSS), and its highest while a question is answered.
"""

from __future__ import annotations

import contextlib
import random
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import eventlet
import psutil
from msgspec.structs import astuple

from benchmarks.machine import describe
from engine.commands import AmendOrder, CancelOrder, Command, Deposit, EnterOrder, ListInstrument
from engine.instrument import Instrument
from engine.types import AccountId, Amount, Lots, OrderId, OrderType, Side, Ticks, TimeInForce
from explain.host import ExplainerBehind, ExplainHost, NothingToExplain
from journal.codec import GENESIS, BatchRecord, seal
from journal.committer import SWITCH_INTERVAL_SECONDS
from journal.sqlite import SqliteJournal

BATCH = 20  # commands a record
RECORD_NS = 100_000_000  # from one record to the next: 200 commands a second
OPEN_MAX = 100_000  # orders
SAMPLE_S = 0.05  # between two readings of the memory
IDLE_S = 3.0
ASKED = 6  # questions about one part of the journal
ACCOUNTS = [AccountId(number) for number in range(10, 210)]
INSTRUMENT = Instrument(
    symbol="X-USD",
    base="X",
    quote="USD",
    tick_size="0.01",
    lot_size="1",
    quote_scale=4,
    lot_tick_amount=Amount(100),
    max_quantity=Lots(1000),
    max_notional=Amount(10**12),
    taker_fee=1000,
    max_open_orders=10**6,
    collar=100_000,
)


def commands(count: int, rng: random.Random) -> Iterator[Command]:
    """The flow; orders are cancelled by the ids that they will have."""
    yield ListInstrument(INSTRUMENT)
    for account in ACCOUNTS:
        for asset in ("X", "USD"):
            yield Deposit(account, asset, "1000000000000")
    entered: list[tuple[OrderId, AccountId]] = []
    for seq in range(2 + 2 * len(ACCOUNTS), count + 1):
        if len(entered) > OPEN_MAX or (entered and rng.random() < 0.45):
            late = rng.random() < 0.7  # most orders that are cancelled are young
            at = rng.randrange(max(len(entered) - 3000, 0) if late else 0, len(entered))
            order_id, account = entered[at]
            if rng.random() < 0.2:
                yield AmendOrder(account, order_id, quantity=Lots(1))
                continue
            entered[at] = entered[-1]
            entered.pop()
            yield CancelOrder(account, order_id)
            continue
        account, side = rng.choice(ACCOUNTS), rng.choice((Side.BUY, Side.SELL))
        away = rng.randrange(-10, 60)
        price = Ticks(10_000 - away if side is Side.BUY else 10_000 + away)
        entered.append((OrderId(seq), account))
        quantity = Lots(rng.randrange(1, 9))
        yield EnterOrder(account, "X-USD", side, OrderType.LIMIT, TimeInForce.GTC, quantity, price)


def write(path: Path, count: int) -> SqliteJournal:
    """A journal of `count` commands, written in one transaction: nobody waits for its records."""
    SqliteJournal(path).close()
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany("INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?)", map(astuple, records(count)))
    return SqliteJournal(path)


def records(count: int) -> Iterator[BatchRecord]:
    """The flow, sealed."""
    flow = commands(count, random.Random(7))
    chain, seq, n = GENESIS, 1, 1
    while batch := list(islice(flow, BATCH)):
        record = seal(n, n * RECORD_NS, seq, batch, chain)
        yield record
        chain, seq, n = record.chain, seq + len(batch), n + 1


class Memory(threading.Thread):
    """The memory of the process that explains with all its children, read now and then; the highest is kept."""

    def __init__(self, explainer: ExplainHost) -> None:
        super().__init__(daemon=True)
        self._explainer = explainer
        self.now = self.highest = 0.0  # megabytes of PSS
        self.processes = 0

    def run(self) -> None:
        while True:
            time.sleep(SAMPLE_S)
            try:
                own = psutil.Process(self._explainer.pid or -1)
                family = [own, *own.children(recursive=True)]
                self.now = sum(process.memory_full_info().pss for process in family) / 1e6
            except (psutil.Error, ValueError):
                continue
            self.processes = len(family)
            self.highest = max(self.highest, self.now)

    def report(self, when: str) -> None:
        """Print the highest since the last report."""
        print(f"  memory {when}: {self.now:.0f} MB in {self.processes} processes, at most {self.highest:.0f} MB")
        self.highest = 0.0


def processor_seconds(explainer: ExplainHost) -> float:
    """The processor time of the process that explains and of all that it has started and ended."""
    try:
        times = psutil.Process(explainer.pid or -1).cpu_times()
    except (psutil.Error, ValueError):
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def watch(delays: list[float]) -> None:
    """Note how much later than asked for the event loop comes back."""
    while True:
        started = time.perf_counter()
        eventlet.sleep(0.001)
        delays.append(time.perf_counter() - started - 0.001)


def print_delays(when: str, delays: list[float]) -> None:
    """Print how late the event loop came back, and forget it."""
    late = [f"{1000 * sorted(delays)[int(len(delays) * share)]:.1f}" for share in (0.5, 0.99, 0.999)]
    print(f"  the event loop came back late {when} by (p50, p99, p99.9): {', '.join(late)} ms", flush=True)
    delays.clear()


def ask(explainer: ExplainHost, seq: int) -> tuple[float, float]:
    """Explain a command, however often it takes; return the seconds, and those of a processor."""
    started, used = time.perf_counter(), processor_seconds(explainer)
    while True:
        try:
            explainer.explain("command", seq, None)
        except ExplainerBehind as behind:
            print(f"  behind after {time.perf_counter() - started:.1f} s: {behind}", flush=True)
            continue
        except NothingToExplain:
            print(f"  nothing to explain at {seq}")
        return time.perf_counter() - started, processor_seconds(explainer) - used


def measure(journal: SqliteJournal, folder: Path, count: int) -> None:
    """Ask, first without an index, then with one."""
    delays: list[float] = []
    watcher = eventlet.spawn(watch, delays)
    eventlet.sleep(IDLE_S)
    print_delays("before any question", delays)
    for index in ("no index", "an index"):
        explainer = ExplainHost(journal, folder)
        memory = Memory(explainer)
        memory.start()
        seconds, used = ask(explainer, count - 1000)
        print(f"the first question after a start, with {index}: {seconds:.1f} s, {used:.1f} s of a processor")
        print_delays("meanwhile", delays)
        memory.report("then")
        if index == "an index":
            _ask_about(explainer, memory, count)
        explainer.close()
    watcher.kill()
    files = {path.name: path.stat().st_size for path in folder.rglob("explain*/*")}
    index_bytes = (folder / "explain.sqlite").stat().st_size
    print(f"index {index_bytes / 1e6:.0f} MB, {len(files)} snapshots of {sum(files.values()) / 1e6:.0f} MB")


def _ask_about(explainer: ExplainHost, memory: Memory, count: int) -> None:
    rng = random.Random(3)
    for share in (0.9995, 0.98, 0.5, 0.1, 0.01):
        middle = int(count * share)
        asked = [ask(explainer, middle - rng.randrange(max(count // 1000, 1))) for _ in range(ASKED)]
        for kind, times in (("", [each[0] for each in asked]), (" of a processor", [each[1] for each in asked])):
            times.sort()
            figures = f"median {times[ASKED // 2]:.2f} s{kind}, worst {times[-1]:.2f} s"
            print(f"a question about {share:.2%} into the journal: {figures}")
        memory.report("meanwhile")


def main() -> None:
    """Print the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    print(f"{describe()}, {count:,} commands, {BATCH} a record")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        journal = write(folder / "journal.sqlite", count)
        try:
            measure(journal, folder, count)
        finally:
            journal.close()


if __name__ == "__main__":
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)  # as the server does
    main()
