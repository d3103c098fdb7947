"""How long an explanation takes on a long journal: `python -m benchmarks.explain 1000000`.

Writes a journal of limit orders, cancels and amends (a third of the orders take), then asks the
process that explains as the server does. Prints times, how late the event
loop is meanwhile, and the memory of the process and its checkpoints.
"""

from __future__ import annotations

import platform
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import eventlet

from engine.commands import AmendOrder, CancelOrder, Command, Deposit, EnterOrder, ListInstrument
from engine.instrument import Instrument
from engine.types import AccountId, Amount, Lots, OrderId, OrderType, Side, Ticks, TimeInForce
from explain.host import ExplainHost
from journal.codec import GENESIS, seal
from journal.committer import SWITCH_INTERVAL_SECONDS
from journal.sqlite import SqliteJournal

BATCH = 20  # commands a record
IDLE_S = 3.0
ACCOUNTS = [AccountId(number) for number in range(10, 30)]
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


def commands(count: int, rng: random.Random) -> list[Command]:
    """The flow; orders are cancelled by the ids that they will have."""
    flow: list[Command] = [ListInstrument(INSTRUMENT)]
    flow += [Deposit(account, asset, "1000000000000") for account in ACCOUNTS for asset in ("X", "USD")]
    entered: list[tuple[OrderId, AccountId]] = []
    while len(flow) < count:
        if entered and rng.random() < 0.45:
            order_id, account = entered.pop(rng.randrange(max(len(entered) - 3000, 0), len(entered)))
            if rng.random() < 0.2:
                flow.append(AmendOrder(account, order_id, quantity=Lots(1)))
            else:
                flow.append(CancelOrder(account, order_id))
            continue
        account, side = rng.choice(ACCOUNTS), rng.choice(list(Side))
        away = rng.randrange(-10, 60)
        price = 10_000 - away if side is Side.BUY else 10_000 + away
        entered.append((OrderId(len(flow) + 1), account))
        quantity = Lots(rng.randrange(1, 9))
        flow.append(EnterOrder(account, "X-USD", side, OrderType.LIMIT, TimeInForce.GTC, quantity, Ticks(price)))
    return flow


def write(path: Path, count: int) -> SqliteJournal:
    """A journal of `count` commands."""
    journal = SqliteJournal(path)
    flow, chain = commands(count, random.Random(7)), GENESIS
    for n, start in enumerate(range(0, count, BATCH), 1):
        record = seal(n, n * 1_000_000, start + 1, flow[start : start + BATCH], chain)
        journal.append(record)
        chain = record.chain
    return journal


def memory_mb(pid: int) -> tuple[float, float]:
    """Proportional memory of a process, and of it with its children, in megabytes."""
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)

    def pss(number: int) -> float:
        lines = Path(f"/proc/{number}/smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024

    own = pss(pid)
    return own, own + sum(pss(int(child)) for child in children.stdout.split())


def watch(delays: list[float]) -> None:
    """Note how much later than asked for the event loop comes back."""
    while True:
        started = time.perf_counter()
        eventlet.sleep(0.001)
        delays.append(time.perf_counter() - started - 0.001)


def print_delays(when: str, delays: list[float]) -> None:
    """Print how late the event loop came back, and forget it."""
    late = [f"{1000 * sorted(delays)[int(len(delays) * share)]:.1f}" for share in (0.5, 0.99, 0.999)]
    print(f"the event loop came back late {when} by (p50, p99, p99.9): {', '.join(late)} ms")
    delays.clear()


def main() -> None:
    """Print the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    print(f"{platform.platform()}, Python {platform.python_version()}, {count} commands, {BATCH} a record")
    with tempfile.TemporaryDirectory() as folder:
        journal = write(Path(folder) / "journal.sqlite", count)
        explainer = ExplainHost(journal)
        delays: list[float] = []
        watcher = eventlet.spawn(watch, delays)
        eventlet.sleep(IDLE_S)
        print_delays("before any question", delays)
        started = time.perf_counter()
        while True:
            try:
                explainer.explain("order", 1, None)
            except Exception as problem:
                if "EXPLAINER_BEHIND" not in str(getattr(problem, "code", "")):
                    break
                print(f"  behind after {time.perf_counter() - started:.1f} s: {problem}")
        print(f"first question, the journal followed: {time.perf_counter() - started:.1f} s")
        print_delays("meanwhile", delays)
        watcher.kill()
        rng = random.Random(3)
        for share in (0.999, 0.9, 0.5, 0.1):
            times: list[float] = []
            for _ in range(8):
                started = time.perf_counter()
                try:
                    explainer.explain("command", int(count * share) - rng.randrange(count // 1000), None)
                except Exception as problem:
                    print(f"  {problem}")
                times.append(time.perf_counter() - started)
            times.sort()
            print(f"an order {share:.1%} into the journal: median {times[4]:.2f} s, worst {times[-1]:.2f} s")
        if explainer.pid:
            own, whole = memory_mb(explainer.pid)
            print(f"memory: {own:.0f} MB, with its checkpoints {whole:.0f} MB")
        explainer.close()
        journal.close()


if __name__ == "__main__":
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)  # as the server does
    main()
