"""Showing once more who one is: the password, and a code where a second factor is on.

Layer: api.auth.
"""

from __future__ import annotations

from typing import Final

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from api.auth.identity_calls import IdentityCalls
from api.auth.principals import Principal
from api.json.errors import ApiError
from identity.errors import UnknownUser
from identity.store import Identity
from identity.users import User

CODES: Final = parse("10/hour")  # wrong codes of one user, who is known by the password already


class Reauthentication:
    """Checks passwords and codes, for signing in and for what a stolen session must not do."""

    def __init__(self, identity: Identity, calls: IdentityCalls) -> None:
        self._identity = identity
        self._calls = calls
        self._wrong_codes = MovingWindowRateLimiter(MemoryStorage())

    def of(
        self, principal: Principal, password: str | None, code: str | None, *, asks_code: bool = True
    ) -> tuple[User, str | None]:
        """Who asks, as they are now, and the hash of their password; a guest, who has none, needs to show nothing.

        Raises ApiError 403.
        """
        known = self._calls.ask(self._identity.login_of, principal.name)
        if known is None:
            raise ApiError(401, "SESSION_ENDED", "The session is over; sign in again.")
        user, password_hash = known
        if password_hash is None:
            return user, None
        if password is None:
            raise ApiError(403, "PASSWORD_NEEDED", "This needs your password once more.", {"field": "password"})
        if not self._calls.matches(password_hash, password):
            raise ApiError(403, "BAD_PASSWORD", "That is not your password.", {"field": "password"})
        if asks_code:
            self.check_code(user, code, 403)
        return user, password_hash

    def check_code(self, user: User, code: str | None, status: int) -> None:
        """Use up the code of a user whose second factor is on.

        Raises ApiError `status`, and 429 after many wrong ones.
        """
        if not user.totp:
            return
        if code is None:
            raise ApiError(status, "CODE_NEEDED", "This needs a code of your authenticator app.", {"field": "code"})
        self.count_code(user)
        try:
            good = self._calls.ask(self._identity.second_factors.use, user, code)
        except UnknownUser:
            good = False
        if not good:
            raise ApiError(status, "BAD_CODE", "That code is wrong, or was used before.", {"field": "code"})
        self.forget_codes(user)

    def count_code(self, user: User) -> None:
        """Count a code before it is checked, so that many at once all count. Raises ApiError 429."""
        if not self._wrong_codes.hit(CODES, str(user.user_id)):
            raise ApiError(429, "TOO_MANY_REQUESTS", "Too many wrong codes; try again later.", None, 60)

    def forget_codes(self, user: User) -> None:
        """A code was good: the wrong ones before it do not count any more."""
        self._wrong_codes.clear(CODES, str(user.user_id))
