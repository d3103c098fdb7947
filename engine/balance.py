"""One account's holding of one asset: the only place where money moves between available and held.

Units: minor units of the asset. Layer: engine.
"""

from __future__ import annotations

from engine.rejects import InvariantViolation
from engine.types import Amount


class Balance:
    """What an account has of one asset. Every method is O(1)."""

    __slots__ = ("available", "deposited", "held")

    def __init__(self) -> None:
        self.available = 0
        self.held = 0  # set aside for open orders
        self.deposited = 0  # over its whole life

    @property
    def total(self) -> Amount:
        """Available and held together."""
        return Amount(self.available + self.held)

    def restore(self, available: int, held: int, deposited: int) -> None:
        """Be as it was, in a state that was written."""
        self.available, self.held, self.deposited = available, held, deposited

    def credit(self, amount: int) -> None:
        """Add `amount` to what is available."""
        self.available += amount

    def debit(self, amount: int) -> None:
        """Take `amount` off what is available. Raises InvariantViolation when less than that is available."""
        if amount > self.available:
            raise InvariantViolation(f"cannot take {amount}: {self.available} is available")
        self.available -= amount

    def hold(self, amount: int) -> None:
        """Set `amount` aside; an amount below zero is given back.

        Raises InvariantViolation when less than that is available.
        """
        if amount > self.available:
            raise InvariantViolation(f"cannot hold {amount}: {self.available} is available")
        self.available -= amount
        self.held += amount

    def release(self, amount: int) -> None:
        """Make available again what was set aside.

        Raises InvariantViolation when less than that is held.
        """
        if amount > self.held:
            raise InvariantViolation(f"cannot release {amount}: {self.held} is held")
        self.held -= amount
        self.available += amount

    def settle(self, hold: int, paid: int, receives: Balance, received: int) -> None:
        """Pay `paid`, for which `hold` was set aside, and let `receives` have `received` of another asset for it.

        What the hold has too much is released. Raises InvariantViolation when it and what is available are too little.
        """
        held = self.held - hold
        available = self.available + hold - paid
        if held < 0 or available < 0:
            raise InvariantViolation(f"cannot pay {paid} of a hold of {hold}: {self.available} is available")
        self.held, self.available = held, available
        receives.available += received


class NoBalance(Balance):
    """The balance of everybody where there are no accounts: enough for everything, and never another."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__()
        self.available = 10**100  # more than any order needs

    def credit(self, amount: int) -> None:
        """Nothing is counted."""

    def debit(self, amount: int) -> None:
        """Nothing is counted."""

    def hold(self, amount: int) -> None:
        """Nothing is counted."""

    def release(self, amount: int) -> None:
        """Nothing is counted."""

    def settle(self, hold: int, paid: int, receives: Balance, received: int) -> None:
        """Nothing is counted."""
