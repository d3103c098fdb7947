"""Whether a signature is good, and whether it came before: HMAC-SHA256 in hex, or Ed25519 in base64, on either wire.

What is computed depends on the form of the signature alone, so that neither the answer nor its time says whether there
is such a key, or of which kind it is.
Layer: api.auth.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
import secrets
from base64 import b64decode
from typing import Final, Protocol

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from loop.shared_table import SharedTable

ED25519_BYTES: Final = 64
BLOCK_BYTES: Final = 64  # of SHA-256
_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))
ANOTHER_USE: Final = ""  # than it was asked for with
SHARED_ROWS: Final = 2**19  # signatures of a minute, of all processes; 16 MB
_is_hex: Final = re.compile(r"[0-9A-Fa-f]{64}").fullmatch


# public halves for which anybody can make signatures: every writing of the points of order 1, 2, 4 and 8, less the
# highest bit, which is the sign of x (Bernstein et al., "Taming the many EdDSAs")
_HIGHEST: Final = 255
_P: Final = 2**_HIGHEST - 19
_ORDER_8: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
WEAK_KEYS: Final = frozenset((0, 1, _P - 1, _P, _P + 1, _ORDER_8, _P - _ORDER_8))

FirstUse = tuple[str, int]  # what a signature was for, and the millisecond in which it came


class HmacSha256:
    """HMAC-SHA256 under one secret, whose own two blocks are hashed once and not for each message (RFC 2104, 4)."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, secret: bytes) -> None:
        if len(secret) > BLOCK_BYTES:
            secret = hashlib.sha256(secret).digest()
        block = secret.ljust(BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(block.translate(_INNER))
        self._outer = hashlib.sha256(block.translate(_OUTER))

    def digest(self, message: bytes) -> bytes:
        """The HMAC of a message. O(length)."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()


class Verifier(msgspec.Struct, frozen=True):
    """What the signatures of one key are checked with: its secret, or its public half where that is given."""

    secret: bytes
    hmac: HmacSha256  # by the secret
    public: Ed25519PublicKey | None = None


def verifier_of(secret: bytes, public_key: bytes | None) -> Verifier:
    """Of a key as the identity store has it."""
    public = None if public_key is None else Ed25519PublicKey.from_public_bytes(public_key)
    return Verifier(secret, HmacSha256(secret), public)


def is_weak(public_key: bytes) -> bool:
    """Whether signatures of an Ed25519 public key can be made without its private half."""
    return int.from_bytes(public_key, "little") % 2**_HIGHEST in WEAK_KEYS


_NOBODYS_HMAC: Final = HmacSha256(secrets.token_bytes(32))
_NOBODYS_PUBLIC: Final = Ed25519PrivateKey.generate().public_key()


def good_mark(key: Verifier | None, message: bytes, signature: str) -> bytes | None:
    """What tells this message of this key from all others, where the signature is good; else None.

    `key` is None where there is none. A signature as long as an HMAC in hex is checked as one, any other as Ed25519.
    """
    if _is_hex(signature):
        by_secret = _NOBODYS_HMAC if key is None or key.public is not None else key.hmac
        expected = by_secret.digest(message)
        fits = hmac.compare_digest(expected.hex(), signature.lower())
        return expected if fits and key is not None and key.public is None else None
    try:
        sent = b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        sent = b""
    public = key.public if key is not None and key.public is not None else _NOBODYS_PUBLIC
    try:
        public.verify(sent.ljust(ED25519_BYTES, b"\0")[:ED25519_BYTES], message)
    except InvalidSignature:
        return None
    if len(sent) != ED25519_BYTES or public is _NOBODYS_PUBLIC:
        return None
    return hashlib.sha256(public.public_bytes_raw() + message).digest()


class Seen(Protocol):
    """What knows which signatures came before."""

    def note(self, mark: bytes, use: str, now_ms: int) -> FirstUse | None:
        """What a good signature was for when it came first, while it could be good; None where it did not come."""


class SharedSignatures:
    """The signatures of the last while that came to any process of one server. O(1) each."""

    def __init__(self, table: SharedTable, lifetime_ms: int) -> None:
        """`lifetime_ms`: for how long a signature may be good."""
        self._table = table
        self._lifetime_ms = lifetime_ms

    def note(self, mark: bytes, use: str, now_ms: int) -> FirstUse | None:
        """As `Seen.note`."""
        used = int.from_bytes(hashlib.blake2b(use.encode(), digest_size=7).digest(), "little")
        first = self._table.note(mark, used, now_ms, self._lifetime_ms)
        if first is None:
            return None
        return use if first.number == used else ANOTHER_USE, first.until_ms - self._lifetime_ms


class SeenSignatures:
    """The signatures of the last while, in two generations, each with what it was for. About 200 bytes for each."""

    def __init__(self, lifetime_ms: int) -> None:
        """`lifetime_ms`: for how long a signature may be good. Each is kept for once to twice as long."""
        self._lifetime_ms = lifetime_ms
        self._young: dict[bytes, FirstUse] = {}
        self._old: dict[bytes, FirstUse] = {}
        self._turn_ms = 0

    def note(self, mark: bytes, use: str, now_ms: int) -> FirstUse | None:
        """What it was for when it came first, while it could be good; None where it did not come. O(1)."""
        if now_ms >= self._turn_ms:
            self._old = self._young if now_ms < self._turn_ms + self._lifetime_ms else {}
            self._young = {}
            self._turn_ms = now_ms + self._lifetime_ms
        seen = self._young.get(mark)
        if seen is None:
            seen = self._old.get(mark)
            if seen is None:
                self._young[mark] = (use, now_ms)
        return seen
