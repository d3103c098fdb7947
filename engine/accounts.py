"""What the exchange knows of accounts besides their money: open orders, tier, limits.

Layer: engine.
"""

from __future__ import annotations

from engine.balance import Balance
from engine.commands import ConfigureAccount
from engine.instrument import FEE_UNIT
from engine.ledger import is_decimal
from engine.order import Order
from engine.types import AccountId, OrderId

SECOND_NS = 1_000_000_000


def can_be_configured(command: ConfigureAccount) -> bool:
    """Whether the rates are at most the whole notional, and the limits numbers from zero up."""
    rates = (command.maker_fee, command.taker_fee)
    counts = (command.max_open_orders, command.max_orders_per_second)
    return (
        all(rate is None or -FEE_UNIT <= rate <= FEE_UNIT for rate in rates)
        and all(count is None or count >= 0 for count in counts)
        and (command.max_notional is None or is_decimal(command.max_notional))
    )


class Account:
    """One account's open orders, and how it was configured."""

    __slots__ = ("_second", "_second_orders", "configuration", "open_count", "open_orders", "stopped", "wallets")

    def __init__(self, account: AccountId) -> None:
        self.open_orders: dict[OrderId, Order] = {}  # oldest first
        self.open_count: dict[str, int] = {}  # by symbol
        self.configuration = ConfigureAccount(account, "standard")
        self.stopped = False
        self.wallets: dict[str, tuple[Balance, Balance]] = {}  # by symbol: the balances of base and quote
        self._second = 0
        self._second_orders = 0

    def count_order(self, ts_ns: int) -> bool:
        """Count one more order; False when it is more than this account may enter in one second. O(1)."""
        most = self.configuration.max_orders_per_second
        if most is None:
            return True
        second = ts_ns // SECOND_NS
        if second != self._second:
            self._second, self._second_orders = second, 0
        self._second_orders += 1
        return self._second_orders <= most

    def is_at_rate_limit(self, ts_ns: int) -> bool:
        """Whether one more order in this second would be refused; nothing is counted."""
        most = self.configuration.max_orders_per_second
        return most is not None and most <= (self._second_orders if ts_ns // SECOND_NS == self._second else 0)

    def state(self) -> tuple[object, ...]:
        """Everything but the open orders that decides about the next order, for the digest."""
        return self.configuration, self.stopped, self._second, self._second_orders
