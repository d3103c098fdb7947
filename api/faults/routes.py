"""REST: faults on demand for one's own account. Those of operators are in `api.operator.fault_routes`.

Layer: api.faults. Parse, submit, format; nothing is decided here.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from api.auth.authenticator import requesting_account
from api.faults.injector import FaultInjector
from api.faults.plan import Plan, PlanQuery, Step, require_usable
from api.faults.views import FaultPlan, FaultsEnded, OwnFaults, own_faults, plan_view
from api.http.documented import Access, documented
from api.http.responses import answer, query
from api.json.errors import ApiError
from api.json.requests import decoded
from api.settings import Settings


def blueprint(injector: FaultInjector, settings: Settings) -> Blueprint:
    """The routes of one's own faults."""
    routes = Blueprint("faults", __name__, url_prefix="/account/faults")
    allowed = settings.sandbox or settings.own_faults

    @routes.get("")
    @documented(Access.ACCOUNT, OwnFaults, named=(Step,))
    def show() -> Response:
        """What touches the caller's requests: its own faults on demand, and those of the venue."""
        return answer(own_faults(injector, requesting_account(), allowed=allowed))

    @routes.put("")
    @documented(Access.ACCOUNT, FaultPlan, body=Plan, query=PlanQuery, errors=(503,), named=(Step,))
    def put() -> Response:
        """Set the caller's faults in place of those it has; the plan runs by the server's clock until it ends."""
        account, wanted = requesting_account(), query(PlanQuery)
        if not (allowed or wanted.check):
            raise ApiError(403, "OWN_FAULTS_OFF", "Only operators set faults here; see --own-faults.")
        plan = require_usable(decoded(request.get_data(cache=False), Plan))
        return answer(plan_view(injector.checked(plan, account) if wanted.check else injector.put(plan, account)))

    @routes.delete("")
    @documented(Access.ACCOUNT, FaultsEnded)
    def end() -> Response:
        """End the caller's faults, whoever set them, where the caller may set some; those of the venue go on."""
        account = requesting_account()
        if not allowed:
            raise ApiError(403, "OWN_FAULTS_OFF", "Only operators end faults here; see --own-faults.")
        return answer(FaultsEnded(int(injector.end(account) is not None)))

    return routes
