"""What the simulation claims to try happens: each fault, and each event that is worth one."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.sim.outcome import Outcome
from tests.sim.plan import plan_of
from tests.sim.simulation import run

SEEDS = 200
HAPPENS = (
    "kill",
    "loss of power",
    "stop on request",
    "torn write",
    "lost write",
    "slow disk",
    "write error",
    "flush error",
    "disk full",
    "flush that did nothing",
    "loss that was reported",
    "lost request",
    "lost answer",
    "request that came twice",
    "connection that broke",
    "clock that was set back",
    "clock that was set forward",
    "follower that was killed",
    "history that refused",
    "snapshot that could not be written",
    "snapshot that was cut",
    "snapshot with a flipped bit",
    "flipped bit",
    "missing record",
    "record of another journal",
    "record that came twice",
    "damage that was noticed",
    "journal that failed",
    "journal that was trimmed",
    "start that failed",
    "recovery from a snapshot",
    "record that was durable before its answer",
    "replica that began anew",
    "answer to a repetition",
    "question to the history",
    "refusal NOT_ACCEPTING",
    "refusal DUPLICATE_CLIENT_ORDER_ID",
    "refusal MAYBE_REPEATED",
    "refusal HISTORY_BEHIND",
    "enter 200",
    "cancel 200",
    "amend 200",
    "batch 200",
    "ask 200",
)


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    """Seeds that the gate does not run elsewhere."""
    return [run(plan_of(seed)) for seed in range(500, 500 + SEEDS)]


def test_every_kind_of_fault_and_event_happens(outcomes: list[Outcome]) -> None:
    counts = Counter[str]()
    for outcome in outcomes:
        counts.update(outcome.counts)
    assert [what for what in HAPPENS if not counts[what]] == []


def test_a_disk_that_lied_is_found_out_and_an_honest_one_loses_nothing(outcomes: list[Outcome]) -> None:
    reported = [outcome for outcome in outcomes if outcome.counts["loss that was reported"]]
    assert reported
    assert all(outcome.lost_promise and outcome.counts["flush that did nothing"] for outcome in reported)
    assert all(outcome.is_right for outcome in outcomes)
    honest = [outcome for outcome in outcomes if not outcome.counts["flush that did nothing"]]
    assert all(outcome.violations == [] for outcome in honest)
