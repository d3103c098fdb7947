"""Simulated clusters: nothing acknowledged is lost, nothing is done twice, never do two writers commit."""

from __future__ import annotations

import pytest

from tests.sim.command_line import World
from tests.sim_cluster.plan import plan_of
from tests.sim_cluster.simulation import run

GATE_SEEDS = 60  # about a tenth of a second each


@pytest.mark.parametrize("seed", range(GATE_SEEDS))
def test_no_cluster_loses_doubles_or_reorders_what_it_acknowledged(seed: int) -> None:
    outcome = run(plan_of(seed))
    wrong = [f"{violation.kind}: {violation.text}" for violation in outcome.violations]
    assert outcome.is_right, f"seed {seed}, again by {World('tests.sim_cluster').command_of(seed)}\n" + "\n".join(wrong)
