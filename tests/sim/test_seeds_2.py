"""Simulated worlds, part 2 of 3: nothing is lost, nothing is done twice, every answer is right."""

from __future__ import annotations

import pytest

from tests.sim.gate import require_right, seeds_of


@pytest.mark.parametrize("seed", seeds_of(1))
def test_nothing_is_lost_and_every_answer_is_right(seed: int) -> None:
    require_right(seed)
