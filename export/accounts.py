"""Account numbers as they are exported: their own, or others that say only which are the same.

Layer: export. Pure.
"""

from __future__ import annotations

import random


class AccountNames:
    """What stands for each account and each client order id. O(accounts) memory when they are hidden."""

    def __init__(self, *, anonymous: bool, rng: random.Random | None = None) -> None:
        """`anonymous`: numbers are given out in the order of appearance, beginning anywhere; names are left out."""
        self._given: dict[int, int] | None = {} if anonymous else None
        self._first = (rng or random.SystemRandom()).randrange(1, 1000) * 1_000_000 if anonymous else 0

    def account(self, account: int) -> int:
        """The number to write for an account. O(1)."""
        given = self._given
        if given is None:
            return account
        return given.setdefault(account, self._first + len(given))

    def client_order_id(self, name: str | None) -> str | None:
        """The client order id to write: traders put names into theirs."""
        return name if self._given is None else None
