"""Who may ask for what: users, their sessions and API keys, and the audit trail.

Unlike the history nothing here can be derived: a change is on disk when its method returns, with the
line of the audit trail about it. Passwords are hashed elsewhere (`identity/passwords.py`).
Units: times are epoch nanoseconds.
Layer: identity. Everything here blocks: from a greenlet use `loop.workers.Workers`.
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
from identity.database import Database, open_database
from identity.errors import (
    BadRefreshToken,
    IdentityError,
    NameTaken,
    RefreshTokenReused,
    TooManyKeys,
    UnknownUser,
)
from identity.queries import (
    end_all_of,
    live_keys,
    live_sessions,
    next_account,
    of_name_or_account,
    reserve,
    sessions,
    users_by_name,
)
from identity.refresh_tokens import RefreshTokens, digest, just_used
from identity.schema import API_KEYS, AUDIT, CHANGES, SESSIONS, USERS
from identity.secrets import ServerSecret

DAY_NS: Final = 86_400 * 10**9
KEYS_MAX: Final = 100  # of one user that are not revoked
LISTED_MAX: Final = 200  # sessions in one answer
GUEST_NAME_TRIES: Final = 5
SERVER: Final = "server"  # as an actor of the audit trail
UNKNOWN_NAME: Final = "unknown name"
SEVERAL_NAMES: Final = "several names"


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


class Identity:
    """The identity store, in SQLite or PostgreSQL. Any thread may call it."""

    def __init__(
        self,
        path_or_url: str | Path,
        secret: ServerSecret,
        *,
        refresh_days: int = 30,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """Open it, and bring its schema up to date. Raises IdentityError; what runs raises IdentityAway."""
        self._secret = secret
        self._tokens = RefreshTokens(secret.refresh_key)
        self._session_ns = refresh_days * DAY_NS
        self._clock = clock
        self._database = Database(open_database(path_or_url))

    def close(self) -> None:
        """Close every connection. Idempotent."""
        self._database.close()

    # -- users

    def create_user(self, name: str, password_hash: str, role: Role = Role.TRADER, actor: str | None = None) -> User:
        """A new user with an account of their own. `actor`: who did it, when not they. Raises NameTaken."""
        with self._database.begin() as connection:
            return self._add_user(connection, name, password_hash, role, actor)

    def create_guest(self) -> User:
        """A new user without a password, and with a name that we make."""
        for _ in range(GUEST_NAME_TRIES):
            with suppress(NameTaken), self._database.begin() as connection:
                return self._add_user(connection, f"guest-{secrets.token_hex(4)}", None, Role.TRADER, None)
        raise IdentityError("no name for a guest was free")

    def login_of(self, name: str) -> tuple[User, str | None] | None:
        """The user of that name, in any case, and the hash of their password; None for an unknown name."""
        with self._database.begin() as connection:
            row = connection.execute(select(USERS).where(USERS.c.folded_name == name.lower())).one_or_none()
        return None if row is None else (_user(row), row.password_hash)

    def user_of(self, *, name: str | None = None, account: int | None = None) -> User | None:
        """The user of that name, in any case, or of that account; None when there is none."""
        found = self._read(of_name_or_account(name, account), _user)
        return found[0] if found else None

    def users(self, beginning: str = "", after: str = "", limit: int = LISTED_MAX) -> list[User]:
        """Users by name, those after the name `after`; only those whose name begins so, in any case."""
        return self._read(users_by_name(beginning, after, limit), _user)

    def reserve(self, accounts: Iterable[int]) -> None:
        """Never give a user one of these accounts, of which the exchange knows, unless it is theirs already.

        So a store which was lost or restored never hands out somebody's money. O(users + accounts).
        """
        with self._database.begin() as connection:
            reserve(connection, accounts)

    @property
    def exchange_seen(self) -> bool:
        """Whether `reserve` was ever called, so that new accounts are safe to give."""
        with self._database.begin() as connection:
            return bool(connection.execute(select(CHANGES.c.exchange_seen)).scalar_one())

    # -- what the command line does beside a server that runs

    def generation(self) -> int:
        """A number that grows with every change that was made beside the server, for it to take in."""
        with self._database.begin() as connection:
            return int(connection.execute(select(CHANGES.c.generation)).scalar_one())

    def appoint(self, name: str, password_hash: str, actor: str) -> User:
        """Make `name` an operator with this password, a new user when there is none. Ends their sessions and keys."""
        with self._database.begin() as connection:
            row = connection.execute(of_name_or_account(name, None)).one_or_none()
            if row is None:
                return self._add_user(connection, name, password_hash, Role.OPERATOR, actor)
            changed = {"role": Role.OPERATOR.value, "password_hash": password_hash, "disabled": False}
            return self._change(connection, row, changed, "user_promoted", actor)

    def change_user(self, name: str, action: str, actor: str, **changed: Any) -> User:
        """Set columns of a user, and end their sessions and keys: a running server lets nobody in by them any more.

        `action` names it in the audit trail. Raises UnknownUser.
        """
        with self._database.begin() as connection:
            row = connection.execute(of_name_or_account(name, None)).one_or_none()
            if row is None:
                raise UnknownUser(f"there is no user {name}")
            return self._change(connection, row, changed, action, actor)

    def _change(self, connection: Connection, row: Row[Any], changed: dict[str, Any], action: str, actor: str) -> User:
        if changed:
            connection.execute(update(USERS).where(USERS.c.user_id == row.user_id).values(**changed))
        sessions_ended, keys_revoked = end_all_of(connection, row.user_id, self._clock())
        changes = {name: str(value) for name, value in changed.items() if name != "password_hash"}
        ended = {"sessions_ended": str(sessions_ended), "keys_revoked": str(keys_revoked)}
        self._note(connection, (None, actor), action, row.name, changes | ended)
        return self._user_by_id(connection, row.user_id)

    def _add_user(
        self, connection: Connection, name: str, password_hash: str | None, role: Role, actor: str | None
    ) -> User:
        account = next_account(connection)
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

    def open_session(self, user: User, password_hash: str | None = None) -> tuple[Session, str]:
        """A new session of `user`, and the refresh token that will prolong it.

        Raises UnknownUser when they are disabled, or `password_hash`, which they showed theirs for, was replaced.
        """
        session_id, now = secrets.token_hex(16), self._clock()
        token = self._tokens.first(session_id)
        with self._database.begin() as connection:
            row = connection.execute(of_name_or_account(user.name, None)).one()
            if row.disabled or (password_hash is not None and row.password_hash != password_hash):
                raise UnknownUser("they may not sign in any more")
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

        An answer may be lost: for a minute the token just used gives the same next one
        again. Raises BadRefreshToken; RefreshTokenReused when it was used longer ago or before
        the last one, and revokes the session then.
        """
        session_id, now = self._tokens.session_of(token), self._clock()
        if session_id is None:
            raise BadRefreshToken("the refresh token is not ours")
        following = self._tokens.after(session_id, token)
        with self._database.begin() as connection:
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
            row = connection.execute(sessions().where(SESSIONS.c.session_id == session_id)).one_or_none()
            if prolonged and row is not None and not row.disabled:
                return _session(row), following
            if row is not None and not row.disabled and just_used(row, token, now):
                return _session(row), following
            reused = row is not None and row.refresh_hash != digest(token) and row.revoked_ns is None
            if row is not None and row.revoked_ns is None:
                self._revoke_session(connection, session_id, _user(row), "refresh_token_reused" if reused else "over")
        if reused:
            raise RefreshTokenReused(session_id)
        raise BadRefreshToken("the session is over")

    def sessions_of(self, user_id: int) -> list[Session]:
        """The sessions of a user that are not over, newest first, at most `LISTED_MAX`."""
        own = live_sessions(self._clock()).where(SESSIONS.c.user_id == user_id)
        return self._read(own.order_by(SESSIONS.c.created_ns.desc()).limit(LISTED_MAX), _session)

    def live_sessions(self) -> list[Session]:
        """Every session that is not over. O(sessions)."""
        return self._read(live_sessions(self._clock()), _session)

    def revoke_session(self, session_id: str, user_id: int, why: str) -> bool:
        """End a session of that user; False when they have no such session."""
        with self._database.begin() as connection:
            row = connection.execute(
                live_sessions(self._clock()).where(SESSIONS.c.session_id == session_id, SESSIONS.c.user_id == user_id)
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
        """A new key of `user` and its secret, which is given out this once. Raises TooManyKeys."""
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
        with self._database.begin() as connection:
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
        own = live_keys().where(API_KEYS.c.user_id == user_id).order_by(API_KEYS.c.created_ns.desc())
        return self._read(own, _key)

    def live_keys(self) -> list[tuple[ApiKey, bytes | None]]:
        """Every key that is not revoked, with its secret; None when another server secret encrypted it. O(keys)."""
        return self._read(live_keys(), lambda row: (_key(row), self._decrypted(row.encrypted_secret)))

    def live(self) -> tuple[list[Session], list[tuple[ApiKey, bytes | None]]]:
        """`live_sessions` and `live_keys`."""
        return self.live_sessions(), self.live_keys()

    def revoke_key(self, key_id: str, user: User) -> bool:
        """End a key of `user`; False when they have no such key."""
        with self._database.begin() as connection:
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
        ts_ns: int | None = None,
    ) -> None:
        """Add a line to the audit trail, of now unless `ts_ns` is given. `actor` None: the command line.

        `details` must hold no secret.
        """
        who = (None, "command line") if actor is None else (actor.user_id, actor.name)
        with self._database.begin() as connection:
            self._note(connection, who, action, subject, details or {}, seq=seq, ts_ns=ts_ns)

    def record_attempts(self, action: str, name: str, address: str, count: int) -> str:
        """Add a line about attempts to sign in as `name`, none of which opened a session; the name that it has.

        A name that nobody has is not written: it may be a password in the wrong field. No name: those of several.
        """
        with self._database.begin() as connection:
            row = connection.execute(of_name_or_account(name, None)).one_or_none() if name else None
            subject = row.name if row is not None else UNKNOWN_NAME if name else SEVERAL_NAMES
            details = {"address": address, "count": count}
            self._note(connection, (None, SERVER), action, subject, details)
        return str(subject)

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
        ts_ns: int | None = None,
    ) -> None:
        actor_id, actor_name = actor
        connection.execute(
            insert(AUDIT).values(
                ts_ns=self._clock() if ts_ns is None else ts_ns,
                actor_id=actor_id,
                actor_name=actor_name,
                action=action,
                subject=subject,
                details=msgspec.json.encode(details).decode(),
                seq=seq,
            )
        )

    def _read(self, rows: Select[Any], shape: Callable[[Row[Any]], Any]) -> list[Any]:
        with self._database.begin() as connection:
            return [shape(row) for row in connection.execute(rows)]


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
