"""Who asks, and the sessions and keys that they may show.

Layer: api.auth. No I/O.
"""

from __future__ import annotations

import msgspec

from api.auth.signatures import Verifier
from api.http.addresses import Network
from engine.types import AccountId
from identity.users import ALL_SCOPES, Role, Scope, User


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks. Of `session_id` and `key_id` one is given, and none for the built-in sandbox account."""

    user_id: int
    name: str
    account: AccountId
    role: Role
    scopes: frozenset[Scope] = ALL_SCOPES
    session_id: str | None = None
    key_id: str | None = None
    user: User | None = None


class LiveSession(msgspec.Struct, frozen=True):
    """A session that is good until then."""

    principal: Principal
    expires_ns: int


class LiveKey(msgspec.Struct, frozen=True):
    """A key that is good, what its signatures are checked with, and from where it may be used."""

    principal: Principal
    verifier: Verifier
    networks: tuple[Network, ...]
