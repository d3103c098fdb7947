"""What clients send to and get from the routes under /auth.

Layer: api.auth.
"""

from __future__ import annotations

from base64 import b64decode
from typing import Annotated, Literal

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from msgspec import Meta

from api.auth.signatures import is_weak
from api.http.addresses import network_of
from api.json.errors import Malformed
from api.json.requests import Request
from identity.passwords import LENGTH_MAX, LENGTH_MIN, RULE
from identity.users import ApiKey, Role, Scope, Session, User
from listings.texts import IdText

NETWORKS_MAX = 32
PUBLIC_KEY_MAX = 1_000  # characters
PUBLIC_KEY_RULE = "An Ed25519 public key, in PEM or its 32 bytes in base64: then no secret is made"

Name = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_.-]{3,32}\Z", description="3 to 32 letters, digits and . _ -")]
NewPassword = Annotated[str, Meta(min_length=LENGTH_MIN, max_length=LENGTH_MAX, description=RULE)]
Password = Annotated[str, Meta(max_length=LENGTH_MAX)]
Code = Annotated[str, Meta(pattern=r"\A[0-9]{6}\Z", description="Six digits, of an authenticator app; good once")]


class RefreshQuery(Request, frozen=True):
    """The query of signing up and in, and of refreshing: where the refresh token goes.

    In the body it is for programs; pages have it in a cookie that no script reads, as it is when this is left out. A
    refresh token that came in the body is answered there.
    """

    refresh: Literal["cookie", "body"] | None = None


class SignupRequest(Request, frozen=True):
    """POST /auth/signup."""

    name: Name
    password: NewPassword


class LoginRequest(Request, frozen=True):
    """POST /auth/login."""

    name: Annotated[str, Meta(max_length=LENGTH_MAX)]
    password: Password
    code: Code | None = None  # where the second factor is on


class RefreshRequest(Request, frozen=True, kw_only=True):
    """POST /auth/refresh: one of the two."""

    refresh_token: Annotated[str, Meta(max_length=256)] | None = None
    session_id: Annotated[str, Meta(max_length=64)] | None = None  # whose refresh token is in a cookie


class PasswordRequest(Request, frozen=True, kw_only=True):
    """POST /auth/password."""

    password: Password  # the one of now
    new_password: NewPassword
    code: Code | None = None


class BeginSecondFactorRequest(Request, frozen=True):
    """POST /auth/totp."""

    password: Password


class EndSecondFactorRequest(Request, frozen=True):
    """POST /auth/totp/off."""

    password: Password
    code: Code


class CodeRequest(Request, frozen=True):
    """POST /auth/totp/confirm."""

    code: Code


class KeyRequest(Request, frozen=True, kw_only=True):
    """POST /auth/keys."""

    label: Annotated[str, Meta(max_length=64)] = ""
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=len(Scope))]
    ip_list: Annotated[tuple[Annotated[str, Meta(max_length=64)], ...], Meta(max_length=NETWORKS_MAX)] = ()
    password: Password | None = None  # and code: for the scope `withdraw`
    code: Code | None = None
    public_key: Annotated[str, Meta(max_length=PUBLIC_KEY_MAX, description=PUBLIC_KEY_RULE)] | None = None


class UserView(msgspec.Struct, frozen=True, kw_only=True):
    """A user: GET /auth/user."""

    name: str
    account: IdText
    role: Role
    guest: bool
    disabled: bool  # cannot sign in
    totp: bool  # whether signing in asks for a code
    change_password_by: int | None  # epoch seconds: a password that was given by a reset ends then


class SecondFactorView(msgspec.Struct, frozen=True, kw_only=True):
    """POST /auth/totp: the only time that the secret is told."""

    secret: str  # base32
    uri: str  # otpauth
    qr: str  # the URI as a QR code: lines of 0, light, and 1, dark


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """One session of a user."""

    session_id: str
    created_at: int  # epoch seconds, as all of these
    used_at: int  # when it was opened or refreshed last
    expires_at: int
    address: str  # where it was opened from, and by which program
    user_agent: str
    current: bool  # whether it is the one that asks


class SessionsEnded(msgspec.Struct, frozen=True):
    """DELETE /auth/sessions."""

    count: int


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    """One of the caller's API keys."""

    key_id: str
    label: str
    scopes: list[Scope]
    ip_list: tuple[str, ...]
    created_at: int
    algorithm: Literal["hmac-sha256", "ed25519"]


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
        return [str(network_of(entry)) for entry in ip_list]
    except ValueError as problem:
        raise Malformed("INVALID_VALUE", "ip_list: addresses or networks such as 10.0.0.0/8.", field="ip_list") from (
            problem
        )


def public_key_bytes(text: str) -> bytes:
    """The 32 bytes of an Ed25519 public key, from PEM or base64. Raises Malformed."""
    try:
        if "BEGIN" in text:
            found = load_pem_public_key(text.encode())
        else:
            found = Ed25519PublicKey.from_public_bytes(b64decode(text.strip(), validate=True))
        if isinstance(found, Ed25519PublicKey) and not is_weak(found.public_bytes_raw()):
            return found.public_bytes_raw()
    except (ValueError, UnsupportedAlgorithm):
        pass
    raise Malformed(
        "INVALID_VALUE", f"public_key: {PUBLIC_KEY_RULE[0].lower()}{PUBLIC_KEY_RULE[1:]}.", field="public_key"
    )


def session_view(session: Session, current: str | None) -> SessionView:
    """A session as its user sees it; `current` is the id of the one that asks."""
    return SessionView(
        session_id=session.session_id,
        created_at=session.created_ns // 10**9,
        used_at=session.used_ns // 10**9,
        expires_at=session.expires_ns // 10**9,
        address=session.address,
        user_agent=session.user_agent,
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
        algorithm="hmac-sha256" if key.public_key is None else "ed25519",
    )


def user_view(user: User) -> UserView:
    """A user as they themselves and operators see them."""
    return UserView(
        name=user.name,
        account=str(user.account),
        role=user.role,
        guest=user.guest,
        disabled=user.disabled,
        totp=user.totp,
        change_password_by=None if user.password_until_ns is None else user.password_until_ns // 10**9,
    )
