"""One order meets its book: the walk, its end, and what this sets off, in a fixed order.

Links, limit state, stops and the exits of brackets follow each executed order; what is
triggered waits in `ExchangeState.pending` until the order before it is finished.
Layer: engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from engine import events as ev
from engine.book import OrderBook
from engine.ledger import FEE_ACCOUNT
from engine.matcher import carry_out_trades, take_off
from engine.order import Order
from engine.order_events import amended, cancelled, completed, stop_price_moved
from engine.outcome import Ending, Fill, OrderOutcome
from engine.planning import StepKind
from engine.rejects import CancelReason, InvariantViolation
from engine.state import ExchangeState
from engine.types import Lots, OrderStatus, Ticks, TradingStatus

_HALTED = TradingStatus.HALTED
_FILLED: Literal[OrderStatus.FILLED] = OrderStatus.FILLED


def commit(state: ExchangeState, book: OrderBook, order: Order, outcome: OrderOutcome, events: list[ev.Event]) -> None:
    """Carry out what becomes of an accepted order, and note what follows from it.

    Raises InvariantViolation when the order is left with other lots than the outcome says.
    """
    affected: list[Order] = []  # makers that traded or ended and have a linked order or exits
    if outcome.plan.matches:
        book.changed_seq = state.seq
        left = order.leaves - outcome.filled - outcome.reduced
        if outcome.plan.kinds is None:
            _trade(state, book, order, outcome.fills, events, affected)
        else:
            _take_steps(state, book, order, outcome, events, affected)
        if outcome.last_price is not None:
            book.last_price = outcome.last_price
        if order.leaves != left:
            raise InvariantViolation(f"order {order.order_id} leaves {order.leaves} lots, decided were {left}")
    end_or_rest(state, book, order, outcome.end, events)
    if order.terms is not None:
        if order.sibling is not None and outcome.acts:
            state.end_sibling(order, events)
        if outcome.end is not None:
            affected.insert(0, order)
    for maker in affected:
        state.end_sibling(maker, events)
    if outcome.stopped_by_band or (outcome.last_price is not None and book.band.limit_side is not None):
        _change_limit_state(state, book, order, outcome.stopped_by_band, events)
    if outcome.first_price is not None and book.stops.waiting:
        _step_between(state, book, outcome.first_price, events)
    for done in affected:
        note_exits(state, done)


def _step_between(state: ExchangeState, book: OrderBook, first_price: Ticks, events: list[ev.Event]) -> None:
    """Step the stops with the first and the last price of a walk: those between lie between."""
    step_stops(state, book, first_price, events)
    last_price = book.last_price
    if last_price is not None and last_price != first_price:
        step_stops(state, book, last_price, events)


def _trade(
    state: ExchangeState,
    book: OrderBook,
    order: Order,
    fills: Sequence[Fill],
    events: list[ev.Event],
    affected: list[Order],
) -> None:
    """Carry out trades and nothing else."""
    fees = state.ledger.balance(FEE_ACCOUNT, book.instrument.quote)
    for maker in carry_out_trades(book, order, fills, state.next_trade_id, events, fees):
        state.forget(maker)
        if maker.terms is not None:
            affected.append(maker)
    last = fills[-1].maker
    if last.leaves > 0 and last.sibling is not None:
        affected.append(last)
    state.next_trade_id += len(fills)


def _take_steps(
    state: ExchangeState,
    book: OrderBook,
    order: Order,
    outcome: OrderOutcome,
    events: list[ev.Event],
    affected: list[Order],
) -> None:
    """Carry out a plan step by step: trades, and what self-trade prevention does."""
    fills = iter(outcome.fills)
    for (maker, quantity), kind in zip(outcome.plan.matches, outcome.plan.kinds or (), strict=True):
        if kind is StepKind.TRADE:
            _trade(state, book, order, [next(fills)], events, affected)
            continue
        if quantity == maker.leaves:
            state.end(maker, CancelReason.SELF_TRADE, events)
            if maker.terms is not None:
                affected.append(maker)
        else:
            take_off(book, maker, quantity)
            events.append(amended(maker, maker.price, kept_priority=True))
            if maker.sibling is not None:
                affected.append(maker)
        if kind is StepKind.DECREMENT and quantity < order.leaves:
            order.leaves = Lots(order.leaves - quantity)
            order.quantity = Lots(order.quantity - quantity)
            order.pays.release(quantity * order.hold_per_lot)
            events.append(amended(order, order.price, kept_priority=True))


def end_or_rest(state: ExchangeState, book: OrderBook, order: Order, end: Ending, events: list[ev.Event]) -> None:
    """Rest what is left of an executed order, or end it."""
    if end is None:
        terms = order.terms
        if terms is not None and terms.display_quantity is not None:
            order.hidden = Lots(max(order.leaves - terms.display_quantity, 0))
        book.rest(order)
        book.changed_seq = state.seq
        if order.order_id not in state.orders:
            state.admit(order)
        return
    if end is _FILLED:
        events.append(completed(order))
    else:
        order.pays.release(order.leaves * order.hold_per_lot)
        events.append(cancelled(order, end, rested=False))
    if order.order_id in state.orders:
        state.forget(order)
    else:
        state.recent.done(order, state.seq, state.ts_ns)


# -- the band


def _change_limit_state(
    state: ExchangeState, book: OrderBook, order: Order, stopped: bool, events: list[ev.Event]
) -> None:
    """A trade that the band stopped begins a limit state; one within the band ends it."""
    band, instrument = book.band, book.instrument
    if stopped:
        if band.limit_side is not order.side:
            band.limit_side, band.limit_since_ns = order.side, state.ts_ns
            state.timers[instrument.symbol] = (state.ts_ns + instrument.limit_state_ns, _HALTED)
            worst = book.band_limit(order.side)
            events.append(ev.LimitStateChanged(instrument.symbol, order.side, worst))
    else:
        leave_limit_state(state, book, events)


def leave_limit_state(state: ExchangeState, book: OrderBook, events: list[ev.Event]) -> None:
    """End the limit state that a book is in."""
    symbol = book.instrument.symbol
    book.band.limit_side = None
    state.timers.pop(symbol, None)
    events.append(ev.LimitStateChanged(symbol, None, None))


# -- what follows


def step_stops(state: ExchangeState, book: OrderBook, price: Ticks, events: list[ev.Event]) -> None:
    """Queue what a trade at `price` triggers, then let trailing stops follow it."""
    for order in book.stops.reached(price):
        state.pending.append((order, False))
    for order in book.stops.follow(price):
        events.append(stop_price_moved(order))


def note_exits(state: ExchangeState, order: Order) -> None:
    """Queue the exits of a bracket whose entry has ended with something filled."""
    terms = order.terms
    if (
        terms is not None
        and (terms.take_profit is not None or terms.stop_loss is not None)
        and order.cum > 0
        and order.order_id not in state.orders
    ):
        state.pending.append((order, True))


def end_alone(state: ExchangeState, order: Order, reason: CancelReason, events: list[ev.Event], *, exits: bool) -> None:
    """End an open order outside of any execution, and its sibling with it; with `exits` queue those of a bracket."""
    state.end(order, reason, events)
    state.end_sibling(order, events)
    if exits:
        note_exits(state, order)
