"""What it takes to read an order and to write its answer, against an earlier commit, as ratios of one run.

    python -m benchmarks.answers REVISION [--rounds 40] [--cases batch cancel]

No network, no journal: a body becomes a command (`read`), and the result of a command becomes the bytes of its answer
(`answer`). A batch is one of 100 orders through the service, with a sequencer that has the results already, by order.
The earlier tree is taken from git into a temporary folder; both trees run this file's `Venue` by turns, each in a
process of its own. Each figure is the least of the rounds in microseconds of processor time, since others use the
machine too; the ratio is the median over the rounds of then / now, above 1 is cheaper now.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CHILD = "--child"
if sys.argv[1:] == [CHILD]:
    sys.path[0] = os.getcwd()  # the tree to be measured, which need not have this file

from api.http.bodies import body_of, long_body
from api.orders.batch import batch_of_body
from api.orders.duplicates import DuplicateLookup
from api.orders.requests import cancel_order, enter_order
from api.orders.service import OrderService
from benchmarks.engine import ACCOUNT, FIRST_ID, MIDDLE, OPENING, SYMBOL, order
from benchmarks.machine import describe
from engine.commands import CancelOrder, Command
from engine.events import CommandResult
from engine.exchange import Exchange
from engine.types import OrderId, Seq, Side, TimeInForce

if sys.argv[1:] != [CHILD]:  # earlier trees have it elsewhere
    from benchmarks.servers import extract

try:
    from api.orders.answers import cancel_answer, order_answer
except ImportError:  # an earlier tree
    from api.orders.views import cancel_answer, order_answer  # type: ignore[attr-defined, no-redef]

BATCH = 100
VARIANTS = 3_000  # of a body or a result
QUANTITIES = 400  # different ones, whose texts come again as a market's do; no two results have the same amounts
QUANTUM = 50_000  # lots
LEVELS = 200  # of each side of the book
CALLS = 200  # in each round
START_NS = 1_764_526_077_123_456_789
PROCESSING_MS = 0.123
READ: dict[str, dict[str, Any]] = {  # beside symbol, side and quantity; what is None differs from order to order
    "limit": {"order_type": "limit", "price": None},
    "market": {"order_type": "market"},
    "ioc": {"order_type": "limit", "time_in_force": "ioc", "price": None},
    "with client id": {"order_type": "limit", "price": None, "client_order_id": None},
    "with options": {"order_type": "limit", "price": None, "post_only": True, "display_quantity": "0.001"},
}


class Sequenced:
    """A sequencer that has the results of what it is given already."""

    results: Sequence[CommandResult] = ()

    def submit_all(self, _commands: Sequence[Command]) -> Sequence[CommandResult]:
        """The results."""
        return self.results


class Venue:
    """An exchange with a book, and what is measured of it."""

    def __init__(self) -> None:
        self.exchange = Exchange()
        for command in OPENING:
            self.apply(command)
        for away in range(100, 100 + LEVELS):
            self.apply(order(Side.BUY, 100_000, MIDDLE - away))
            self.apply(order(Side.SELL, 100_000, MIDDLE + away))

    def apply(self, command: Command) -> CommandResult:
        """Carry out a command."""
        seq = Seq(self.exchange.seq + 1)
        ts_ns = START_NS + seq * 100_000
        return CommandResult(seq, ts_ns, command, self.exchange.apply(command, seq, ts_ns))

    def cases(self) -> dict[str, Callable[[], Any]]:
        """What is measured, by name; each is one call."""
        found: dict[str, Callable[[], Any]] = {}
        for name, fields in READ.items():
            found[f"read {name}"] = self._each([body(number, fields) for number in range(VARIANTS)], self._read)
        ids = [json.dumps({"order_id": str(FIRST_ID + number)}).encode() for number in range(VARIANTS)]
        found["read cancel"] = self._each(ids, lambda written: cancel_order(written, ACCOUNT, self.exchange))
        for name, results in (
            ("answer resting", [self.rest(number) for number in range(VARIANTS)]),
            ("answer one fill", [self.fill(number, 1) for number in range(VARIANTS)]),
            ("answer ten fills", [self.fill(number, 10) for number in range(VARIANTS)]),
        ):
            found[name] = self._each(results, self._answer)
        entered = [self.rest(number) for number in range(VARIANTS)]
        cancels = [CancelOrder(ACCOUNT, OrderId(result.seq), None, None, by_operator=False) for result in entered]
        found["answer cancel"] = self._each([self.apply(command) for command in cancels], self._cancel_answer)
        return found | self._batch()

    def rest(self, number: int) -> CommandResult:
        """The result of an order that rests."""
        return self.apply(order(Side.BUY, quantity_of(number), MIDDLE - 100 - number % LEVELS))

    def fill(self, number: int, fills: int) -> CommandResult:
        """The result of an order that takes `fills` others, each at a price of its own."""
        quantities, best = [quantity_of(10 * number + n) for n in range(fills)], MIDDLE - number % 80
        for n, quantity in enumerate(quantities):
            self.apply(order(Side.SELL, quantity, best + n))
        return self.apply(order(Side.BUY, sum(quantities), best + fills, TimeInForce.IOC))

    def _each(self, items: Sequence[Any], work: Callable[[Any], Any]) -> Callable[[], Any]:
        following = cycle(items).__next__
        return lambda: work(following())

    def _read(self, body: bytes) -> Any:
        return enter_order(body, ACCOUNT, self.exchange)

    def _answer(self, result: CommandResult) -> bytes:
        return body_of(order_answer(result, self.exchange, PROCESSING_MS))

    def _cancel_answer(self, result: CommandResult) -> bytes:
        return body_of(cancel_answer(result, result.events[0], self.exchange, PROCESSING_MS))  # type: ignore[arg-type]

    def _batch(self) -> dict[str, Callable[[], Any]]:
        """Reading and answering a batch of 100 orders that rest."""
        firsts = range(0, VARIANTS, BATCH)
        bodies = [
            b'{"orders":[' + b",".join(body(first + n, READ["limit"]) for n in range(BATCH)) + b"]}" for first in firsts
        ]
        answered = [[self.rest(first + n) for n in range(BATCH)] for first in firsts]
        sequencer: Any = Sequenced()
        nothing: list[Any] = [None] * (len(inspect.signature(DuplicateLookup).parameters) - 1)  # it is not asked
        duplicates = DuplicateLookup(self.exchange, *nothing)
        service = OrderService(self.exchange, sequencer, nothing[0], duplicates, lambda *_: None)

        def answer(results: Sequence[CommandResult]) -> bytes:
            sequencer.results = results
            commands: list[Any] = [result.command for result in results]
            return long_body(service.batch(commands, beginning()))

        return {
            "read batch of 100": self._each(bodies, lambda sent: batch_of_body(sent, ACCOUNT, self.exchange)),
            "answer batch of 100": self._each(answered, answer),
        }


def beginning() -> Any:
    """The beginning of a request as the service of the measured tree is given it: now."""
    started = time.perf_counter()
    try:
        return importlib.import_module("api.http.processing").Processing(started)
    except ImportError:
        return started


def quantity_of(number: int) -> int:
    """A quantity in lots."""
    return QUANTUM * (1 + number * 37 % QUANTITIES)


def body(number: int, fields: dict[str, Any]) -> bytes:
    """The body of an order."""
    order = {"symbol": SYMBOL, "side": "buy", **fields, "quantity": f"{number * 37 % QUANTITIES / 2000 + 0.0005:.4f}"}
    if "price" in order:
        order["price"] = f"{29_000 + number % 300}.{number % 100:02}"
    if "client_order_id" in order:
        order["client_order_id"] = f"strategy-7-{number:08}"
    return json.dumps(order, separators=(",", ":")).encode()


def serve() -> None:
    """As a child: the names of all cases, then for each name that is read the microseconds of one call."""
    cases = Venue().cases()
    print("|".join(cases), flush=True)
    for line in sys.stdin:
        work = cases[line.rstrip()]
        started = time.process_time_ns()
        for _ in range(CALLS if "batch" not in line else CALLS // 20):
            work()
        spent_us = (time.process_time_ns() - started) / 1e3
        print(spent_us / (CALLS if "batch" not in line else CALLS // 20), flush=True)


class Tree:
    """One version in a process, asked for one figure at a time."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, CHILD], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.cases = self._line().split("|")

    def measure(self, case: str) -> float:
        """Microseconds of processor time of one call."""
        assert self._process.stdin is not None
        print(case, file=self._process.stdin, flush=True)
        return float(self._line())

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip()

    def __enter__(self) -> Tree:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


def main() -> None:
    """Measure and print."""
    from benchmarks.arguments import positive_int  # noqa: PLC0415 - an earlier tree, run as a child, has none

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("revision", help="the commit to compare with, as git names it")
    parser.add_argument("--rounds", type=positive_int, default=40, help="(default %(default)s)")
    parser.add_argument("--cases", nargs="*", default=[""], help="only cases whose name contains one of these")
    arguments = parser.parse_args()
    print(f"{describe()}\n\n{'microseconds a call':26}{arguments.revision:>14}{'now':>14}{'ratio':>8}")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        extract(arguments.revision, folder)
        then, now = stack.enter_context(Tree(folder)), stack.enter_context(Tree(ROOT))
        for case in now.cases:
            if not any(part in case for part in arguments.cases):
                continue
            pairs = [(then.measure(case), now.measure(case)) for _ in range(arguments.rounds)]
            before, after = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
            ratio = statistics.median(pair[0] / pair[1] for pair in pairs)
            print(f"{case:26}{before:14,.2f}{after:14,.2f}{ratio:8.2f}", flush=True)


if __name__ == "__main__":
    serve() if sys.argv[1:] == [CHILD] else main()
