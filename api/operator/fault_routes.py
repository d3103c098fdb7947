"""The operators' routes of faults on demand: for the venue, and for any account.

Layer: api.operator.
"""

from __future__ import annotations

from typing import Annotated

from flask import Blueprint, Response, request
from msgspec import Meta

from api.auth.authenticator import requesting_operator
from api.auth.service import AuthService
from api.faults.injector import FaultInjector
from api.faults.plan import Plan, PlanQuery, Step, require_usable
from api.faults.views import AllFaults, FaultPlan, FaultsEnded, all_faults, plan_view
from api.http.documented import Access, documented
from api.http.responses import answer, query
from api.json.errors import ApiError
from api.json.requests import decoded
from api.operator.account_routes import ACCOUNT_MAX, known_account
from api.operator.requests import FaultsQuery
from engine.exchange import Exchange
from engine.types import AccountId

AccountNumber = Annotated[int, Meta(ge=0, le=ACCOUNT_MAX)]
VENUE = "venue"  # in the audit trail


def add_faults(routes: Blueprint, injector: FaultInjector, exchange: Exchange, auth: AuthService) -> None:
    """Add them to the routes of operators."""

    def put(account: AccountId | None) -> Response:
        operator, wanted = requesting_operator(), query(PlanQuery)
        plan = require_usable(decoded(request.get_data(cache=False), Plan))
        if wanted.check:
            return answer(plan_view(injector.checked(plan, account)))
        profile = injector.put(plan, account)
        about = {"kinds": ", ".join(dict.fromkeys(step.kind for step in plan.step)), "name": plan.name}
        auth.record(operator, "faults", VENUE if account is None else str(account), about, exchange.seq)
        return answer(plan_view(profile))

    @routes.get("/faults")
    @documented(Access.OPERATOR, AllFaults, named=(Step,))
    def list_faults() -> Response:
        """All faults on demand that are set: the venue's, and of each account that has some."""
        requesting_operator()
        return answer(all_faults(injector))

    @routes.put("/faults")
    @documented(Access.OPERATOR, FaultPlan, body=Plan, query=PlanQuery, errors=(503,), named=(Step,))
    def put_venue_faults() -> Response:
        """Set faults that touch everybody's requests, in place of those of the venue that there are."""
        return put(None)

    @routes.delete("/faults")
    @documented(Access.OPERATOR, FaultsEnded, query=FaultsQuery, errors=(503,))
    def end_venue_faults() -> Response:
        """End the faults of the venue; with `all` those of every account as well."""
        operator, wanted = requesting_operator(), query(FaultsQuery)
        ended = injector.end_all() if wanted.all else int(injector.end(None) is not None)
        auth.record(operator, "end_faults", "all" if wanted.all else VENUE, {"ended": str(ended)}, exchange.seq)
        return answer(FaultsEnded(ended))

    @routes.get("/faults/<int:account>")
    @documented(Access.OPERATOR, FaultPlan, errors=(404, 503), named=(Step,))
    def show_faults(account: AccountNumber) -> Response:
        """The faults of one account."""
        requesting_operator()
        profile = injector.of(known_account(exchange, auth, account))
        if profile is None:
            raise ApiError(404, "NO_FAULTS", "That account has no faults of its own.")
        return answer(plan_view(profile))

    @routes.put("/faults/<int:account>")
    @documented(Access.OPERATOR, FaultPlan, body=Plan, query=PlanQuery, errors=(404, 503), named=(Step,))
    def put_faults(account: AccountNumber) -> Response:
        """Set faults that touch one account's requests, in place of those that it has."""
        requesting_operator()
        return put(known_account(exchange, auth, account))

    @routes.delete("/faults/<int:account>")
    @documented(Access.OPERATOR, FaultsEnded, errors=(404, 503))
    def end_faults(account: AccountNumber) -> Response:
        """End the faults of one account."""
        operator = requesting_operator()
        ended = int(injector.end(known_account(exchange, auth, account, leftover=True)) is not None)
        auth.record(operator, "end_faults", str(account), {"ended": str(ended)}, exchange.seq)
        return answer(FaultsEnded(ended))
