"""What is shown of plans that are set.

Layer: api.faults.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from api.faults.injector import FaultInjector
from api.faults.plan import Kind, Step
from api.faults.profile import Profile
from api.http.documented import any_of
from api.json.views import seconds
from engine.types import AccountId


class FaultPlan(msgspec.Struct, frozen=True):
    """A plan that is set."""

    account: int | None  # None: of the whole venue
    name: str
    seed: int
    set_at: float  # epoch seconds
    elapsed: float  # seconds since then
    ends_in: float  # seconds until its last step is over
    kinds: list[Kind]  # of the steps that are active now
    injected: dict[Kind, int]  # how often each was
    steps: list[Annotated[dict[str, Any], any_of(Step)]]  # as they were set


class OwnFaults(msgspec.Struct, frozen=True):
    """GET /account/faults: what touches the caller's requests."""

    allowed: bool  # whether the caller may set some for itself
    own: FaultPlan | None
    venue: FaultPlan | None


class AllFaults(msgspec.Struct, frozen=True):
    """GET /admin/faults."""

    venue: FaultPlan | None
    accounts: list[FaultPlan]
    held: int  # requests that wait because of them
    injected: dict[Kind, int]  # by kind, since the start


class FaultsEnded(msgspec.Struct, frozen=True):
    """DELETE /account/faults and /admin/faults."""

    ended: int  # plans


def plan_view(profile: Profile) -> FaultPlan:
    """A plan as it is now. O(steps)."""
    plan = profile.plan
    return FaultPlan(
        account=profile.account,
        name=plan.name,
        seed=plan.seed,
        set_at=seconds(profile.set_ns),
        elapsed=round(profile.elapsed_s, 3),
        ends_in=round(max(0.0, profile.ends_in_s), 3),
        kinds=profile.kinds_now,
        injected=dict(profile.injected),
        steps=[{"kind": step.kind, **msgspec.to_builtins(step, enc_hook=str)} for step in plan.step],
    )


def own_faults(injector: FaultInjector, account: AccountId, *, allowed: bool) -> OwnFaults:
    """What touches the requests of an account."""
    own, venue = injector.of(account), injector.of(None)
    return OwnFaults(allowed, None if own is None else plan_view(own), None if venue is None else plan_view(venue))


def all_faults(injector: FaultInjector) -> AllFaults:
    """Every plan that is set. O(plans)."""
    venue = injector.of(None)
    accounts = [plan_view(profile) for profile in injector.profiles() if profile is not venue]
    return AllFaults(
        None if venue is None else plan_view(venue), accounts, injector.held.count, dict(injector.injected)
    )
