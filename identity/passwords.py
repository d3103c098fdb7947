"""Passwords: argon2id, with the parameters of RFC 9106 for little memory and one lane.

Layer: identity. Hashing and comparing take about a tenth of a second and 64 MiB: run them in a thread of their own.
"""

from __future__ import annotations

import secrets
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LENGTH_MIN: Final = 12  # characters of a new password; one that is shorter and older goes on signing in
LENGTH_MAX: Final = 256  # characters, at most 1,024 bytes
RULE: Final = f"{LENGTH_MIN} to {LENGTH_MAX} characters, none of the most common passwords and not the name"
RESET_BYTES: Final = 12

_hasher = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=1)


def hashed(password: str) -> str:
    """The hash to keep of `password`, its salt and parameters included."""
    return _hasher.hash(password)


def made_up() -> str:
    """A password that nobody guesses, for somebody to sign in with once and replace."""
    return secrets.token_urlsafe(RESET_BYTES)


def matches(password_hash: str | None, password: str) -> bool:
    """Whether `password` is the one that was hashed. Takes as long without a hash, so that names stay unknown."""
    try:
        return _hasher.verify(password_hash or _nobodys(), password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys() -> str:
    return _hasher.hash("nobody has this password")
