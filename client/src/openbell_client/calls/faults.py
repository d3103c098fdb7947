"""Faults on demand: of one's own account, and by operators of any, or of the whole venue.

Layer: openbell_client.
"""

from __future__ import annotations

from openbell_client.answers import AllFaults, FaultPlan, FaultsEnded, OwnFaults
from openbell_client.calls.call import Call, change, get
from openbell_client.requests import Plan

_OWN = "/account/faults"
_VENUE = "/admin/faults"


def own_faults() -> Call[OwnFaults]:
    """What touches one's own requests."""
    return get(_OWN, OwnFaults)


def set_own_faults(plan: Plan, *, check: bool | None = None) -> Call[FaultPlan]:
    """Set one's own faults in place of those that there are; `check`: only judge the plan."""
    return change("PUT", _OWN, FaultPlan, plan, query={"check": check})


def end_own_faults() -> Call[FaultsEnded]:
    """End one's own faults."""
    return change("DELETE", _OWN, FaultsEnded)


def all_faults() -> Call[AllFaults]:
    """Every plan that is set. For operators; so are the next ones."""
    return get(_VENUE, AllFaults)


def set_venue_faults(plan: Plan, *, check: bool | None = None) -> Call[FaultPlan]:
    """Set the faults of everybody."""
    return change("PUT", _VENUE, FaultPlan, plan, query={"check": check})


def end_venue_faults(*, every: bool | None = None) -> Call[FaultsEnded]:
    """End the faults of everybody; `every`: those of accounts, too."""
    return change("DELETE", _VENUE, FaultsEnded, query={"all": every})


def account_faults(account: int) -> Call[FaultPlan]:
    """The plan of an account."""
    return get(_account(account), FaultPlan)


def set_account_faults(account: int, plan: Plan, *, check: bool | None = None) -> Call[FaultPlan]:
    """Set the faults of an account."""
    return change("PUT", _account(account), FaultPlan, plan, query={"check": check})


def end_account_faults(account: int) -> Call[FaultsEnded]:
    """End the faults of an account."""
    return change("DELETE", _account(account), FaultsEnded)


def _account(account: int) -> str:
    return f"{_VENUE}/{int(account)}"
