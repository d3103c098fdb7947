"""How fast the engine is against an earlier commit of itself, flow by flow, as ratios of one run.

    python -m benchmarks.engine_against REVISION [--rounds 15] [--commands 20000] [--flows IOC resting]

The earlier tree is taken from git into a temporary folder. Both trees run the same flows of
`benchmarks.engine` by turns, each in a process of its own, so that what else the machine does
hits both; the ratio is the median over the rounds of now / then, above 1 is faster now.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.arguments import positive_int
from benchmarks.engine import FLOWS, SMALL_BOOK
from benchmarks.machine import describe
from benchmarks.servers import ROOT, extract

CHILD = """
import sys
from benchmarks.engine import FLOWS, rate
for line in sys.stdin:
    name, standing, count = line.rstrip().split("|")
    print(rate(FLOWS[name], int(standing), int(count)), flush=True)
"""


class Tree:
    """One version of the engine in a process, asked for one rate at a time."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", CHILD], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def rate(self, flow: str, commands: int) -> float:
        """Commands a second of one run of `flow` on a small book."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        print(flow, SMALL_BOOK, commands, sep="|", file=process.stdin, flush=True)
        return float(process.stdout.readline())

    def __enter__(self) -> Tree:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("revision", help="the commit to compare with, as git names it")
    parser.add_argument("--rounds", type=positive_int, default=15, help="(default %(default)s)")
    parser.add_argument("--commands", type=positive_int, default=20_000, help="in each run (default %(default)s)")
    parser.add_argument("--flows", nargs="*", default=[""], help="only flows whose name contains one of these")
    arguments = parser.parse_args()
    print(f"{describe()}\n\n{'commands a second':26}{arguments.revision:>14}{'now':>14}{'ratio':>8}")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        extract(arguments.revision, folder)
        then, now = stack.enter_context(Tree(folder)), stack.enter_context(Tree(ROOT))
        for flow in FLOWS:
            if not any(part in flow for part in arguments.flows):
                continue
            pairs = [
                (then.rate(flow, arguments.commands), now.rate(flow, arguments.commands))
                for _ in range(arguments.rounds)
            ]
            before, after = max(pair[0] for pair in pairs), max(pair[1] for pair in pairs)
            ratio = statistics.median(pair[1] / pair[0] for pair in pairs)
            print(f"{flow:26}{before:14,.0f}{after:14,.0f}{ratio:8.2f}", flush=True)


if __name__ == "__main__":
    main()
