"""Sentences about orders and amends whose fields do not go together: which field is wrong, and what to do about it.

The engine decides (`engine.rules`, `engine.amending`); this only finds words for the refusal. Layer: api.orders.
"""

from __future__ import annotations

from engine.commands import AmendOrder, EnterOrder, OrderOptions
from engine.order import Order
from engine.rejects import RejectReason
from engine.rules import ORDER_TYPES
from engine.types import OrderType, Side, TimeInForce

_NONE = OrderOptions()
_AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)
_ONLY_FOR = {
    name: tuple(kind for kind, rules in ORDER_TYPES.items() if name in rules.options)
    for name in OrderOptions.__struct_fields__
    if name != "expire_ns"
}


def combination_sentence(command: EnterOrder, reason: RejectReason) -> str | None:
    """What is wrong with an order; None where the sentence of the reason says it already."""
    if reason is RejectReason.UNSUPPORTED_COMBINATION:
        options = command.options or _NONE
        return _misplaced(command, options) or _missing(command, options) or _clashing(command, options)
    if reason is RejectReason.BAD_TRIGGER:
        return _wrong_side(command, command.options or _NONE)
    return None


def amend_combination_sentence(order: Order, command: AmendOrder) -> str | None:
    """Why an open order cannot be changed in this way; None where all of it goes together."""
    kind = order.order_type
    if order.sibling is not None:
        return "The legs of one-cancels-other do not change while both are open: cancel one of them first."
    if command.stop_price is not None and order.high_water is not None:
        return "The stop_price of a trailing_stop order follows the market and cannot be set: leave it out."
    if command.stop_price is not None and not order.waiting:
        return "This order does not wait for a trigger, so it has no stop_price to change: leave it out."
    if command.price is not None and order.price is None:
        return f"A {kind} order has no price to change: leave it out."
    return None


def _misplaced(command: EnterOrder, options: OrderOptions) -> str | None:
    kind = command.order_type
    for name, kinds in _ONLY_FOR.items():
        if getattr(options, name) is not None and kind not in kinds:
            return f"{_a(kind)} order has no {name}, which goes with {_listed(kinds)} orders: leave it out."
    if command.price is not None and not ORDER_TYPES[kind].priced:
        return f"{_a(kind)} order has no price: leave it out."
    if command.quote_quantity is not None and kind is not OrderType.MARKET:
        return f"{_a(kind)} order has no quote_quantity, which goes with market orders: give a quantity."
    if options.expire_ns is not None and command.time_in_force is not TimeInForce.GTD:
        return "An expire_time goes with time_in_force gtd only: ask for gtd, or leave the expire_time out."
    return None


def _missing(command: EnterOrder, options: OrderOptions) -> str | None:
    kind = command.order_type
    if command.price is None and ORDER_TYPES[kind].priced:
        return f"{_a(kind)} order needs a price."
    if command.quantity is None and command.quote_quantity is None:
        amount = ", or a quote_quantity: how much of the quote asset to spend or receive" * (kind is OrderType.MARKET)
        return f"{_a(kind)} order needs a quantity{amount}."
    if options.stop_price is None and kind in _ONLY_FOR["stop_price"]:
        return f"{_a(kind)} order needs a stop_price."
    if command.time_in_force is TimeInForce.GTD and options.expire_ns is None:
        return "An order with time_in_force gtd needs an expire_time."
    if options.stop_loss_limit is not None and options.stop_loss is None:
        return "A stop_loss_limit needs a stop_loss."
    if kind is OrderType.TRAILING_STOP and (options.trail_amount is None) is (options.trail_percent is None):
        return "A trailing_stop order needs one of trail_amount and trail_percent, not both."
    return None


def _clashing(command: EnterOrder, options: OrderOptions) -> str | None:
    kind, tif = command.order_type, command.time_in_force
    if kind is OrderType.MARKET and tif not in _AT_ONCE:
        return f"A market order never rests, so its time_in_force is ioc or fok, not {tif}."
    if ORDER_TYPES[kind].waits and tif in _AT_ONCE:
        return f"{_a(kind)} order waits, so its time_in_force is gtc, day or gtd, not {tif}."
    if command.quantity is not None and command.quote_quantity is not None:
        return "Give quantity or quote_quantity, not both."
    if command.quote_quantity is not None and tif is TimeInForce.FOK:
        return "A quote_quantity cannot be filled or killed: ask for ioc, or give a quantity."
    if options.post_only is not None and options.display_quantity is not None:
        return "Give post_only or display_quantity, not both."
    if tif in _AT_ONCE and (options.post_only is not None or options.display_quantity is not None):
        return f"An order with time_in_force {tif} never rests: leave post_only and display_quantity out."
    return None


def _wrong_side(command: EnterOrder, options: OrderOptions) -> str | None:
    buys = command.side is Side.BUY
    low, high = ("below", "above") if buys else ("above", "below")
    side = command.side.value if isinstance(command.side.value, str) else command.side.name.lower()
    if command.order_type is OrderType.OCO:
        return f"The price of a {side} oco order must be {low} its stop_price."
    if options.take_profit is not None or options.stop_loss is not None:
        return f"Exits of a {side} order: the take_profit must be {high} its price, and the stop_loss {low} both."
    return None


def _listed(kinds: tuple[OrderType, ...]) -> str:
    """`stop and stop_limit`, `stop, stop_limit and oco`."""
    *before, last = kinds
    return f"{', '.join(before)} and {last}" if before else str(last)


def _a(kind: OrderType) -> str:
    """`A stop`, `An oco`."""
    return f"{'An' if kind[0] in 'aeiou' else 'A'} {kind}"
