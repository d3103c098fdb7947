"""One order, and the queue that it stands in at its price: two records that link to each other.

Layer: engine.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from engine.balance import Balance
from engine.terms import Terms
from engine.types import (
    AccountId,
    Amount,
    Lots,
    OrderId,
    OrderStatus,
    OrderType,
    SelfTradePrevention,
    Seq,
    Side,
    Ticks,
    TimeInForce,
)


class Order(msgspec.Struct, eq=False, gc=False):
    """An accepted order. While it rests it is linked into the FIFO queue of its level.

    While it waits for its trigger it is in the stops of its book instead. The garbage collector
    leaves orders alone (`gc=False`): one that is done is linked to nothing any more, and going
    through every open one again and again would cost more than entering it.
    """

    order_id: OrderId
    account: AccountId
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    price: Ticks | None  # None: a market order
    quantity: Lots
    leaves: Lots  # still open
    client_order_id: str | None
    entered_ns: int
    maker_rate: int  # millionths of the notional, as set when the order was entered
    taker_rate: int
    pays: Balance  # of the quote asset for a buy, of the base asset for a sell
    receives: Balance
    paid_asset: str
    hold_per_lot: Amount  # set aside in `pays` for each lot it leaves; 0 for a market order
    seq: Seq  # of the command that asked for it; of an exit, that of its entry
    prevention: SelfTradePrevention = SelfTradePrevention.NONE
    terms: Terms | None = None
    hidden: Lots = Lots(0)  # of an iceberg: the part of what it leaves that is not shown
    cum: Lots = Lots(0)  # filled
    quote_cum: Amount = Amount(0)
    fees: Amount = Amount(0)
    level: PriceLevel | None = None  # set while resting
    ahead: Order | None = None  # the next in the queue that trades before this one
    behind: Order | None = None
    waiting: bool = False  # for its trigger price
    turn: int = 0  # orders its book's stops of one price by when they began to wait
    # of what waits to buy without a limit: it holds this price for each lot, and never trades above
    hold_price: Ticks | None = None
    # high-water mark of a trailing stop: the highest price since it waits (for a buy, the lowest)
    high_water: Ticks | None = None
    sibling: Order | None = None  # the other leg of one-cancels-other, while both are open

    @property
    def age(self) -> tuple[Seq, OrderId]:
        """Sorts orders by when they were asked for, the oldest first: by the command, then by the leg."""
        return self.seq, self.order_id

    @property
    def shown(self) -> Lots:
        """What of it everybody sees."""
        return Lots(self.leaves - self.hidden)

    @property
    def status(self) -> OrderStatus:
        """Of an open order: waiting for its trigger, resting, or partially filled."""
        if self.waiting:
            return OrderStatus.PENDING_TRIGGER
        return OrderStatus.PARTIALLY_FILLED if self.cum else OrderStatus.RESTING


class PriceLevel(msgspec.Struct, eq=False, gc=False):
    """All resting orders at one price, oldest first, as a linked list. Made with its first order."""

    price: Ticks
    key: int  # sorts best first on either side
    quantity: int  # lots, the sum of what its orders show
    hidden: int  # lots, what they leave beyond that
    count: int
    head: Order | None  # trades first
    tail: Order | None

    def __iter__(self) -> Iterator[Order]:
        order = self.head
        while order is not None:
            yield order
            order = order.behind

    def append(self, order: Order) -> None:
        """Put `order` at the back of the queue. O(1)."""
        tail = self.tail
        order.level = self
        order.ahead = tail
        if tail is None:
            self.head = order
        else:
            tail.behind = order
        self.tail = order
        self.quantity += order.leaves
        if order.hidden:
            self.quantity -= order.hidden
            self.hidden += order.hidden
        self.count += 1

    def unlink(self, order: Order) -> None:
        """Take `order` out of the queue, wherever it stands. O(1)."""
        ahead, behind = order.ahead, order.behind
        if ahead is None:
            self.head = behind
        else:
            ahead.behind = behind
        if behind is None:
            self.tail = ahead
        else:
            behind.ahead = ahead
        order.level = order.ahead = order.behind = None
        self.quantity -= order.leaves
        if order.hidden:
            self.quantity += order.hidden
            self.hidden -= order.hidden
        self.count -= 1

    def replenish(self, order: Order, display: Lots) -> None:
        """Show the next slice of an order whose slice is used up, at the back of the queue. O(1)."""
        self.unlink(order)
        order.hidden = Lots(max(order.leaves - display, 0))
        self.append(order)
