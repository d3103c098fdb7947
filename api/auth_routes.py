"""REST under /auth: signing up, in and out, sessions and API keys. Parse, ask `Signing`, format.

Layer: api.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from api import auth_wire, wire
from api.auth import signed_in
from api.errors import ApiError
from api.limits import Attempts
from api.responses import answer
from api.settings import Settings
from api.signing import Signing
from api.teller import Teller
from store.identity import User


def blueprint(signing: Signing, teller: Teller, settings: Settings) -> Blueprint:
    """The routes of signing in."""
    routes = Blueprint("auth", __name__, url_prefix="/auth")
    attempts = Attempts(settings)

    @routes.post("/signup")
    def signup() -> Response:
        """Become a user, with an account of one's own."""
        attempts.by_address()
        wanted = wire.decoded(request.get_data(cache=False), auth_wire.SignupRequest)
        _need_open_signup(settings)
        return _secret(signing.sign_up(wanted.name, wanted.password), 201)

    @routes.post("/guest")
    def guest() -> Response:
        """Become a guest: a new account with paper money, without a name and password to remember."""
        attempts.by_address()
        _need_open_signup(settings)
        guest = signing.guest()
        teller.welcome(guest.account)
        return _secret(guest, 201)

    @routes.post("/login")
    def login() -> Response:
        """Sign in with name and password."""
        attempts.by_address()
        wanted = wire.decoded(request.get_data(cache=False), auth_wire.LoginRequest)
        with attempts.by_name(wanted.name):
            return _secret(signing.sign_in(wanted.name, wanted.password))

    @routes.post("/refresh")
    def refresh() -> Response:
        """A new token for a refresh token, which is good once; the next one is in the answer."""
        wanted = wire.decoded(request.get_data(cache=False), auth_wire.RefreshRequest)
        return _secret(signing.refresh(wanted.refresh_token))

    @routes.post("/logout")
    def logout() -> Response:
        """End the session of the token that is shown, and every token of it."""
        signing.sign_out(signed_in())
        return answer({"success": True})

    @routes.get("/sessions")
    def list_sessions() -> Response:
        """The caller's sessions, newest first."""
        principal = signed_in()
        sessions = signing.sessions(principal)
        return answer({"sessions": [auth_wire.session_view(item, principal.session_id) for item in sessions]})

    @routes.delete("/sessions/<session_id>")
    def end_session(session_id: str) -> Response:
        """End one of the caller's sessions at once."""
        signing.end_session(signed_in(), session_id)
        return answer({"success": True})

    @routes.post("/keys")
    def create_key() -> Response:
        """Make an API key; its secret is told this once."""
        user = _user()
        wanted = wire.decoded(request.get_data(cache=False), auth_wire.KeyRequest)
        ip_list = auth_wire.networks(wanted.ip_list)
        return _secret(signing.create_key(user, wanted.label, wanted.scopes, ip_list), 201)

    @routes.get("/keys")
    def list_keys() -> Response:
        """The caller's API keys, newest first, without their secrets."""
        return answer({"keys": [auth_wire.key_view(key) for key in signing.keys(signed_in())]})

    @routes.delete("/keys/<key_id>")
    def revoke_key(key_id: str) -> Response:
        """End one of the caller's API keys at once."""
        signing.revoke_key(_user(), key_id)
        return answer({"success": True})

    return routes


def _user() -> User:
    user = signed_in().user
    if user is None:
        raise ApiError(401, "UNAUTHENTICATED", "Sign in first.")
    return user


def _need_open_signup(settings: Settings) -> None:
    if settings.signup != "open":
        raise ApiError(403, "SIGNUP_CLOSED", "This venue takes no new users; ask its operator.")


def _secret(body: object, status: int = 200) -> Response:
    """An answer that no cache may keep."""
    response = answer(body, status)
    response.headers["Cache-Control"] = "no-store"
    return response
