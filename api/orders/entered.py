"""The state of an order after the command that entered it, from the events of that command alone.

A command can cause more than the order's own matches: what it triggers may trade as well, even with
the order itself once it rests. Only what concerns the order is folded.
Layer: api.orders.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

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
from engine.types import Amount, Lots, OrderId, OrderStatus, Ticks

# events that leave an order otherwise than it was
_CHANGES: Final[frozenset[type[Event]]] = frozenset({Completed, Cancelled, Expired, Amended, Triggered, StopPriceMoved})
_RESTING: Final = OrderStatus.RESTING  # looking a member up by its class takes as long as the rest
_FILLED: Final = OrderStatus.FILLED
_CANCELLED: Final = OrderStatus.CANCELLED


class EnteredOrder(msgspec.Struct):
    """An order after the command that entered it. Quantities in lots, prices in ticks."""

    accepted: Accepted
    price: Ticks | None
    quantity: Lots
    terms: Terms | None
    waiting: bool
    trades: list[Filled]  # its own, as maker or taker
    cum: Lots = Lots(0)  # filled
    notional: Amount = Amount(0)  # of its trades
    ended: Ended | None = None

    @property
    def order_id(self) -> OrderId:
        """Its id."""
        return self.accepted.order_id

    @property
    def status(self) -> OrderStatus:
        """Its status after the command."""
        if self.ended is not None:
            return status_of(self.ended)[0]
        if self.waiting:
            return OrderStatus.PENDING_TRIGGER
        return OrderStatus.PARTIALLY_FILLED if self.trades else _RESTING

    @property
    def reason(self) -> str | None:
        """Why it was cancelled, when it was."""
        return None if self.ended is None else status_of(self.ended)[1]


def status_of(ended: Ended) -> tuple[OrderStatus, str | None]:
    """How an order ended, and why when it was cancelled."""
    if isinstance(ended, Completed):
        return _FILLED, None
    if isinstance(ended, Cancelled):
        return _CANCELLED, ended.reason
    if isinstance(ended, Expired):
        return OrderStatus.EXPIRED, None
    raise TypeError(f"{type(ended).__name__} is no way to end")


def entered_orders(events: Sequence[Event]) -> dict[OrderId, EnteredOrder]:
    """Every order that these events enter, in that order. O(events)."""
    found: dict[OrderId, EnteredOrder] = {}
    event: Any
    for event in events:
        kind = type(event)  # compared, not asked for by isinstance: that takes ten times as long for a struct
        if kind is Filled:
            if (order := found.get(event.taker_order_id)) is not None:
                _fill(order, event)
            if (order := found.get(event.maker_order_id)) is not None:
                _fill(order, event)
        elif kind is Accepted:
            found[event.order_id] = EnteredOrder(event, event.price, event.quantity, event.terms, event.waiting, [])
        elif kind in _CHANGES and (order := found.get(event.order_id)) is not None:
            _fold(order, event)
    return found


def _fill(order: EnteredOrder, trade: Filled) -> None:
    order.trades.append(trade)
    order.cum += trade.quantity  # type: ignore[assignment] # calling Lots() costs more than the addition
    order.notional += trade.notional  # type: ignore[assignment] # as above


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
