"""One order as the second wire needs it, whether it was just entered, is open, or is done.

Layer: api.binance.
"""

from __future__ import annotations

from typing import Final

import msgspec

from api.orders.entered import EnteredOrder, status_of
from api.orders.states import OrderState
from engine.events import Cancelled, Ended
from engine.order import Order
from engine.rejects import CancelReason
from engine.terms import Terms
from engine.types import (
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
from history.store import DoneOrder

_BY_SOMEBODY: Final = (CancelReason.REQUESTED, CancelReason.BY_OPERATOR, CancelReason.ACCOUNT_STOPPED)


class State(msgspec.Struct, frozen=True, gc=False):
    """An order at a moment. Prices in ticks, quantities in lots, amounts in minor units of the quote asset."""

    order_id: OrderId
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    price: Ticks | None
    quantity: Lots
    cum: Lots
    quote_cum: Amount
    status: OrderStatus
    reason: str | None
    given_name: str | None  # the trader's client order id
    terms: Terms | None
    prevention: SelfTradePrevention
    entered_ns: int
    updated_ns: int  # when it ended; of an open one when it was entered or traded last, as far as is known

    @property
    def waiting(self) -> bool:
        """Whether it waits for its trigger."""
        return self.status is OrderStatus.PENDING_TRIGGER

    @property
    def ended(self) -> bool:
        """Whether it is done."""
        return self.status in (OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.EXPIRED)


def reason_of_leg(reason: str | None, other_reason: str | None) -> str | None:
    """Why a leg ended; `other_reason`: why the other of its pair did. A person who ends one of them ends both."""
    return other_reason if reason == CancelReason.ONE_CANCELS_OTHER and other_reason in _BY_SOMEBODY else reason


def entered_state(order: EnteredOrder, ts_ns: int) -> State:
    """An order after the command that entered it."""
    accepted = order.accepted
    return State(
        accepted.order_id,
        accepted.symbol,
        accepted.side,
        accepted.order_type,
        accepted.time_in_force,
        order.price,
        order.quantity,
        order.cum,
        order.notional,
        order.status,
        order.reason,
        accepted.client_order_id,
        order.terms,
        accepted.prevention,
        ts_ns,
        ts_ns,
    )


def open_state(order: Order, updated_ns: int | None = None) -> State:
    """An open order."""
    return _state(order, order.status, None, updated_ns or order.entered_ns)


def done_state(order: DoneOrder, other: DoneOrder | None = None) -> State:
    """An order that is done; `other`: the other leg of its pair, where that is done as well."""
    reason = order.reason if other is None else reason_of_leg(order.reason, other.reason)
    return _state(order, order.status, reason, order.ended_ns)


def ended_state(ended: Ended, ts_ns: int) -> State:
    """An order by the event that ended it."""
    return _state(ended, *status_of(ended), ts_ns)


def requested_state(ended: Cancelled, ts_ns: int) -> State:
    """An order that its owner cancelled, by itself or with the other leg of its pair."""
    return _state(ended, status_of(ended)[0], CancelReason.REQUESTED, ts_ns)


def _state(order: OrderState, status: OrderStatus, reason: str | None, updated_ns: int) -> State:
    return State(
        order.order_id,
        order.symbol,
        order.side,
        order.order_type,
        order.time_in_force,
        order.price,
        order.quantity,
        order.cum,
        order.quote_cum,
        status,
        reason,
        order.client_order_id,
        order.terms,
        order.prevention,
        order.entered_ns,
        updated_ns,
    )
