"""What the identity store knows of: users, sessions, API keys, lines of the audit trail; each read from its row.

Units: times are epoch nanoseconds.
Layer: identity.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Row

from engine.types import AccountId

ADDRESS_MAX: Final = 45  # characters of a client's address that are kept
USER_AGENT_MAX: Final = 200


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


class Actor(NamedTuple):
    """Who does something, for the audit trail. Without `user_id` the command line, or the server itself."""

    user_id: int | None
    name: str


COMMAND_LINE: Final = Actor(None, "command line")
SERVER: Final = Actor(None, "server")


class Client(NamedTuple):
    """Where a session is opened from, as the network says it, and the client itself."""

    address: str = ""
    user_agent: str = ""

    @property
    def kept(self) -> dict[str, str]:
        """What is kept of it: cut where it is long, and what can be printed of it."""
        printable = "".join(filter(str.isprintable, self.user_agent[:USER_AGENT_MAX]))
        return {"address": self.address[:ADDRESS_MAX], "user_agent": printable}


UNKNOWN_CLIENT: Final = Client()


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person, a bot or a guest, with one account."""

    user_id: int
    name: str
    role: Role
    account: AccountId
    guest: bool
    disabled: bool
    totp: bool = False  # whether signing in asks for a code
    password_until_ns: int | None = None  # when a password that was given by a reset ends

    @property
    def actor(self) -> Actor:
        """They themselves, as those who do something."""
        return Actor(self.user_id, self.name)


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One sign-in of a user."""

    session_id: str
    user: User
    created_ns: int
    expires_ns: int  # unless it is prolonged before
    used_ns: int  # when it was opened, or prolonged last
    address: str = ""
    user_agent: str = ""


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that signs requests; its secret is not among this."""

    key_id: str
    user: User
    label: str
    scopes: frozenset[Scope]
    ip_list: tuple[str, ...]  # networks; empty: from anywhere
    created_ns: int
    public_key: bytes | None = None  # Ed25519, 32 bytes; None: it signs with a secret


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Who did what. `actor_id` is None for the command line."""

    ts_ns: int
    actor_id: int | None
    actor_name: str
    action: str
    subject: str
    details: dict[str, Any]
    seq: int | None


def user_from(row: Row[Any]) -> User:
    """The user of a row that has the columns of users."""
    return User(
        user_id=row.user_id,
        name=row.name,
        role=Role(row.role),
        account=AccountId(row.account),
        guest=row.password_hash is None,
        disabled=row.disabled,
        totp=row.totp_step is not None,
        password_until_ns=row.password_until_ns,
    )


def session_from(row: Row[Any]) -> Session:
    """The session of a row of `queries.sessions`."""
    return Session(
        session_id=row.session_id,
        user=user_from(row),
        created_ns=row.opened_ns,
        expires_ns=row.expires_ns,
        used_ns=row.refreshed_ns or row.opened_ns,
        address=row.address or "",
        user_agent=row.user_agent or "",
    )


def key_from(row: Row[Any]) -> ApiKey:
    """The key of a row of `queries.live_keys`."""
    return ApiKey(
        key_id=row.key_id,
        user=user_from(row),
        label=row.label,
        scopes=frozenset(Scope(scope) for scope in row.scopes.split()),
        ip_list=tuple(row.ip_list.split()),
        created_ns=row.made_ns,
        public_key=row.public_key,
    )


def audit_entry_from(row: Row[Any]) -> AuditEntry:
    """The line of a row of the audit trail."""
    return AuditEntry(
        ts_ns=row.ts_ns,
        actor_id=row.actor_id,
        actor_name=row.actor_name,
        action=row.action,
        subject=row.subject,
        details=msgspec.json.decode(row.details),
        seq=row.seq,
    )
