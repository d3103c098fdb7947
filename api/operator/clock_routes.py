"""The operators' route of the clock: follow the machine's, which was set.

Layer: api.operator.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from flask import Blueprint, Response, request

from api.auth.authenticator import requesting_operator
from api.auth.service import AuthService
from api.http.documented import Access, documented
from api.http.responses import answer
from api.json.errors import ApiError
from api.json.requests import Request, decoded
from api.market.health import clock_state
from api.market.venue_views import ClockState
from sequencer.clock_watch import ClockWatch
from sequencer.venue_clock import VenueClock


class ClockRequest(Request, frozen=True):
    """POST /admin/clock."""

    follow: Literal["machine"]  # required, so that an empty body changes nothing


class ClockFollowed(msgspec.Struct, frozen=True, kw_only=True):
    """POST /admin/clock."""

    accepted_s: float  # by which the machine's clock was ahead of the venue's time; below zero: behind
    clock: ClockState


def add_clock(routes: Blueprint, clock: VenueClock, watch: ClockWatch, auth: AuthService) -> None:
    """Add it to the routes of operators."""

    @routes.post("/clock")
    @documented(Access.OPERATOR, ClockFollowed, body=ClockRequest, errors=(409,))
    def follow() -> Response:
        """Say that the machine's clock is right though it was set, so that the venue's time follows it again.

        What is due by then happens at once: orders expire, sessions open and close.
        """
        operator = requesting_operator()
        decoded(request.get_data(cache=False), ClockRequest)
        clock()
        if clock.held is None:
            raise ApiError(409, "CLOCK_NOT_HELD", "The machine's clock is followed; there is nothing to accept.")
        accepted_s = round(watch.accept() / 1e9, 3)
        audit_details = {"accepted_s": f"{accepted_s:.3f}"}
        auth.record(operator, "clock", "", audit_details)
        return answer(ClockFollowed(accepted_s=accepted_s, clock=clock_state(clock)))
