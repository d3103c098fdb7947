"""What is drawn depends on the seed and on what it is for alone, and stays in its bounds."""

from __future__ import annotations

from collections import Counter
from typing import Any, get_args

import msgspec
import pytest
from eventlet.event import Event

from api.faults.draws import latency_s, uniform
from api.faults.held import HELD_BYTES_MAX, HELD_PER_ACCOUNT_MAX, HeldRequests
from api.faults.order_faults import OrderFaults
from api.faults.plan import FaultStream, Plan, Step, require_usable
from api.faults.profile import Profile, StepState
from api.faults.request_faults import RequestFaults
from api.feed.requests import Stream
from api.json.errors import Malformed
from api.json.requests import decoded
from engine.exchange import Exchange
from engine.types import AccountId

DRAWS_OF_SEED_7 = [0.444612, 0.98755, 0.269279]
DRAWN = [number / 1_000 for number in range(1_000)]


def plan_of(*steps: dict[str, Any], seed: int = 7) -> Plan:
    """A plan as a client sends it."""
    return require_usable(decoded(msgspec.json.encode({"seed": seed, "step": steps}), Plan))


def touched(plan: Plan, account: int, requests: int = 200) -> list[list[str]]:
    """The kinds that touch each of so many requests."""
    profile = Profile(plan, AccountId(account), 0)
    return [[hit.step.kind for hit in profile.hits(AccountId(account), lambda _: True)] for _ in range(requests)]


CHANCY = ({"kind": "error", "probability": "0.3"}, {"latency_ms": 5, "probability": "0.5"})


def test_the_same_seed_touches_the_same_requests_and_another_seed_others() -> None:
    first = touched(plan_of(*CHANCY), 5)
    assert first == touched(plan_of(*CHANCY), 5) == touched(plan_of(*CHANCY), 6)
    assert first != touched(plan_of(*CHANCY, seed=8), 5)
    assert 30 <= sum("error" in kinds for kinds in first) <= 90


def test_the_draws_are_the_same_on_every_machine() -> None:
    assert [round(uniform(7, "", 0, number), 6) for number in (1, 2, 3)] == DRAWS_OF_SEED_7
    assert all(0 <= uniform(seed, "x") < 1 for seed in range(1_000))


@pytest.mark.parametrize(
    ("every", "burst", "hit"), [(3, 1, [3, 6, 9]), (4, 2, [4, 5, 8, 9]), (None, 1, [1, 2, 3, 4, 5, 6, 7, 8, 9])]
)
def test_every_so_manyth_is_touched_and_a_burst_behind_it(every: int | None, burst: int, hit: list[int]) -> None:
    state, step = StepState(), Step(kind="error", every=every, burst=burst)
    assert [number for number in range(1, 10) if state.is_hit(step, lambda _: 0.0)] == hit


@pytest.mark.parametrize("distribution", ["constant", "uniform", "normal", "exponential", "pareto"])
def test_a_latency_of_any_distribution_is_within_its_bounds(distribution: Any) -> None:
    step = Step(latency_ms=20_000, spread_ms=15_000, distribution=distribution)
    drawn = [latency_s(step, number) for number in DRAWN]
    assert min(drawn) >= 0
    assert max(drawn) <= 60
    assert drawn == sorted(drawn)  # by the inverse of its distribution
    assert (min(drawn) == max(drawn)) == (distribution == "constant")


def test_the_streams_of_a_plan_are_those_of_the_feed() -> None:
    assert list(get_args(FaultStream)) == [stream.value for stream in Stream]


@pytest.mark.parametrize(
    ("step", "field"),
    [
        ({}, "latency_ms"),
        ({"latency_ms": 60_001}, "latency_ms"),
        ({"kind": "reject"}, "reason"),
        ({"kind": "reject", "reason": "no_such"}, "reason"),
        ({"kind": "gap", "latency_ms": 1}, "latency_ms"),
        ({"kind": "gap", "when": "after"}, "when"),
        ({"kind": "timestamp", "when": "after"}, "when"),
        ({"kind": "error", "status": 404}, "status"),
        ({"kind": "error", "every": 2, "probability": "0.5"}, "probability"),
        ({"kind": "error", "probability": "1.5"}, "probability"),
        ({"kind": "partial", "fraction": "1"}, "fraction"),
        ({"kind": "partial", "fraction": "1e-999999"}, "fraction"),
        ({"kind": "partial", "fraction": f"0.{'3' * 5_000}"}, "fraction"),
        ({"kind": "error", "for": 0}, "for"),
        ({"kind": "error", "for": "1e999999"}, "for"),
        ({"kind": "error", "for": "-1e-999999"}, "for"),
        ({"kind": "error", "for": "inf"}, "for"),
        ({"kind": "error", "at": "nan"}, "at"),
        ({"kind": "error", "probability": 0}, "probability"),
        ({"kind": "error", "at": 86_400}, "at"),
        ({"kind": "error", "at": -1}, "at"),
        ({"kind": "error", "on": ["feed"]}, "on[0]"),
    ],
)
def test_a_step_that_makes_no_sense_is_refused_by_its_number_and_field(step: dict[str, Any], field: str) -> None:
    with pytest.raises(Malformed) as refusal:
        plan_of({"latency_ms": 1}, step)
    assert refusal.value.details["field"] == f"step[1].{field}"


def test_all_delays_of_one_request_together_are_bounded() -> None:
    plan, seconds = plan_of(*[{"latency_ms": 40_000}] * 100), []
    profile = Profile(plan, None, 0)

    def hold(_profile: Profile, _account: AccountId | None, delay_s: float, _size: int) -> bool:
        seconds.append(delay_s)
        return True

    hits = profile.hits(None, lambda _: True)
    noted, orders = Counter[str](), OrderFaults(Exchange())
    RequestFaults(hits, list, None, "GET /", 0, hold, lambda _, kind: noted.update([kind]), orders).before()
    assert (len(hits), sum(seconds), noted["latency"]) == (100, 60, 2)


def test_too_many_or_too_large_ones_are_not_held() -> None:
    held, ended = HeldRequests(), Event()
    ended.send()  # so that nobody waits
    held._of_account[AccountId(5)] = HELD_PER_ACCOUNT_MAX
    assert not held.hold(AccountId(5), ended, 60, 1)
    assert not held.hold(AccountId(6), ended, 60, HELD_BYTES_MAX + 1)
    assert held.hold(AccountId(6), ended, 60, 1)
    assert (held.refused, held.count) == (2, HELD_PER_ACCOUNT_MAX)
