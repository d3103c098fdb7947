"""What an order would do if it were entered now: the rules and plans of a real entry, and nothing applied.

It sees what its owner can see: what is shown, and all that is the owner's. What others hide, and their stops, are
left out, so that no question tells of them; entering the order may find more than its preview.

Layer: engine.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TypeVar

import msgspec

from engine.accounts import Account
from engine.bands import nearer
from engine.book import OrderBook, PriceLevel
from engine.commands import EnterOrder
from engine.entry import entry_figures, legs, prepare, same_request
from engine.events import Figures
from engine.execution import market_limit, no_price_for_others, price_making
from engine.instrument import Instrument
from engine.ledger import Balance, net_fees
from engine.order import Order
from engine.planning import NOTHING, Plan, StepKind, plan_quantity, slices, worst_price
from engine.rejects import CancelReason, InvariantViolation, RejectReason
from engine.rules import collar_limit, refuse_entry, takes
from engine.stops import terms_of
from engine.triggers import exit_legs, pair_need
from engine.types import (
    AccountId,
    Amount,
    Lots,
    OrderId,
    OrderStatus,
    OrderType,
    SelfTradePrevention,
    Side,
    Ticks,
    TimeInForce,
    TradingStatus,
)
from engine.venue import Venue, clip

T = TypeVar("T")

_BUY = Side.BUY
_LIMIT, _MARKET = OrderType.LIMIT, OrderType.MARKET
_IOC, _FOK = TimeInForce.IOC, TimeInForce.FOK
_TRADING, _NO_PREVENTION = TradingStatus.TRADING, SelfTradePrevention.NONE
_RESTS = (OrderStatus.RESTING, OrderStatus.PARTIALLY_FILLED)


class Exits(msgspec.Struct, frozen=True):
    """The exits that a bracket's entry would bring."""

    quantity: Lots  # what would be filled at once; of an entry that would stay open, all of it
    hold: Amount  # what they would set aside, for both one hold
    at_once: bool  # entered by the same command: the entry would end with something filled
    refused: RejectReason | None  # of those entered at once: there is not enough to set aside


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What an order that the rules take would do; of one-cancels-other, what both legs would do together."""

    side: Side
    order_type: OrderType
    stop_price: Ticks | None
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
    hold_rounding: Amount  # of its own hold: by how much it is more than price and fee, rounded up for each lot
    slides: bool  # priced behind the opposite best, as it asked for
    banded: bool  # the price band replaces its price, or keeps it from trading further
    collared: bool  # the collar keeps it from trading further
    held_back: bool  # what it holds for a lot, as a triggered stop to buy, keeps it from trading further
    prevented: bool  # self-trade prevention cancels or reduces something
    would_trigger: int  # own orders that wait for a trigger, and whose stop price as it stands the trades reach
    exits: Exits | None = None
    legs: tuple[Preview, ...] = ()  # what else the same command would enter: a stop leg, exits


class Repeats(msgspec.Struct, frozen=True):
    """The same order was entered before under its client order id."""

    first: OrderId


def preview(venue: Venue, command: EnterOrder, ts_ns: int) -> Preview | Repeats | RejectReason:
    """What entering `command` at `ts_ns` would do; the reason when it would be refused. O(matches).

    Everything is as before when it returns. What its trades would trigger is counted and not followed: neither what
    the triggered orders do, nor what they trigger in turn, nor what trailing stops reach on the order's own walk.
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
    reason = refuse_entry(command, book, owner, venue.ledger, venue.ts_ns, venue.rulebook)
    if reason is not None:
        return reason
    if command.order_type is _LIMIT or command.order_type is _MARKET:
        order, plan, asked_price, reason = prepare(venue, command, book, owner, as_shown=True)
        if reason is not None:
            return reason
        told = _told(venue, book, order, plan, asked_price)
        exits, exit_orders = _exits(venue, book, order, plan, told)
        return msgspec.structs.replace(told, exits=exits, legs=exit_orders)
    return _of_waiting(venue, book, owner, command)


def _of_waiting(venue: Venue, book: OrderBook, owner: Account, command: EnterOrder) -> Preview | RejectReason:
    """Of a stop, a trailing stop, or one-cancels-other: its limit leg, with the figures of whichever leg acts."""
    limit_leg, stop_leg = legs(venue, command, book, owner)
    if stop_leg.pays.available < pair_need(limit_leg, stop_leg):
        return RejectReason.INSUFFICIENT_FUNDS
    if limit_leg is not None:
        plan = plan_quantity(book, limit_leg, limit_leg.price, limit_leg.leaves, whole=False, as_shown=True)
        if plan.prevented and not plan.matches:
            return RejectReason.SELF_TRADE
    asked = None if command.price is None else Ticks(int(command.price))
    first, stop = _pair(venue, book, limit_leg, stop_leg, asked)
    if stop is None or first is None:
        told = first or stop
        if told is None:
            raise InvariantViolation("a pair without a leg")
        return told
    if first.reason is not CancelReason.ONE_CANCELS_OTHER:
        return msgspec.structs.replace(first, legs=(stop,))
    named = {name: getattr(first, name) for name in ("order_type", "stop_price", "status", "reason", "price")}
    prevented = first.prevented or stop.prevented
    return msgspec.structs.replace(stop, quantity=first.quantity, prevented=prevented, legs=(stop,), **named)


def _pair(
    venue: Venue, book: OrderBook, limit_leg: Order | None, stop_leg: Order | None, asked: Ticks | None
) -> tuple[Preview | None, Preview | None]:
    """What becomes of a limit leg, a stop leg or both. Only the legs change. O(matches).

    `asked` is the limit leg's price as it was asked for.
    """
    first: Preview | None = None
    if limit_leg is not None:
        if stop_leg is not None:
            limit_leg.hold_per_lot = max(limit_leg.hold_per_lot, stop_leg.hold_per_lot)
        limit = worst_price(book, limit_leg.side, limit_leg.price, None)
        plan = plan_quantity(book, limit_leg, limit, limit_leg.leaves, whole=False, as_shown=True)
        first = _told(venue, book, limit_leg, plan, asked)
        if stop_leg is None:
            return first, None
        if first.status not in _RESTS or first.filled or first.quantity < limit_leg.quantity:
            first = msgspec.structs.replace(first, hold=Amount(first.left * venue.own_hold_per_lot(limit_leg)))
            return first, _without(_told(venue, book, stop_leg, None, stop_leg.price))
        book = _market_after(venue, book, limit_leg, plan)
    if stop_leg is None:
        return first, None
    if not _reached(book, stop_leg):
        stop = _told(venue, book, stop_leg, None, stop_leg.price)
        return first, stop if first is None else msgspec.structs.replace(stop, hold=Amount(0))
    stop = _triggered_at_once(venue, book, stop_leg)
    return None if first is None else _without(first), stop


def _triggered_at_once(venue: Venue, book: OrderBook, stop: Order) -> Preview:
    """What becomes of a stop that the last price has reached already."""
    asked = stop.price
    if asked is None:
        asked = market_limit(book, stop)
    else:
        stop.price = clip(book, stop, asked, collared=True)
        stop.hold_per_lot = venue.own_hold_per_lot(stop)
    limit = worst_price(book, stop.side, stop.price, stop.hold_price)
    return _told(venue, book, stop, plan_quantity(book, stop, limit, stop.leaves, whole=False, as_shown=True), asked)


def _without(leg: Preview) -> Preview:
    """A leg that the other one cancels."""
    gone = {"status": OrderStatus.CANCELLED, "reason": CancelReason.ONE_CANCELS_OTHER}
    return msgspec.structs.replace(
        leg, left=Lots(0), hold=Amount(0), hold_rounding=Amount(0), maker_fee=Amount(0), **gone
    )


def _market_after(venue: Venue, book: OrderBook, order: Order, plan: Plan) -> OrderBook:
    """The book as prices are measured by it once an order has carried out its plan. O(matches).

    Of the other side the best price is right, while what was taken there is listed still.
    """
    if not plan.matches:
        return book
    taken: dict[Ticks, int] = {}
    for maker, quantity in plan.matches:
        price = maker.price or Ticks(0)
        taken[price] = taken.get(price, 0) + quantity
    opposite, viewer = book.opposite(order.side), order.account
    after, rest = copy.copy(book), copy.copy(opposite)
    rest.best = next((level for level in opposite if _seen(level, viewer) > taken.get(level.price, 0)), None)
    if order.side is _BUY:
        after.asks = rest
    else:
        after.bids = rest
    trades = price_making(plan, no_price_for_others(venue, order))
    if trades:
        after.last_price = trades[-1][0].price
    return after


def _seen(level: PriceLevel, viewer: AccountId) -> int:
    """The lots that an account can see at a level: what is shown, and all of its own. O(orders, where any hide)."""
    if level.hidden == 0:
        return level.quantity
    return level.quantity + sum(order.hidden for order in level if order.account == viewer)


def _reached(book: OrderBook, stop: Order) -> bool:
    """Whether the last trade triggers a stop at once."""
    last, stop_price = book.last_price, terms_of(stop).stop_price
    if stop.peak is not None or book.status is not _TRADING or last is None or stop_price is None:
        return False
    return last >= stop_price if stop.side is _BUY else last <= stop_price


def _told(venue: Venue, book: OrderBook, order: Order, plan: Plan | None, asked: Ticks | None) -> Preview:
    """What becomes of an order with this plan; without one it waits for its trigger."""
    notional, taker_fee = _cost(book.instrument, order, plan or NOTHING)
    bounds = _Bounds()
    if plan is None:
        filled, gone, left, prevented = 0, 0, order.leaves, False
        status, reason = OrderStatus.PENDING_TRIGGER, None
    else:
        filled, taken_off = _taken(plan)
        left = Lots(order.leaves - filled - taken_off)
        ends = taken_off > 0 and plan.prevented and left == 0  # what the last step takes off is cancelled
        gone = taken_off - (plan.matches[-1][1] if ends else 0)
        killed = _killed_by_its_own(book, order, plan)
        prevented = plan.prevented or killed or len(plan.trades) < len(plan.matches)
        if (left > 0 or plan.left_over) and not plan.prevented and not killed:
            bounds = _bounds(book, order, asked)
        status, reason = _end(order, plan, left, banded=bounds.band)
    stays = Lots(left if status in (OrderStatus.PENDING_TRIGGER, *_RESTS) else 0)
    at_best = None if asked is None or plan is None else clip(book, order, asked, collared=False)
    rest = Amount(0) if order.price is None else book.instrument.notional(order.price, stays)
    trades = [] if plan is None else plan.trades
    return Preview(
        side=order.side,
        order_type=order.order_type,
        stop_price=None if order.terms is None else order.terms.stop_price,
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
        hold_rounding=_rounding(venue, book.instrument, order, stays),
        slides=order.terms is not None and order.terms.post_only is not None and order.price != at_best,
        banded=bounds.band or (order.price is not None and at_best != asked and at_best is not None),
        collared=bounds.collar,
        held_back=bounds.hold,
        prevented=prevented,
        would_trigger=_triggered(venue, order, plan or NOTHING),
    )


def _rounding(venue: Venue, instrument: Instrument, order: Order, lots: Lots) -> Amount:
    """By how much a buy's hold is more than its price and its fee on all of it; 0 for a sell. O(1)."""
    price = order.hold_price if order.price is None else order.price
    if order.side is not _BUY or price is None:
        return Amount(0)
    value = instrument.notional(price, lots)
    exact = value + max(0, instrument.fee(value, max(order.maker_rate, order.taker_rate)))
    return Amount(max(0, lots * venue.own_hold_per_lot(order) - exact))


def _killed_by_its_own(book: OrderBook, order: Order, plan: Plan) -> bool:
    """Whether a fill-or-kill would be filled, were not orders of its own account among those it meets."""
    if order.time_in_force is not _FOK or plan.matches or order.prevention is _NO_PREVENTION:
        return False
    limit = worst_price(book, order.side, order.price, order.hold_price)
    seen = sum(quantity for _, quantity in slices(book.opposite(order.side), limit, order.account))
    return seen >= order.leaves


def _triggered(venue: Venue, order: Order, plan: Plan) -> int:
    """How many of the account's own waiting orders the trades of its plan reach: others' stops are nobody's business.

    Legs that end because their other leg trades do not count. O(matches + open orders of the account).
    """
    trades = price_making(plan, no_price_for_others(venue, order))
    if not trades:
        return 0
    prices = [trades[at][0].price or Ticks(0) for at in (0, -1)]
    ended = [maker.sibling.order_id for maker, _ in plan.matches if maker.sibling is not None]
    return sum(
        own.waiting
        and own.symbol == order.symbol
        and own.order_id not in ended
        and _between(own, min(prices), max(prices))
        for own in order.owner.open_orders.values()
    )


def _between(stop: Order, lowest: Ticks, highest: Ticks) -> bool:
    """Whether trades between these prices trigger a waiting order."""
    stop_price = terms_of(stop).stop_price or Ticks(0)
    return stop_price <= highest if stop.side is _BUY else stop_price >= lowest


def _exits(
    venue: Venue, book: OrderBook, order: Order, plan: Plan, told: Preview
) -> tuple[Exits | None, tuple[Preview, ...]]:
    """The exits that an order brings, and what becomes of those entered at once. O(matches).

    None without any, or when it would end with nothing filled.
    """
    at_once = told.status in (OrderStatus.FILLED, OrderStatus.CANCELLED)
    quantity = told.filled if at_once else told.quantity
    if order.terms is None or quantity == 0:
        return None, ()
    after = _market_after(venue, book, order, plan)
    profit, loss = exit_legs(venue, after, order, quantity)
    if profit is None and loss is None:
        return None, ()
    need = pair_need(profit, loss)
    if not at_once:
        return Exits(quantity, Amount(need), False, None), ()
    if order.receives.available + _proceeds(book.instrument, order, plan, told) < need:
        return Exits(quantity, Amount(need), True, RejectReason.INSUFFICIENT_FUNDS), ()
    entered = _pair(venue, after, profit, loss, order.terms.take_profit)
    return Exits(quantity, Amount(need), True, None), tuple(leg for leg in entered if leg is not None)


def _proceeds(instrument: Instrument, order: Order, plan: Plan, told: Preview) -> int:
    """What an order's plan makes available of the asset that it receives, in its own makers' holds too. O(matches)."""
    gained = told.filled * instrument.lot_amount if order.side is _BUY else told.notional - told.taker_fee
    for (maker, quantity), kind in zip(plan.matches, plan.kinds or [StepKind.TRADE] * len(plan.matches), strict=True):
        if maker.account != order.account:
            continue
        gained += quantity * maker.hold_per_lot
        if kind is not StepKind.TRADE:
            continue
        if order.side is _BUY:
            gained -= quantity * instrument.lot_amount
        else:
            notional = instrument.notional(maker.price or Ticks(0), quantity)
            fees = instrument.fee(notional, maker.maker_rate), instrument.fee(notional, order.taker_rate)
            gained -= notional + net_fees(*fees)[0]
    return gained


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


class _Bounds(msgspec.Struct, frozen=True):
    """What keeps an order from trading further."""

    band: bool = False
    collar: bool = False
    hold: bool = False


def _bounds(book: OrderBook, order: Order, asked: Ticks | None) -> _Bounds:
    """What keeps an order that still wants something from the next price, after its walk. O(levels walked)."""
    opposite = book.opposite(order.side)
    limit = worst_price(book, order.side, order.price, order.hold_price)
    if limit is None:
        return _Bounds()
    beyond = next((level.price for level in opposite if level.key > limit * opposite.sign), None)
    nearest = opposite.best_price if order.time_in_force is _FOK else beyond  # nothing was taken of a FOK's
    if any(price is not None and _only_the_band_stops(book, order, asked, price) for price in (nearest, beyond)):
        return _Bounds(band=True)
    if order.price is not None or beyond is None:
        return _Bounds()
    collar, held = collar_limit(book, order.side), order.hold_price
    by_hold = held is not None and (collar is None or nearer(order.side, collar, held) != collar)
    return _Bounds(hold=by_hold, collar=not by_hold)


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
