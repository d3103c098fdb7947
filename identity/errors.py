"""What can go wrong with the identity store.

Layer: identity.
"""

from __future__ import annotations

from loop.errors import StoreError


class IdentityError(StoreError):
    """The identity store cannot be used as asked. What it says never holds a password."""


class IdentityAway(IdentityError):
    """The database does not answer, or is locked: nothing was changed. It may work again in a moment."""


class NameTaken(IdentityError):
    """Somebody has that name, in this or another case."""


class TooManyKeys(IdentityError):
    """The user has `KEYS_MAX` keys."""


class UnknownUser(IdentityError):
    """Nobody has that name."""


class BadRefreshToken(IdentityError):
    """It is not ours, or its session is over."""


class RefreshTokenReused(IdentityError):
    """It was used before: somebody has a copy. Its session, `session_id`, is revoked now."""

    def __init__(self, session_id: str) -> None:
        super().__init__("the refresh token was used before")
        self.session_id = session_id
