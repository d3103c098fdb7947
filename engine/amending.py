"""Changing and cancelling open orders.

Layer: engine.
"""

from __future__ import annotations

import msgspec

from engine import events as ev
from engine.book import OrderBook
from engine.commands import AmendOrder, CancelAll, CancelOrder
from engine.execution import commit, end_alone
from engine.matcher import take_off
from engine.order import Order
from engine.order_events import amended
from engine.outcome import outcome_of
from engine.planning import NOTHING, plan_quantity, slide, worst_price
from engine.refusals import market_figures
from engine.rejects import CancelReason, RejectReason
from engine.rules import MAX_SLICES, beyond_collar, beyond_exits, gathers, refuse_size
from engine.state import ExchangeState
from engine.stops import terms_of
from engine.triggers import finish, hold_price, trigger_at_once
from engine.types import AccountId, Amount, Lots, OrderId, Ticks, TradingStatus

_TRADING = TradingStatus.TRADING
_REQUESTED, _BY_OPERATOR = CancelReason.REQUESTED, CancelReason.BY_OPERATOR


def amend(state: ExchangeState, command: AmendOrder, events: list[ev.Event]) -> None:
    """Carry out an AmendOrder."""
    order = own_open_order(state, command.account, command.order_id, None, None, events)
    if order is None:
        return
    book = state.books[order.symbol]
    if book.instrument.band is not None:
        book.renew_band(state.ts_ns)
    quantity = order.quantity if command.quantity is None else command.quantity
    if book.status is not _TRADING and not gathers(book.status):
        reason: RejectReason | None = RejectReason.SYMBOL_NOT_TRADING
    elif not _combines(order, command):
        reason = RejectReason.UNSUPPORTED_COMBINATION
    elif not isinstance(quantity, str) and quantity <= order.cum:
        end_alone(state, order, CancelReason.AMENDED_BELOW_FILLED, events, exits=True)
        reason = None
    elif order.waiting:
        reason = _amend_waiting(state, book, order, command, quantity, events)
    else:
        reason = _amend_resting(state, book, order, command, quantity, events)
    if reason is not None:
        figures = market_figures(book, order.side, reason)
        if reason is RejectReason.INSUFFICIENT_FUNDS:
            figures = ev.Figures(asset=order.paid_asset, available=Amount(order.pays.available))
        events.append(ev.Rejected(order.account, order.symbol, reason, order.order_id, None, figures))
    if state.pending:
        finish(state, events)


def _combines(order: Order, command: AmendOrder) -> bool:
    """Whether an order has what is to be changed; the legs of a pair do not change."""
    if order.sibling is not None:
        return False
    if command.stop_price is not None and (not order.waiting or order.high_water is not None):
        return False
    return command.price is None or order.price is not None


def _amend_waiting(
    state: ExchangeState,
    book: OrderBook,
    order: Order,
    command: AmendOrder,
    quantity: Lots | str,
    events: list[ev.Event],
) -> RejectReason | None:
    """Change an order that waits for its trigger; the reason when the rules or its funds do not allow it."""
    terms = terms_of(order)
    price = order.price if command.price is None else command.price
    stop_price = terms.stop_price if command.stop_price is None else command.stop_price
    for asked in (price, stop_price):
        if isinstance(asked, str) or (asked is not None and asked < 1):
            return RejectReason.BAD_TICK
    if isinstance(quantity, str):
        return RejectReason.BAD_LOT
    if isinstance(price, str) or isinstance(stop_price, str) or stop_price is None:
        return RejectReason.BAD_TICK
    valued_at = None if order.high_water is not None else stop_price if price is None else price
    owner = state.accounts[order.account]
    reason = refuse_size(book.instrument, owner, state.ledger, valued_at, quantity)
    if reason is not None:
        return reason
    if terms.display_quantity is not None and terms.display_quantity * MAX_SLICES < quantity:
        return RejectReason.BAD_DISPLAY_QUANTITY
    held_at = order.hold_price
    if price is None and order.high_water is None:
        held_at = hold_price(order.side, stop_price, book.instrument)
    per_lot = state.hold_per_lot_at(order, price if price is not None else held_at or Ticks(0))
    more = (quantity - order.cum) * per_lot - order.leaves * order.hold_per_lot
    if more > order.pays.available:
        return RejectReason.INSUFFICIENT_FUNDS
    kept = stop_price == terms.stop_price and quantity <= order.quantity
    old_price = order.price
    if not kept:
        book.stops.remove(order)
    order.pays.hold(more)
    order.hold_per_lot, order.hold_price, order.price = per_lot, held_at, price
    order.quantity, order.leaves = quantity, Lots(quantity - order.cum)
    if not kept:
        order.terms = msgspec.structs.replace(terms, stop_price=stop_price)
        book.stops.add(order)
    events.append(amended(order, old_price, kept_priority=kept))
    if command.stop_price is not None:
        trigger_at_once(state, book, order)
    return None


def _amend_resting(
    state: ExchangeState,
    book: OrderBook,
    order: Order,
    command: AmendOrder,
    quantity: Lots | str,
    events: list[ev.Event],
) -> RejectReason | None:
    """Change an order that stands in the book; the reason when the rules or its funds do not allow it."""
    asked = order.price if command.price is None else command.price
    if asked is None or isinstance(asked, str) or asked < 1:
        return RejectReason.BAD_TICK
    if isinstance(quantity, str):
        return RejectReason.BAD_LOT
    reason = refuse_size(book.instrument, state.accounts[order.account], state.ledger, asked, quantity)
    if reason is not None:
        return reason
    display = None if order.terms is None else order.terms.display_quantity
    if display is not None and display * MAX_SLICES < quantity:
        return RejectReason.BAD_DISPLAY_QUANTITY
    if asked != order.price:
        terms = order.terms
        if terms is not None and beyond_exits(order.side, asked, terms.take_profit, terms.stop_loss):
            return RejectReason.BAD_TRIGGER
        if beyond_collar(book, order.side, asked):
            return RejectReason.PRICE_OUTSIDE_COLLAR
    price = asked
    if book.instrument.band is not None and book.status is _TRADING:
        price = worst_price(book, order.side, asked, None) or asked
    leaves = quantity - order.cum
    slid = price
    if order.terms is not None and order.terms.post_only is not None:
        found = slide(book, order.side, price, order.terms.post_only)
        slid = price if found is None else found
        reason = RejectReason.POST_ONLY_WOULD_TAKE if found is None else None
    if slid != order.price or quantity > order.quantity:  # a lower quantity at the same price needs no more funds
        per_lot = state.hold_per_lot_at(order, slid)
        if leaves * per_lot - order.leaves * order.hold_per_lot > order.pays.available:
            return RejectReason.INSUFFICIENT_FUNDS
    return reason or _change(state, book, order, asked, slid, quantity, events)


def _change(
    state: ExchangeState,
    book: OrderBook,
    order: Order,
    asked: Ticks,
    price: Ticks,
    quantity: Lots,
    events: list[ev.Event],
) -> RejectReason | None:
    """Carry out the change of a resting order; the reason when it would first of all meet its own account."""
    old_price = order.price
    if price == old_price and quantity <= order.quantity:
        if quantity < order.quantity:
            take_off(book, order, order.quantity - quantity)  # type: ignore[arg-type]
        book.changed_seq = state.seq
        events.append(amended(order, old_price, kept_priority=True))
        return None
    plan, leaves = NOTHING, Lots(quantity - order.cum)
    if book.status is _TRADING:
        plan = plan_quantity(book, order, price, leaves, whole=False)
        if plan.prevented and not plan.matches:
            return RejectReason.SELF_TRADE
    book.remove(order)
    order.hidden = Lots(0)
    per_lot = state.hold_per_lot_at(order, price)
    more = leaves * per_lot - order.leaves * order.hold_per_lot
    order.pays.hold(more)
    order.hold_per_lot, order.price, order.quantity, order.leaves = per_lot, price, quantity, leaves
    book.changed_seq = state.seq
    events.append(amended(order, old_price, kept_priority=False))
    commit(state, book, order, outcome_of(book, order, plan, asked, state.rulebook), events)
    return None


def cancel(state: ExchangeState, command: CancelOrder, events: list[ev.Event]) -> None:
    """Carry out a CancelOrder."""
    symbol = command.symbol
    order = state.orders.get(command.order_id)  # type: ignore[arg-type] # None is the id of no order
    if order is None or order.account != command.account or (symbol is not None and symbol != order.symbol):
        order = own_open_order(state, command.account, command.order_id, command.client_order_id, symbol, events)
        if order is None:
            return
    cancel_order(state, order, _BY_OPERATOR if command.by_operator else _REQUESTED, events)


def cancel_order(state: ExchangeState, order: Order, reason: CancelReason, events: list[ev.Event]) -> None:
    """Cancel an open order, and finish what that sets off."""
    if order.terms is None:
        state.end(order, reason, events)
        return
    end_alone(state, order, reason, events, exits=True)
    if state.pending:
        finish(state, events)


def cancel_all(state: ExchangeState, command: CancelAll, events: list[ev.Event]) -> None:
    """Carry out a CancelAll."""
    reason = _BY_OPERATOR if command.by_operator else _REQUESTED
    for order in state.open_orders(command.account, command.among):
        if command.symbol is not None and order.symbol != command.symbol:
            continue
        if command.side is not None and order.side is not command.side:
            continue
        if order.order_id in state.orders:  # when its linked order ended, it ended too
            end_alone(state, order, reason, events, exits=False)


def own_open_order(
    state: ExchangeState,
    account: AccountId,
    order_id: OrderId | None,
    client_order_id: str | None,
    symbol: str | None,
    events: list[ev.Event],
) -> Order | None:
    """The open order meant, when it is `account`'s; else None and a `Rejected` that gives nothing away."""
    if order_id is None and client_order_id is not None:
        named = state.recent.named(account, client_order_id, state.ts_ns)
        order_id = named[0] if named else None
    order = None if order_id is None else state.orders.get(order_id)
    if order is not None and order.account == account and (symbol is None or symbol == order.symbol):
        return order
    done = order is None and order_id is not None and state.recent.is_done(account, order_id, state.ts_ns)
    reason = RejectReason.TOO_LATE if done else RejectReason.UNKNOWN_ORDER
    events.append(ev.Rejected(account, symbol, reason, order_id if done else None, client_order_id))
    return None
