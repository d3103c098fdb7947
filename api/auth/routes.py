"""REST under /auth: signing up, in and out, sessions and API keys. Parse, ask `AuthService`, format.

Layer: api.auth.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request

from api.auth.attempts import Attempts
from api.auth.authenticator import signed_in
from api.auth.login_audit import LoginAudit
from api.auth.requests import (
    KeyRequest,
    KeysView,
    LoginRequest,
    RefreshRequest,
    SessionsView,
    SignupRequest,
    Success,
    key_view,
    networks,
    session_view,
)
from api.auth.service import AuthService, NewKey, SignedIn
from api.http.documented import Access, documented
from api.http.responses import answer
from api.json.errors import ApiError
from api.json.requests import decoded
from api.settings import Settings
from engine.types import AccountId
from identity.store import User


def blueprint(service: AuthService, settings: Settings, *, on_guest: Callable[[AccountId], None]) -> Blueprint:
    """The routes of signing in. `on_guest` is called for each new guest's account, before it is answered."""
    routes = Blueprint("auth", __name__, url_prefix="/auth")
    attempts = Attempts(settings, LoginAudit(service.record_attempts).note)

    @routes.post("/signup")
    @documented(Access.PUBLIC, SignedIn, status=201, body=SignupRequest, errors=(409, 503))
    def signup() -> Response:
        """Become a user, with an account of one's own."""
        attempts.by_address()
        wanted = decoded(request.get_data(cache=False), SignupRequest)
        _need_open_signup(settings)
        return answer(service.sign_up(wanted.name, wanted.password), 201)

    @routes.post("/guest")
    @documented(Access.PUBLIC, SignedIn, status=201, errors=(503,))
    def guest() -> Response:
        """Become a guest: a new account with paper money, without a name and password to remember."""
        attempts.by_address()
        _need_open_signup(settings)
        guest = service.guest()
        on_guest(guest.account)
        return answer(guest, 201)

    @routes.post("/login")
    @documented(Access.PUBLIC, SignedIn, body=LoginRequest, errors=(401, 503))
    def login() -> Response:
        """Sign in with name and password."""
        attempts.by_address()
        wanted = decoded(request.get_data(cache=False), LoginRequest)
        with attempts.by_name(wanted.name):
            return answer(service.sign_in(wanted.name, wanted.password))

    @routes.post("/refresh")
    @documented(Access.PUBLIC, SignedIn, body=RefreshRequest, errors=(401, 503))
    def refresh() -> Response:
        """A new token for a refresh token, which is good once; the next one is in the answer."""
        wanted = decoded(request.get_data(cache=False), RefreshRequest)
        return answer(service.refresh(wanted.refresh_token))

    @routes.post("/logout")
    @documented(Access.SESSION, Success, errors=(404, 503))
    def logout() -> Response:
        """End the session of the token that is shown, and every token of it."""
        service.sign_out(signed_in())
        return answer(Success())

    @routes.get("/sessions")
    @documented(Access.SESSION, SessionsView, errors=(503,))
    def list_sessions() -> Response:
        """The caller's sessions, newest first."""
        principal = signed_in()
        sessions = service.sessions(principal)
        return answer(SessionsView([session_view(item, principal.session_id) for item in sessions]))

    @routes.delete("/sessions/<session_id>")
    @documented(Access.SESSION, Success, errors=(404, 503))
    def end_session(session_id: str) -> Response:
        """End one of the caller's sessions at once."""
        service.end_session(signed_in(), session_id)
        return answer(Success())

    @routes.post("/keys")
    @documented(Access.SESSION, NewKey, status=201, body=KeyRequest, errors=(409, 503))
    def create_key() -> Response:
        """Make an API key; its secret is told this once."""
        user = _user()
        wanted = decoded(request.get_data(cache=False), KeyRequest)
        ip_list = networks(wanted.ip_list)
        return answer(service.create_key(user, wanted.label, wanted.scopes, ip_list), 201)

    @routes.get("/keys")
    @documented(Access.SESSION, KeysView, errors=(503,))
    def list_keys() -> Response:
        """The caller's API keys, newest first, without their secrets."""
        return answer(KeysView([key_view(key) for key in service.keys(signed_in())]))

    @routes.delete("/keys/<key_id>")
    @documented(Access.SESSION, Success, errors=(404, 503))
    def revoke_key(key_id: str) -> Response:
        """End one of the caller's API keys at once."""
        service.revoke_key(_user(), key_id)
        return answer(Success())

    return routes


def _user() -> User:
    user = signed_in().user
    if user is None:
        raise ApiError(401, "UNAUTHENTICATED", "Sign in first.")
    return user


def _need_open_signup(settings: Settings) -> None:
    if settings.signup != "open":
        raise ApiError(403, "SIGNUP_CLOSED", "This venue takes no new users; ask its operator.")
