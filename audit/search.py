"""A long random search for a command at which the engine and the naive exchange part, or a promise is broken.

    python -m audit.search --commands 100000 --seeds 1 2 3

Every command goes to the engine and to the naive exchange, the auditor judges the events, and now and then
both states and the engine's own invariants are looked at. Exit status: 0 nothing was found, 1 something was.
Layer: audit.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from audit.auditor import Auditor
from audit.engine_side import EngineBalances, state_differences
from audit.mix import Mix
from engine.commands import Command
from engine.exchange import Exchange
from engine.rejects import InvariantViolation
from engine.types import Seq

CHECK_EVERY = 500  # commands between two checks of the whole state


class Search:
    """One seed: the engine, the auditor, and the flow between them."""

    def __init__(self, seed: int, exchange: Exchange | None = None) -> None:
        self.exchange = Exchange() if exchange is None else exchange
        self.auditor = Auditor(EngineBalances(self.exchange))
        self.mix = Mix(seed, self.auditor.naive)
        self.commands: list[tuple[int, Command]] = []  # time and command, to run them again
        self.problem: str | None = None
        self.deepest = 0  # open orders

    def run(self, commands: int) -> str | None:
        """Go on for so many commands, or until something is wrong; then say what."""
        for _ in range(commands):
            seq, ts_ns, command = self.mix.next()
            self.commands.append((ts_ns, command))
            try:
                events = self.exchange.apply(command, Seq(seq), ts_ns)
            except Exception as error:  # whatever it is, the engine did not carry out a command
                self.auditor.engine_stopped(seq, error)
                self.problem = f"seq {seq}: {command}: {type(error).__name__}: {error}"
                return self.problem
            self.auditor.observe(seq, ts_ns, command, events)
            self.deepest = max(self.deepest, len(self.auditor.naive.open))
            if self.auditor.found:
                finding = self.auditor.findings[0]
                self.problem = f"seq {seq}: {command}: {finding.kind}: {finding.sentence}"
                return self.problem
            if seq % CHECK_EVERY == 0 and self._check_state(seq):
                return self.problem
        return None

    def _check_state(self, seq: int) -> bool:
        differences = state_differences(self.exchange, self.auditor.naive)
        try:
            self.exchange.check_invariants()
        except InvariantViolation as error:
            differences.append(f"the engine's state contradicts itself: {error}")
        if differences:
            self.problem = f"after seq {seq}: " + "; ".join(differences[:3])
        return bool(differences)


def main(arguments: list[str] | None = None) -> int:
    """Search; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m audit.search", description=__doc__.split("\n")[0])
    parser.add_argument("--commands", type=int, default=100_000, help="for each seed")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    asked = parser.parse_args(arguments)
    failed = False
    for seed in asked.seeds:
        search, started = Search(seed), time.perf_counter()
        while search.problem is None and search.mix.seq < asked.commands:
            search.run(min(2_000, asked.commands - search.mix.seq))
            seconds = time.perf_counter() - started
            _progress(f"seed {seed}: {search.mix.seq:,} commands, {search.mix.seq / seconds:,.0f} a second")
        _progress("")
        failed = failed or search.problem is not None
        print(_result(seed, search, time.perf_counter() - started), flush=True)
    return 1 if failed else 0


def _result(seed: int, search: Search, seconds: float) -> str:
    tally = search.auditor.tally
    counts = ", ".join(f"{number:,} {what}" for what, number in sorted(tally.counts.items()))
    lines = [
        f"seed {seed}: {search.mix.seq:,} commands in {seconds:.1f} s, at most {search.deepest} open orders: {counts}",
        f"  events: {_counted(tally.events)}",
        f"  reasons: {_counted(tally.reasons)}",
        f"  {'FOUND ' + search.problem if search.problem else 'nothing found'}",
    ]
    return "\n".join(lines)


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in sorted(counter.items()))


def _progress(line: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{line}")
        sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
