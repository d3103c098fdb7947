"""Entering orders: the checks in their order, then the order itself.

Layer: engine.
"""

from __future__ import annotations

import msgspec

from engine import events as ev
from engine.accounts import Account
from engine.book import OrderBook
from engine.commands import EnterOrder, OrderOptions
from engine.events import Accepted
from engine.execution import commit, end_or_rest
from engine.order import Order
from engine.order_events import accepted
from engine.outcome import OrderOutcome, funds_needed, outcome_of
from engine.planning import NOTHING, plan_quantity, plan_spending, slide, worst_price
from engine.refusals import market_figures
from engine.rejects import CancelReason, RejectReason
from engine.rulebook import DUPLICATES_FIRST_SINCE
from engine.rules import collar_limit, is_ordinary, refuse_entry, takes, trailing_start
from engine.state import ExchangeState
from engine.stops import trailing_stop_price
from engine.terms import NO_TERMS, Terms
from engine.triggers import enter_pair, finish, hold_price, pair_need
from engine.types import (
    STOP_LEG,
    Amount,
    Lots,
    OrderId,
    OrderType,
    SelfTradePrevention,
    Side,
    Ticks,
    TimeInForce,
    TradingStatus,
    end_of_day_ns,
    leg_id,
)

_BUY = Side.BUY
_LIMIT, _MARKET, _OCO, _TRAILING = OrderType.LIMIT, OrderType.MARKET, OrderType.OCO, OrderType.TRAILING_STOP
_IOC, _FOK, _DAY = TimeInForce.IOC, TimeInForce.FOK, TimeInForce.DAY
_IMMEDIATE_OR_CANCEL = CancelReason.IMMEDIATE_OR_CANCEL
_TRADING = TradingStatus.TRADING


def enter(state: ExchangeState, command: EnterOrder, events: list[ev.Event]) -> None:
    """Carry out an EnterOrder."""
    account, symbol, client_order_id = command.account, command.symbol, command.client_order_id
    book = state.books.get(symbol)
    if book is None:
        events.append(ev.Rejected(account, symbol, RejectReason.UNKNOWN_SYMBOL, None, client_order_id))
        return
    owner = state.accounts.get(account) or state.account(account)
    if client_order_id:
        first = state.recent.find(account, client_order_id, command.looked_until, state.ts_ns)
        if first and (state.rulebook >= DUPLICATES_FIRST_SINCE or _reaches_duplicates(state, book, owner, command)):
            events.append(_duplicate_answer(command, *first))
            return
    if book.instrument.band is not None:
        book.renew_band(state.ts_ns)
    if is_ordinary(command, book, owner):
        reason = _enter_ordinary(state, book, owner, command, events)
    else:
        reason = _refuse(state, book, owner, command) or _execute(state, book, owner, command, events)
    if reason is not None:
        figures = entry_figures(state, command, book, owner, reason)
        events.append(ev.Rejected(account, symbol, reason, None, client_order_id, figures))


def _enter_ordinary(
    state: ExchangeState, book: OrderBook, owner: Account, command: EnterOrder, events: list[ev.Event]
) -> RejectReason | None:
    """What `_execute` does, for an ordinary order: as such its price and quantity stand as they were asked for.

    Most orders come here, so one that rests is entered in place, and not by the calls of `end_or_rest`.
    """
    account, symbol, side, time_in_force = command.account, command.symbol, command.side, command.time_in_force
    price: Ticks = command.price  # type: ignore[assignment] # the rules refuse texts
    quantity: Lots = command.quantity  # type: ignore[assignment]
    client_order_id = command.client_order_id
    order_id: OrderId = state.given_id or state.seq  # type: ignore[assignment] # calling OrderId() costs more
    order = state.new_order(
        order_id, owner, book, side, _LIMIT, time_in_force, price, quantity, client_order_id,
        command.self_trade_prevention,
    )  # fmt: skip
    pays, held = order.pays, quantity * order.hold_per_lot
    if pays.available < held:
        return RejectReason.INSUFFICIENT_FUNDS
    own, opposite = book.bids, book.asks
    if side is not _BUY:
        own, opposite = opposite, own
    best, outcome = opposite.best, None  # most orders meet nobody, so what becomes of them needs no plan
    if best is not None and best.key <= price * opposite.sign:
        plan = plan_quantity(book, order, price, quantity, whole=False)
        if plan.prevented and not plan.matches:
            return RejectReason.SELF_TRADE
        outcome = outcome_of(book, order, plan, price, state.rulebook)
    if held:
        pays.hold(held)
    if client_order_id is not None:
        state.recent.name(account, client_order_id, order_id, command)
    events.append(Accepted(
        order_id, account, symbol, side, _LIMIT, time_in_force, price, quantity, client_order_id, None,
        False, order.prevention,
    ))  # fmt: skip
    if outcome is not None:
        commit(state, book, order, outcome, events)
        if state.pending:
            finish(state, events)
    elif time_in_force is _IOC:
        end_or_rest(state, book, order, _IMMEDIATE_OR_CANCEL, events)
    else:
        own.rest(order, price)
        book.changed_seq = state.seq
        book.orders[order_id] = state.orders[order_id] = owner.open_orders[order_id] = order
        owner.open_count[symbol] += 1
    return None


def _refuse(state: ExchangeState, book: OrderBook, owner: Account, command: EnterOrder) -> RejectReason | None:
    """The first thing that keeps an order of a new client order id from being entered, but for its plan; or None."""
    status = book.status
    if status is not _TRADING and not takes(status, command):
        return RejectReason.SYMBOL_NOT_TRADING
    if owner.stopped:
        return RejectReason.ACCOUNT_STOPPED
    if owner.has_limits and not owner.count_order(state.ts_ns):
        return RejectReason.ORDER_RATE_EXCEEDED
    return refuse_entry(command, book, owner, state.ledger, state.ts_ns, state.rulebook)


def _execute(
    state: ExchangeState, book: OrderBook, owner: Account, command: EnterOrder, events: list[ev.Event]
) -> RejectReason | None:
    """Plan an order that the rules allow and carry out what becomes of it; the reason when the plan refuses it."""
    if command.order_type is not _LIMIT and command.order_type is not _MARKET:
        return _enter_waiting(state, command, book, owner, events)
    order, outcome, reason = prepare(state, command, book, owner)
    if reason is None:
        if command.client_order_id is not None:
            state.recent.name(command.account, command.client_order_id, order.order_id, command)
        order.pays.hold(order.leaves * order.hold_per_lot)
        events.append(accepted(order))
        commit(state, book, order, outcome, events)
        if state.pending:
            finish(state, events)
    return reason


def _reaches_duplicates(state: ExchangeState, book: OrderBook, owner: Account, command: EnterOrder) -> bool:
    """Whether an order passes what the first edition checked before duplicates. Renews the band, as it did then."""
    if not takes(book.status, command):
        return False
    if book.instrument.band is not None:
        book.renew_band(state.ts_ns)
    return not owner.stopped


def entry_figures(
    state: ExchangeState, command: EnterOrder, book: OrderBook, owner: Account, reason: RejectReason
) -> ev.Figures | None:
    """The numbers that decided about the refusal of `command` just now. Changes nothing. O(matches)."""
    if reason is not RejectReason.INSUFFICIENT_FUNDS:
        return market_figures(book, command.side, reason)
    if command.order_type is _LIMIT or command.order_type is _MARKET:
        order, outcome, _ = prepare(state, command, book, owner, as_shown=True)
        need = funds_needed(order, outcome, book.instrument)
    else:
        limit_leg, order = legs(state, command, book, owner)
        need = pair_need(limit_leg, order)
    available = order.pays.available
    # hidden orders may cost more than those shown: then no amount is given, which would reveal them
    needed = Amount(need) if need > available else None
    return ev.Figures(asset=order.paid_asset, needed=needed, available=Amount(available))


def same_request(asked: EnterOrder, again: EnterOrder) -> bool:
    """Whether an order is asked for again. One from before self-trade prevention names no mode, and had none.

    How far memory and history were searched for it is no part of what is asked for.
    """
    if asked.looked_until != again.looked_until:
        again = msgspec.structs.replace(again, looked_until=asked.looked_until)
    if asked == again:
        return True
    if again.self_trade_prevention is not None or asked.self_trade_prevention is not SelfTradePrevention.NONE:
        return False
    return asked == msgspec.structs.replace(again, self_trade_prevention=SelfTradePrevention.NONE)


def duplicate_answer(
    state: ExchangeState, command: EnterOrder, client_order_id: str, ts_ns: int
) -> ev.DuplicateRequest | ev.Rejected | None:
    """What is answered to a client order id that was used before, whatever state symbol and account are in. O(1).

    None when it is new. A rejection, where orders were forgotten after the search that came before the command.
    """
    first = state.recent.find(command.account, client_order_id, command.looked_until, ts_ns)
    return None if first is None else _duplicate_answer(command, *first)


def _duplicate_answer(
    command: EnterOrder, first: OrderId, asked: EnterOrder | None
) -> ev.DuplicateRequest | ev.Rejected:
    """What comes of a client order id that was used before, for the same order or for another, or may have been."""
    account, symbol, client_order_id = command.account, command.symbol, command.client_order_id or ""
    if asked is None:
        return ev.Rejected(account, symbol, RejectReason.MAYBE_REPEATED, None, client_order_id)
    if same_request(asked, command):
        return ev.DuplicateRequest(first, account, symbol, client_order_id)
    return ev.Rejected(account, symbol, RejectReason.DUPLICATE_CLIENT_ORDER_ID, first, client_order_id)


def prepare(
    state: ExchangeState, command: EnterOrder, book: OrderBook, owner: Account, *, as_shown: bool = False
) -> tuple[Order, OrderOutcome, RejectReason | None]:
    """The limit or market order that `command` asks for, what becomes of it, and the reason that refuses it, if any.

    With `as_shown` planned by what its owner can see (`engine.planning`). Changes nothing. O(matches).
    """
    side, options, band = command.side, command.options, book.instrument.band
    takes_nothing = False
    if options is None and band is None:
        price: Ticks | None = command.price  # type: ignore[assignment] # the rules refuse texts
        asked = price
    else:
        asked, price, takes_nothing = _priced(command, book)
    terms = None
    if options is not None or command.time_in_force is _DAY:
        terms = terms_from(command, book, state.ts_ns)
    prevention = command.self_trade_prevention
    quantity: Lots = command.quantity or 0  # type: ignore[assignment] # the rules refuse texts
    order = state.new_order(
        state.given_id or state.seq,  # type: ignore[arg-type] # calling OrderId() costs more
        owner, book, side, command.order_type, command.time_in_force, price, quantity,
        command.client_order_id, prevention, terms,
    )  # fmt: skip
    limit = price
    if price is None:
        asked = limit = collar_limit(book, side)
        if band is not None:
            limit = worst_price(book, side, None, None)
    if takes_nothing:
        plan = NOTHING
    elif command.quantity is None:
        plan = plan_spending(book, order, limit, Amount(int(command.quote_quantity or 0)), as_shown=as_shown)
        order.quantity = order.leaves = plan.filled
    else:
        plan = plan_quantity(book, order, limit, quantity, whole=command.time_in_force is _FOK, as_shown=as_shown)
    outcome = outcome_of(book, order, plan, asked, state.rulebook, as_shown)
    needed = order.leaves * order.hold_per_lot if price is not None else funds_needed(order, outcome, book.instrument)
    reason: RejectReason | None = None
    if order.pays.available < needed:
        reason = RejectReason.INSUFFICIENT_FUNDS
    elif takes_nothing:
        reason = RejectReason.POST_ONLY_WOULD_TAKE
    elif plan.prevented and not plan.matches and command.time_in_force is not _FOK:
        reason = RejectReason.SELF_TRADE
    return order, outcome, reason


def _priced(command: EnterOrder, book: OrderBook) -> tuple[Ticks | None, Ticks | None, bool]:
    """The limit that was asked for, the one the order gets, and whether it must be refused for it would take."""
    if command.price is None:
        return None, None, False
    asked = price = Ticks(int(command.price))
    if book.instrument.band is not None and book.status is _TRADING:
        price = worst_price(book, command.side, asked, None) or asked
    options = command.options
    if options is None or options.post_only is None:
        return asked, price, False
    slid = slide(book, command.side, price, options.post_only)
    return asked, price if slid is None else slid, slid is None


def terms_from(command: EnterOrder, book: OrderBook, ts_ns: int) -> Terms | None:
    """The options that the rules allowed, as an order carries them; None when it carries none."""
    options = command.options or OrderOptions()
    expire_ns = options.expire_ns
    if command.time_in_force is _DAY and not book.instrument.scheduled:
        expire_ns = end_of_day_ns(ts_ns)
    terms = Terms(
        options.post_only,
        _lots(options.display_quantity),
        _ticks(options.stop_price),
        _ticks(options.trail_amount),
        None if options.trail_percent is None else int(options.trail_percent),
        expire_ns,
        _ticks(options.take_profit),
        _ticks(options.stop_loss),
        _ticks(options.stop_loss_limit),
    )
    return None if terms == NO_TERMS else terms


def _enter_waiting(
    state: ExchangeState, command: EnterOrder, book: OrderBook, owner: Account, events: list[ev.Event]
) -> RejectReason | None:
    """Enter an order that waits, or both legs of one-cancels-other; the reason when it cannot be paid for."""
    limit_leg, stop_leg = legs(state, command, book, owner)
    reason = refuse_legs(book, limit_leg, stop_leg)
    if reason is not None:
        return reason
    first = stop_leg if limit_leg is None else limit_leg
    if command.client_order_id is not None:
        state.recent.name(command.account, command.client_order_id, first.order_id, command)
    asked = None if limit_leg is None else _ticks(command.price)
    enter_pair(state, book, limit_leg, stop_leg, asked, events)
    if state.pending:
        finish(state, events)
    return None


def refuse_legs(
    book: OrderBook, limit_leg: Order | None, stop_leg: Order, *, as_shown: bool = False
) -> RejectReason | None:
    """Why legs cannot be entered: their owner cannot pay, or the limit leg would first of all meet its own account.

    Changes nothing. O(matches).
    """
    if stop_leg.pays.available < pair_need(limit_leg, stop_leg):
        return RejectReason.INSUFFICIENT_FUNDS
    if limit_leg is not None:
        plan = plan_quantity(book, limit_leg, limit_leg.price, limit_leg.leaves, whole=False, as_shown=as_shown)
        if plan.prevented and not plan.matches:
            return RejectReason.SELF_TRADE
    return None


def legs(state: ExchangeState, command: EnterOrder, book: OrderBook, owner: Account) -> tuple[Order | None, Order]:
    """The limit leg, if there is one, and the waiting order that `command` asks for. Changes nothing."""
    side, options = command.side, command.options or OrderOptions()
    terms = terms_from(command, book, state.ts_ns) or NO_TERMS
    prevention = command.self_trade_prevention
    order_type, price, order_id = command.order_type, _ticks(command.price), state.given_id or OrderId(state.seq)
    client_order_id, high_water, limit_leg = command.client_order_id, None, None
    if order_type is _TRAILING:
        high_water = trailing_start(book) or Ticks(1)
        terms = _trailing_terms(terms, trailing_stop_price(side, terms, high_water))
    elif order_type is _OCO:
        stop_id = leg_id(order_id, STOP_LEG)
        limit_leg = state.new_order(
            order_id, owner, book, side, _LIMIT, command.time_in_force, price, Lots(int(command.quantity or 0)),
            client_order_id, prevention, Terms(expire_ns=terms.expire_ns, linked_to=stop_id),
        )  # fmt: skip
        if book.instrument.band is not None and book.status is _TRADING:
            limit_leg.price = worst_price(book, side, limit_leg.price, None)
            limit_leg.hold_per_lot = state.own_hold_per_lot(limit_leg)
        terms = Terms(stop_price=terms.stop_price, expire_ns=terms.expire_ns, linked_to=order_id)
        price, order_id, client_order_id = _ticks(options.stop_limit_price), stop_id, None
        order_type = OrderType.STOP if price is None else OrderType.STOP_LIMIT
    stop_leg = state.new_order(
        order_id, owner, book, side, order_type, command.time_in_force, price, Lots(int(command.quantity or 0)),
        client_order_id, prevention, terms,
        None if price is not None else hold_price(side, terms.stop_price or Ticks(1), book.instrument),
    )  # fmt: skip
    stop_leg.high_water = high_water
    return limit_leg, stop_leg


def _trailing_terms(terms: Terms, stop_price: Ticks) -> Terms:
    return Terms(
        stop_price=stop_price,
        trail_amount=terms.trail_amount,
        trail_percent=terms.trail_percent,
        expire_ns=terms.expire_ns,
    )


def _ticks(value: Ticks | str | None) -> Ticks | None:
    """A price that the rules found to be on the grid."""
    return None if value is None else Ticks(int(value))


def _lots(value: Lots | str | None) -> Lots | None:
    return None if value is None else Lots(int(value))
