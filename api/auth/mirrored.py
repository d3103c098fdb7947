"""Who is good, as one process says it to another: sessions, keys with what they are checked by, and what has ended.

Sent by a socket that is the server's own, and never logged: the keys' secrets are among it.
Layer: api.auth. No I/O.
"""

from __future__ import annotations

import msgspec

from api.auth.principals import LiveKey, LiveSession, Principal
from api.auth.signatures import verifier_of
from api.http.addresses import network_of


class SentKey(msgspec.Struct, frozen=True, array_like=True):
    """A key that is good."""

    principal: Principal
    secret: bytes
    public_key: bytes | None
    networks: tuple[str, ...]


class Identities(msgspec.Struct, frozen=True, array_like=True, tag="identities"):
    """What is good from now on, and what no more."""

    only: bool = False  # these are good, and no others
    sessions: list[LiveSession] = []
    keys: list[SentKey] = []
    ended_sessions: list[str] = []
    ended_keys: list[str] = []


def sent_key(live: LiveKey) -> SentKey:
    """A key, to be sent."""
    public = live.verifier.public
    return SentKey(
        live.principal,
        live.verifier.secret,
        None if public is None else public.public_bytes_raw(),
        tuple(map(str, live.networks)),
    )


def received_key(sent: SentKey) -> LiveKey:
    """A key that was sent."""
    return LiveKey(sent.principal, verifier_of(sent.secret, sent.public_key), tuple(map(network_of, sent.networks)))
