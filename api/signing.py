"""Signing up, in and out, sessions and API keys: the store's doing, and what is held in memory, kept together.

Whatever blocks runs in native threads; hashing has one of its own, so that a flood of logins delays
only logins.
Layer: api.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import eventlet
import msgspec

from api.credentials import Credentials, Principal
from api.errors import ApiError
from engine.types import AccountId
from store import passwords
from store.identity import (
    ApiKey,
    AuditEntry,
    BadRefreshToken,
    Identity,
    NameTaken,
    RefreshTokenReused,
    Role,
    Scope,
    Session,
    TooManyKeys,
    User,
)
from store.workers import Workers

log = logging.getLogger(__name__)

DATABASE_THREADS = 1  # answers come in the order of the changes: a session that was ended is not admitted after
DATABASE_WAITING_MAX = 1_000
HASHES_WAITING_MAX = 50  # about five seconds of them
SWEEP_S = 300.0


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to signup, login, guest and refresh."""

    token: str
    token_type: str
    expires_at: int  # epoch seconds
    refresh_token: str
    session_id: str
    name: str
    account: AccountId
    role: Role
    guest: bool


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to POST /auth/keys: the only time that the secret is told."""

    key_id: str
    secret: str
    label: str
    scopes: list[Scope]
    ip_list: tuple[str, ...]


class Signing:
    """The identities of one running server. For the event loop's thread; its methods let other greenlets run."""

    def __init__(self, identity: Identity, credentials: Credentials) -> None:
        """Take in the sessions and keys that are good, which blocks, and start the threads."""
        self._identity = identity
        self._credentials = credentials
        for session in identity.live_sessions():
            credentials.admit_session(session)
        unreadable = 0
        for key, secret in identity.live_keys():
            if secret is None:
                unreadable += 1
            else:
                credentials.admit_key(key, secret)
        if unreadable:
            log.warning("%d API keys were made under another server secret: they are refused", unreadable)
        self._database = Workers("identity", DATABASE_THREADS, DATABASE_WAITING_MAX)
        self._hashing = Workers("passwords", 1, HASHES_WAITING_MAX)
        self._sweeper = eventlet.spawn_after(SWEEP_S, self._sweep)

    def close(self) -> None:
        """Stop the threads; blocks until what they do is done."""
        self._sweeper.cancel()
        self._hashing.close()
        self._database.close()

    def sign_up(self, name: str, password: str) -> SignedIn:
        """A new user, signed in. Raises ApiError 409."""
        password_hash = self._hashing.run(passwords.hashed, password)
        try:
            user = self._database.run(self._identity.create_user, name, password_hash)
        except NameTaken as problem:
            raise ApiError(409, "NAME_TAKEN", "Somebody has that name already.", {"field": "name"}) from problem
        return self._open(user)

    def sign_in(self, name: str, password: str) -> SignedIn:
        """A new session. Raises ApiError 401, the same for a name that nobody has."""
        known = self._database.run(self._identity.login_of, name)
        user, password_hash = known or (None, None)
        if not self._hashing.run(passwords.matches, password_hash, password) or user is None or user.disabled:
            raise ApiError(401, "BAD_LOGIN", "That name and password do not go together.")
        return self._open(user)

    def guest(self) -> SignedIn:
        """A new guest, signed in."""
        return self._open(self._database.run(self._identity.create_guest))

    def refresh(self, token: str) -> SignedIn:
        """The session of a refresh token, prolonged. Raises ApiError 401."""
        try:
            session, following = self._database.run(self._identity.refresh, token)
        except RefreshTokenReused as problem:
            log.warning("a refresh token was used twice: its session is revoked")
            self._credentials.drop_session(problem.session_id)
            raise ApiError(
                401, "REFRESH_TOKEN_REUSED", "The refresh token was used before: its session is over. Sign in again."
            ) from problem
        except BadRefreshToken as problem:
            raise ApiError(401, "BAD_REFRESH_TOKEN", "The refresh token is not good any more; sign in.") from problem
        return self._admit(session, following)

    def sign_out(self, principal: Principal) -> None:
        """End the session that `principal` is signed in with."""
        self.end_session(principal, principal.session_id or "", "logout")

    def sessions(self, principal: Principal) -> list[Session]:
        """Their sessions, newest first."""
        return self._database.run(self._identity.sessions_of, principal.user_id)

    def end_session(self, principal: Principal, session_id: str, why: str = "revoked") -> None:
        """End one of their sessions. Raises ApiError 404."""
        if not self._database.run(self._identity.revoke_session, session_id, principal.user_id, why):
            raise ApiError(404, "UNKNOWN_SESSION", "You have no such session.")
        self._credentials.drop_session(session_id)

    def create_key(self, user: User, label: str, scopes: Iterable[Scope], ip_list: Iterable[str]) -> NewKey:
        """A new API key, good at once. Raises ApiError 409."""
        try:
            key, secret = self._database.run(self._identity.create_key, user, label, scopes, ip_list)
        except TooManyKeys as problem:
            raise ApiError(409, "TOO_MANY_KEYS", "You have as many keys as you may; revoke one first.") from problem
        self._credentials.admit_key(key, secret)
        return NewKey(
            key_id=key.key_id,
            secret=secret.decode(),
            label=key.label,
            scopes=sorted(key.scopes),
            ip_list=key.ip_list,
        )

    def keys(self, principal: Principal) -> list[ApiKey]:
        """Their keys, newest first."""
        return self._database.run(self._identity.keys_of, principal.user_id)

    def revoke_key(self, user: User, key_id: str) -> None:
        """End one of their keys. Raises ApiError 404."""
        if not self._database.run(self._identity.revoke_key, key_id, user):
            raise ApiError(404, "UNKNOWN_KEY", "You have no such API key.")
        self._credentials.drop_key(key_id)

    def record(
        self, principal: Principal, action: str, subject: str, details: dict[str, Any], seq: int | None = None
    ) -> None:
        """Note in the audit trail what an operator did. `details` must hold no secret."""
        self._database.run(self._identity.record, principal.user, action, subject, details, seq)

    def audit_trail(self, limit: int, before_ns: int) -> list[AuditEntry]:
        """The newest lines of the audit trail older than `before_ns`, newest first."""
        return self._database.run(self._identity.audit_trail, limit, before_ns)

    def _open(self, user: User) -> SignedIn:
        return self._admit(*self._database.run(self._identity.open_session, user))

    def _admit(self, session: Session, refresh_token: str) -> SignedIn:
        self._credentials.admit_session(session)
        token, expires_at = self._credentials.issue(session.session_id)
        user = session.user
        return SignedIn(
            token=token,
            token_type="Bearer",  # noqa: S106  # nosec B106 # a scheme's name
            expires_at=expires_at,
            refresh_token=refresh_token,
            session_id=session.session_id,
            name=user.name,
            account=user.account,
            role=user.role,
            guest=user.guest,
        )

    def _sweep(self) -> None:
        self._credentials.drop_expired()
        self._sweeper = eventlet.spawn_after(SWEEP_S, self._sweep)
