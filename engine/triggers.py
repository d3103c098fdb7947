"""Orders that the exchange enters itself: triggered stops and take-profits, and the exits of brackets.

Layer: engine.
"""

from __future__ import annotations

from engine import events as ev
from engine.accounts import Account
from engine.bands import collar_edge
from engine.book import OrderBook
from engine.execution import commit
from engine.instrument import Instrument
from engine.order import Order
from engine.order_events import accepted, triggered
from engine.outcome import clip, outcome_now, triggered_prices, triggers_at_once
from engine.rejects import RejectReason
from engine.state import ExchangeState
from engine.stops import terms_of
from engine.terms import Terms
from engine.types import (
    STOP_LEG,
    TAKE_PROFIT_LEG,
    Amount,
    Lots,
    OrderType,
    Side,
    Ticks,
    TimeInForce,
    leg_id,
)

UNCOLLARED_MARGIN = 100_000  # without a collar, what waits to buy holds this many millionths above its stop price

_BUY, _SELL = Side.BUY, Side.SELL
_LIMIT, _STOP, _STOP_LIMIT = OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT
_GTC = TimeInForce.GTC


def finish(state: ExchangeState, events: list[ev.Event]) -> None:
    """Execute what is pending, and what that sets off, until nothing is. Finite: an order triggers once."""
    pending = state.pending
    while pending:
        order, ended_entry = pending.popleft()
        if ended_entry:
            _enter_exits(state, order, events)
        elif order.order_id in state.orders:
            _trigger(state, order, events)


def _trigger(state: ExchangeState, order: Order, events: list[ev.Event]) -> None:
    """Let a stop or take-profit that was reached become a market or limit order, and execute it."""
    book = state.books[order.symbol]
    state.end_sibling(order, events)
    asked, order.price = triggered_prices(book, order)
    if order.price is not None:
        state.hold(order, state.own_hold_per_lot(order))
    events.append(triggered(order))
    commit(state, book, order, outcome_now(book, order, asked, state.rulebook), events)


def _enter_exits(state: ExchangeState, entry: Order, events: list[ev.Event]) -> None:
    """Enter the exits of a bracket for what its entry filled."""
    owner = state.accounts[entry.account]
    if owner.stopped:
        return
    book = state.books[entry.symbol]
    profit, loss = exit_legs(state, book, owner, entry, entry.cum)
    first = profit or loss
    if first is None:
        return
    if first.pays.available < pair_need(profit, loss):
        events.append(ev.Rejected(entry.account, entry.symbol, RejectReason.INSUFFICIENT_FUNDS, first.order_id, None))
        return
    enter_pair(state, book, profit, loss, terms_of(entry).take_profit, events)


def exit_legs(
    state: ExchangeState, book: OrderBook, owner: Account, entry: Order, quantity: Lots
) -> tuple[Order | None, Order | None]:
    """The take-profit and the stop-loss that a bracket's entry brings for `quantity` lots, as far as it asks for them.

    Changes nothing.
    """
    terms = terms_of(entry)
    side = _SELL if entry.side is _BUY else _BUY
    both = terms.take_profit is not None and terms.stop_loss is not None
    ids = leg_id(entry.order_id, TAKE_PROFIT_LEG), leg_id(entry.order_id, STOP_LEG)
    profit: Order | None = None
    loss: Order | None = None
    if terms.take_profit is not None:
        profit = state.new_order(
            ids[0], owner, book, side, _LIMIT, _GTC, terms.take_profit, quantity, None, entry.prevention,
            Terms(linked_to=ids[1] if both else None, parent=entry.order_id),
        )  # fmt: skip
        profit.price = clip(book, side, terms.take_profit, collared=True)
        profit.hold_per_lot, profit.seq = state.own_hold_per_lot(profit), entry.seq
    if terms.stop_loss is not None:
        loss = state.new_order(
            ids[1], owner, book, side, _STOP if terms.stop_loss_limit is None else _STOP_LIMIT, _GTC,
            terms.stop_loss_limit, quantity, None, entry.prevention,
            Terms(stop_price=terms.stop_loss, linked_to=ids[0] if both else None, parent=entry.order_id),
            hold_price(side, terms.stop_loss, book.instrument),
        )  # fmt: skip
        loss.seq = entry.seq
    return profit, loss


def pair_need(limit_leg: Order | None, stop_leg: Order | None) -> int:
    """What must be available for a limit leg, a stop leg, or both with one hold."""
    legs = [leg for leg in (limit_leg, stop_leg) if leg is not None]
    return max(leg.leaves * leg.hold_per_lot for leg in legs)


def share_hold(limit_leg: Order, stop_leg: Order) -> None:
    """Let one hold serve both legs of one-cancels-other: the limit leg has it, for only one of them can trade."""
    limit_leg.hold_per_lot = max(limit_leg.hold_per_lot, stop_leg.hold_per_lot)
    stop_leg.hold_per_lot = Amount(0)


def enter_pair(
    state: ExchangeState,
    book: OrderBook,
    limit_leg: Order | None,
    stop_leg: Order | None,
    asked: Ticks | None,
    events: list[ev.Event],
) -> None:
    """Accept one leg or two that cancel each other: the stop leg waits, the limit leg executes.

    The caller has checked that their owner can pay. `asked` is the limit leg's price as it was asked for.
    """
    if limit_leg is not None and stop_leg is not None:
        limit_leg.sibling, stop_leg.sibling = stop_leg, limit_leg
        share_hold(limit_leg, stop_leg)
    for leg in (limit_leg, stop_leg):
        if leg is None:
            continue
        leg.pays.hold(leg.leaves * leg.hold_per_lot)
        if leg is stop_leg:
            book.stops.add(leg)
        state.admit(leg)
        events.append(accepted(leg))
    if limit_leg is not None:
        commit(state, book, limit_leg, outcome_now(book, limit_leg, asked, state.rulebook), events)
    if stop_leg is not None:
        trigger_at_once(state, book, stop_leg)


def trigger_at_once(state: ExchangeState, book: OrderBook, order: Order) -> None:
    """Queue an order that waits at a stop price which the last trade reaches already."""
    if order.waiting and triggers_at_once(book, order):
        book.stops.remove(order)
        state.pending.append((order, False))


def hold_price(side: Side, stop_price: Ticks, instrument: Instrument) -> Ticks | None:
    """What a stop or take-profit to buy holds for each lot, as a price; None for a sell, which holds its lots.

    It never trades above that, however far the market has gone since it triggered (`planning.worst_price`).
    """
    if side is not _BUY:
        return None
    distance = UNCOLLARED_MARGIN if instrument.collar is None else instrument.collar
    return collar_edge(side, stop_price, distance)
