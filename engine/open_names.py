"""The client order ids of open orders, for an exchange without accounts: nothing is remembered of what is done.

There nobody asks again over a wire, so an id is free once its order is done. The methods are those of
`engine.recent.RecentOrders`, and each is O(1).
Layer: engine.
"""

from __future__ import annotations

from typing import Final

from engine.commands import EnterOrder
from engine.order import Order
from engine.types import AccountId, OrderId, Seq


class OpenNames:
    """Which open order was entered under which client order id."""

    __slots__ = ("_named",)

    chain: Final = 0  # nothing is remembered, so there is nothing to digest

    def __init__(self) -> None:
        self._named: dict[tuple[AccountId, str], tuple[OrderId, EnterOrder]] = {}

    def __len__(self) -> int:
        return 0  # done orders

    def named(self, account: AccountId, client_order_id: str, ts_ns: int) -> tuple[OrderId, EnterOrder] | None:
        """The open order entered under this id, and how it was asked for."""
        return self._named.get((account, client_order_id))

    def find(
        self, account: AccountId, client_order_id: str, looked_until: Seq | None, ts_ns: int
    ) -> tuple[OrderId, EnterOrder] | None:
        """The open order entered under this id, and how it was asked for; None when it is new."""
        return self._named.get((account, client_order_id))

    def is_done(self, account: AccountId, order_id: OrderId, ts_ns: int) -> bool:
        """Whether this is known to be a done order: never."""
        return False

    def forgotten_until(self, account: AccountId, ts_ns: int) -> Seq:
        """The seq by which what is forgotten had ended: the id of a done order is free, so nothing counts as such."""
        return Seq(0)

    def name(self, account: AccountId, client_order_id: str, order_id: OrderId, command: EnterOrder) -> None:
        """Note the order entered under a client order id."""
        self._named[account, client_order_id] = (order_id, command)

    def done(self, order: Order, seq: Seq, ts_ns: int) -> None:
        """The id of `order` is free again."""
        if order.client_order_id is not None:
            del self._named[order.account, order.client_order_id]

    def split_by_account(self, seq: Seq, ts_ns: int) -> None:
        """Nothing: there are no memories to part."""
