"""What clients send to and get from the routes under /auth.

Layer: api.auth.
"""

from __future__ import annotations

import ipaddress
from typing import Annotated

import msgspec
from msgspec import Meta

from api.json.errors import Malformed
from api.json.requests import Request
from identity.passwords import LENGTH_MAX, LENGTH_MIN
from identity.store import ApiKey, Scope, Session

NETWORKS_MAX = 32

Name = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_.-]{3,32}\Z", description="3 to 32 letters, digits and . _ -")]
Password = Annotated[str, Meta(min_length=LENGTH_MIN, max_length=LENGTH_MAX)]


class SignupRequest(Request, frozen=True):
    """POST /auth/signup."""

    name: Name
    password: Password


class LoginRequest(Request, frozen=True):
    """POST /auth/login."""

    name: Annotated[str, Meta(max_length=LENGTH_MAX)]
    password: Annotated[str, Meta(max_length=LENGTH_MAX)]


class RefreshRequest(Request, frozen=True):
    """POST /auth/refresh."""

    refresh_token: Annotated[str, Meta(max_length=256)]


class KeyRequest(Request, frozen=True, kw_only=True):
    """POST /auth/keys."""

    label: Annotated[str, Meta(max_length=64)] = ""
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=len(Scope))]
    ip_list: Annotated[tuple[Annotated[str, Meta(max_length=64)], ...], Meta(max_length=NETWORKS_MAX)] = ()


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """One of the caller's sessions."""

    session_id: str
    created_at: int  # epoch seconds, as all of these
    expires_at: int
    current: bool


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    """One of the caller's API keys."""

    key_id: str
    label: str
    scopes: list[Scope]
    ip_list: tuple[str, ...]
    created_at: int


class SessionsView(msgspec.Struct, frozen=True):
    """GET /auth/sessions."""

    sessions: list[SessionView]


class KeysView(msgspec.Struct, frozen=True):
    """GET /auth/keys."""

    keys: list[KeyView]


class Success(msgspec.Struct, frozen=True):
    """It is done."""

    success: bool = True


def networks(ip_list: tuple[str, ...]) -> list[str]:
    """Addresses and networks as CIDR. Raises Malformed."""
    try:
        return [str(ipaddress.ip_network(entry, strict=False)) for entry in ip_list]
    except ValueError as problem:
        raise Malformed("INVALID_VALUE", "ip_list: addresses or networks such as 10.0.0.0/8.", field="ip_list") from (
            problem
        )


def session_view(session: Session, current: str | None) -> SessionView:
    """A session as its user sees it."""
    return SessionView(
        session_id=session.session_id,
        created_at=session.created_ns // 10**9,
        expires_at=session.expires_ns // 10**9,
        current=session.session_id == current,
    )


def key_view(key: ApiKey) -> KeyView:
    """A key as its user sees it."""
    return KeyView(
        key_id=key.key_id,
        label=key.label,
        scopes=sorted(key.scopes),
        ip_list=key.ip_list,
        created_at=key.created_ns // 10**9,
    )
