"""What a fault did, in sentences: progress for who watches, and what is judged.

A fault is a module of this folder with a function `full(report)`; `python -m tests.faults.NAME` runs it, and the gate
runs what it is made of with smaller numbers.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from benchmarks.machine import describe


class Report:
    """The sentences of one run. With `quiet` nothing is printed: for tests."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.failures: list[str] = []
        self.sentences: list[str] = []
        self._quiet = quiet
        self._began = time.monotonic()

    def progress(self, sentence: str) -> None:
        """Say how far it is."""
        if not self._quiet:
            print(f"{time.monotonic() - self._began:6.0f} s  {sentence}", flush=True)

    def judge(self, holds: bool, sentence: str) -> None:
        """A figure or a fact, and whether it is as it has to be."""
        self.sentences.append(sentence)
        if not holds:
            self.failures.append(sentence)
        self.progress(f"{'pass' if holds else 'FAIL'}: {sentence}")


def program(full: Callable[[Report], None]) -> None:
    """Run a fault in full and print what came of it; end with status 1 where something does not hold."""
    print(describe(), flush=True)
    report = Report()
    full(report)
    print(f"{len(report.sentences) - len(report.failures)} hold, {len(report.failures)} do not")
    sys.exit(bool(report.failures))
