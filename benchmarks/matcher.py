"""How many messages a second the matcher takes alone, beside the exchange with its ledger, the naive one and others'.

    python -m benchmarks.matcher [--against REVISION] [--messages 100000] [--few 3000] [--rounds 7]

The workload is that of `benchmarks.flash`, report lines included. All run by turns, so that what else the machine does
hits each; seconds are of processor time, and a ratio is the median over the rounds against the first line: today's
exchange with its ledger, or that of the commit `--against`. The naive exchange gets only the first `--few` messages, as
it takes the longer the more orders are open. Reports are compared with each other; those of whole files also with the
answers that come with them.
"""

from __future__ import annotations

import argparse
import gc
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from audit.naive_exchange import NaiveExchange
from benchmarks import other_engines
from benchmarks.arguments import positive_int
from benchmarks.flash import ANSWERS, FOLDER, Message, by_commands, by_library, digest, messages
from benchmarks.machine import describe
from benchmarks.servers import ROOT, extract
from engine.exchange import Exchange
from engine.library import MatchingEngine
from engine.rulebook import CURRENT_EDITION

Rate = Callable[[str, int], tuple[float, str]]  # of a file's first messages: messages a second, and the report's digest

CHILD = """
import gc, sys, time
from benchmarks.flash import by_commands, digest, messages
from engine.exchange import Exchange
from engine.rulebook import CURRENT_EDITION
for line in sys.stdin:
    name, count = line.split()
    workload = messages(name, sys.argv[1])[:int(count)]
    gc.collect()
    started = time.process_time()
    lines = by_commands(workload, Exchange(CURRENT_EDITION).apply)
    print(len(workload) / (time.process_time() - started), digest(lines), flush=True)
"""


def here(report: Callable[[list[Message]], list[str]]) -> Rate:
    """The rate of an engine in this process."""

    def rate(name: str, count: int) -> tuple[float, str]:
        workload = messages(name)[:count]
        gc.collect()
        started = time.process_time()
        lines = report(workload)
        return len(workload) / (time.process_time() - started), digest(lines)

    return rate


def earlier(revision: str, stack: ExitStack) -> Rate:
    """The rate of the exchange with its ledger at a commit, in a process of its own until `stack` closes."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    extract(revision, folder)
    shutil.copy(ROOT / "benchmarks" / "flash.py", folder / "benchmarks")
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(FOLDER)], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    stack.callback(process.wait)
    stack.callback(process.kill)

    def rate(name: str, count: int) -> tuple[float, str]:
        assert process.stdin is not None
        assert process.stdout is not None
        print(name, count, file=process.stdin, flush=True)
        seconds, found = process.stdout.readline().split()
        return float(seconds), found

    return rate


def measure(name: str, contenders: dict[str, tuple[Rate, int]], rounds: int) -> None:
    """Run all by turns on one file and print what came out."""
    rates: dict[str, list[float]] = {contender: [] for contender in contenders}
    digests: dict[int, str] = {}
    for _ in range(rounds):
        for contender, (rate, count) in contenders.items():
            messages_a_second, found = rate(name, count)
            rates[contender].append(messages_a_second)
            if digests.setdefault(count, found) != found:
                raise SystemExit(f"{contender} reports otherwise on {name} than the first of its size")
            if count == len(messages(name)) and found != ANSWERS[name][2]:
                raise SystemExit(f"{contender} reports {found} on {name}")
    base = next(iter(rates.values()))
    print(f"\n{name:30}{'messages':>10}{'a second':>12}{'ratio':>9}")
    for contender, (_, count) in contenders.items():
        ratio = statistics.median(one / other for one, other in zip(rates[contender], base, strict=True))
        print(f"{contender:30}{count:10,}{max(rates[contender]):12,.0f}{ratio:9.2f}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--against", metavar="REVISION", help="a commit whose exchange with its ledger the ratios are to"
    )
    parser.add_argument("--messages", type=positive_int, default=100_000, help="in each run (default %(default)s)")
    parser.add_argument("--few", type=positive_int, default=3_000, help="for the naive exchange (default %(default)s)")
    parser.add_argument("--rounds", type=positive_int, default=7, help="(default %(default)s)")
    arguments = parser.parse_args()
    if not FOLDER.is_dir():
        raise SystemExit(f"there is no recorded data in {FOLDER}")
    print(describe())
    many, few = arguments.messages, arguments.few
    with ExitStack() as stack:
        contenders: dict[str, tuple[Rate, int]] = {}
        if arguments.against:
            contenders[f"with ledger, {arguments.against}"] = earlier(arguments.against, stack), many
        contenders["with ledger"] = here(lambda w: by_commands(w, Exchange(CURRENT_EDITION).apply)), many
        contenders["library"] = here(lambda w: by_library(w, MatchingEngine())), many
        contenders["naive"] = here(lambda w: by_commands(w, NaiveExchange(CURRENT_EDITION).apply)), few
        for name, report in other_engines.installed().items():
            contenders[name] = here(report), many
        for name in ANSWERS:
            measure(name, contenders, arguments.rounds)


if __name__ == "__main__":
    main()
