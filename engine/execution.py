"""One order meets its book: the walk, its end, and what this sets off, in a fixed order.

Links, limit state, stops and the exits of brackets follow each executed order; what is
triggered waits in `Venue.pending` until the order before it is finished.
Layer: engine.
"""

from __future__ import annotations

from engine import events as ev
from engine.bands import nearer
from engine.book import OrderBook
from engine.ledger import FEE_ACCOUNT
from engine.matcher import amended, apply_matches, cancelled, completed, give_back, take_off
from engine.order import Order
from engine.planning import Match, Plan, StepKind
from engine.rejects import CancelReason
from engine.rulebook import OTHERS_MAKE_PRICES
from engine.rules import collar_limit
from engine.types import (
    SANDBOX_ACCOUNT,
    AccountId,
    Amount,
    Lots,
    SelfTradePrevention,
    Side,
    Ticks,
    TimeInForce,
    TradingStatus,
)
from engine.venue import Venue

_BUY = Side.BUY
_TRADING, _HALTED = TradingStatus.TRADING, TradingStatus.HALTED
_IOC, _FOK = TimeInForce.IOC, TimeInForce.FOK
_UNPREVENTED = SelfTradePrevention.NONE


def execute(
    venue: Venue, book: OrderBook, order: Order, plan: Plan, asked: Ticks | None, events: list[ev.Event]
) -> None:
    """Trade an accepted order as planned, rest or end what is left, and note what follows from it.

    `asked` is the worst price it would trade at were there no band (None: any).
    """
    matches = plan.matches
    first_price, quantity, cum, oneself = None, order.quantity, order.cum, no_price_for_others(venue, order)
    affected: list[Order] = []  # makers that traded or ended, and have links or exits
    if matches:
        book.changed_seq = venue.seq
        if book.stops.waiting:
            trades = price_making(plan, oneself)
            first_price = trades[0][0].price if trades else None
        if plan.kinds is None:
            _trade(venue, book, order, matches, oneself, events, affected)
        else:
            _carry_out(venue, book, order, plan, oneself, events, affected)
    stopped = (
        book.instrument.band is not None
        and (order.leaves > 0 or plan.left_over)
        and not plan.prevented
        and _stopped_by_band(book, order, asked)
    )
    ended = end_or_rest(venue, book, order, plan, stopped, events)
    traded = order.cum != cum
    if order.terms is not None:
        if order.sibling is not None and (ended or traded or order.quantity < quantity):
            venue.end_sibling(order, events)
        if ended:
            affected.insert(0, order)
    for maker in affected:
        venue.end_sibling(maker, events)
    if stopped or (traded and book.band.limit_side is not None and price_making(plan, oneself)):
        _change_limit_state(venue, book, order, stopped, events)
    if first_price is not None:
        _step_between(venue, book, first_price, events)
    for done in affected:
        note_exits(venue, done)


def no_price_for_others(venue: Venue, order: Order) -> AccountId | None:
    """The account whose orders a taker can only make its own trades with: they set no price. None: there is none. O(1).

    With any mode of self-trade prevention there is no such trade; and the sandbox account stands for many people.
    """
    if order.prevention is not _UNPREVENTED or order.account == SANDBOX_ACCOUNT:
        return None
    return order.account if venue.rulebook >= OTHERS_MAKE_PRICES else None


def price_making(plan: Plan, oneself: AccountId | None) -> list[Match]:
    """The trades of a plan whose prices count: all but those with the account's own orders. O(matches)."""
    trades = plan.trades
    return trades if oneself is None else [match for match in trades if match[0].account != oneself]


def _step_between(venue: Venue, book: OrderBook, first_price: Ticks, events: list[ev.Event]) -> None:
    """Step the stops with the first and the last price of a walk: those between lie between."""
    step_stops(venue, book, first_price, events)
    last_price = book.last_price
    if last_price is not None and last_price != first_price:
        step_stops(venue, book, last_price, events)


def _trade(
    venue: Venue,
    book: OrderBook,
    order: Order,
    matches: list[Match],
    oneself: AccountId | None,
    events: list[ev.Event],
    affected: list[Order],
) -> None:
    """Carry out trades and nothing else."""
    fees = venue.ledger.balance(FEE_ACCOUNT, book.instrument.quote)
    for maker in apply_matches(book, order, matches, venue.next_trade_id, events, fees, oneself):
        venue.forget(maker)
        if maker.terms is not None:
            affected.append(maker)
    last = matches[-1][0]
    if last.leaves > 0 and last.sibling is not None:
        affected.append(last)
    venue.next_trade_id += len(matches)


def _carry_out(
    venue: Venue,
    book: OrderBook,
    order: Order,
    plan: Plan,
    oneself: AccountId | None,
    events: list[ev.Event],
    affected: list[Order],
) -> None:
    """Carry out a plan step by step: trades, and what self-trade prevention does."""
    for (maker, quantity), kind in zip(plan.matches, plan.kinds or (), strict=True):
        if kind is StepKind.TRADE:
            _trade(venue, book, order, [(maker, quantity)], oneself, events, affected)
            continue
        if quantity == maker.leaves:
            venue.end(maker, CancelReason.SELF_TRADE, events)
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
            give_back(order, Amount(quantity * order.hold_per_lot))
            events.append(amended(order, order.price, kept_priority=True))


def end_or_rest(venue: Venue, book: OrderBook, order: Order, plan: Plan, stopped: bool, events: list[ev.Event]) -> bool:
    """Rest what is left of an executed order, or end it; whether it ended."""
    time_in_force = order.time_in_force
    if order.leaves == 0 and order.quantity > 0 and not plan.left_over and not plan.prevented:
        events.append(completed(order))
    elif order.price is None or time_in_force is _IOC or time_in_force is _FOK or plan.prevented:
        hold = order.leaves * order.hold_per_lot
        order.pays.held -= hold
        order.pays.available += hold
        events.append(cancelled(order, _why_ended(order, plan, stopped), rested=False))
    else:
        terms = order.terms
        if terms is not None and terms.display_quantity is not None:
            order.hidden = Lots(max(order.leaves - terms.display_quantity, 0))
        book.rest(order)
        book.changed_seq = venue.seq
        if order.order_id not in venue.orders:
            venue.admit(order)
        return False
    if order.order_id in venue.orders:
        venue.forget(order)
    else:
        venue.recent.done(order, venue.seq, venue.ts_ns)
    return True


def _why_ended(order: Order, plan: Plan, stopped: bool) -> CancelReason:
    """Why what is left of an order that does not rest is cancelled."""
    if order.time_in_force is _FOK:
        return CancelReason.FILL_OR_KILL
    if plan.prevented:
        return CancelReason.SELF_TRADE
    if stopped:
        return CancelReason.PRICE_BAND
    return CancelReason.NO_LIQUIDITY if order.price is None else CancelReason.IMMEDIATE_OR_CANCEL


# -- the band


def _stopped_by_band(book: OrderBook, order: Order, asked: Ticks | None) -> bool:
    """Whether an order that still wants something would trade now, were there no band."""
    if book.status is not _TRADING or (order.terms is not None and order.terms.post_only is not None):
        return False
    side = order.side
    worst, best = book.band_limit(side), book.opposite(side).best_price
    if worst is None or best is None:
        return False
    if side is _BUY:
        return best > worst and (asked is None or best <= asked)
    return best < worst and (asked is None or best >= asked)


def _change_limit_state(venue: Venue, book: OrderBook, order: Order, stopped: bool, events: list[ev.Event]) -> None:
    """A trade that the band stopped begins a limit state; one within the band ends it."""
    band, instrument = book.band, book.instrument
    if stopped:
        if band.limit_side is not order.side:
            band.limit_side, band.limit_since_ns = order.side, venue.ts_ns
            venue.timers[instrument.symbol] = (venue.ts_ns + instrument.limit_state_ns, _HALTED)
            worst = book.band_limit(order.side)
            events.append(ev.LimitStateChanged(instrument.symbol, order.side, worst))
    else:
        leave_limit_state(venue, book, events)


def leave_limit_state(venue: Venue, book: OrderBook, events: list[ev.Event]) -> None:
    """End the limit state that a book is in."""
    symbol = book.instrument.symbol
    book.band.limit_side = None
    venue.timers.pop(symbol, None)
    events.append(ev.LimitStateChanged(symbol, None, None))


# -- what follows


def step_stops(venue: Venue, book: OrderBook, price: Ticks, events: list[ev.Event]) -> None:
    """Queue what a trade at `price` triggers, then let trailing stops follow it."""
    for order in book.stops.reached(price):
        venue.pending.append((order, False))
    for order in book.stops.follow(price):
        stop_price = order.terms.stop_price if order.terms else None
        events.append(ev.Trailed(order.order_id, order.account, order.symbol, stop_price or Ticks(0)))


def note_exits(venue: Venue, order: Order) -> None:
    """Queue the exits of a bracket whose entry has ended with something filled."""
    terms = order.terms
    if (
        terms is not None
        and (terms.take_profit is not None or terms.stop_loss is not None)
        and order.cum > 0
        and order.order_id not in venue.orders
    ):
        venue.pending.append((order, True))


def end_alone(venue: Venue, order: Order, reason: CancelReason, events: list[ev.Event], *, exits: bool) -> None:
    """End an open order outside of any execution, and its sibling with it; with `exits` queue those of a bracket."""
    venue.end(order, reason, events)
    venue.end_sibling(order, events)
    if exits:
        note_exits(venue, order)


def market_limit(book: OrderBook, order: Order) -> Ticks | None:
    """The worst price that an order without a limit asks for: the collar's and its hold's, the band left aside."""
    return nearer(order.side, collar_limit(book, order.side), order.hold_price)
