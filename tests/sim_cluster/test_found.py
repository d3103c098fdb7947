"""What the simulation has found, each by a world of its own."""

from __future__ import annotations

from typing import Any
from unittest import mock

import msgspec

from cluster.store import NoAnswer, Put, Transaction
from tests.sim.hub import hub_here
from tests.sim_cluster.plan import plan_of
from tests.sim_cluster.simulation import run
from tests.sim_cluster.store import SimulatedStore

SILENT_S = 4.0  # simulated: longer than a take-over tries


def test_a_node_whose_first_append_is_not_answered_in_time_stands_again() -> None:
    transact = SimulatedStore.transact
    unanswered = 0

    def silent(self: SimulatedStore, transaction: Transaction, timeout_s: float) -> Any:
        nonlocal unanswered
        outcome = transact(self, transaction, timeout_s)
        appends = any(isinstance(each, Put) and "/log/" in each.key for each in transaction.then)
        if appends and hub_here().now_ns < SILENT_S * 1e9:
            unanswered += 1
            raise NoAnswer("carried out, and the answer was lost")
        return outcome

    plan = msgspec.structs.replace(plan_of(0), incidents=0, lose=0.0, late=0.0, puts_back=False)
    with mock.patch.object(SimulatedStore, "transact", silent):
        outcome = run(plan)
    assert unanswered > 1
    assert outcome.violations == []
    assert outcome.counts["answer: done"]
