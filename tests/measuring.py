"""Coverage in the gate: of the tests' own process and of the servers that tests share, where it costs little.

`make test` sets COVERAGE_PROCESS_START, with which coverage measures a Python process from its first line. It makes
Python twice to three times as slow, so tests marked `slow` run without it, and other programs are not measured.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import coverage
import pytest

SWITCH = "COVERAGE_PROCESS_START"
MEASURED = {SWITCH: os.environ[SWITCH]} if SWITCH in os.environ else {}
"""The environment of a server that is measured too; empty when nothing is."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Pause in tests that are marked `slow`; keep the switch from the programs that tests start."""
    os.environ.pop(SWITCH, None)
    measuring = coverage.Coverage.current() if item.get_closest_marker("slow") else None
    if measuring is None:
        return (yield)
    measuring.stop()
    try:
        return (yield)
    finally:
        measuring.start()


def pytest_sessionfinish() -> None:
    """Write down what was measured: a worker process does not live to the end of its program."""
    if measuring := coverage.Coverage.current():
        measuring.stop()
        measuring.save()
