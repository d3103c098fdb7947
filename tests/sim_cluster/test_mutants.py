"""Each fault that is put into the protocol is noticed by a seed of its own, which finds nothing without the fault."""

from __future__ import annotations

import pytest

from tests.sim_cluster.mutants import MUTANTS, SEEDS, seeds_needed


@pytest.mark.parametrize("name", MUTANTS)
def test_the_simulated_cluster_notices(name: str) -> None:
    needed, kind = seeds_needed(MUTANTS[name], 1, SEEDS[name])
    assert needed, f"{name}: seed {SEEDS[name]} shows nothing; python -m tests.sim_cluster --mutants finds another"
