"""What becomes of an order that executes: decided once, before anything changes.

An outcome is worked out from the book as it is and committed as it stands (`engine.execution`), whether the order was
entered, triggered, amended or brought by a bracket; a preview shows the same outcome and commits nothing. An auction
has an outcome of its own, of all orders that meet in it.
Layer: engine.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from engine.auction import Clearing, pairs
from engine.bands import nearer
from engine.book import BookSide, OrderBook
from engine.fees import trade_fees
from engine.instrument import Instrument
from engine.order import Order, PriceLevel
from engine.planning import NOTHING, Match, Plan, StepKind, plan_quantity, worst_price
from engine.rejects import CancelReason
from engine.rulebook import OWN_TRADES_NO_PRICE_SINCE
from engine.rules import collar_limit
from engine.stops import is_reached
from engine.types import (
    SANDBOX_ACCOUNT,
    AccountId,
    Amount,
    Lots,
    OrderStatus,
    SelfTradePrevention,
    Side,
    Ticks,
    TimeInForce,
    TradingStatus,
)

# How an executed order ends: filled, or why what is left of it is cancelled; None when it rests.
Ending = CancelReason | Literal[OrderStatus.FILLED] | None

_BUY = Side.BUY
_FILLED: Literal[OrderStatus.FILLED] = OrderStatus.FILLED  # looking a member up by its class costs more
_FILL_OR_KILL, _NO_LIQUIDITY = CancelReason.FILL_OR_KILL, CancelReason.NO_LIQUIDITY
_IMMEDIATE_OR_CANCEL = CancelReason.IMMEDIATE_OR_CANCEL
_TRADING = TradingStatus.TRADING
_IOC, _FOK = TimeInForce.IOC, TimeInForce.FOK
_UNPREVENTED = SelfTradePrevention.NONE
_NO_LOTS = Lots(0)
_NO_FEES = Amount(0), Amount(0)


class Fill(msgspec.Struct, frozen=True, gc=False):
    """One trade between the order and a maker, with the money that changes hands."""

    maker: Order
    quantity: Lots
    price: Ticks
    notional: Amount
    maker_fee: Amount  # below zero: a rebate
    taker_fee: Amount
    self_trade: bool = False  # of an account with itself: it sets no last price


class OrderOutcome(msgspec.Struct, frozen=True, gc=False):
    """What an order does at once, and how it stands afterwards."""

    plan: Plan
    end: Ending
    fills: Sequence[Fill] = ()  # in the order in which they happen
    filled: Lots = _NO_LOTS
    reduced: Lots = _NO_LOTS  # taken off its quantity by self-trade prevention
    stopped_by_band: bool = False  # it would trade on, if there were no price band
    first_price: Ticks | None = None  # of its trades that set a last price
    last_price: Ticks | None = None

    def left(self, order: Order) -> Lots:
        """What rests of `order`, or is cancelled; the order as it is before this is committed. O(1)."""
        return Lots(order.leaves - self.filled - self.reduced)

    @property
    def acts(self) -> bool:
        """Whether it trades, ends or is made smaller, so that a linked order is cancelled. O(1)."""
        return self.end is not None or self.filled > 0 or self.reduced > 0

    @property
    def notional(self) -> Amount:
        """Of its fills. O(fills)."""
        return Amount(sum(fill.notional for fill in self.fills))

    @property
    def taker_fees(self) -> Amount:
        """On its fills. O(fills)."""
        return Amount(sum(fill.taker_fee for fill in self.fills))


_RESTS = OrderOutcome(NOTHING, None)  # most orders meet nobody and rest: they share this one


def outcome_of(
    book: OrderBook, order: Order, plan: Plan, asked: Ticks | None, rulebook: int, as_shown: bool = False
) -> OrderOutcome:
    """What becomes of `order` by `plan`. Changes nothing. O(matches).

    `asked` is the worst price that it would trade at were there no band (None: any). With `as_shown` the plan was
    made from what the order's owner can see, and so is this.
    """
    banded, left = book.instrument.band is not None, order.leaves
    fills: Sequence[Fill] = ()
    filled = reduced = _NO_LOTS
    if plan is NOTHING:
        best = book.opposite(order.side).best_price if banded else None
        stopped = banded and left > 0 and only_band_stops(book, order, asked, best)
    else:
        oneself = no_price_for_others(order, rulebook)
        filled, fills = priced(book.instrument, order, plan.matches if plan.kinds is None else plan.trades, oneself)
        reduced = _NO_LOTS if plan.kinds is None else _taken_off(order, plan, filled)
        left = left - filled - reduced  # type: ignore[assignment] # calling Lots() costs more than the subtraction
        wants_more = (left > 0 or plan.budget_unspent) and not plan.prevented
        stopped = banded and wants_more and _stopped_by_band(book, order, plan, asked, as_shown=as_shown)
    end: Ending
    if left == 0 and order.quantity > 0 and not plan.budget_unspent and not plan.prevented:
        end = _FILLED
    elif order.time_in_force is _FOK:
        end = _FILL_OR_KILL
    elif plan.prevented:
        end = CancelReason.SELF_TRADE
    elif order.price is None:
        end = CancelReason.PRICE_BAND if stopped else _NO_LIQUIDITY
    elif order.time_in_force is _IOC:
        end = CancelReason.PRICE_BAND if stopped else _IMMEDIATE_OR_CANCEL
    elif plan is NOTHING and not stopped:
        return _RESTS
    else:
        end = None
    first, last = _prices_for_others(fills) if fills else (None, None)
    return OrderOutcome(plan, end, fills, filled, reduced, stopped, first, last)


def _prices_for_others(fills: Sequence[Fill]) -> tuple[Ticks | None, Ticks | None]:
    """The prices of the first and the last trade that set a last price. O(fills) at most."""
    if not (fills[0].self_trade or fills[-1].self_trade):
        return fills[0].price, fills[-1].price
    first = next((fill.price for fill in fills if not fill.self_trade), None)
    return first, next((fill.price for fill in reversed(fills) if not fill.self_trade), None)


def outcome_now(
    book: OrderBook, order: Order, asked: Ticks | None, rulebook: int, *, as_shown: bool = False
) -> OrderOutcome:
    """What becomes of an order that takes what it can now, up to the worst price that it may trade at. O(matches)."""
    limit = worst_price(book, order.side, order.price, order.hold_price)
    plan = plan_quantity(book, order, limit, order.leaves, whole=False, as_shown=as_shown)
    return outcome_of(book, order, plan, asked, rulebook, as_shown)


def funds_needed(order: Order, outcome: OrderOutcome, instrument: Instrument) -> int:
    """What must be available so that an order may be entered, in the asset that it pays. O(fills).

    A limit order sets its hold aside; a market order holds nothing and pays for its fills.
    """
    if order.price is not None:
        return order.leaves * order.hold_per_lot
    if order.side is not _BUY:
        return outcome.filled * instrument.lot_amount
    needed = 0
    for fill in outcome.fills:
        needed += fill.notional
        if fill.taker_fee > 0:  # a rebate is paid out, not needed
            needed += fill.taker_fee
    return needed


def priced(
    instrument: Instrument,
    taker: Order,
    matches: list[Match],
    oneself: AccountId | None,
    at: Ticks | None = None,
) -> tuple[Lots, list[Fill]]:
    """The lots that matches sum to, and each as a trade: `at` one price, or at its maker's. O(matches).

    `oneself` is as in `no_price_for_others`.
    """
    fills: list[Fill] = []
    filled: Any = 0  # Any: calling `Lots(...)` for each sum costs more than the sum
    lot_tick_amount, taker_rate = instrument.lot_tick_amount, taker.taker_rate
    for maker, quantity in matches:
        price: Any = maker.price if at is None else at
        notional: Any = price * quantity * lot_tick_amount
        maker_rate = maker.maker_rate
        maker_fee, taker_fee = trade_fees(notional, maker_rate, taker_rate) if maker_rate or taker_rate else _NO_FEES
        fills.append(Fill(maker, quantity, price, notional, maker_fee, taker_fee, maker.account == oneself))
        filled += quantity
    return filled, fills


class AuctionOutcome(msgspec.Struct, frozen=True, gc=False):
    """What an auction's uncross does: every trade of it, all at one price."""

    clearing: Clearing
    trades: list[tuple[Order, Fill]]  # each with its taker, the younger order of the two
    last_price: Ticks | None  # None: all traded with themselves, and the price is none for others


def auction_outcome(book: OrderBook, found: Clearing, rulebook: int) -> AuctionOutcome:
    """What an auction that clears as `found` does. Changes nothing. O(trades)."""
    instrument, price = book.instrument, found.price
    trades = [
        (taker, priced(instrument, taker, [(maker, quantity)], _oneself(taker, rulebook), price)[1][0])
        for maker, taker, quantity in pairs(book, found)
    ]
    return AuctionOutcome(found, trades, None if all(fill.self_trade for _, fill in trades) else price)


def no_price_for_others(order: Order, rulebook: int) -> AccountId | None:
    """The account whose orders a taker can only make its own trades with: they set no price. None: there is none. O(1).

    With any mode of self-trade prevention there is no such trade; and the sandbox account stands for many people.
    """
    if order.prevention is not _UNPREVENTED or order.account == SANDBOX_ACCOUNT:
        return None
    return _oneself(order, rulebook)


def _oneself(order: Order, rulebook: int) -> AccountId | None:
    """The account of an order, unless its trades with itself are prices like any: those of the sandbox account are."""
    return order.account if order.account != SANDBOX_ACCOUNT and rulebook >= OWN_TRADES_NO_PRICE_SINCE else None


def _taken_off(order: Order, plan: Plan, filled: Lots) -> Lots:
    """The lots that self-trade prevention takes off the order: what it takes last and whole is cancelled instead."""
    steps = zip(plan.matches, plan.kinds or (), strict=True)
    off: Any = sum(quantity for (_, quantity), kind in steps if kind is StepKind.DECREMENT)
    if off > 0 and plan.prevented and filled + off == order.leaves:
        off -= plan.matches[-1][1]
    return Lots(off)


# -- the book after a plan


def book_after(book: OrderBook, order: Order, outcome: OrderOutcome, *, as_shown: bool) -> OrderBook:
    """The book as prices are measured by it once an outcome is committed. O(matches).

    Of the other side the best price is right, while what was taken there is listed still.
    """
    if not outcome.plan.matches:
        return book
    after = _without_taken(book, order, outcome.plan, as_shown=as_shown)
    if outcome.last_price is not None:
        after.last_price = outcome.last_price
    return after


def _without_taken(book: OrderBook, order: Order, plan: Plan, *, as_shown: bool) -> OrderBook:
    """A copy of the book whose best price on the other side is the one behind what a plan takes."""
    opposite = book.opposite(order.side)
    after, rest = copy.copy(book), copy.copy(opposite)
    rest.best = _best_after(opposite, plan, order.account if as_shown else None)
    if order.side is _BUY:
        after.asks = rest
    else:
        after.bids = rest
    return after


def _best_after(opposite: BookSide, plan: Plan, viewer: AccountId | None) -> PriceLevel | None:
    """The best level of which a plan leaves something, as far as `viewer` can see (None: all). O(matches)."""
    taken: dict[Ticks | None, int] = {}
    for maker, quantity in plan.matches:
        taken[maker.price] = taken.get(maker.price, 0) + quantity
    return next((level for level in opposite if _visible(level, viewer) > taken.get(level.price, 0)), None)


def _visible(level: PriceLevel, viewer: AccountId | None) -> int:
    """The lots that an account can see at a level: what is shown, and all of its own. O(orders, where any hide)."""
    if level.hidden == 0:
        return level.quantity
    if viewer is None:
        return level.quantity + level.hidden
    return level.quantity + sum(order.hidden for order in level if order.account == viewer)


def _stopped_by_band(book: OrderBook, order: Order, plan: Plan, asked: Ticks | None, *, as_shown: bool) -> bool:
    """Whether an order that wants more than its plan gives would trade on, were there no band."""
    opposite = book.opposite(order.side)
    best = _best_after(opposite, plan, order.account if as_shown else None) if plan.matches else opposite.best
    if book.band.reference is None and plan.matches:  # then the band is measured from the best prices, as they will be
        book = _without_taken(book, order, plan, as_shown=as_shown)
    return only_band_stops(book, order, asked, None if best is None else best.price)


def only_band_stops(book: OrderBook, order: Order, asked: Ticks | None, price: Ticks | None) -> bool:
    """Whether an order would trade at `price`, were there no band. O(1)."""
    buys = order.side is _BUY
    if price is None or (asked is not None and (price > asked if buys else price < asked)):
        return False
    if book.status is not _TRADING or (order.terms is not None and order.terms.post_only is not None):
        return False
    worst = book.band_limit(order.side)
    return worst is not None and (price > worst if buys else price < worst)


# -- orders that wait for a trigger


def market_limit(book: OrderBook, order: Order) -> Ticks | None:
    """The worst price that an order without a limit asks for: the collar's and its hold's, the band left aside."""
    return nearer(order.side, collar_limit(book, order.side), order.hold_price)


def clip(book: OrderBook, side: Side, price: Ticks, *, collared: bool) -> Ticks:
    """The price that a limit order gets while its symbol trades: no worse than the band, and the collar when asked."""
    if book.status is not _TRADING:
        return price
    worst = nearer(side, price, book.band_limit(side))
    if collared:
        worst = nearer(side, worst, collar_limit(book, side))
    return price if worst is None else worst


def triggered_prices(book: OrderBook, order: Order) -> tuple[Ticks | None, Ticks | None]:
    """The worst price that a triggered order asks for, and the limit that it gets: None for a market order. O(1)."""
    if order.price is None:
        return market_limit(book, order), None
    return order.price, clip(book, order.side, order.price, collared=True)


def triggers_at_once(book: OrderBook, order: Order) -> bool:
    """Whether the last trade has reached the stop price of an order; a trailing stop stands behind it. O(1)."""
    last = book.last_price
    if order.high_water is not None or book.status is not _TRADING or last is None:
        return False
    return order.terms is not None and order.terms.stop_price is not None and is_reached(order, last)
