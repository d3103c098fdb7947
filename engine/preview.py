"""What an order would do if it were entered now: the rules and plans of a real entry, and nothing applied.

It sees what its owner can see: what is shown, and all that is the owner's. What others hide, and their stops, are
left out, so that no preview reveals them; entering the order may find more than its preview shows.

The decisions are those of a real entry: `entry.prepare` and `entry.legs` make the orders, `outcome` says what becomes
of them. Nothing is committed; where one order follows another, the second meets `outcome.book_after` the first.

Layer: engine.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TypeVar

import msgspec

from engine.accounts import Account, means_of
from engine.bands import nearer
from engine.book import OrderBook
from engine.commands import EnterOrder
from engine.entry import duplicate_answer, entry_figures, legs, prepare, refuse_legs
from engine.events import DuplicateRequest, Figures
from engine.instrument import Instrument
from engine.order import Order
from engine.outcome import (
    OrderOutcome,
    book_after,
    clip,
    market_limit,
    only_band_stops,
    outcome_now,
    triggered_prices,
    triggers_at_once,
)
from engine.planning import worst_price
from engine.rejects import CancelReason, RejectReason
from engine.rules import collar_limit, refuse_entry, takes
from engine.state import ExchangeState
from engine.stops import is_reached, terms_of
from engine.triggers import exit_legs, pair_need, share_hold
from engine.types import (
    Amount,
    Lots,
    OrderId,
    OrderStatus,
    OrderType,
    Side,
    Ticks,
    TradingStatus,
)

T = TypeVar("T")

_BUY = Side.BUY
_LIMIT, _MARKET = OrderType.LIMIT, OrderType.MARKET
_TRADING = TradingStatus.TRADING


class Exits(msgspec.Struct, frozen=True):
    """The exits that a bracket's entry would bring."""

    quantity: Lots  # what the entry would fill at once; its whole quantity when it would stay open
    hold: Amount  # what they would set aside: one hold serves both
    at_once: bool  # entered by the same command, because the entry would end with something filled
    refused: RejectReason | None  # why those entered at once would be refused: not enough to set aside


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What an order that the rules take would do; of one-cancels-other, what both legs would do together."""

    side: Side
    order_type: OrderType
    stop_price: Ticks | None
    status: OrderStatus
    reason: CancelReason | None  # why what is left would be cancelled
    price: Ticks | None  # effective limit: after post-only slide and price band
    quantity: Lots  # after self-trade prevention; for an order by quote quantity: the lots that its trades would fill
    filled: Lots
    left: Lots  # what would rest, or wait for its trigger
    notional: Amount  # of the fills
    taker_fee: Amount  # on the fills
    maker_fee: Amount  # on what is left, if it trades at its price
    worst_price: Ticks | None  # of the fills
    trades: int
    hold: Amount  # what would be set aside for what is left
    hold_rounding: Amount  # by how much the hold is more than price and fee, because it is rounded up for each lot
    slides: bool  # post-only moved its price behind the opposite best
    banded: bool  # the price band replaces its price, or keeps it from trading further
    collared: bool  # the collar keeps it from trading further
    held_back: bool  # the price that a triggered buy was held at for each lot keeps it from trading further
    prevented: bool  # self-trade prevention cancels or reduces something
    would_trigger: int  # the account's own waiting orders whose stop price the trades reach, as it is now
    exits: Exits | None = None
    legs: tuple[Preview, ...] = ()  # the other orders of the same command: a stop leg, exits


class DuplicateOf(msgspec.Struct, frozen=True):
    """The same order was entered before under its client order id."""

    first: OrderId


def preview(state: ExchangeState, command: EnterOrder, ts_ns: int) -> Preview | DuplicateOf | RejectReason:
    """What entering `command` at `ts_ns` would do; the reason when it would be refused. O(matches).

    Everything is as before when it returns. What its trades would trigger is counted and not followed: neither what
    the triggered orders do, nor what they trigger in turn, nor what trailing stops reach on the order's own walk.
    """
    book = state.books.get(command.symbol)
    if book is None:
        return RejectReason.UNKNOWN_SYMBOL
    if command.client_order_id is not None:
        answer = duplicate_answer(state, command, command.client_order_id, max(state.ts_ns, ts_ns))
        if answer is not None:
            return DuplicateOf(answer.order_id) if isinstance(answer, DuplicateRequest) else answer.reason
    if not takes(book.status, command):
        return RejectReason.SYMBOL_NOT_TRADING
    return _at_time(state, command, book, ts_ns, lambda owner: _entered(state, book, owner, command))


def refusal_figures(state: ExchangeState, command: EnterOrder, reason: RejectReason, ts_ns: int) -> Figures | None:
    """The numbers by which `command` would be refused for `reason` at `ts_ns`. Changes nothing. O(matches)."""
    book = state.books.get(command.symbol)
    if book is None:
        return None
    return _at_time(state, command, book, ts_ns, lambda owner: entry_figures(state, command, book, owner, reason))


def _at_time(state: ExchangeState, command: EnterOrder, book: OrderBook, ts_ns: int, read: Callable[[Account], T]) -> T:
    """Run `read(owner of command)` with clock and price band moved to `ts_ns`; both are restored afterwards."""
    owner = state.accounts.get(command.account) or Account(command.account)
    before, band, symbol = state.ts_ns, book.band, book.instrument.symbol
    state.ts_ns = max(before, ts_ns)
    book.band = copy.copy(band)
    known = owner.buys, owner.sells
    instrument, peek = book.instrument, state.ledger.peek  # a preview adds no balances to the ledger
    base, quote = peek(command.account, instrument.base), peek(command.account, instrument.quote)
    owner.buys, owner.sells = ({symbol: means_of(owner, instrument, side, base, quote)} for side in Side)
    try:
        if book.instrument.band is not None and book.status is _TRADING:
            book.renew_band(state.ts_ns)
        return read(owner)
    finally:
        state.ts_ns, book.band = before, band
        owner.buys, owner.sells = known


def _entered(state: ExchangeState, book: OrderBook, owner: Account, command: EnterOrder) -> Preview | RejectReason:
    """The checks of an entry in their order, then what becomes of the order."""
    if owner.stopped:
        return RejectReason.ACCOUNT_STOPPED
    if owner.is_at_rate_limit(state.ts_ns):
        return RejectReason.ORDER_RATE_EXCEEDED
    reason = refuse_entry(command, book, owner, state.ledger, state.ts_ns, state.rulebook)
    if reason is not None:
        return reason
    asked = None if command.price is None else Ticks(int(command.price))
    if command.order_type is _LIMIT or command.order_type is _MARKET:
        order, outcome, reason = prepare(state, command, book, owner, as_shown=True)
        if reason is not None:
            return reason
        if order.price is None:
            asked = market_limit(book, order)
        shown = _executed(state, book, owner, order, outcome, asked)
        exits, exit_orders = _exits(state, book, owner, order, outcome, shown)
        return msgspec.structs.replace(shown, exits=exits, legs=exit_orders)
    return _of_waiting(state, book, owner, command, asked)


def _of_waiting(
    state: ExchangeState, book: OrderBook, owner: Account, command: EnterOrder, asked: Ticks | None
) -> Preview | RejectReason:
    """Of an order that waits, or one-cancels-other: its limit leg, with the figures of whichever leg acts."""
    limit_leg, stop_leg = legs(state, command, book, owner)
    reason = refuse_legs(book, limit_leg, stop_leg, as_shown=True)
    if reason is not None:
        return reason
    if limit_leg is None:
        return _stop_leg(state, book, owner, stop_leg)
    first, stop = _pair(state, book, owner, limit_leg, stop_leg, asked)
    if first.reason is not CancelReason.ONE_CANCELS_OTHER:
        return msgspec.structs.replace(first, legs=(stop,))
    named = {name: getattr(first, name) for name in ("order_type", "stop_price", "status", "reason", "price")}
    prevented = first.prevented or stop.prevented
    return msgspec.structs.replace(stop, quantity=first.quantity, prevented=prevented, legs=(stop,), **named)


def _pair(
    state: ExchangeState, book: OrderBook, owner: Account, limit_leg: Order, stop_leg: Order, asked: Ticks | None
) -> tuple[Preview, Preview]:
    """What becomes of two legs that cancel each other, as when they are entered. Only the legs change. O(matches).

    `asked` is the limit leg's price as it was asked for.
    """
    share_hold(limit_leg, stop_leg)
    outcome = outcome_now(book, limit_leg, asked, state.rulebook, as_shown=True)
    first = _executed(state, book, owner, limit_leg, outcome, asked)
    if outcome.acts:
        first = msgspec.structs.replace(first, hold=Amount(first.left * state.own_hold_per_lot(limit_leg)))
        return first, _cancelled(_waiting(state, book, stop_leg))
    after = book_after(book, limit_leg, outcome, as_shown=True)
    if not triggers_at_once(after, stop_leg):
        return first, _waiting(state, after, stop_leg)
    return _cancelled(first), _stop_leg(state, after, owner, stop_leg)


def _stop_leg(state: ExchangeState, book: OrderBook, owner: Account, stop: Order) -> Preview:
    """What becomes of an order that waits for its trigger, or of one that the last price has reached already."""
    if not triggers_at_once(book, stop):
        return _waiting(state, book, stop)
    asked, stop.price = triggered_prices(book, stop)
    stop.hold_per_lot = state.own_hold_per_lot(stop)
    return _executed(state, book, owner, stop, outcome_now(book, stop, asked, state.rulebook, as_shown=True), asked)


def _cancelled(leg: Preview) -> Preview:
    """A leg that the other one cancels."""
    gone = {"status": OrderStatus.CANCELLED, "reason": CancelReason.ONE_CANCELS_OTHER}
    return msgspec.structs.replace(
        leg, left=Lots(0), hold=Amount(0), hold_rounding=Amount(0), maker_fee=Amount(0), **gone
    )


# -- one order, as it is shown


def _executed(
    state: ExchangeState, book: OrderBook, owner: Account, order: Order, outcome: OrderOutcome, asked: Ticks | None
) -> Preview:
    """An order with this outcome. `asked` is as in `outcome_of`."""
    plan, end, fills, left = outcome.plan, outcome.end, outcome.fills, outcome.left(order)
    status, reason = _status_after(outcome), end if isinstance(end, CancelReason) else None
    limits = _Limits()
    if (left > 0 or plan.budget_unspent) and not plan.prevented and not plan.killed_by_own:
        limits = _limits(book, order, outcome, asked)
    within_band = None if asked is None else clip(book, order.side, asked, collared=False)
    shown = _as_it_stands(state, book, order, status, left if end is None else Lots(0))
    return msgspec.structs.replace(
        shown,
        reason=reason,
        quantity=Lots(order.quantity - outcome.reduced),
        filled=outcome.filled,
        notional=outcome.notional,
        taker_fee=outcome.taker_fees,
        worst_price=fills[-1].price if fills else None,
        trades=len(fills),
        slides=order.terms is not None and order.terms.post_only is not None and order.price != within_band,
        banded=limits.band or (order.price is not None and within_band not in (None, asked)),
        collared=limits.collar,
        held_back=limits.hold,
        prevented=plan.prevented or plan.killed_by_own or len(fills) < len(plan.matches),
        would_trigger=_triggered(owner, order, outcome),
    )


def _waiting(state: ExchangeState, book: OrderBook, order: Order) -> Preview:
    """An order that waits for its trigger."""
    return _as_it_stands(state, book, order, OrderStatus.PENDING_TRIGGER, order.leaves)


def _as_it_stands(state: ExchangeState, book: OrderBook, order: Order, status: OrderStatus, left: Lots) -> Preview:
    """An order of which so much stays open, with what that holds, and nothing of what it does before."""
    instrument = book.instrument
    rest = Amount(0) if order.price is None else instrument.notional(order.price, left)
    return Preview(
        side=order.side,
        order_type=order.order_type,
        stop_price=None if order.terms is None else order.terms.stop_price,
        status=status,
        reason=None,
        price=order.price,
        quantity=order.quantity,
        filled=Lots(0),
        left=left,
        notional=Amount(0),
        taker_fee=Amount(0),
        maker_fee=instrument.fee(rest, order.maker_rate),
        worst_price=None,
        trades=0,
        hold=Amount(left * order.hold_per_lot),
        hold_rounding=_rounding(state, instrument, order, left),
        slides=False,
        banded=False,
        collared=False,
        held_back=False,
        prevented=False,
        would_trigger=0,
    )


def _status_after(outcome: OrderOutcome) -> OrderStatus:
    """How an order that was just entered stands after this outcome."""
    if outcome.end is OrderStatus.FILLED:
        return OrderStatus.FILLED
    if outcome.end is not None:
        return OrderStatus.CANCELLED
    return OrderStatus.PARTIALLY_FILLED if outcome.filled else OrderStatus.RESTING


def _rounding(state: ExchangeState, instrument: Instrument, order: Order, lots: Lots) -> Amount:
    """By how much a buy's hold is more than its price and its fee on all of it; 0 for a sell. O(1)."""
    price = order.hold_price if order.price is None else order.price
    if order.side is not _BUY or price is None:
        return Amount(0)
    value = instrument.notional(price, lots)
    exact = value + max(0, instrument.fee(value, max(order.maker_rate, order.taker_rate)))
    return Amount(max(0, lots * state.own_hold_per_lot(order) - exact))


class _Limits(msgspec.Struct, frozen=True):
    """What keeps an order from trading further."""

    band: bool = False
    collar: bool = False
    hold: bool = False


def _limits(book: OrderBook, order: Order, outcome: OrderOutcome, asked: Ticks | None) -> _Limits:
    """What keeps an order that still wants something from the next price, after its trades. O(levels walked)."""
    opposite = book.opposite(order.side)
    limit = worst_price(book, order.side, order.price, order.hold_price)
    if limit is None:
        return _Limits()
    beyond = next((level.price for level in opposite if level.key > limit * opposite.sign), None)
    # a fill-or-kill that the quantity within the band does not fill takes nothing: what lies beyond decides
    if outcome.stopped_by_band or only_band_stops(book, order, asked, beyond):
        return _Limits(band=True)
    if order.price is not None or beyond is None:
        return _Limits()
    collar, held = collar_limit(book, order.side), order.hold_price
    by_hold = held is not None and (collar is None or nearer(order.side, collar, held) != collar)
    return _Limits(hold=by_hold, collar=not by_hold)


def _triggered(owner: Account, order: Order, outcome: OrderOutcome) -> int:
    """How many of the account's own waiting orders its trades reach: others' stops are nobody's business.

    Legs that end because their other leg trades do not count. O(matches + open orders of the account).
    """
    first, last = outcome.first_price, outcome.last_price
    if first is None or last is None:
        return 0
    ended = {maker.sibling.order_id: None for maker, _ in outcome.plan.matches if maker.sibling is not None}
    return sum(
        own.waiting
        and own.symbol == order.symbol
        and own.order_id not in ended
        and (is_reached(own, first) or is_reached(own, last))
        for own in owner.open_orders.values()
    )


# -- the exits of a bracket


def _exits(
    state: ExchangeState, book: OrderBook, owner: Account, order: Order, outcome: OrderOutcome, shown: Preview
) -> tuple[Exits | None, tuple[Preview, ...]]:
    """The exits that an order brings, and what becomes of those entered at once. O(matches).

    None without any, or when it would end with nothing filled.
    """
    at_once = outcome.end is not None
    quantity = outcome.filled if at_once else shown.quantity
    if order.terms is None or quantity == 0:
        return None, ()
    after = book_after(book, order, outcome, as_shown=True)
    profit, loss = exit_legs(state, after, owner, order, quantity)
    if profit is None and loss is None:
        return None, ()
    need = pair_need(profit, loss)
    if not at_once:
        return Exits(quantity, Amount(need), False, None), ()
    if order.receives.available + _proceeds(book.instrument, order, outcome) < need:
        return Exits(quantity, Amount(need), True, RejectReason.INSUFFICIENT_FUNDS), ()
    return Exits(quantity, Amount(need), True, None), _exits_entered(state, after, owner, order, profit, loss)


def _exits_entered(
    state: ExchangeState, book: OrderBook, owner: Account, entry: Order, profit: Order | None, loss: Order | None
) -> tuple[Preview, ...]:
    """What becomes of the exits that are entered in the same command as their entry."""
    asked = terms_of(entry).take_profit
    if profit is None:
        return () if loss is None else (_stop_leg(state, book, owner, loss),)
    if loss is None:
        outcome = outcome_now(book, profit, asked, state.rulebook, as_shown=True)
        return (_executed(state, book, owner, profit, outcome, asked),)
    return _pair(state, book, owner, profit, loss, asked)


def _proceeds(instrument: Instrument, order: Order, outcome: OrderOutcome) -> int:
    """What an outcome makes available of the asset that an order receives, in its own makers' holds too. O(matches)."""
    buys = order.side is _BUY
    gained = outcome.filled * instrument.lot_amount if buys else outcome.notional - outcome.taker_fees
    gained += sum(lots * maker.hold_per_lot for maker, lots in outcome.plan.matches if maker.account == order.account)
    for fill in outcome.fills:
        if fill.maker.account == order.account:
            gained -= fill.quantity * instrument.lot_amount if buys else fill.notional + fill.maker_fee
    return gained
