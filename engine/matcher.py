"""Carrying out a plan: trades between one taker and the makers it meets, and the events that tell of them.

Layer: engine.
"""

from __future__ import annotations

from typing import Any

import msgspec

from engine import events as ev
from engine.book import OrderBook
from engine.instrument import FEE_UNIT, Instrument
from engine.ledger import Balance, net_fees, settle
from engine.order import Order
from engine.planning import Match, display_of
from engine.rejects import CancelReason, InvariantViolation
from engine.types import AccountId, Amount, Lots, Side, Ticks

_BUY = Side.BUY
_NONE_LEFT = Lots(0)


def apply_matches(
    book: OrderBook,
    taker: Order,
    matches: list[Match],
    next_trade_id: int,
    events: list[ev.Event],
    fee_balance: Balance,
    oneself: AccountId | None,
) -> list[Order]:
    """Trade `taker` with each maker of the plan, at the maker's price. Return the makers that are done.

    Money and base change hands, and the fees go to `fee_balance`. The price of the last trade becomes the last price,
    but for those with orders of the account `oneself`.
    Trade ids count up from `next_trade_id`. Appends `Filled`, and `Completed` for each
    maker that is done; the taker's own end is left to the caller.
    """
    done: list[Order] = []
    instrument, taker_side, taker_rate = book.instrument, taker.side, taker.taker_rate
    makers_side = book.opposite(taker_side)
    symbol, lot_tick_amount, lot_amount = instrument.symbol, instrument.lot_tick_amount, instrument.lot_amount
    entered = taker.leaves
    notional_sum: Any = 0
    taker_fees: Any = 0
    fees = 0
    # Any, for naming the unit of each number (`Lots(...)`) costs more than the sums themselves.
    trade_id: Any
    maker: Order
    quantity: Any
    leaves: Any = taker.leaves
    for trade_id, (maker, quantity) in enumerate(matches, next_trade_id):
        level = maker.level
        if level is None:  # the plan was made from resting orders only
            raise InvariantViolation(f"planned maker {maker.order_id} does not rest")
        price = level.price
        notional = price * quantity * lot_tick_amount
        maker_fee: Any = -(-notional * maker.maker_rate // FEE_UNIT)
        taker_fee: Any = -(-notional * taker_rate // FEE_UNIT)
        if maker_fee + taker_fee < 0:
            maker_fee, taker_fee = net_fees(maker_fee, taker_fee)
        settle(maker, quantity, quantity * lot_amount, notional, maker_fee)
        leaves -= quantity
        notional_sum += notional
        taker_fees += taker_fee
        fees += maker_fee + taker_fee
        if quantity == maker.leaves:
            makers_side.remove(maker)
            del book.orders[maker.order_id]
            maker.leaves = _NONE_LEFT
        else:
            book.reduce(maker, quantity)

        events.append(ev.Filled(
            trade_id, symbol, price, quantity, notional, taker_side, maker.order_id, taker.order_id,
            maker.account, taker.account, maker_fee, taker_fee, maker.leaves, leaves, False, maker.account == oneself,
        ))  # fmt: skip
        if maker.leaves == 0:
            events.append(completed(maker))
            done.append(maker)
        elif maker.leaves == maker.hidden:
            replenish(maker, events)
    if matches:
        filled = entered - leaves
        settle(taker, filled, filled * lot_amount, notional_sum, taker_fees)
        taker.leaves = leaves
        fee_balance.available += fees
        if oneself is None:
            book.last_price = price
        else:
            others = (maker.price for maker, _ in reversed(matches) if maker.account != oneself)
            book.last_price = next(others, book.last_price)
        book.trade_count += len(matches)
    return done


def market_cost(taker: Order, matches: list[Match], instrument: Instrument) -> int:
    """What a market order must have available, in the asset it pays, for the matches of its plan. O(matches)."""
    if taker.side is not _BUY:
        return instrument.lot_amount * sum(quantity for _, quantity in matches)
    cost = 0
    for maker, quantity in matches:
        notional = instrument.notional(maker.price or Ticks(0), quantity)
        cost += notional + max(0, instrument.fee(notional, taker.taker_rate))
    return cost


def replenish(order: Order, events: list[ev.Event]) -> None:
    """Show the next slice of a resting iceberg, whose slice is used up, behind all at its price. O(1)."""
    level = order.level
    if level is None:
        raise InvariantViolation(f"order {order.order_id} does not rest")
    level.replenish(order, display_of(order))
    events.append(ev.Replenished(order.order_id, order.symbol, level.price, order.shown))


def take_off(book: OrderBook, order: Order, quantity: Lots) -> None:
    """Make a resting order smaller by `quantity` lots (fewer than it leaves) and give back what it held for them."""
    book.shrink(order, quantity)
    order.quantity = Lots(order.quantity - quantity)
    give_back(order, Amount(quantity * order.hold_per_lot))


def give_back(order: Order, amount: Amount) -> None:
    """Make some of what an order holds available again."""
    order.pays.held -= amount
    order.pays.available += amount


def accepted(order: Order) -> ev.Accepted:
    """The beginning of an order that passed every check."""
    return ev.Accepted(
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


def amended(order: Order, old_price: Ticks | None, *, kept_priority: bool) -> ev.Amended:
    """The order as it is after a change."""
    return ev.Amended(
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


def completed(order: Order) -> ev.Completed:
    """The end of an order that is filled in full."""
    return ev.Completed(
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


def cancelled(order: Order, reason: CancelReason, *, rested: bool) -> ev.Cancelled:
    """The end of an order with something left of it."""
    return ev.Cancelled(
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


def expired(order: Order, *, rested: bool) -> ev.Expired:
    """The end of an order whose time is over."""
    return ev.Expired(*(*msgspec.structs.astuple(completed(order)), rested))
