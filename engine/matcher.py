"""Matching one order against one book: plan, check the plan, apply.

A plan is made best price first and oldest first within a price, without changing
anything; then all of it is applied or none.
Layer: engine.
"""

from __future__ import annotations

import msgspec

from engine import events as ev
from engine.book import BookSide, OrderBook
from engine.commands import EnterOrder
from engine.instrument import FEE_UNIT, Instrument
from engine.ledger import Balance, net_fees, settle
from engine.order import Order
from engine.rejects import CancelReason
from engine.rules import collar_limit
from engine.types import Amount, Lots, Side, Ticks, TimeInForce, TradeId

Match = tuple[Order, Lots]  # a maker, and what is taken from it


class Plan(msgspec.Struct, frozen=True):
    """What an incoming order would do at once; nothing has changed yet."""

    price: Ticks | None  # None: a market order
    quantity: Lots  # of an order by quote quantity: what the book gives for it
    matches: list[Match]
    left_over: bool  # an order by quote quantity for which the book ended too soon


_BUY = Side.BUY
_FOK = TimeInForce.FOK


def plan_entry(command: EnterOrder, book: OrderBook) -> Plan:
    """Plan an order that the rules allow. O(matches)."""
    price = None if command.price is None else Ticks(int(command.price))  # text was refused as a bad tick
    limit = price if price is not None else collar_limit(book, command.side)
    opposite = book.opposite(command.side)
    if command.quantity is None:
        budget = Amount(int(command.quote_quantity or 0))
        matches, quantity, left_over = plan_spending(opposite, limit, budget, book.instrument.lot_tick_amount)
        return Plan(price, quantity, matches, left_over)
    quantity = Lots(int(command.quantity))
    best = opposite.best
    if best is None or (limit is not None and best.key > limit * opposite.sign):
        return Plan(price, quantity, [], left_over=False)
    if command.time_in_force is _FOK and opposite.available(limit, quantity) < quantity:
        return Plan(price, quantity, [], left_over=False)
    return Plan(price, quantity, plan_matches(opposite, limit, quantity)[0], left_over=False)


def plan_matches(opposite: BookSide, limit: Ticks | None, quantity: Lots) -> tuple[list[Match], Lots]:
    """Return what `quantity` lots would take from each maker at `limit` or better, and what is left.

    Nothing changes. O(matches).
    """
    matches: list[Match] = []
    best = opposite.best
    if best is None:
        return matches, quantity
    limit_key = None if limit is None else limit * opposite.sign
    if limit_key is not None and best.key > limit_key:
        return matches, quantity
    left = quantity
    for level in opposite:
        if limit_key is not None and level.key > limit_key:
            break
        maker = level.head
        while maker is not None:
            take = maker.leaves if maker.leaves < left else left
            matches.append((maker, take))
            left = Lots(left - take)
            if left == 0:
                return matches, left
            maker = maker.behind
    return matches, left


def plan_spending(
    opposite: BookSide, limit: Ticks | None, budget: Amount, lot_tick_amount: int
) -> tuple[list[Match], Lots, bool]:
    """Return the matches whose notional spends (or earns) at most `budget`, in whole lots.

    Also their sum in lots, and whether the book ended while the budget could still pay for
    a lot at the last price. O(matches).
    """
    matches: list[Match] = []
    taken = lot_amount = 0
    limit_key = None if limit is None else limit * opposite.sign
    for level in opposite:
        if limit_key is not None and level.key > limit_key:
            break
        lot_amount = level.price * lot_tick_amount
        for maker in level:
            affordable = budget // lot_amount
            if affordable == 0:
                return matches, Lots(taken), False
            take = Lots(min(affordable, maker.leaves))
            matches.append((maker, take))
            taken += take
            budget = Amount(budget - take * lot_amount)
            if take < maker.leaves:  # a cheaper lot behind it could be paid for: that would trade through it
                return matches, Lots(taken), False
    return matches, Lots(taken), budget >= lot_amount


def apply_matches(
    book: OrderBook,
    taker: Order,
    matches: list[Match],
    next_trade_id: int,
    events: list[ev.Event],
    fee_balance: Balance,
) -> list[Order]:
    """Trade `taker` with each maker of the plan, at the maker's price. Return the makers that are done.

    Money and base change hands, and the fees go to `fee_balance`.
    Trade ids count up from `next_trade_id`. Appends `Filled`, and `Completed` for each
    maker that is done; the taker's own end is left to the caller.
    """
    done: list[Order] = []
    instrument, taker_side, taker_rate = book.instrument, taker.side, taker.taker_rate
    makers_side = book.opposite(taker_side)
    symbol, lot_tick_amount, lot_amount = instrument.symbol, instrument.lot_tick_amount, instrument.lot_amount
    entered, leaves = taker.leaves, taker.leaves
    notional_sum = taker_fees = fees = 0
    for trade_id, (maker, quantity) in enumerate(matches, next_trade_id):
        level = maker.level
        if level is None:  # the plan was made from resting orders only
            raise RuntimeError("a planned maker does not rest")
        price = level.price
        notional = Amount(price * quantity * lot_tick_amount)
        maker_fee = -(-notional * maker.maker_rate // FEE_UNIT)
        taker_fee = -(-notional * taker_rate // FEE_UNIT)
        if maker_fee + taker_fee < 0:
            maker_fee, taker_fee = net_fees(maker_fee, taker_fee)
        settle(maker, quantity, Amount(quantity * lot_amount), notional, Amount(maker_fee))
        leaves = Lots(leaves - quantity)
        notional_sum += notional
        taker_fees += taker_fee
        fees += maker_fee + taker_fee
        if quantity == maker.leaves:
            makers_side.remove(maker)
            del book.orders[maker.order_id]
            maker.leaves = Lots(0)
        else:
            book.reduce(maker, quantity)

        events.append(
            ev.Filled(
                TradeId(trade_id),
                symbol,
                price,
                quantity,
                notional,
                taker_side,
                maker.order_id,
                taker.order_id,
                maker.account,
                taker.account,
                Amount(maker_fee),
                Amount(taker_fee),
                maker.leaves,
                leaves,
            )
        )
        if maker.leaves == 0:
            events.append(completed(maker))
            done.append(maker)
    if matches:
        filled = Lots(entered - leaves)
        settle(taker, filled, Amount(filled * lot_amount), Amount(notional_sum), Amount(taker_fees))
        taker.leaves = leaves
        fee_balance.available += fees
        book.last_price = price
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


def remainder_reason(order: Order) -> CancelReason:
    """Why what is left of an order that does not rest is cancelled."""
    if order.time_in_force is _FOK:
        return CancelReason.FILL_OR_KILL
    if order.price is None:
        return CancelReason.NO_LIQUIDITY
    return CancelReason.IMMEDIATE_OR_CANCEL


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
        reason=reason,
        rested=rested,
    )
