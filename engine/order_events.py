"""The events about one order, each made from the order as it is now.

Layer: engine.
"""

from __future__ import annotations

import msgspec

from engine.events import Accepted, Amended, Cancelled, Completed, Expired, StopPriceMoved, Triggered
from engine.order import Order
from engine.rejects import CancelReason
from engine.types import Ticks


def accepted(order: Order) -> Accepted:
    """The beginning of an order that passed every check."""
    return Accepted(
        order.order_id,
        order.account,
        order.symbol,
        order.side,
        order.order_type,
        order.time_in_force,
        order.price,
        order.quantity,
        order.client_order_id,
        order.terms,
        order.waiting,
        order.prevention,
    )


def amended(order: Order, old_price: Ticks | None, *, kept_priority: bool) -> Amended:
    """The order as it is after a change."""
    return Amended(
        order.order_id,
        order.account,
        order.symbol,
        order.side,
        old_price,
        order.price,
        order.quantity,
        order.leaves,
        kept_priority,
        order.terms,
    )


def completed(order: Order) -> Completed:
    """The end of an order that is filled in full."""
    return Completed(
        order.order_id,
        order.account,
        order.symbol,
        order.side,
        order.order_type,
        order.time_in_force,
        order.price,
        order.quantity,
        order.cum,
        order.quote_cum,
        order.fees,
        order.client_order_id,
        order.entered_ns,
        order.terms,
        order.prevention,
    )


def cancelled(order: Order, reason: CancelReason, *, rested: bool) -> Cancelled:
    """The end of an order with something left of it."""
    return Cancelled(
        order.order_id,
        order.account,
        order.symbol,
        order.side,
        order.order_type,
        order.time_in_force,
        order.price,
        order.quantity,
        order.cum,
        order.quote_cum,
        order.fees,
        order.client_order_id,
        order.entered_ns,
        order.terms,
        order.prevention,
        reason,
        rested,
    )


def expired(order: Order, *, rested: bool) -> Expired:
    """The end of an order whose time is over."""
    return Expired(*(*msgspec.structs.astuple(completed(order)), rested))


def triggered(order: Order) -> Triggered:
    """A waiting order whose stop price was reached; its price is its limit from now on."""
    return Triggered(order.order_id, order.account, order.symbol, _stop_price(order), order.price)


def stop_price_moved(order: Order) -> StopPriceMoved:
    """A trailing stop, with the stop price that it has moved to."""
    return StopPriceMoved(order.order_id, order.account, order.symbol, _stop_price(order))


def _stop_price(order: Order) -> Ticks:
    stop_price = None if order.terms is None else order.terms.stop_price
    return stop_price or Ticks(0)
