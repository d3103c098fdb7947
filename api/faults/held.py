"""The requests that wait because of a fault: bounded in number and in bytes, and woken when what delays them ends.

Layer: api.faults.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from eventlet.event import Event

from engine.types import AccountId

HELD_MAX: Final = 1_000  # requests that wait, of all accounts
HELD_PER_ACCOUNT_MAX: Final = 50
HELD_BYTES_MAX: Final = 16 * 1024 * 1024  # of their bodies


class HeldRequests:
    """Those that wait now. For the event loop's thread."""

    def __init__(self) -> None:
        self._of_account: Counter[AccountId | None] = Counter()
        self._bytes = 0
        self.refused = 0  # that were not delayed, since too many were

    @property
    def count(self) -> int:
        """How many wait."""
        return self._of_account.total()

    def hold(self, account: AccountId | None, ended: Event, seconds: float, size: int) -> bool:
        """Wait, until `ended` is sent at the latest; False at once where too many wait already. Cooperative."""
        if (
            self._of_account[account] >= HELD_PER_ACCOUNT_MAX
            or self.count >= HELD_MAX
            or self._bytes + size > HELD_BYTES_MAX
        ):
            self.refused += 1
            return False
        self._of_account[account] += 1
        self._bytes += size
        try:
            ended.wait(seconds)
        finally:
            self._bytes -= size
            self._of_account[account] -= 1
            if not self._of_account[account]:
                del self._of_account[account]
        return True
