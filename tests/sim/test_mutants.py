"""Each fault that is put into the product is noticed, and without one nothing is."""

from __future__ import annotations

import pytest

from tests.sim.mutants import MUTANTS, seeds_needed

SEEDS_MAX = 200


@pytest.mark.parametrize("name", MUTANTS)
def test_the_simulation_notices(name: str) -> None:
    needed, _kind = seeds_needed(MUTANTS[name], SEEDS_MAX)
    assert needed is not None, f"{name}: not within {SEEDS_MAX} seeds"
