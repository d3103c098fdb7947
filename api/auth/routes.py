"""REST under /auth: signing up, in and out, sessions and API keys. Parse, ask `AuthService`, format.

Layer: api.auth.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
from flask import Blueprint, Response, after_this_request, request
from msgspec import UNSET

from api.auth import refresh_cookies
from api.auth.attempts import Attempts
from api.auth.authenticator import signed_in
from api.auth.login_audit import LoginAudit
from api.auth.own_user import OwnUserService
from api.auth.own_user_routes import add_own_user
from api.auth.requests import (
    KeyRequest,
    KeysView,
    LoginRequest,
    RefreshQuery,
    RefreshRequest,
    SessionsEnded,
    SessionsView,
    SignupRequest,
    Success,
    key_view,
    networks,
    public_key_bytes,
    session_view,
)
from api.auth.service import AuthService, NewKey, SignedIn
from api.http.documented import Access, documented
from api.http.origins import Origins
from api.http.responses import answer, query
from api.json.errors import ApiError, Malformed
from api.json.requests import decoded
from api.settings import Settings
from engine.types import AccountId
from identity.users import Client, Scope, User


def blueprint(
    service: AuthService,
    own: OwnUserService,
    settings: Settings,
    origins: Origins,
    *,
    on_guest: Callable[[AccountId], None],
) -> Blueprint:
    """The routes of signing in. `on_guest` is called for each new guest's account, before it is answered.

    `origins`: whose pages may show the cookies of this server besides its own.
    """
    routes = Blueprint("auth", __name__, url_prefix="/auth")
    attempts = Attempts(settings, LoginAudit(service.record_attempts).note)
    for name, address in service.addresses_at_start:
        attempts.add_own(name, address)
    _add_signing_in(routes, service, settings, origins, attempts, on_guest)
    _add_sessions(routes, service, origins)
    _add_keys(routes, service, attempts)
    add_own_user(routes, own, attempts)
    return routes


def _add_signing_in(
    routes: Blueprint,
    service: AuthService,
    settings: Settings,
    origins: Origins,
    attempts: Attempts,
    on_guest: Callable[[AccountId], None],
) -> None:
    @routes.post("/signup")
    @documented(Access.PUBLIC, SignedIn, status=201, body=SignupRequest, query=RefreshQuery, errors=(409, 503))
    def signup() -> Response:
        """Become a user, with an account of one's own."""
        attempts.by_address()
        where, wanted = query(RefreshQuery), decoded(request.get_data(cache=False), SignupRequest)
        _need_open_signup(settings)
        return _signed_in(service.sign_up(wanted.name, wanted.password, _client()), where, 201)

    @routes.post("/guest")
    @documented(Access.PUBLIC, SignedIn, status=201, query=RefreshQuery, errors=(503,))
    def guest() -> Response:
        """Become a guest: a new account with paper money, without a name and password to remember."""
        attempts.by_address()
        where = query(RefreshQuery)
        _need_open_signup(settings)
        guest = service.guest(_client())
        on_guest(guest.account)
        return _signed_in(guest, where, 201)

    @routes.post("/login")
    @documented(Access.PUBLIC, SignedIn, body=LoginRequest, query=RefreshQuery, errors=(401, 503))
    def login() -> Response:
        """Sign in with name and password, and with a code where the second factor is on."""
        attempts.by_address()
        where, wanted = query(RefreshQuery), decoded(request.get_data(cache=False), LoginRequest)
        with attempts.by_name(wanted.name):
            signed_in = service.sign_in(wanted.name, wanted.password, wanted.code, _client())
        return _signed_in(signed_in, where)

    @routes.post("/refresh")
    @documented(Access.PUBLIC, SignedIn, body=RefreshRequest, query=RefreshQuery, errors=(401, 403, 503))
    def refresh() -> Response:
        """A new token for a refresh token, which is good once; the next one takes the place of it.

        `session_id` names the session whose refresh token is in a cookie. One in the body is answered in the body,
        unless a cookie is asked for.
        """
        where, wanted = query(RefreshQuery), decoded(request.get_data(cache=False), RefreshRequest)
        if (wanted.refresh_token is None) == (wanted.session_id is None):
            raise Malformed("MISSING_FIELD", "Give refresh_token or session_id, one of them.", field="refresh_token")
        if wanted.session_id is None:
            where = where if where.refresh else RefreshQuery(refresh="body")
            return _signed_in(service.refresh(wanted.refresh_token or ""), where)
        if where.refresh == "body":
            raise Malformed("INVALID_VALUE", "What came in a cookie is answered in a cookie.", field="refresh")
        session_id, token = wanted.session_id, refresh_cookies.shown(wanted.session_id, origins)
        if token is None:
            raise ApiError(401, "BAD_REFRESH_TOKEN", "There is no cookie of that session; sign in.")

        @after_this_request
        def forget_what_is_over(response: Response) -> Response:
            """A refresh token that is good for nothing."""
            return refresh_cookies.forget(response, session_id) if response.status_code == 401 else response

        return _signed_in(service.refresh(token, session_id), where)


def _add_sessions(routes: Blueprint, service: AuthService, origins: Origins) -> None:
    @routes.post("/logout")
    @documented(Access.SESSION, Success, errors=(403, 404, 503))
    def logout() -> Response:
        """End the session of the token that is shown, and every token of it."""
        principal = signed_in()
        session_id = principal.session_id or ""
        refresh_cookies.shown(session_id, origins)  # refused where another site's page sent it
        service.sign_out(principal)
        return refresh_cookies.forget(answer(Success()), session_id)

    @routes.get("/sessions")
    @documented(Access.SESSION, SessionsView, errors=(503,))
    def list_sessions() -> Response:
        """The caller's sessions, newest first."""
        principal = signed_in()
        sessions = service.sessions(principal)
        return answer(SessionsView([session_view(item, principal.session_id) for item in sessions]))

    @routes.delete("/sessions")
    @documented(Access.SESSION, SessionsEnded, errors=(503,))
    def end_sessions() -> Response:
        """End every session of the caller at once, this one too. API keys go on."""
        ended = service.end_sessions(_user())
        return refresh_cookies.forget(answer(SessionsEnded(ended)), signed_in().session_id or "")

    @routes.delete("/sessions/<session_id>")
    @documented(Access.SESSION, Success, errors=(404, 503))
    def end_session(session_id: str) -> Response:
        """End one of the caller's sessions at once."""
        service.end_session(signed_in(), session_id)
        return refresh_cookies.forget(answer(Success()), session_id)


def _add_keys(routes: Blueprint, service: AuthService, attempts: Attempts) -> None:
    @routes.post("/keys")
    @documented(Access.SESSION, NewKey, status=201, body=KeyRequest, errors=(409, 503))
    def create_key() -> Response:
        """Make an API key; its secret is told this once. With a `public_key` there is none: you sign with your own.

        The scope `withdraw`, which moves money out, needs the password once more, and a code where the second factor
        is on. A guest has neither.
        """
        user = _user()
        wanted = decoded(request.get_data(cache=False), KeyRequest)
        ip_list = networks(wanted.ip_list)
        public_key = None if wanted.public_key is None else public_key_bytes(wanted.public_key)
        if Scope.WITHDRAW in wanted.scopes:
            attempts.by_address()
            with attempts.by_name(user.name):
                service.reauthentication.of(signed_in(), wanted.password, wanted.code)
        return answer(service.create_key(user, wanted.label, wanted.scopes, ip_list, public_key), 201)

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


def _signed_in(signed_in: SignedIn, where: RefreshQuery, status: int = 200) -> Response:
    """The answer to whoever is signed in now, with the refresh token where they want it."""
    token = signed_in.refresh_token
    if where.refresh == "body" or token is UNSET:
        return answer(signed_in, status)
    response = answer(msgspec.structs.replace(signed_in, refresh_token=UNSET), status)
    seconds = signed_in.session_expires_at - int(time.time())
    return refresh_cookies.put(response, signed_in.session_id, token, seconds)


def _client() -> Client:
    """Where the current request comes from, for its user to recognise."""
    return Client(request.remote_addr or "", request.user_agent.string)


def _user() -> User:
    user = signed_in().user
    if user is None:
        raise ApiError(401, "UNAUTHENTICATED", "Sign in first.")
    return user


def _need_open_signup(settings: Settings) -> None:
    if settings.signup != "open":
        raise ApiError(403, "SIGNUP_CLOSED", "This venue takes no new users; ask its operator.")
