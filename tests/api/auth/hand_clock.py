"""A clock that is turned by hand, and whose key and user the tests of credentials are about."""

from __future__ import annotations

from engine.types import AccountId
from identity.users import Role, User

TOKEN_KEY = bytes(range(32))
KEY_SECRET = b"key secret"
USER = User(user_id=7, name="ada", role=Role.TRADER, account=AccountId(1007), guest=False, disabled=False)
MS_NS = 10**6
SECOND_NS = 10**9


class Clock:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = 1_800_000_000 * SECOND_NS

    def __call__(self) -> int:
        return self.now

    def pass_ms(self, milliseconds: int) -> None:
        """Turn it on."""
        self.now += milliseconds * MS_NS
