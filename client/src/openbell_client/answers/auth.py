"""Answers of the auth calls.

Written by tools/setup/generate_client.py from the server's OpenAPI document: change that, not this.
Layer: openbell_client.
"""

from __future__ import annotations

import msgspec

from openbell_client.answers.shared import (
    KeyView,
    Role,
    Scope,
    SessionView,
)
from openbell_client.secret_fields import redacted


class KeysView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /auth/keys."""

    keys: list[KeyView]


class NewKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to POST /auth/keys: the only time that the secret is told."""

    key_id: str
    secret: str | None = None
    label: str
    scopes: list[Scope]
    ip_list: list[str]

    def __repr__(self) -> str:
        return redacted(self)


class SecondFactorView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /auth/totp: the only time that the secret is told."""

    secret: str
    uri: str
    qr: str

    def __repr__(self) -> str:
        return redacted(self)


class SessionsEnded(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """DELETE /auth/sessions."""

    count: int


class SessionsView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /auth/sessions."""

    sessions: list[SessionView]


class SignedIn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to signup, login, guest and refresh."""

    token: str
    token_type: str
    expires_at: int
    refresh_token: str | None = None
    session_id: str
    session_expires_at: int
    name: str
    account: int
    role: Role
    guest: bool
    change_password_by: int | None

    def __repr__(self) -> str:
        return redacted(self)
