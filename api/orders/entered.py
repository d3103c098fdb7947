"""The state of an order after the command that entered it, from the events of that command alone.

A command can cause more than the order's own matches: what it triggers may trade as well, even with
the order itself once it rests. Only what concerns the order is folded.
Layer: api.orders.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.events import (
    Accepted,
    Amended,
    Cancelled,
    Completed,
    Ended,
    Event,
    Expired,
    Filled,
    StopPriceMoved,
    Triggered,
)
from engine.terms import Terms
from engine.types import Lots, OrderId, OrderStatus, Ticks


class EnteredOrder(msgspec.Struct):
    """An order after the command that entered it. Quantities in lots, prices in ticks."""

    accepted: Accepted
    price: Ticks | None
    quantity: Lots
    terms: Terms | None
    waiting: bool
    trades: list[Filled]  # its own, as maker or taker
    ended: Ended | None = None

    @property
    def order_id(self) -> OrderId:
        """Its id."""
        return self.accepted.order_id

    @property
    def cum(self) -> Lots:
        """The quantity filled, in lots."""
        return Lots(sum(trade.quantity for trade in self.trades))

    @property
    def status(self) -> OrderStatus:
        """Its status after the command."""
        if self.ended is not None:
            return status_of(self.ended)[0]
        if self.waiting:
            return OrderStatus.PENDING_TRIGGER
        return OrderStatus.PARTIALLY_FILLED if self.trades else OrderStatus.RESTING

    @property
    def reason(self) -> str | None:
        """Why it was cancelled, when it was."""
        return None if self.ended is None else status_of(self.ended)[1]


def status_of(ended: Ended) -> tuple[OrderStatus, str | None]:
    """How an order ended, and why when it was cancelled."""
    if isinstance(ended, Cancelled):
        return OrderStatus.CANCELLED, ended.reason
    if isinstance(ended, Expired):
        return OrderStatus.EXPIRED, None
    if isinstance(ended, Completed):
        return OrderStatus.FILLED, None
    raise TypeError(f"{type(ended).__name__} is no way to end")


def entered_orders(events: Sequence[Event]) -> dict[OrderId, EnteredOrder]:
    """Every order that these events enter, in that order. O(events)."""
    found: dict[OrderId, EnteredOrder] = {}
    for event in events:
        if isinstance(event, Accepted):
            found[event.order_id] = EnteredOrder(event, event.price, event.quantity, event.terms, event.waiting, [])
        elif isinstance(event, Filled):
            for order_id in (event.maker_order_id, event.taker_order_id):
                if order_id in found:
                    found[order_id].trades.append(event)
        elif isinstance(event, Ended | Amended | Triggered | StopPriceMoved) and event.order_id in found:
            _fold(found[event.order_id], event)
    return found


def _fold(order: EnteredOrder, event: Ended | Amended | Triggered | StopPriceMoved) -> None:
    if isinstance(event, StopPriceMoved):
        order.terms = msgspec.structs.replace(order.terms or Terms(), stop_price=event.stop_price)
        return
    order.price = event.price
    if isinstance(event, Triggered):
        order.waiting = False
        return
    order.quantity, order.terms = event.quantity, event.terms
    if isinstance(event, Ended):
        order.ended = event
