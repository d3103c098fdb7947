"""What an order would do if it were entered now: the rules and plans of a real entry, and nothing applied.

Layer: engine.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TypeVar

import msgspec

from engine.accounts import Account
from engine.book import OrderBook
from engine.commands import EnterOrder
from engine.entry import entry_figures, legs, prepare, same_request
from engine.events import Figures
from engine.execution import market_limit
from engine.instrument import Instrument
from engine.ledger import Balance, net_fees
from engine.order import Order
from engine.planning import NOTHING, Plan, StepKind, plan_quantity, worst_price
from engine.rejects import CancelReason, RejectReason
from engine.rules import refuse_entry, takes
from engine.stops import terms_of
from engine.triggers import pair_need
from engine.types import Amount, Lots, OrderId, OrderStatus, OrderType, Side, Ticks, TimeInForce, TradingStatus
from engine.venue import Venue, clip

T = TypeVar("T")

_BUY = Side.BUY
_LIMIT, _MARKET = OrderType.LIMIT, OrderType.MARKET
_IOC, _FOK = TimeInForce.IOC, TimeInForce.FOK
_TRADING = TradingStatus.TRADING
_RESTS = (OrderStatus.RESTING, OrderStatus.PARTIALLY_FILLED)


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What an order that the rules take would do."""

    status: OrderStatus
    reason: CancelReason | None  # why what is left would be cancelled
    price: Ticks | None  # as it counts: after a slide, within the band
    quantity: Lots  # as it would be then; of an order by quote quantity: what the book could give for it
    filled: Lots
    left: Lots  # what would rest, or wait for its trigger
    notional: Amount  # of the fills
    taker_fee: Amount  # on them
    maker_fee: Amount  # on what is left, should it trade at its price
    worst_price: Ticks | None  # of the fills
    trades: int
    hold: Amount  # what would be set aside for what is left
    slides: bool  # priced behind the opposite best, as it asked for
    banded: bool  # the price band replaces its price, or keeps it from trading further
    collared: bool  # the collar keeps it from trading further
    prevented: bool  # self-trade prevention cancels or reduces something


class Repeats(msgspec.Struct, frozen=True):
    """The same order was entered before under its client order id."""

    first: OrderId


def preview(venue: Venue, command: EnterOrder, ts_ns: int) -> Preview | Repeats | RejectReason:
    """What entering `command` at `ts_ns` would do; the reason when it would be refused. O(matches).

    Everything is as before when it returns. What the order would trigger is not looked at.
    """
    book = venue.books.get(command.symbol)
    if book is None:
        return RejectReason.UNKNOWN_SYMBOL
    if not takes(book.status, command):
        return RejectReason.SYMBOL_NOT_TRADING
    return _looking(venue, command, book, ts_ns, lambda owner: _outcome(venue, book, owner, command))


def why(venue: Venue, command: EnterOrder, reason: RejectReason, ts_ns: int) -> Figures | None:
    """What the rule goes by that would refuse `command` for `reason` at `ts_ns`. O(matches). Changes nothing."""
    book = venue.books.get(command.symbol)
    if book is None:
        return None
    return _looking(venue, command, book, ts_ns, lambda owner: entry_figures(venue, command, book, owner, reason))


def _looking(venue: Venue, command: EnterOrder, book: OrderBook, ts_ns: int, look: Callable[[Account], T]) -> T:
    """What `look` finds, told the owner of `command`, in the venue as it would be at `ts_ns`. Then all is as before."""
    owner = venue.accounts.get(command.account) or Account(command.account)
    before, band, symbol = venue.ts_ns, book.band, book.instrument.symbol
    venue.ts_ns = max(before, ts_ns)
    book.band = copy.copy(band)
    wallet = owner.wallets.get(symbol)
    if wallet is None:  # balances that the ledger does not have yet are not made for a look
        known, instrument = venue.ledger.accounts.get(command.account, {}), book.instrument
        owner.wallets[symbol] = known.get(instrument.base) or Balance(), known.get(instrument.quote) or Balance()
    try:
        if book.instrument.band is not None and book.status is _TRADING:
            book.renew_band(venue.ts_ns)
        return look(owner)
    finally:
        venue.ts_ns, book.band = before, band
        if wallet is None:
            del owner.wallets[symbol]


def _outcome(venue: Venue, book: OrderBook, owner: Account, command: EnterOrder) -> Preview | Repeats | RejectReason:
    """The checks of an entry in their order, then what becomes of the order."""
    if owner.stopped:
        return RejectReason.ACCOUNT_STOPPED
    if command.client_order_id is not None:
        named = venue.recent.named(command.account, command.client_order_id)
        if named is not None:
            first, asked = named
            return Repeats(first) if same_request(asked, command) else RejectReason.DUPLICATE_CLIENT_ORDER_ID
    if owner.is_at_rate_limit(venue.ts_ns):
        return RejectReason.ORDER_RATE_EXCEEDED
    reason = refuse_entry(command, book, owner, venue.ledger, venue.ts_ns)
    if reason is not None:
        return reason
    if command.order_type is _LIMIT or command.order_type is _MARKET:
        order, plan, asked_price, reason = prepare(venue, command, book, owner)
        return reason or _told(book, order, plan, asked_price)
    return _of_waiting(venue, book, owner, command)


def _of_waiting(venue: Venue, book: OrderBook, owner: Account, command: EnterOrder) -> Preview | RejectReason:
    """Of a stop, a trailing stop, or one-cancels-other: its limit leg, with the hold of both."""
    limit_leg, stop_leg = legs(venue, command, book, owner)
    need = pair_need(limit_leg, stop_leg)
    if stop_leg.pays.available < need:
        return RejectReason.INSUFFICIENT_FUNDS
    if limit_leg is not None:
        plan = plan_quantity(book, limit_leg, limit_leg.price, limit_leg.leaves, whole=False)
        if plan.prevented and not plan.matches:
            return RejectReason.SELF_TRADE
        limit_leg.hold_per_lot = Amount(need // limit_leg.leaves)
        asked = None if command.price is None else Ticks(int(command.price))
        told = _told(book, limit_leg, plan, asked)
        if plan.matches or not _reached(book, stop_leg):
            return told
        gone = {"status": OrderStatus.CANCELLED, "reason": CancelReason.ONE_CANCELS_OTHER}
        return msgspec.structs.replace(told, left=Lots(0), hold=Amount(0), maker_fee=Amount(0), **gone)
    if not _reached(book, stop_leg):
        return _told(book, stop_leg, None, stop_leg.price)
    asked = stop_leg.price
    if asked is None:
        asked = market_limit(book, stop_leg)
    else:
        stop_leg.price = clip(book, stop_leg, asked, collared=True)
    limit = worst_price(book, stop_leg.side, stop_leg.price, stop_leg.hold_price)
    return _told(book, stop_leg, plan_quantity(book, stop_leg, limit, stop_leg.leaves, whole=False), asked)


def _reached(book: OrderBook, stop: Order) -> bool:
    """Whether the last trade triggers a stop at once."""
    last, stop_price = book.last_price, terms_of(stop).stop_price
    if stop.peak is not None or book.status is not _TRADING or last is None or stop_price is None:
        return False
    return last >= stop_price if stop.side is _BUY else last <= stop_price


def _told(book: OrderBook, order: Order, plan: Plan | None, asked: Ticks | None) -> Preview:
    """What becomes of an order with this plan; without one it waits for its trigger."""
    notional, taker_fee = _cost(book.instrument, order, plan or NOTHING)
    if plan is None:
        filled, gone, left, beyond, banded = 0, 0, order.leaves, None, False
        status, reason = OrderStatus.PENDING_TRIGGER, None
    else:
        filled, taken_off = _taken(plan)
        left = Lots(order.leaves - filled - taken_off)
        ends = taken_off > 0 and plan.prevented and left == 0  # what the last step takes off is cancelled
        gone = taken_off - (plan.matches[-1][1] if ends else 0)
        wants_more = (left > 0 or plan.left_over) and not plan.prevented
        beyond = _next_beyond(book, order) if wants_more else None
        banded = beyond is not None and _only_the_band_stops(book, order, asked, beyond)
        status, reason = _end(order, plan, left, banded=banded)
    stays = Lots(left if status in (OrderStatus.PENDING_TRIGGER, *_RESTS) else 0)
    at_best = None if asked is None or plan is None else clip(book, order, asked, collared=False)
    rest = Amount(0) if order.price is None else book.instrument.notional(order.price, stays)
    trades = [] if plan is None else plan.trades
    return Preview(
        status=status,
        reason=reason,
        price=order.price,
        quantity=Lots(order.quantity - gone),
        filled=Lots(filled),
        left=stays,
        notional=notional,
        taker_fee=taker_fee,
        maker_fee=book.instrument.fee(rest, order.maker_rate),
        worst_price=trades[-1][0].price if trades else None,
        trades=len(trades),
        hold=Amount(stays * order.hold_per_lot),
        slides=order.terms is not None and order.terms.post_only is not None and order.price != at_best,
        banded=banded or (order.price is not None and at_best != asked and at_best is not None),
        collared=order.price is None and not banded and beyond is not None,
        prevented=plan is not None and (plan.prevented or len(trades) < len(plan.matches)),
    )


def _cost(instrument: Instrument, order: Order, plan: Plan) -> tuple[Amount, Amount]:
    """The notional of a plan's trades, and the taker's fees on them. O(matches)."""
    notional = taker_fees = 0
    for maker, quantity in plan.trades:
        value = instrument.notional(maker.price or Ticks(0), quantity)
        notional += value
        taker_fees += net_fees(instrument.fee(value, maker.maker_rate), instrument.fee(value, order.taker_rate))[1]
    return Amount(notional), Amount(taker_fees)


def _taken(plan: Plan) -> tuple[int, int]:
    """The lots that a plan trades, and those that self-trade prevention takes off the taker. O(matches)."""
    if plan.kinds is None:
        return sum(quantity for _, quantity in plan.matches), 0
    steps = list(zip(plan.matches, plan.kinds, strict=True))
    traded = sum(quantity for (_, quantity), kind in steps if kind is StepKind.TRADE)
    return traded, sum(quantity for (_, quantity), kind in steps if kind is StepKind.DECREMENT)


def _next_beyond(book: OrderBook, order: Order) -> Ticks | None:
    """The best price that is there for the order after its walk, worse than it may trade at. O(levels walked)."""
    opposite = book.opposite(order.side)
    if order.time_in_force is _FOK:  # nothing was taken
        return opposite.best_price
    limit = worst_price(book, order.side, order.price, order.hold_price)
    if limit is None:
        return None
    return next((level.price for level in opposite if level.key > limit * opposite.sign), None)


def _only_the_band_stops(book: OrderBook, order: Order, asked: Ticks | None, price: Ticks) -> bool:
    """Whether an order that still wants something would trade at `price`, were there no band."""
    worst = book.band_limit(order.side)
    if worst is None or book.status is not _TRADING or (order.terms is not None and order.terms.post_only is not None):
        return False
    if order.side is _BUY:
        return price > worst and (asked is None or price <= asked)
    return price < worst and (asked is None or price >= asked)


def _end(order: Order, plan: Plan, left: Lots, *, banded: bool) -> tuple[OrderStatus, CancelReason | None]:
    """How an executed order stands, and why what is left of it is cancelled."""
    if left == 0 and not plan.left_over and order.quantity > 0 and not plan.prevented:
        return OrderStatus.FILLED, None
    if order.time_in_force is _FOK:
        return OrderStatus.CANCELLED, CancelReason.FILL_OR_KILL
    if plan.prevented:
        return OrderStatus.CANCELLED, CancelReason.SELF_TRADE
    if order.price is not None and order.time_in_force is not _IOC:
        return (OrderStatus.PARTIALLY_FILLED if plan.matches and _taken(plan)[0] else OrderStatus.RESTING), None
    if banded:
        return OrderStatus.CANCELLED, CancelReason.PRICE_BAND
    return OrderStatus.CANCELLED, CancelReason.NO_LIQUIDITY if order.price is None else CancelReason.IMMEDIATE_OR_CANCEL
