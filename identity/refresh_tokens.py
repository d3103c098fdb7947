"""Refresh tokens: session, chance and our seal, so that an old one of ours differs from one that is made up.

Layer: identity.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any, Final

from sqlalchemy import Row

# for which a used refresh token is answered again, since the first answer may have been lost
REFRESH_GRACE_NS: Final = 60 * 10**9


class RefreshTokens:
    """Makes and knows the refresh tokens under one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def first(self, session_id: str) -> str:
        """The refresh token that a new session begins with."""
        return self._sealed(f"{session_id}.{secrets.token_urlsafe(24)}")

    def after(self, session_id: str, token: str) -> str:
        """The refresh token that follows `token`: always the same, and nobody's guess without our key."""
        return self._sealed(f"{session_id}.{self._mac('after ' + token)}")

    def session_of(self, token: str) -> str | None:
        """The session that `token` belongs to; None when we did not make it."""
        opaque, _, seal = token.rpartition(".")
        if not token.isascii() or not hmac.compare_digest(self._mac(opaque), seal):
            return None
        return opaque.partition(".")[0]

    def _sealed(self, opaque: str) -> str:
        return f"{opaque}.{self._mac(opaque)}"

    def _mac(self, text: str) -> str:
        return hmac.digest(self._key, text.encode("ascii", "replace"), "sha256").hex()


def digest(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).digest()


def just_used(row: Row[Any], token: str, now_ns: int) -> bool:
    """Whether `token` is the one that the session was prolonged with a moment ago, and it is not over."""
    return (
        row.revoked_ns is None
        and row.expires_ns > now_ns
        and row.previous_hash == digest(token)
        and now_ns - row.refreshed_ns <= REFRESH_GRACE_NS
    )
