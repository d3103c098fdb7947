"""`kill -9` at random moments under load, twenty times in a row on one data folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.durability.kills import campaign

KILLS = 20  # `python -m tests.faults.kills` for two hundred
LEAST = 1000  # orders that are to be acknowledged over all rounds, however slow the machine is


@pytest.mark.timeout(600)
def test_twenty_kills_lose_nothing_that_was_acknowledged_and_make_nothing_twice(tmp_path: Path) -> None:
    killed = campaign(tmp_path, KILLS, LEAST)
    assert len(killed.promises.orders) > LEAST
    assert len(killed.promises.trades) > 100
    assert len(killed.promises.cancelled) > 50
    assert killed.digests_compared > KILLS
