"""REST under /auth of what users change of themselves. Parse, ask `OwnUserService`, format.

Layer: api.auth.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from api.auth.attempts import Attempts
from api.auth.authenticator import signed_in
from api.auth.own_user import OwnUserService
from api.auth.requests import (
    BeginSecondFactorRequest,
    CodeRequest,
    EndSecondFactorRequest,
    PasswordRequest,
    SecondFactorView,
    Success,
    UserView,
    user_view,
)
from api.http.documented import Access, documented
from api.http.responses import answer
from api.json.requests import decoded


def add_own_user(routes: Blueprint, service: OwnUserService, attempts: Attempts) -> None:
    """Add them to the routes of signing in. `attempts` counts passwords that are shown."""

    @routes.get("/user")
    @documented(Access.SESSION, UserView, errors=(503,))
    def show_user() -> Response:
        """Who one is signed in as, and whether a second factor is on."""
        return answer(user_view(service.user(signed_in())))

    @routes.post("/password")
    @documented(Access.SESSION, Success, body=PasswordRequest, errors=(409, 503))
    def change_password() -> Response:
        """Replace the password. Every other session ends; this one and API keys go on."""
        principal = signed_in()
        wanted = decoded(request.get_data(cache=False), PasswordRequest)
        attempts.by_address()
        with attempts.by_name(principal.name):
            service.change_password(principal, wanted.password, wanted.code, wanted.new_password)
        return answer(Success())

    @routes.post("/totp")
    @documented(Access.SESSION, SecondFactorView, body=BeginSecondFactorRequest, errors=(409, 503))
    def begin_second_factor() -> Response:
        """Begin a second factor: a secret for an authenticator app. It counts once a code of it is confirmed."""
        principal = signed_in()
        wanted = decoded(request.get_data(cache=False), BeginSecondFactorRequest)
        attempts.by_address()
        with attempts.by_name(principal.name):
            return answer(service.begin_second_factor(principal, wanted.password))

    @routes.post("/totp/confirm")
    @documented(Access.SESSION, Success, body=CodeRequest, errors=(409, 503))
    def confirm_second_factor() -> Response:
        """Turn on the second factor that was begun, by a code of it: signing in asks for one from now on."""
        principal = signed_in()
        wanted = decoded(request.get_data(cache=False), CodeRequest)
        service.confirm_second_factor(principal, wanted.code)
        return answer(Success())

    @routes.post("/totp/off")
    @documented(Access.SESSION, Success, body=EndSecondFactorRequest, errors=(409, 503))
    def turn_off_second_factor() -> Response:
        """Turn the second factor off. Needs the password and a code."""
        principal = signed_in()
        wanted = decoded(request.get_data(cache=False), EndSecondFactorRequest)
        attempts.by_address()
        with attempts.by_name(principal.name):
            service.turn_off_second_factor(principal, wanted.password, wanted.code)
        return answer(Success())
