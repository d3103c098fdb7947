"""One order, resting or incoming: the only mutable record of the engine.

Layer: engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from engine.types import AccountId, Amount, Lots, OrderId, OrderStatus, OrderType, Side, Ticks, TimeInForce

if TYPE_CHECKING:
    from engine.book import PriceLevel


class Order(msgspec.Struct, eq=False):
    """An accepted order. While it rests it is linked into the FIFO queue of its level."""

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
    cum: Lots = Lots(0)  # filled
    quote_cum: Amount = Amount(0)
    fees: Amount = Amount(0)
    level: PriceLevel | None = None  # set while resting
    ahead: Order | None = None  # the neighbour that trades before this one
    behind: Order | None = None

    @property
    def status(self) -> OrderStatus:
        """Of an open order: resting, or partially filled."""
        return OrderStatus.PARTIALLY_FILLED if self.cum else OrderStatus.RESTING
