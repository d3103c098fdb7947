"""What the exchange knows of accounts besides their money: open orders, tier, limits, recent orders.

Layer: engine.
"""

from __future__ import annotations

import zlib
from collections import deque

from engine.commands import ConfigureAccount, EnterOrder
from engine.instrument import Instrument
from engine.order import Order
from engine.types import AccountId, OrderId

RECENT_WINDOW = 200_000  # how many client order ids, and how many done orders, are remembered
SECOND_NS = 1_000_000_000


class Account:
    """One account's open orders, and how it was configured."""

    __slots__ = ("_second", "_second_orders", "configuration", "open_count", "open_orders", "stopped")

    def __init__(self, account: AccountId) -> None:
        self.open_orders: dict[OrderId, Order] = {}  # oldest first
        self.open_count: dict[str, int] = {}  # by symbol
        self.configuration = ConfigureAccount(account, "standard")
        self.stopped = False
        self._second = 0
        self._second_orders = 0

    def rates(self, instrument: Instrument) -> tuple[int, int]:
        """The maker and taker rates that a new order gets, in millionths."""
        own = self.configuration
        maker = instrument.maker_fee if own.maker_fee is None else own.maker_fee
        taker = instrument.taker_fee if own.taker_fee is None else own.taker_fee
        return maker, taker

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

    def state(self) -> tuple[object, ...]:
        """Everything but the open orders that decides about the next order, for the digest."""
        return self.configuration, self.stopped, self._second, self._second_orders


class RecentOrders:
    """The latest `RECENT_WINDOW` accepted client order ids and done orders, for idempotency and `too_late`.

    `chain` digests everything that ever went in; with the lengths it stands for the content.
    """

    __slots__ = ("_done", "_done_queue", "_named", "_named_queue", "chain")

    def __init__(self) -> None:
        self._named: dict[tuple[AccountId, str], tuple[OrderId, EnterOrder]] = {}
        self._named_queue: deque[tuple[AccountId, str]] = deque()
        self._done: dict[OrderId, AccountId] = {}
        self._done_queue: deque[OrderId] = deque()
        self.chain = 0

    def __len__(self) -> int:
        return len(self._named_queue) + len(self._done_queue)

    def named(self, account: AccountId, client_order_id: str) -> tuple[OrderId, EnterOrder] | None:
        """The order entered under this id, and how it was asked for; None when new or long ago."""
        return self._named.get((account, client_order_id))

    def name(self, account: AccountId, client_order_id: str, order_id: OrderId, command: EnterOrder) -> None:
        """Remember the order entered under a client order id. O(1)."""
        key = (account, client_order_id)
        self._named[key] = (order_id, command)
        self._named_queue.append(key)
        if len(self._named_queue) > RECENT_WINDOW:
            del self._named[self._named_queue.popleft()]
        self.chain = zlib.crc32(f"{account}/{order_id}/{client_order_id}".encode(), self.chain)

    def owner_of_done(self, order_id: OrderId) -> AccountId | None:
        """Whose order this was, when it is done and recent."""
        return self._done.get(order_id)

    def done(self, order: Order) -> None:
        """Remember that `order` is done. O(1)."""
        self._done[order.order_id] = order.account
        self._done_queue.append(order.order_id)
        if len(self._done_queue) > RECENT_WINDOW:
            del self._done[self._done_queue.popleft()]
        self.chain = zlib.crc32(order.order_id.to_bytes(8, "big"), self.chain)
