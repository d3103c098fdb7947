"""Signing up, in and out, sessions and API keys: the store's doing, and what is held in memory, kept together.

Whatever blocks runs in native threads; hashing has one of its own, so that a flood of logins delays
only logins.
Layer: api.auth.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, ParamSpec, TypeVar

import eventlet
import msgspec

from api.auth.credentials import Credentials, Principal
from api.json.errors import ApiError
from engine.types import AccountId
from identity import passwords
from identity.errors import (
    BadRefreshToken,
    IdentityAway,
    NameTaken,
    RefreshTokenReused,
    TooManyKeys,
    UnknownUser,
)
from identity.store import ApiKey, AuditEntry, Identity, Role, Scope, Session, User
from loop.errors import StoreError
from loop.workers import Workers

log = logging.getLogger(__name__)

DATABASE_THREADS = 1  # one thread keeps the order of changes: an ended session is not admitted afterwards
DATABASE_WAITING_MAX = 1_000
HASHES_WAITING_MAX = 50  # about five seconds of hashing
PATIENCE_S = 5.0  # for the database; its own limits are shorter, but a machine may vanish silently
WATCH_S = 0.5  # between two checks for changes made beside this server
UNKNOWN_GENERATION = -1
PENDING_AUDIT_MAX = 10_000  # lines of the audit trail that wait for the database; more are in the log alone
SWEEP_S = 300.0

P = ParamSpec("P")
T = TypeVar("T")


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


class PendingAuditEntry(NamedTuple):
    """A line of the audit trail, as `Identity.record` takes it."""

    actor: User | None
    action: str
    subject: str
    details: dict[str, Any]
    seq: int | None
    ts_ns: int


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to POST /auth/keys: the only time that the secret is told."""

    key_id: str
    secret: str
    label: str
    scopes: list[Scope]
    ip_list: tuple[str, ...]


class AuthService:
    """The identities of one running server. For the event loop's thread; its methods let other greenlets run."""

    def __init__(self, identity: Identity, credentials: Credentials) -> None:
        """Take in the sessions and keys that are good, which blocks, and start the threads."""
        self._identity = identity
        self._credentials = credentials
        self._generation = identity.generation()
        self._admit_all(identity.live_sessions(), identity.live_keys())
        self._pending_audit: deque[PendingAuditEntry] = deque(maxlen=PENDING_AUDIT_MAX)
        self._database = Workers("identity", DATABASE_THREADS, DATABASE_WAITING_MAX)
        self._hashing = Workers("passwords", 1, HASHES_WAITING_MAX)
        self._sweeper = eventlet.spawn_after(SWEEP_S, self._sweep)
        self._watcher = eventlet.spawn(self._watch)

    def close(self) -> None:
        """Stop the threads; blocks until what they do is done."""
        self._sweeper.cancel()
        self._watcher.kill()
        self._hashing.close()
        self._database.close()

    def sign_up(self, name: str, password: str) -> SignedIn:
        """Create a user, who is then signed in. Raises ApiError 409 when the name is taken."""
        password_hash = self._hashing.run(passwords.hashed, password)
        try:
            user = self._ask(self._identity.create_user, name, password_hash)
        except NameTaken as problem:
            raise ApiError(409, "NAME_TAKEN", "Somebody has that name already.", {"field": "name"}) from problem
        return self._open(user)

    def sign_in(self, name: str, password: str) -> SignedIn:
        """Open a session. Raises ApiError 401, the same for a wrong password and for a name that nobody has."""
        known = self._ask(self._identity.login_of, name)
        user, password_hash = known or (None, None)
        try:
            if not self._hashing.run(passwords.matches, password_hash, password) or user is None or user.disabled:
                raise UnknownUser("no such name with this password")
            return self._open(user, password_hash)
        except UnknownUser:  # also where an operator disabled them, or gave another password, this very moment
            raise ApiError(401, "BAD_LOGIN", "That name and password do not go together.") from None

    def guest(self) -> SignedIn:
        """Create a guest, who is then signed in."""
        return self._open(self._ask(self._identity.create_guest))

    def refresh(self, token: str) -> SignedIn:
        """The session of a refresh token, prolonged. Raises ApiError 401."""
        try:
            session, following = self._ask(self._identity.refresh, token)
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
        """The live sessions of a user, newest first."""
        return self._ask(self._identity.sessions_of, principal.user_id)

    def end_session(self, principal: Principal, session_id: str, why: str = "revoked") -> None:
        """End a session of the user at once. Raises ApiError 404 for one that is not theirs."""
        if not self._ask(self._identity.revoke_session, session_id, principal.user_id, why):
            raise ApiError(404, "UNKNOWN_SESSION", "You have no such session.")
        self._credentials.drop_session(session_id)

    def create_key(self, user: User, label: str, scopes: Iterable[Scope], ip_list: Iterable[str]) -> NewKey:
        """Create an API key, good at once. Raises ApiError 409 when the user has as many as allowed."""
        try:
            key, secret = self._ask(self._identity.create_key, user, label, scopes, ip_list)
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
        """The API keys of a user, newest first."""
        return self._ask(self._identity.keys_of, principal.user_id)

    def revoke_key(self, user: User, key_id: str) -> None:
        """End an API key of the user at once. Raises ApiError 404 for one that is not theirs."""
        if not self._ask(self._identity.revoke_key, key_id, user):
            raise ApiError(404, "UNKNOWN_KEY", "You have no such API key.")
        self._credentials.drop_key(key_id)

    def record(
        self, principal: Principal, action: str, subject: str, details: dict[str, Any], seq: int | None = None
    ) -> None:
        """Write to the audit trail what an operator did. `details` must hold no secret.

        The action is done already, and operators must be able to halt a venue whose identity store is away. So an
        entry that cannot be written then is logged, and written as soon as the store is back.
        """
        entry = PendingAuditEntry(principal.user, action, subject, details, seq, time.time_ns())
        try:
            if self._pending_audit:
                raise IdentityAway("older lines come first")
            self._ask(self._identity.record, *entry)
        except IdentityAway:
            log.error("to be noted in the audit trail: %s: %s %s %s", principal.name, action, subject, details)
            self._pending_audit.append(entry)

    def record_attempts(self, action: str, name: str, address: str, count: int) -> str:
        """Write to the audit trail of attempts to sign in that failed; the name that is written. Raises StoreError."""
        return self._ask(self._identity.record_attempts, action, name, address, count)

    def user_of(self, account: AccountId) -> User | None:
        """The user of an account; None when nobody has it. One who is signed in is known without the store.

        O(sessions + keys): whoever trades can be stopped while the store is away.
        """
        return self._credentials.user_of(account) or self._ask(self._identity.user_of, account=int(account))

    def users(self, beginning: str, after: str, limit: int) -> list[User]:
        """Users by name, those after the name `after`; only those whose name begins so, in any case."""
        return self._ask(self._identity.users, beginning, after, limit)

    def audit_trail(self, limit: int, before_ns: int) -> list[AuditEntry]:
        """The newest lines of the audit trail older than `before_ns`, newest first."""
        return self._ask(self._identity.audit_trail, limit, before_ns)

    def _ask(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the store says, in the database's thread. Raises IdentityAway, too where no answer comes in time."""
        patience = eventlet.Timeout(PATIENCE_S)
        try:
            return self._database.run(call, *args, **kwargs)
        except eventlet.Timeout as over:
            if over is not patience:
                raise
            self._generation = UNKNOWN_GENERATION  # the change may still come about: read all when the store is back
            log.error("the identity store did not answer in %.0f s", PATIENCE_S)
            raise IdentityAway("the identity store does not answer") from None
        finally:
            patience.cancel()

    def _open(self, user: User, password_hash: str | None = None) -> SignedIn:
        return self._admit(*self._ask(self._identity.open_session, user, password_hash))

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

    def _admit_all(self, sessions: list[Session], keys: list[tuple[ApiKey, bytes | None]]) -> None:
        """These sessions and keys are good, and no others."""
        decrypted = [(key, secret) for key, secret in keys if secret is not None]
        if len(decrypted) < len(keys):
            undecrypted = len(keys) - len(decrypted)
            log.warning("%d API keys were made under another server secret: they are refused", undecrypted)
        self._credentials.admit_only(sessions, decrypted)

    def _watch(self) -> None:
        """Take in what was changed beside this server, by the command line or another server, and note what is owed.

        The database has one thread and its answers come in order, so nothing that was ended meanwhile comes back.
        """
        while True:
            eventlet.sleep(WATCH_S)
            try:
                generation = self._ask(self._identity.generation)
                if generation != self._generation:
                    sessions, keys = self._ask(self._identity.live)
                    self._admit_all(sessions, keys)
                    self._generation = generation
                while self._pending_audit:
                    self._ask(self._identity.record, *self._pending_audit[0])
                    self._pending_audit.popleft()
            except StoreError:  # away, busy or closing: it is tried again
                continue
            except Exception:
                log.exception("changes of identities could not be taken in")

    def _sweep(self) -> None:
        self._credentials.drop_expired()
        self._sweeper = eventlet.spawn_after(SWEEP_S, self._sweep)
