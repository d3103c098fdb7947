"""What the exchange knows of accounts besides their money: open orders, tier, limits, recent orders.

Layer: engine.
"""

from __future__ import annotations

import struct
import zlib
from collections import deque

import msgspec

from engine.commands import ConfigureAccount, EnterOrder
from engine.instrument import FEE_UNIT
from engine.ledger import Balance, is_decimal
from engine.order import Order
from engine.types import AccountId, OrderId

RECENT_WINDOW = 200_000  # how many done orders are remembered
SECOND_NS = 1_000_000_000

_encode = msgspec.json.Encoder().encode
_pack = struct.Struct(">QQ").pack


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
        self.wallets: dict[str, tuple[Balance, Balance]] = {}  # by symbol: base, quote; looked up once
        self._second = 0
        self._second_orders = 0

    def exceeds_rate(self, ts_ns: int) -> bool:
        """Count one more order; whether that is more than this account may enter in one second."""
        most = self.configuration.max_orders_per_second
        if most is None:
            return False
        second = ts_ns // SECOND_NS
        if second != self._second:
            self._second, self._second_orders = second, 0
        self._second_orders += 1
        return self._second_orders > most

    def is_at_rate_limit(self, ts_ns: int) -> bool:
        """Whether one more order in this second would be refused; nothing is counted."""
        most = self.configuration.max_orders_per_second
        return most is not None and most <= (self._second_orders if ts_ns // SECOND_NS == self._second else 0)

    def state(self) -> tuple[object, ...]:
        """Everything but the open orders that decides about the next order, for the digest."""
        return self.configuration, self.stopped, self._second, self._second_orders


class RecentOrders:
    """The latest `RECENT_WINDOW` done orders, and the client order ids of these and of every open order.

    For idempotency, for cancelling by client order id, and for `too_late`. `chain` digests
    everything that ever went in; with the length it stands for the content.
    """

    __slots__ = ("_done", "_done_queue", "_named", "chain")

    def __init__(self) -> None:
        self._named: dict[tuple[AccountId, str], tuple[OrderId, EnterOrder]] = {}
        self._done: dict[OrderId, tuple[AccountId, str | None]] = {}  # with the client order id
        self._done_queue: deque[OrderId] = deque()
        self.chain = 0

    def __len__(self) -> int:
        return len(self._done_queue)

    def named(self, account: AccountId, client_order_id: str) -> tuple[OrderId, EnterOrder] | None:
        """The order entered under this id, and how it was asked for; None when new or long done."""
        return self._named.get((account, client_order_id))

    def name(self, account: AccountId, client_order_id: str, order_id: OrderId, command: EnterOrder) -> None:
        """Remember the order entered under a client order id. O(1)."""
        self._named[account, client_order_id] = (order_id, command)
        self.chain = zlib.crc32(_encode((order_id, command)), self.chain)

    def owner_of_done(self, order_id: OrderId) -> AccountId | None:
        """Whose order this was, when it is done and recent."""
        done = self._done.get(order_id)
        return None if done is None else done[0]

    def done(self, order: Order) -> None:
        """Remember that `order` is done, and forget the one that has been done the longest. O(1)."""
        self._done[order.order_id] = (order.account, order.client_order_id)
        self._done_queue.append(order.order_id)
        if len(self._done_queue) > RECENT_WINDOW:
            account, client_order_id = self._done.pop(self._done_queue.popleft())
            if client_order_id is not None:
                del self._named[account, client_order_id]
        self.chain = zlib.crc32(_pack(order.order_id, order.account), self.chain)
