"""Each fault that is put into the protocol is noticed, by the first seed that is tried as a rule."""

from __future__ import annotations

import pytest

from tests.sim_cluster.mutants import MUTANTS, SEEDS, seeds_needed

SEEDS_MAX = 150


@pytest.mark.parametrize("name", MUTANTS)
def test_the_simulated_cluster_notices(name: str) -> None:
    needed, _kind = seeds_needed(MUTANTS[name], SEEDS_MAX, SEEDS[name])
    assert needed, f"{name}: not within {SEEDS_MAX} seeds from {SEEDS[name]} on"
