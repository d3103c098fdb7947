"""Three minutes of orders with a restart in the middle: nothing missed, memory that stops growing, a clean audit."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.__main__ import CLEAN
from audit.__main__ import main as audit
from benchmarks.soak import Half, slope, soak

RATE = 200.0  # orders a second: what leaves a shared machine to the other tests
SECONDS = 170.0
WINDOW_S = 8.5
WARM_MIB = 60.0  # that a half may take more at its end than at its beginning: what is remembered of done orders fills
HISTORIAN_MIB = 40.0
JOURNAL_BYTES = 400  # for each command, a log that waits to be folded in included
HISTORY_BYTES = 500  # its log included, which is 4 MB at most


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_three_minutes_of_orders_over_a_restart_leave_it_as_it_was(tmp_path: Path) -> None:
    halves, _ = soak(tmp_path, RATE, SECONDS, WINDOW_S, browser=False)
    for half in halves:
        assert sum(window.missed[what] for window in half.windows for what in window.missed) == 0
        assert sum(window.load.counted for window in half.windows) > RATE * SECONDS / 4
        assert _risen(half, "server") < WARM_MIB
        assert _risen(half, "replica.historian") < HISTORIAN_MIB
        assert half.windows[-1].open_orders < 2 * half.windows[1].open_orders + 500
    first, last = halves[0].windows[0], halves[-1].windows[-1]
    commands = last.commands - first.commands
    assert (last.disk["journal"] - first.disk["journal"]) / commands < JOURNAL_BYTES
    assert (last.disk["history"] - first.disk["history"]) / commands < HISTORY_BYTES
    assert audit([str(tmp_path), "--quiet"]) == CLEAN


def _risen(half: Half, name: str) -> float:
    """MiB from its second window to its last, along the nearest straight line."""
    values = [window.memory[name] for window in half.windows if name in window.memory]
    return slope(values, WINDOW_S) * WINDOW_S * (len(values) - 2) / 3600
