"""Users, sessions and API keys.

Layer: openbell_client.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from openbell_client.answers import (
    KeysView,
    NewKey,
    SecondFactorView,
    SessionsEnded,
    SessionsView,
    SignedIn,
    Success,
    UserView,
)
from openbell_client.calls.call import Call, Repeat, change, get, segment
from openbell_client.requests import (
    BeginSecondFactorRequest,
    CodeRequest,
    EndSecondFactorRequest,
    KeyRequest,
    LoginRequest,
    PasswordRequest,
    RefreshRequest,
    Scope,
    SignupRequest,
)

IN_BODY: Final = {"refresh": "body"}  # the refresh token in the answer, where a program finds it


def guest() -> Call[SignedIn]:
    """A new account without a name or password to remember."""
    return change("POST", "/auth/guest", SignedIn, credentials=False, query=IN_BODY)


def sign_up(name: str, password: str) -> Call[SignedIn]:
    """A new user."""
    body = SignupRequest(name=name, password=password)
    return change("POST", "/auth/signup", SignedIn, body, credentials=False, query=IN_BODY)


def log_in(name: str, password: str, code: str | None = None) -> Call[SignedIn]:
    """A new session of a user; `code` where the second factor is on."""
    body = LoginRequest(name=name, password=password, code=code)
    return change("POST", "/auth/login", SignedIn, body, credentials=False, query=IN_BODY)


def refresh(refresh_token: str) -> Call[SignedIn]:
    """The next token. Asked again within a minute, the answer is the same."""
    body = RefreshRequest(refresh_token=refresh_token)
    return change("POST", "/auth/refresh", SignedIn, body, repeat=Repeat.ALWAYS, credentials=False)


def log_out() -> Call[Success]:
    """End the session."""
    return change("POST", "/auth/logout", Success)


def user() -> Call[UserView]:
    """Who one is."""
    return get("/auth/user", UserView)


def change_password(password: str, new_password: str, code: str | None = None) -> Call[Success]:
    """Another password; every other session ends."""
    body = PasswordRequest(password=password, new_password=new_password, code=code)
    return change("POST", "/auth/password", Success, body)


def begin_second_factor(password: str) -> Call[SecondFactorView]:
    """What an authenticator app is shown."""
    return change("POST", "/auth/totp", SecondFactorView, BeginSecondFactorRequest(password=password))


def confirm_second_factor(code: str) -> Call[Success]:
    """Turn the second factor on that was begun."""
    return change("POST", "/auth/totp/confirm", Success, CodeRequest(code=code))


def turn_off_second_factor(password: str, code: str) -> Call[Success]:
    """Turn the second factor off."""
    return change("POST", "/auth/totp/off", Success, EndSecondFactorRequest(password=password, code=code))


def sessions() -> Call[SessionsView]:
    """Where one is signed in."""
    return get("/auth/sessions", SessionsView)


def end_session(session_id: str) -> Call[Success]:
    """End one of one's sessions."""
    return change("DELETE", f"/auth/sessions/{segment(session_id)}", Success)


def end_sessions() -> Call[SessionsEnded]:
    """End all of one's sessions, this one too."""
    return change("DELETE", "/auth/sessions", SessionsEnded)


def create_key(
    scopes: Sequence[Scope],
    *,
    label: str = "",
    ip_list: Sequence[str] = (),
    password: str | None = None,
    code: str | None = None,
    public_key: str | None = None,
) -> Call[NewKey]:
    """A new API key; its secret is in this answer alone. With the scope withdraw the password is needed again.

    With an Ed25519 `public_key` (PEM, or base64 of its 32 bytes) there is no secret: who has the other half signs.
    """
    body = KeyRequest(
        scopes=tuple(scopes), label=label, ip_list=tuple(ip_list), password=password, code=code, public_key=public_key
    )
    return change("POST", "/auth/keys", NewKey, body)


def keys() -> Call[KeysView]:
    """One's API keys, without their secrets."""
    return get("/auth/keys", KeysView)


def revoke_key(key_id: str) -> Call[Success]:
    """End an API key."""
    return change("DELETE", f"/auth/keys/{segment(key_id)}", Success)
