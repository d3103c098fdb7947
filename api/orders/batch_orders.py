"""The orders of a batch of events, as each event left them: what the messages of any wire say of an order.

Layer: api.orders.
"""

from __future__ import annotations

from collections.abc import Callable

from api.orders.states import OrderState
from engine.commands import AmendOrder
from engine.events import Amended, CommandResult, Ended, Filled, Triggered
from engine.exchange import Exchange
from engine.types import AccountId, OrderId, Ticks


class BatchOrders:
    """The orders of a batch as each of its events left them. The exchange only has them as the whole batch left them.

    Its methods are to be called for the events in their order.
    """

    def __init__(
        self, batch: list[CommandResult], exchange: Exchange, is_followed: Callable[[AccountId], bool]
    ) -> None:
        self.exchange = exchange
        self._is_followed = is_followed
        self._followed: dict[AccountId, bool] = {}
        self._ended: dict[OrderId, Ended] = {}
        self._to_come: dict[OrderId, int] = {}  # lots that later events of the batch fill
        self._quote_to_come: dict[OrderId, int] = {}  # the notional of these fills
        self._prices: dict[OrderId, Ticks | None] = {}  # limit prices of the orders that the batch amends or triggers
        self._to_trigger: dict[OrderId, None] = {}  # orders that later events of the batch trigger
        # seq and order of the last Amended: the first that an amend makes of its order is what the owner asked for
        self._amended_at: tuple[int, OrderId] | None = None
        for applied in reversed(batch):
            for event in reversed(applied.events):
                if isinstance(event, Filled):
                    for order_id in (event.maker_order_id, event.taker_order_id):
                        self._to_come[order_id] = self._to_come.get(order_id, 0) + event.quantity
                        self._quote_to_come[order_id] = self._quote_to_come.get(order_id, 0) + event.notional
                elif isinstance(event, Ended):
                    self._ended[event.order_id] = event
                elif isinstance(event, Amended):
                    self._prices[event.order_id] = event.old_price
                elif isinstance(event, Triggered):
                    self._to_trigger[event.order_id] = None

    def makes_for(self, account: AccountId) -> bool:
        """Whether messages are made for an account."""
        followed = self._followed.get(account)
        if followed is None:
            followed = self._followed[account] = self._is_followed(account)
        return followed

    def get(self, order_id: OrderId) -> OrderState | None:
        """The order, open or ended in this batch; of its fields only those that never change are as of the event."""
        return self.exchange.order(order_id) or self._ended.get(order_id)

    def price(self, order: OrderState) -> Ticks | None:
        """The limit price of `order` at the present event."""
        return self._prices.get(order.order_id, order.price)

    def waits(self, order_id: OrderId) -> bool:
        """Whether an order still waits for its trigger at the present event."""
        order = self.exchange.order(order_id)
        return order_id in self._to_trigger or (order is not None and order.waiting)

    def triggered(self, event: Triggered) -> None:
        """Note that the present event triggers an order."""
        self._to_trigger.pop(event.order_id, None)
        self._prices[event.order_id] = event.price

    def amended(self, event: Amended, applied: CommandResult) -> bool:
        """Note an amend; return whether its owner asked for it: self-trade prevention amends, too."""
        self._prices[event.order_id] = event.price
        this = applied.seq, event.order_id
        command = applied.command
        asked = isinstance(command, AmendOrder) and command.order_id == event.order_id and self._amended_at != this
        self._amended_at = this
        return asked

    def note_fill(self, event: Filled) -> None:
        """The present event fills two orders."""
        for order_id in (event.maker_order_id, event.taker_order_id):
            self._to_come[order_id] -= event.quantity
            self._quote_to_come[order_id] -= event.notional

    def filled(self, order: OrderState) -> int:
        """What is filled of an order at the present event, in lots."""
        return order.cum - self._to_come.get(order.order_id, 0)

    def quote_filled(self, order: OrderState) -> int:
        """The notional of what is filled of an order at the present event."""
        return order.quote_cum - self._quote_to_come.get(order.order_id, 0)
