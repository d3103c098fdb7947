"""Who may ask for what: users, their sessions and API keys, and the audit trail.

Unlike the history nothing here can be derived: a change is on disk when its method returns, with the
line of the audit trail about it. Passwords are hashed elsewhere (`identity/passwords.py`).
Units: times are epoch nanoseconds.
Layer: identity. Everything here blocks: from a greenlet use `loop.workers.Workers`.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from cryptography.fernet import InvalidToken
from sqlalchemy import Connection, Row, Select, case, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from identity.audit_trail import note
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
    live_keys,
    live_sessions,
    next_account,
    note_for_other_servers,
    of_accounts,
    of_name_or_account,
    reserve,
    sessions,
    shorten_sessions,
    users_by_name,
)
from identity.refresh_tokens import RefreshTokens, digest, just_used
from identity.schema import API_KEYS, AUDIT, CHANGES, SESSIONS, USERS
from identity.second_factor import SecondFactors
from identity.secrets import ServerSecret
from identity.user_changes import UserChanges
from identity.users import (
    COMMAND_LINE,
    SERVER,
    UNKNOWN_CLIENT,
    Actor,
    ApiKey,
    AuditEntry,
    Client,
    Role,
    Scope,
    Session,
    User,
    audit_entry_from,
    key_from,
    session_from,
    user_from,
)

HOUR_NS: Final = 3_600 * 10**9
KEYS_MAX: Final = 100  # of one user that are not revoked
LISTED_MAX: Final = 200  # sessions in one answer
GUEST_NAME_TRIES: Final = 5
UNKNOWN_NAME: Final = "unknown name"
SEVERAL_NAMES: Final = "several names"


class Identity:
    """The identity store, in SQLite or PostgreSQL. Any thread may call it."""

    def __init__(
        self,
        path_or_url: str | Path,
        secret: ServerSecret,
        *,
        idle_hours: int = 12,
        session_days: int = 30,
        shared: bool = False,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """Open it, and bring its schema up to date. Raises IdentityError; what runs raises IdentityAway.

        `shared`: other servers may work on it meanwhile, and have to see what changes. A session ends `idle_hours`
        after it was prolonged last, and `session_days` after it was opened.
        """
        self._secret = secret
        self._tokens = RefreshTokens(secret.refresh_key)
        self._idle_ns = idle_hours * HOUR_NS
        self._longest_ns = session_days * 24 * HOUR_NS
        self._clock = clock
        self.shared = shared
        self._database = Database(open_database(path_or_url))
        self.changes = UserChanges(self._database, clock)
        self.second_factors = SecondFactors(self._database, secret.vault, clock)

    def close(self) -> None:
        """Close every connection. Idempotent."""
        self._database.close()

    # -- users

    def create_user(self, name: str, password_hash: str, role: Role = Role.TRADER, actor: Actor | None = None) -> User:
        """A new user with an account of their own. `actor`: who does it, when not they. Raises NameTaken."""
        with self._database.begin() as connection:
            return self._add_user(connection, name, password_hash, role, actor)

    def create_guest(self) -> User:
        """A new user without a password, and with a name that we make."""
        for _ in range(GUEST_NAME_TRIES):
            with suppress(NameTaken), self._database.begin() as connection:
                return self._add_user(connection, f"guest-{secrets.token_hex(4)}", None, Role.TRADER)
        raise IdentityError("no name for a guest was free")

    def login_of(self, name: str) -> tuple[User, str | None] | None:
        """The user of that name, in any case, and the hash of their password; None for an unknown name."""
        with self._database.begin() as connection:
            row = connection.execute(select(USERS).where(USERS.c.folded_name == name.lower())).one_or_none()
        return None if row is None else (user_from(row), row.password_hash)

    def user_of(self, *, name: str | None = None, account: int | None = None) -> User | None:
        """The user of that name, in any case, or of that account; None when there is none."""
        found = self._read(of_name_or_account(name, account), user_from)
        return found[0] if found else None

    def users(self, beginning: str = "", after: str = "", limit: int = LISTED_MAX) -> list[User]:
        """Users by name, those after the name `after`; only those whose name begins so, in any case."""
        return self._read(users_by_name(beginning, after, limit), user_from)

    def users_of(self, accounts: Sequence[int]) -> list[User]:
        """The users who have these accounts; those that nobody has are left out."""
        return [user for some in of_accounts(accounts) for user in self._read(some, user_from)]

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

    def generation(self) -> int:
        """A number that grows with every change of a user, for a server beside which it was made to take in."""
        with self._database.begin() as connection:
            return int(connection.execute(select(CHANGES.c.generation)).scalar_one())

    def appoint(self, name: str, password_hash: str, actor: Actor) -> User:
        """Make `name` an operator with this password, a new user when there is none. Ends their sessions and keys."""
        with self._database.begin() as connection:
            row = connection.execute(of_name_or_account(name, None)).one_or_none()
            if row is None:
                return self._add_user(connection, name, password_hash, Role.OPERATOR, actor)
            changed = {
                "role": Role.OPERATOR.value,
                "password_hash": password_hash,
                "password_until_ns": None,  # nosec B105 # it is good for ever
                "disabled": False,
            }
            return self.changes.change_row(connection, row, changed, "user_promoted", actor).user

    def _add_user(
        self, connection: Connection, name: str, password_hash: str | None, role: Role, actor: Actor | None = None
    ) -> User:
        """`actor`: who did it, when not they themselves."""
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
        self._note(connection, actor or user.actor, action, name, details)
        return user

    @staticmethod
    def _user_by_id(connection: Connection, user_id: int) -> User:
        return user_from(connection.execute(select(USERS).where(USERS.c.user_id == user_id)).one())

    # -- sessions

    def shorten_sessions(self) -> None:
        """Let no session last longer than this store's limits, which a server before may have had otherwise."""
        with self._database.begin() as connection:
            shorten_sessions(connection, self._idle_ns, self._longest_ns)

    def open_session(
        self, user: User, password_hash: str | None = None, client: Client = UNKNOWN_CLIENT
    ) -> tuple[Session, str]:
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
                    expires_ns=now + min(self._idle_ns, self._longest_ns),
                    **client.kept,
                )
            )
            self._note(connection, user.actor, "session_opened", session_id)
            session = session_from(connection.execute(sessions().where(SESSIONS.c.session_id == session_id)).one())
        return session, token

    def refresh(self, token: str, session_id: str | None = None) -> tuple[Session, str]:
        """The session of `token`, prolonged, its user as they are now, and the token to use next time.

        An answer may be lost: for a minute the token just used gives the same next one
        again. Raises BadRefreshToken, also when it is not of `session_id`; RefreshTokenReused when it was used longer
        ago or before the last one, and revokes the session then.
        """
        of_token, now = self._tokens.session_of(token), self._clock()
        if of_token is None or session_id not in (None, of_token):
            raise BadRefreshToken("the refresh token is not ours")
        following = self._tokens.after(of_token, token)
        longest = SESSIONS.c.created_ns + self._longest_ns
        with self._database.begin() as connection:
            prolonged = connection.execute(
                update(SESSIONS)
                .where(
                    SESSIONS.c.session_id == of_token,
                    SESSIONS.c.refresh_hash == digest(token),
                    SESSIONS.c.revoked_ns.is_(None),
                    SESSIONS.c.expires_ns > now,
                )
                .values(
                    refresh_hash=digest(following),
                    expires_ns=case((longest < now + self._idle_ns, longest), else_=now + self._idle_ns),
                    previous_hash=digest(token),
                    refreshed_ns=now,
                )
            ).rowcount
            row = connection.execute(sessions().where(SESSIONS.c.session_id == of_token)).one_or_none()
            if row is not None and not row.disabled and (prolonged or just_used(row, token, now)):
                return session_from(row), following
            reused = row is not None and row.refresh_hash != digest(token) and row.revoked_ns is None
            if row is not None and row.revoked_ns is None:
                why = "refresh_token_reused" if reused else "over"
                self._revoke_session(connection, of_token, user_from(row).actor, why)
        if reused:
            raise RefreshTokenReused(of_token)
        raise BadRefreshToken("the session is over")

    def sessions_of(self, user_id: int) -> list[Session]:
        """The sessions of a user that are not over, newest first, at most `LISTED_MAX`."""
        own = live_sessions(self._clock()).where(SESSIONS.c.user_id == user_id)
        return self._read(own.order_by(SESSIONS.c.created_ns.desc()).limit(LISTED_MAX), session_from)

    def live_sessions(self) -> list[Session]:
        """Every session that is not over. O(sessions)."""
        return self._read(live_sessions(self._clock()), session_from)

    def session_of(self, session_id: str) -> Session | None:
        """One session that is not over; None: there is none."""
        found: list[Session] = self._read(
            live_sessions(self._clock()).where(SESSIONS.c.session_id == session_id), session_from
        )
        return found[0] if found else None

    def revoke_session(self, session_id: str, user_id: int, why: str, actor: Actor | None = None) -> bool:
        """End a session of that user; False when they have no such session. `actor`: who did it, when not they."""
        with self._database.begin() as connection:
            row = connection.execute(
                live_sessions(self._clock()).where(SESSIONS.c.session_id == session_id, SESSIONS.c.user_id == user_id)
            ).one_or_none()
            if row is None:
                return False
            self._revoke_session(connection, session_id, actor or user_from(row).actor, why)
        return True

    def _revoke_session(self, connection: Connection, session_id: str, actor: Actor, why: str) -> None:
        connection.execute(update(SESSIONS).where(SESSIONS.c.session_id == session_id).values(revoked_ns=self._clock()))
        self._note(connection, actor, "session_revoked", session_id, {"why": why})
        if self.shared:
            note_for_other_servers(connection)

    # -- API keys

    def create_key(
        self,
        user: User,
        label: str,
        scopes: Iterable[Scope],
        ip_list: Iterable[str],
        public_key: bytes | None = None,
    ) -> tuple[ApiKey, bytes]:
        """A new key of `user` and its secret, which is given out this once. Raises TooManyKeys.

        With a `public_key` (Ed25519, 32 bytes) there is no secret here: it is empty.
        """
        secret = secrets.token_hex(32).encode() if public_key is None else b""
        key = ApiKey(
            key_id=f"ob-{secrets.token_hex(10)}",
            user=user,
            label=label,
            scopes=frozenset(scopes),
            ip_list=tuple(ip_list),
            created_ns=self._clock(),
            public_key=public_key,
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
                    encrypted_secret=self._secret.vault.encrypt(secret) if secret else b"",
                    created_ns=key.created_ns,
                    public_key=public_key,
                    **written,
                )
            )
            self._note(connection, user.actor, "key_created", key.key_id, written | {"label": label})
            if self.shared:
                note_for_other_servers(connection)
        return key, secret

    def keys_of(self, user_id: int) -> list[ApiKey]:
        """The keys of a user that are not revoked, newest first."""
        own = live_keys().where(API_KEYS.c.user_id == user_id).order_by(API_KEYS.c.created_ns.desc())
        return self._read(own, key_from)

    def live_keys(self) -> list[tuple[ApiKey, bytes | None]]:
        """Every key that is not revoked, with its secret; None when another server secret encrypted it. O(keys).

        That of a key with a public half is empty.
        """
        return self._read(live_keys(), lambda row: (key_from(row), self._secret_of(row)))

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
                self._note(connection, user.actor, "key_revoked", key_id)
            if revoked and self.shared:
                note_for_other_servers(connection)
        return bool(revoked)

    def _secret_of(self, row: Row[Any]) -> bytes | None:
        return self._decrypted(row.encrypted_secret) if row.public_key is None else b""

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
        who, when = COMMAND_LINE if actor is None else actor.actor, self._clock() if ts_ns is None else ts_ns
        with self._database.begin() as connection:
            note(connection, when, who, action, subject, details, seq=seq)

    def record_attempts(self, action: str, name: str, address: str, count: int) -> str:
        """Add a line about attempts to sign in as `name`, none of which opened a session; the name that it has.

        A name that nobody has is not written: it may be a password in the wrong field. No name: those of several.
        """
        with self._database.begin() as connection:
            row = connection.execute(of_name_or_account(name, None)).one_or_none() if name else None
            subject = row.name if row is not None else UNKNOWN_NAME if name else SEVERAL_NAMES
            details = {"address": address, "count": count}
            self._note(connection, SERVER, action, subject, details)
        return str(subject)

    def audit_trail(self, limit: int = 100, before_ns: int = 2**63 - 1) -> list[AuditEntry]:
        """The newest lines of the audit trail older than `before_ns`, newest first."""
        newest = select(AUDIT).where(AUDIT.c.ts_ns < before_ns).order_by(AUDIT.c.audit_id.desc()).limit(limit)
        return self._read(newest, audit_entry_from)

    def _note(
        self,
        connection: Connection,
        actor: Actor,
        action: str,
        subject: str,
        details: dict[str, Any] | None = None,
    ) -> None:
        note(connection, self._clock(), actor, action, subject, details)

    def _read(self, rows: Select[Any], shape: Callable[[Row[Any]], Any]) -> list[Any]:
        with self._database.begin() as connection:
            return [shape(row) for row in connection.execute(rows)]
