"""The seeds that the gate runs: three files share them, since each file has a process of its own."""

from __future__ import annotations

from tests.sim.plan import plan_of
from tests.sim.results import command_of
from tests.sim.simulation import run

GATE_SEEDS = 500
FILES = 3


def seeds_of(file: int) -> range:
    """The seeds of one file, from 0 on."""
    return range(file, GATE_SEEDS, FILES)


def require_right(seed: int) -> None:
    """Run a seed. Raises AssertionError, with the command that runs it again."""
    outcome = run(plan_of(seed))
    wrong = [f"{violation.kind}: {violation.text}" for violation in outcome.violations]
    assert outcome.is_right, f"seed {seed}, again by {command_of(seed)}\n" + "\n".join(wrong)
