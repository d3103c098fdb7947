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


class NoPassword(IdentityError):
    """A guest has none, so that there is none to reset, and they could not sign in as operators."""


class LastOperator(IdentityError):
    """Nobody would be left to operate the venue."""


class SecondFactorOn(IdentityError):
    """It is on already."""


class SecondFactorOff(IdentityError):
    """It is not on, or was not begun."""
