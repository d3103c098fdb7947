"""Who may ask for what: users, their sessions and API keys, and the audit trail.

Unlike the history nothing here can be derived: a change is on disk when its method returns, with the
line of the audit trail that tells of it. Passwords are hashed elsewhere (`store/passwords.py`).
Units: times are epoch nanoseconds.
Layer: store. Everything here blocks: from a greenlet use `store.workers.Workers`.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography.fernet import InvalidToken
from sqlalchemy import Connection, Row, Select, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from engine.types import AccountId
from store.identity_database import IdentityError, open_database
from store.identity_schema import API_KEYS, AUDIT, SESSIONS, USERS
from store.refresh_tokens import RefreshTokens, digest
from store.secrets import ServerSecret

FIRST_ACCOUNT: Final = 1000  # those below belong to the venue
DAY_NS: Final = 86_400 * 10**9
KEYS_MAX: Final = 100  # of one user that are not revoked
REFRESH_GRACE_NS: Final = 60 * 10**9  # in which a used refresh token, whose answer may be lost, is answered again
LISTED_MAX: Final = 200  # sessions in one answer
GUEST_NAME_TRIES: Final = 5


class Role(StrEnum):
    """What a user is to the venue."""

    TRADER = "trader"
    OPERATOR = "operator"


class Scope(StrEnum):
    """What a key may do for its user."""

    READ = "read"
    TRADE = "trade"
    WITHDRAW = "withdraw"


ALL_SCOPES: Final = frozenset(Scope)


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person, a bot or a guest, with one account."""

    user_id: int
    name: str
    role: Role
    account: AccountId
    guest: bool
    disabled: bool


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One sign-in of a user."""

    session_id: str
    user: User
    created_ns: int
    expires_ns: int


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that signs requests; its secret is not among this."""

    key_id: str
    user: User
    label: str
    scopes: frozenset[Scope]
    ip_list: tuple[str, ...]  # networks; empty: from anywhere
    created_ns: int


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Who did what. `actor_id` is None for the command line."""

    ts_ns: int
    actor_id: int | None
    actor_name: str
    action: str
    subject: str
    details: dict[str, Any]
    seq: int | None


class NameTaken(IdentityError):
    """Somebody has that name, in this or another case."""


class TooManyKeys(IdentityError):
    """The user has `KEYS_MAX` keys."""


class BadRefreshToken(IdentityError):
    """It is not ours, or its session is over."""


class RefreshTokenReused(IdentityError):
    """It was used before: somebody has a copy. Its session, `session_id`, is revoked now."""

    def __init__(self, session_id: str) -> None:
        super().__init__("the refresh token was used before")
        self.session_id = session_id


class Identity:
    """The identity store, in SQLite or PostgreSQL. Any thread may call it."""

    def __init__(
        self,
        path_or_url: str | Path,
        secret: ServerSecret,
        *,
        refresh_days: int = 30,
        first_account: int = FIRST_ACCOUNT,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """Open it, and bring its schema up to date. Raises IdentityError.

        `first_account`: new users get accounts from here up. Give one above all that the exchange
        knows, so that a store which was lost or restored never hands out somebody's money.
        """
        self._secret = secret
        self._tokens = RefreshTokens(secret.refresh_key)
        self._session_ns = refresh_days * DAY_NS
        self._first_account = max(first_account, FIRST_ACCOUNT)
        self._clock = clock
        self._engine = open_database(path_or_url)

    def close(self) -> None:
        """Close every connection. Idempotent."""
        self._engine.dispose()

    # -- users

    def create_user(self, name: str, password_hash: str, role: Role = Role.TRADER, actor: str | None = None) -> User:
        """A new user with an account of their own. `actor`: who did it, when not they. Raises NameTaken."""
        with self._engine.begin() as connection:
            return self._add_user(connection, name, password_hash, role, actor)

    def create_guest(self) -> User:
        """A new user without a password, and with a name that we make."""
        for _ in range(GUEST_NAME_TRIES):
            with suppress(NameTaken), self._engine.begin() as connection:
                return self._add_user(connection, f"guest-{secrets.token_hex(4)}", None, Role.TRADER, None)
        raise IdentityError("no name for a guest was free")

    def login_of(self, name: str) -> tuple[User, str | None] | None:
        """The user of that name, in any case, and the hash of their password; None for an unknown name."""
        with self._engine.begin() as connection:
            row = connection.execute(select(USERS).where(USERS.c.folded_name == name.lower())).one_or_none()
        return None if row is None else (_user(row), row.password_hash)

    def appoint(self, name: str, password_hash: str, actor: str) -> User:
        """Make `name` an operator with this password, a new user when there is none. Ends their sessions."""
        with self._engine.begin() as connection:
            row = connection.execute(select(USERS).where(USERS.c.folded_name == name.lower())).one_or_none()
            if row is None:
                return self._add_user(connection, name, password_hash, Role.OPERATOR, actor)
            connection.execute(
                update(USERS)
                .where(USERS.c.user_id == row.user_id)
                .values(role=Role.OPERATOR.value, password_hash=password_hash, disabled=False)
            )
            connection.execute(
                update(SESSIONS)
                .where(SESSIONS.c.user_id == row.user_id, SESSIONS.c.revoked_ns.is_(None))
                .values(revoked_ns=self._clock())
            )
            self._note(connection, (None, actor), "user_promoted", row.name, {"role": Role.OPERATOR.value})
            return self._user_by_id(connection, row.user_id)

    def _add_user(
        self, connection: Connection, name: str, password_hash: str | None, role: Role, actor: str | None
    ) -> User:
        highest = connection.execute(select(func.max(USERS.c.account))).scalar_one()
        account = max(self._first_account, (highest or 0) + 1)
        try:
            with connection.begin_nested():
                user_id = connection.execute(
                    insert(USERS)
                    .values(
                        name=name,
                        folded_name=name.lower(),
                        password_hash=password_hash,
                        role=role.value,
                        account=account,
                        created_ns=self._clock(),
                        disabled=False,
                    )
                    .returning(USERS.c.user_id)
                ).scalar_one()
        except IntegrityError:
            if connection.execute(select(USERS).where(USERS.c.folded_name == name.lower())).one_or_none() is None:
                raise
            raise NameTaken(f"the name {name} is taken") from None
        user = self._user_by_id(connection, user_id)
        action = "guest_created" if password_hash is None else "user_created"
        details = {"account": account, "role": role.value}
        self._note(connection, (None if actor else user_id, actor or name), action, name, details)
        return user

    @staticmethod
    def _user_by_id(connection: Connection, user_id: int) -> User:
        return _user(connection.execute(select(USERS).where(USERS.c.user_id == user_id)).one())

    # -- sessions

    def open_session(self, user: User) -> tuple[Session, str]:
        """A new session of `user`, and the refresh token that will prolong it."""
        session_id, now = secrets.token_hex(16), self._clock()
        token = self._tokens.first(session_id)
        with self._engine.begin() as connection:
            connection.execute(
                insert(SESSIONS).values(
                    session_id=session_id,
                    user_id=user.user_id,
                    refresh_hash=digest(token),
                    created_ns=now,
                    expires_ns=now + self._session_ns,
                )
            )
            self._note(connection, (user.user_id, user.name), "session_opened", session_id, {})
        return Session(session_id=session_id, user=user, created_ns=now, expires_ns=now + self._session_ns), token

    def refresh(self, token: str) -> tuple[Session, str]:
        """The session of `token`, prolonged, its user as they are now, and the token to use next time.

        An answer may be lost: for `REFRESH_GRACE_NS` the token just used gives the same next one
        again. Raises BadRefreshToken; RefreshTokenReused when it was used longer ago or before
        the last one, and revokes the session then.
        """
        session_id, now = self._tokens.session_of(token), self._clock()
        if session_id is None:
            raise BadRefreshToken("the refresh token is not ours")
        following = self._tokens.after(session_id, token)
        with self._engine.begin() as connection:
            prolonged = connection.execute(
                update(SESSIONS)
                .where(
                    SESSIONS.c.session_id == session_id,
                    SESSIONS.c.refresh_hash == digest(token),
                    SESSIONS.c.revoked_ns.is_(None),
                    SESSIONS.c.expires_ns > now,
                )
                .values(
                    refresh_hash=digest(following),
                    expires_ns=now + self._session_ns,
                    previous_hash=digest(token),
                    refreshed_ns=now,
                )
            ).rowcount
            row = connection.execute(_sessions().where(SESSIONS.c.session_id == session_id)).one_or_none()
            if prolonged and row is not None and not row.disabled:
                return _session(row), following
            if row is not None and not row.disabled and _just_used(row, token, now):
                return _session(row), following
            reused = row is not None and row.refresh_hash != digest(token) and row.revoked_ns is None
            if row is not None and row.revoked_ns is None:
                self._revoke_session(connection, session_id, _user(row), "refresh_token_reused" if reused else "over")
        if reused:
            raise RefreshTokenReused(session_id)
        raise BadRefreshToken("the session is over")

    def sessions_of(self, user_id: int) -> list[Session]:
        """The sessions of a user that are not over, newest first, at most `LISTED_MAX`."""
        own = _live_sessions(self._clock()).where(SESSIONS.c.user_id == user_id)
        return self._read(own.order_by(SESSIONS.c.created_ns.desc()).limit(LISTED_MAX), _session)

    def live_sessions(self) -> list[Session]:
        """Every session that is not over. O(sessions)."""
        return self._read(_live_sessions(self._clock()), _session)

    def revoke_session(self, session_id: str, user_id: int, why: str) -> bool:
        """End a session of that user; False when they have no such session."""
        with self._engine.begin() as connection:
            row = connection.execute(
                _live_sessions(self._clock()).where(SESSIONS.c.session_id == session_id, SESSIONS.c.user_id == user_id)
            ).one_or_none()
            if row is None:
                return False
            self._revoke_session(connection, session_id, _user(row), why)
        return True

    def _revoke_session(self, connection: Connection, session_id: str, user: User, why: str) -> None:
        connection.execute(update(SESSIONS).where(SESSIONS.c.session_id == session_id).values(revoked_ns=self._clock()))
        self._note(connection, (user.user_id, user.name), "session_revoked", session_id, {"why": why})

    # -- API keys

    def create_key(
        self, user: User, label: str, scopes: Iterable[Scope], ip_list: Iterable[str]
    ) -> tuple[ApiKey, bytes]:
        """A new key of `user` and its secret, which is told this once. Raises TooManyKeys."""
        secret = secrets.token_hex(32).encode()
        key = ApiKey(
            key_id=f"ob-{secrets.token_hex(10)}",
            user=user,
            label=label,
            scopes=frozenset(scopes),
            ip_list=tuple(ip_list),
            created_ns=self._clock(),
        )
        written = {"scopes": " ".join(sorted(key.scopes)), "ip_list": " ".join(key.ip_list)}
        with self._engine.begin() as connection:
            held = select(func.count()).where(API_KEYS.c.user_id == user.user_id, API_KEYS.c.revoked_ns.is_(None))
            if connection.execute(held).scalar_one() >= KEYS_MAX:
                raise TooManyKeys(f"at most {KEYS_MAX} keys")
            connection.execute(
                insert(API_KEYS).values(
                    key_id=key.key_id,
                    user_id=user.user_id,
                    label=label,
                    encrypted_secret=self._secret.vault.encrypt(secret),
                    created_ns=key.created_ns,
                    **written,
                )
            )
            self._note(connection, (user.user_id, user.name), "key_created", key.key_id, written | {"label": label})
        return key, secret

    def keys_of(self, user_id: int) -> list[ApiKey]:
        """The keys of a user that are not revoked, newest first."""
        own = _live_keys().where(API_KEYS.c.user_id == user_id).order_by(API_KEYS.c.created_ns.desc())
        return self._read(own, _key)

    def live_keys(self) -> list[tuple[ApiKey, bytes | None]]:
        """Every key that is not revoked, with its secret; None when another server secret encrypted it. O(keys)."""
        return self._read(_live_keys(), lambda row: (_key(row), self._decrypted(row.encrypted_secret)))

    def revoke_key(self, key_id: str, user: User) -> bool:
        """End a key of `user`; False when they have no such key."""
        with self._engine.begin() as connection:
            revoked = connection.execute(
                update(API_KEYS)
                .where(
                    API_KEYS.c.key_id == key_id,
                    API_KEYS.c.user_id == user.user_id,
                    API_KEYS.c.revoked_ns.is_(None),
                )
                .values(revoked_ns=self._clock())
            ).rowcount
            if revoked:
                self._note(connection, (user.user_id, user.name), "key_revoked", key_id, {})
        return bool(revoked)

    def _decrypted(self, encrypted: bytes) -> bytes | None:
        try:
            return self._secret.vault.decrypt(encrypted)
        except InvalidToken:
            return None

    # -- audit

    def record(
        self,
        actor: User | None,
        action: str,
        subject: str,
        details: dict[str, Any] | None = None,
        seq: int | None = None,
    ) -> None:
        """Add a line to the audit trail. `actor` None: the command line. `details` must hold no secret."""
        who = (None, "command line") if actor is None else (actor.user_id, actor.name)
        with self._engine.begin() as connection:
            self._note(connection, who, action, subject, details or {}, seq=seq)

    def audit_trail(self, limit: int = 100, before_ns: int = 2**63 - 1) -> list[AuditEntry]:
        """The newest lines of the audit trail older than `before_ns`, newest first."""
        newest = select(AUDIT).where(AUDIT.c.ts_ns < before_ns).order_by(AUDIT.c.audit_id.desc()).limit(limit)
        return self._read(newest, _audit_entry)

    def _note(
        self,
        connection: Connection,
        actor: tuple[int | None, str],
        action: str,
        subject: str,
        details: dict[str, Any],
        *,
        seq: int | None = None,
    ) -> None:
        actor_id, actor_name = actor
        connection.execute(
            insert(AUDIT).values(
                ts_ns=self._clock(),
                actor_id=actor_id,
                actor_name=actor_name,
                action=action,
                subject=subject,
                details=msgspec.json.encode(details).decode(),
                seq=seq,
            )
        )

    def _read(self, rows: Select[Any], shape: Callable[[Row[Any]], Any]) -> list[Any]:
        with self._engine.begin() as connection:
            return [shape(row) for row in connection.execute(rows)]


def _sessions() -> Select[Any]:
    return select(
        USERS,
        SESSIONS.c.session_id,
        SESSIONS.c.refresh_hash,
        SESSIONS.c.created_ns.label("opened_ns"),
        SESSIONS.c.expires_ns,
        SESSIONS.c.revoked_ns,
        SESSIONS.c.previous_hash,
        SESSIONS.c.refreshed_ns,
    ).join_from(SESSIONS, USERS, SESSIONS.c.user_id == USERS.c.user_id)


def _live_sessions(now_ns: int) -> Select[Any]:
    live = (SESSIONS.c.revoked_ns.is_(None), SESSIONS.c.expires_ns > now_ns, USERS.c.disabled.is_(False))
    return _sessions().where(*live)


def _live_keys() -> Select[Any]:
    return (
        select(
            USERS,
            API_KEYS.c.key_id,
            API_KEYS.c.label,
            API_KEYS.c.encrypted_secret,
            API_KEYS.c.scopes,
            API_KEYS.c.ip_list,
            API_KEYS.c.created_ns.label("made_ns"),
        )
        .join_from(API_KEYS, USERS, API_KEYS.c.user_id == USERS.c.user_id)
        .where(API_KEYS.c.revoked_ns.is_(None), USERS.c.disabled.is_(False))
    )


def _user(row: Row[Any]) -> User:
    return User(
        user_id=row.user_id,
        name=row.name,
        role=Role(row.role),
        account=AccountId(row.account),
        guest=row.password_hash is None,
        disabled=row.disabled,
    )


def _session(row: Row[Any]) -> Session:
    return Session(session_id=row.session_id, user=_user(row), created_ns=row.opened_ns, expires_ns=row.expires_ns)


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        key_id=row.key_id,
        user=_user(row),
        label=row.label,
        scopes=frozenset(Scope(scope) for scope in row.scopes.split()),
        ip_list=tuple(row.ip_list.split()),
        created_ns=row.made_ns,
    )


def _audit_entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(
        ts_ns=row.ts_ns,
        actor_id=row.actor_id,
        actor_name=row.actor_name,
        action=row.action,
        subject=row.subject,
        details=msgspec.json.decode(row.details),
        seq=row.seq,
    )


def _just_used(row: Row[Any], token: str, now_ns: int) -> bool:
    """Whether `token` is the one that the session was prolonged with a moment ago, and it is not over."""
    return (
        row.revoked_ns is None
        and row.expires_ns > now_ns
        and row.previous_hash == digest(token)
        and now_ns - row.refreshed_ns <= REFRESH_GRACE_NS
    )
