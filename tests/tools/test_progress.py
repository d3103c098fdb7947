"""Progress of long work where nobody watches a terminal."""

import pytest

from tools import progress
from tools.progress import STEP, counted


def test_things_are_counted_to_the_last_one() -> None:
    counts: list[int] = []
    assert list(counted(range(2 * STEP + 5), counts.append)) == list(range(2 * STEP + 5))
    assert counts == [STEP, STEP, 5]


def test_a_log_gets_a_line_now_and_then(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 9.0, 11.0, 11.0, 12.0, 30.0, 30.0])
    monkeypatch.setattr("tools.progress.time.monotonic", lambda: next(clock))
    with progress.progress("playing", 4000) as done:
        for _ in range(4):
            done(1000)
    assert capsys.readouterr().err == "playing: 2,000 of 4,000\nplaying: 4,000 of 4,000\n"
