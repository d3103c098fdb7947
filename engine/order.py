"""One order, resting or incoming: the only mutable record of the engine.

Layer: engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from engine.terms import Terms
from engine.types import (
    AccountId,
    Amount,
    Lots,
    OrderId,
    OrderStatus,
    OrderType,
    SelfTradePrevention,
    Side,
    Ticks,
    TimeInForce,
)

if TYPE_CHECKING:
    from engine.accounts import Account
    from engine.book import PriceLevel
    from engine.ledger import Balance


class Order(msgspec.Struct, eq=False, gc=False):
    """An accepted order. While it rests it is linked into the FIFO queue of its level.

    While it waits for its trigger it stands in the stops of its book instead. The garbage
    collector does not look at orders: one that is done is linked to nothing any more, and
    looking through every open one now and then would cost more than entering it.
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
    maker_rate: int  # millionths, as they were when the order was entered
    taker_rate: int
    pays: Balance  # of the quote asset for a buy, of the base asset for a sell
    receives: Balance
    paid_asset: str
    hold_per_lot: Amount  # set aside in `pays` for each lot it leaves; 0 for a market order
    owner: Account
    prevention: SelfTradePrevention = SelfTradePrevention.NONE
    terms: Terms | None = None
    hidden: Lots = Lots(0)  # of what it leaves: the part of an iceberg that is not shown
    cum: Lots = Lots(0)  # filled
    quote_cum: Amount = Amount(0)
    fees: Amount = Amount(0)
    level: PriceLevel | None = None  # set while resting
    ahead: Order | None = None  # the neighbour that trades before this one
    behind: Order | None = None
    waiting: bool = False  # for its trigger
    turn: int = 0  # when it began to wait at its stop price; counts per book
    hold_price: Ticks | None = None  # of a stop to buy: what it holds for each lot, and never trades above
    peak: Ticks | None = None  # of a trailing stop: the best price since it waits
    sibling: Order | None = None  # the other leg of one-cancels-other, while both are open

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
