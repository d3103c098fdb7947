"""Signing up, in and out, sessions and API keys: the store's doing, and what is held in memory, kept together.

Layer: api.auth.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

import eventlet
import msgspec
from msgspec import UNSET, UnsetType

from api.auth.credentials import Credentials, Good, good_ones
from api.auth.identity_calls import IdentityCalls
from api.auth.principals import Principal
from api.auth.reauthentication import Reauthentication
from api.json.errors import ApiError
from engine.types import AccountId
from identity.errors import (
    BadRefreshToken,
    IdentityAway,
    NameTaken,
    RefreshTokenReused,
    TooManyKeys,
    UnknownUser,
)
from identity.queries import Ended
from identity.store import Identity
from identity.users import UNKNOWN_CLIENT, Actor, ApiKey, AuditEntry, Client, Role, Scope, Session, User
from logs.limit import limited
from loop.errors import StoreError

log = logging.getLogger(__name__)
often_log = limited(log)  # what clients cause, and what is tried again and again

WATCH_S: Final = 0.5  # between two checks for changes made beside this server
PENDING_AUDIT_MAX: Final = 10_000  # lines of the audit trail that wait for the database; more are in the log alone
SWEEP_S: Final = 300.0


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to signup, login, guest and refresh."""

    token: str
    token_type: str
    expires_at: int  # epoch seconds, as all of these
    refresh_token: str | UnsetType = UNSET  # in the answer where it was asked for; else in a cookie
    session_id: str
    session_expires_at: int  # unless it is refreshed before
    name: str
    account: AccountId
    role: Role
    guest: bool
    change_password_by: int | None  # a password that was given by a reset ends then


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
    secret: str | UnsetType = UNSET  # of a key that was made with a public key there is none
    label: str
    scopes: list[Scope]
    ip_list: tuple[str, ...]


class AuthService:
    """The identities of one running server. For the event loop's thread; its methods let other greenlets run."""

    def __init__(
        self, identity: Identity, credentials: Credentials, calls: IdentityCalls, clock: Callable[[], int]
    ) -> None:
        """Take in the sessions and keys that are good, which blocks. `clock` gives epoch nanoseconds."""
        self._clock = clock
        self._identity = identity
        self._credentials = credentials
        self._calls = calls
        self._ask = calls.ask
        self.reauthentication = Reauthentication(identity, calls)
        identity.shorten_sessions()
        self._generation, self._unanswered = identity.generation(), calls.unanswered
        sessions = identity.live_sessions()
        self.addresses_at_start = [(session.user.name, session.address) for session in sessions if session.address]
        credentials.admit_only(_good_ones(sessions, identity.live_keys()))
        if identity.shared:
            credentials.find_elsewhere(lambda session_id: self._ask(identity.session_of, session_id))
        self._pending_audit: deque[PendingAuditEntry] = deque(maxlen=PENDING_AUDIT_MAX)
        self._sweeper = eventlet.spawn_after(SWEEP_S, self._sweep)
        self._watcher = eventlet.spawn(self._watch)

    def close(self) -> None:
        """Take in nothing any more."""
        self._sweeper.cancel()
        self._watcher.kill()

    def sign_up(self, name: str, password: str, client: Client = UNKNOWN_CLIENT) -> SignedIn:
        """Create a user, who is then signed in. Raises ApiError 409 when the name is taken, 400 for the password."""
        password_hash = self._calls.hashed_new(password, name)
        try:
            user = self._ask(self._identity.create_user, name, password_hash)
        except NameTaken as problem:
            raise ApiError(409, "NAME_TAKEN", "Somebody has that name already.", {"field": "name"}) from problem
        return self._open(user, None, client)

    def sign_in(self, name: str, password: str, code: str | None = None, client: Client = UNKNOWN_CLIENT) -> SignedIn:
        """Open a session. Raises ApiError 401, the same for a wrong password and for a name that nobody has.

        Whoever has the password is told that a code is needed, or wrong, and that a password of a reset has ended.
        """
        known = self._ask(self._identity.login_of, name)
        user, password_hash = known or (None, None)
        try:
            if not self._calls.matches(password_hash, password) or user is None or user.disabled:
                raise UnknownUser("no such name with this password")
            if user.password_until_ns is not None and user.password_until_ns <= self._clock():
                raise ApiError(
                    401, "PASSWORD_EXPIRED", "That password was good for a day; ask an operator for another."
                )
            self.reauthentication.check_code(user, code, 401)
            return self._open(user, password_hash, client)
        except UnknownUser:  # also where an operator disabled them, or gave another password, this very moment
            raise ApiError(401, "BAD_LOGIN", "That name and password do not go together.") from None

    def guest(self, client: Client = UNKNOWN_CLIENT) -> SignedIn:
        """Create a guest, who is then signed in."""
        return self._open(self._ask(self._identity.create_guest), None, client)

    def refresh(self, token: str, session_id: str | None = None) -> SignedIn:
        """The session of a refresh token, prolonged. Raises ApiError 401, also when it is not of `session_id`."""
        try:
            session, following = self._ask(self._identity.refresh, token, session_id)
        except RefreshTokenReused as problem:
            often_log.warning("a refresh token was used twice: its session is revoked")
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
        self.end_session_of(principal.user_id, session_id, why)

    def end_session_of(self, user_id: int, session_id: str, why: str, actor: Actor | None = None) -> None:
        """End a session of a user at once; `actor`: who does it, when not they. Raises ApiError 404."""
        if not self._ask(self._identity.revoke_session, session_id, user_id, why, actor):
            raise ApiError(404, "UNKNOWN_SESSION", "There is no such session of that user.")
        self._credentials.drop_session(session_id)

    def end_sessions(self, user: User) -> int:
        """End every session of a user at once; how many there were."""
        ended = self._ask(self._identity.changes.end_sessions, user)
        self.drop(ended)
        return len(ended.sessions)

    def drop(self, ended: Ended) -> None:
        """Let nobody in any more by what has ended in the store, and end its connections."""
        self._credentials.drop(ended.sessions, ended.keys)
        if ended.generation == self._generation + 1:  # nothing else was changed beside this server
            self._generation = ended.generation

    def create_key(
        self,
        user: User,
        label: str,
        scopes: Iterable[Scope],
        ip_list: Iterable[str],
        public_key: bytes | None = None,
    ) -> NewKey:
        """Create an API key, good at once. Raises ApiError 409 when the user has as many as allowed."""
        try:
            key, secret = self._ask(self._identity.create_key, user, label, scopes, ip_list, public_key)
        except TooManyKeys as problem:
            raise ApiError(409, "TOO_MANY_KEYS", "You have as many keys as you may; revoke one first.") from problem
        self._credentials.admit_key(key, secret)
        return NewKey(
            key_id=key.key_id,
            secret=secret.decode() or UNSET,
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
        entry = PendingAuditEntry(principal.user, action, subject, details, seq, self._clock())
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

    def users_of(self, accounts: Iterable[AccountId]) -> list[User]:
        """The users who have these accounts; those that nobody has are left out."""
        return self._ask(self._identity.users_of, [int(account) for account in accounts])

    def audit_trail(self, limit: int, before_ns: int) -> list[AuditEntry]:
        """The newest lines of the audit trail older than `before_ns`, newest first."""
        return self._ask(self._identity.audit_trail, limit, before_ns)

    def _open(self, user: User, password_hash: str | None, client: Client) -> SignedIn:
        return self._admit(*self._ask(self._identity.open_session, user, password_hash, client))

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
            session_expires_at=session.expires_ns // 10**9,
            name=user.name,
            account=user.account,
            role=user.role,
            guest=user.guest,
            change_password_by=None if user.password_until_ns is None else user.password_until_ns // 10**9,
        )

    def _watch(self) -> None:
        """Take in what was changed beside this server, by the command line or another server, and note what is owed.

        The database has one thread and its answers come in order, so nothing that was ended meanwhile comes back.
        """
        while True:
            eventlet.sleep(WATCH_S)
            try:
                generation = self._ask(self._identity.generation)
                unanswered = self._calls.unanswered
                if (generation, unanswered) != (self._generation, self._unanswered):
                    self._credentials.admit_only(self._ask(self._read_good_ones))
                    self._generation, self._unanswered = generation, unanswered
                while self._pending_audit:
                    self._ask(self._identity.record, *self._pending_audit[0])
                    self._pending_audit.popleft()
            except StoreError:  # away, busy or closing: it is tried again
                continue
            except Exception:
                often_log.exception("changes of identities could not be taken in")

    def _read_good_ones(self) -> Good:
        """In the database's thread, so that nobody waits for it."""
        return _good_ones(*self._identity.live())

    def _sweep(self) -> None:
        self._credentials.drop_expired()
        self._sweeper = eventlet.spawn_after(SWEEP_S, self._sweep)


def _good_ones(sessions: list[Session], keys: list[tuple[ApiKey, bytes | None]]) -> Good:
    """The sessions, and the keys that were made under this server's secret."""
    decrypted = [(key, secret) for key, secret in keys if secret is not None]
    if len(decrypted) < len(keys):
        undecrypted = len(keys) - len(decrypted)
        log.warning("%d API keys were made under another server secret: they are refused", undecrypted)
    return good_ones(sessions, decrypted)
