"""What an incoming order would do to one book: planned best price first, oldest first, changing nothing.

A plan is made whole, then checked (fill-or-kill, funds, self-trade), then applied or dropped.
Layer: engine.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from enum import IntEnum
from typing import Any

import msgspec

from engine.bands import nearer
from engine.book import BookSide, OrderBook
from engine.order import Order, PriceLevel
from engine.rules import collar_limit
from engine.types import AccountId, Amount, Lots, PostOnly, SelfTradePrevention, Side, Ticks, TradingStatus

_BUY = Side.BUY
_NONE = SelfTradePrevention.NONE
_TRADING = TradingStatus.TRADING


class StepKind(IntEnum):
    """What happens between the taker and one maker that it meets."""

    TRADE = 0
    CANCEL = 1  # self-trade prevention cancels the maker
    DECREMENT = 2  # self-trade prevention takes the same quantity off both


Match = tuple[Order, Lots]  # a maker, and what is taken from it


class Plan(msgspec.Struct, frozen=True, gc=False):
    """What an incoming order would do at once; nothing has changed yet."""

    matches: list[Match]
    kinds: list[StepKind] | None = None  # one for each match; None: all are trades, and each maker is met once
    filled: Lots = Lots(0)  # lots traded; set only where `kinds` are, or a budget was given
    prevented: bool = False  # self-trade prevention ends the order
    budget_unspent: bool = False  # for an order by quote quantity: the book ended before the budget was spent
    killed_by_own: bool = False  # of a fill-or-kill: only orders of its own account keep it from being filled

    @property
    def trades(self) -> list[Match]:
        """The matches that are trades. O(matches) when not all are."""
        if self.kinds is None:
            return self.matches
        return [match for match, kind in zip(self.matches, self.kinds, strict=True) if kind is StepKind.TRADE]


NOTHING = Plan([])
_KILLED_BY_OWN = Plan([], killed_by_own=True)


def worst_price(book: OrderBook, side: Side, price: Ticks | None, hold_price: Ticks | None) -> Ticks | None:
    """The worst price at which an order may trade now: its own limit, or the collar's and its hold's, and the band's.

    None: at any. O(1).
    """
    if price is None:
        price = nearer(side, collar_limit(book, side), hold_price)
    if book.instrument.band is None:
        return price
    return nearer(side, price, book.band_limit(side))


def would_take(book: OrderBook, side: Side, price: Ticks) -> bool:
    """Whether a limit at `price` reaches the opposite best. O(1)."""
    best = book.opposite(side).best_price
    if best is None:
        return False
    return best <= price if side is _BUY else best >= price


def slide(book: OrderBook, side: Side, price: Ticks, post_only: PostOnly | None) -> Ticks | None:
    """The price that a post-only order gets; None when it must be refused. Others keep theirs. O(1)."""
    if post_only is None or book.status is not _TRADING or not would_take(book, side, price):
        return price
    if post_only is PostOnly.REJECT:
        return None
    best = book.opposite(side).best_price or price
    slid = best - 1 if side is _BUY else best + 1
    return Ticks(slid) if slid >= 1 else None


def plan_quantity(
    book: OrderBook, taker: Order, limit: Ticks | None, quantity: Lots, *, whole: bool, as_shown: bool = False
) -> Plan:
    """Plan an order for `quantity` lots at `limit` or better; with `whole`, all of it or nothing. O(matches).

    With `as_shown` by what its owner can see: of others' icebergs what they show.
    """
    if book.status is not _TRADING:
        return NOTHING
    opposite = book.asks if taker.side is _BUY else book.bids
    best = opposite.best
    if best is None or (limit is not None and best.key > limit * opposite.sign):
        return NOTHING
    if whole and opposite.available(limit, quantity) < quantity:
        return NOTHING
    if opposite.icebergs == 0:
        matches = _plan_plainly(opposite, limit, quantity, None if taker.prevention is _NONE else taker.account)
        if matches is not None:
            return Plan(matches)
    plan = _plan_carefully(opposite, limit, quantity, taker, as_shown=as_shown)
    if not whole or plan.filled >= quantity:
        return plan
    if as_shown and sum(lots for _, lots in slices(opposite, limit, taker.account)) < quantity:
        return NOTHING
    return _KILLED_BY_OWN


def _plan_plainly(
    opposite: BookSide, limit: Ticks | None, quantity: Lots, avoided: AccountId | None
) -> list[Match] | None:
    """The matches where nobody hides anything; None where one would be with an order of the account that is avoided."""
    matches: list[Match] = []
    limit_key = None if limit is None else limit * opposite.sign
    left: Any = quantity  # Any: calling `Lots(...)` for each difference costs more than the walk
    level = best = opposite.best
    deeper: Iterator[PriceLevel] | None = None  # made when the best level is not enough, which is rare
    while level is not None and (limit_key is None or level.key <= limit_key):
        maker = level.head
        while maker is not None:
            if maker.account == avoided:
                return None
            leaves = maker.leaves
            if leaves >= left:
                matches.append((maker, left))
                return matches
            matches.append((maker, leaves))
            left -= leaves
            maker = maker.behind
        if deeper is None:
            deeper = iter(opposite)
        level = next(deeper, None)
        if level is best:
            level = next(deeper, None)
    return matches


def _plan_carefully(opposite: BookSide, limit: Ticks | None, quantity: Lots, taker: Order, *, as_shown: bool) -> Plan:
    """As `_plan_plainly`, slice by slice, and with what prevention does to the account's own."""
    walk = _Walk(taker)
    left = quantity
    for maker, slice_quantity in slices(opposite, limit, taker.account if as_shown else None):
        if walk.own(maker):
            if not walk.prevent(maker, left):
                break
            left = Lots(quantity - walk.filled - walk.decremented)
            continue
        take = min(slice_quantity, left)
        walk.trade(maker, take)
        left = Lots(left - take)
        if left == 0:
            break
    return walk.plan(budget_unspent=False)


def plan_spending(
    book: OrderBook, taker: Order, limit: Ticks | None, budget: Amount, *, as_shown: bool = False
) -> Plan:
    """Plan the trades whose notional spends (or earns) at most `budget`, in whole lots.

    `budget_unspent` says that the book ended while the budget could still pay for a lot at the
    last price; `as_shown` is as in `plan_quantity`. O(matches).
    """
    opposite, lot_tick_amount = book.opposite(taker.side), book.instrument.lot_tick_amount
    walk = _Walk(taker, spends=True)
    lot_amount = 0
    for maker, slice_quantity in slices(opposite, limit, taker.account if as_shown else None):
        lot_amount = (maker.price or 0) * lot_tick_amount
        affordable = budget // lot_amount
        if affordable == 0:
            return walk.plan(budget_unspent=False)
        if walk.own(maker):
            if not walk.prevent(maker, Lots(0)):
                return walk.plan(budget_unspent=False)
            continue
        take = Lots(min(affordable, slice_quantity))
        walk.trade(maker, take)
        budget = Amount(budget - take * lot_amount)
        if take < slice_quantity:  # going on would trade through what is left of this one
            return walk.plan(budget_unspent=False)
    return walk.plan(budget_unspent=budget >= lot_amount)


class _Walk:
    """The steps of a careful plan, as they are found."""

    def __init__(self, taker: Order, *, spends: bool = False) -> None:
        self._taker = taker
        mode = taker.prevention
        if spends and mode is SelfTradePrevention.DECREMENT:
            mode = SelfTradePrevention.CANCEL_NEWEST
        self._mode = mode
        self._matches: list[Match] = []
        self._kinds: list[StepKind] = []
        self._met: list[int] = []  # the account's own icebergs that prevention has dealt with
        self._prevented = False
        self.filled = 0
        self.decremented = 0

    def own(self, maker: Order) -> bool:
        """Whether prevention has a say about `maker`."""
        return self._mode is not _NONE and maker.account == self._taker.account

    def trade(self, maker: Order, quantity: Lots) -> None:
        self._step(maker, quantity, StepKind.TRADE)
        self.filled += quantity

    def prevent(self, maker: Order, left: Lots) -> bool:
        """Do what prevention does when a taker with `left` meets its own `maker`; whether the walk goes on."""
        if maker.order_id in self._met:  # a later slice of an iceberg that was dealt with
            return True
        if maker.hidden:
            self._met.append(maker.order_id)
        mode = self._mode
        if mode is SelfTradePrevention.DECREMENT:
            off = min(left, maker.leaves)
            self._step(maker, off, StepKind.DECREMENT)
            self.decremented += off
            self._prevented = off == left
        elif mode is SelfTradePrevention.CANCEL_NEWEST:
            self._prevented = True
        else:
            self._step(maker, maker.leaves, StepKind.CANCEL)
            self._prevented = mode is SelfTradePrevention.CANCEL_BOTH
        return not self._prevented

    def plan(self, *, budget_unspent: bool) -> Plan:
        return Plan(self._matches, self._kinds, Lots(self.filled), self._prevented, budget_unspent)

    def _step(self, maker: Order, quantity: Lots, kind: StepKind) -> None:
        self._matches.append((maker, quantity))
        self._kinds.append(kind)


def slices(side: BookSide, limit: Ticks | None, viewer: AccountId | None = None) -> Iterator[Match]:
    """What rests on a side at `limit` or better, in the order it trades: an iceberg slice by slice.

    With a `viewer` only that account's own icebergs have more slices than the one they show.
    The side must not change while it is walked.
    """
    limit_key = None if limit is None else limit * side.sign
    for level in side:
        if limit_key is not None and level.key > limit_key:
            return
        yield from _slices_of_level(level, viewer)


def _slices_of_level(level: PriceLevel, viewer: AccountId | None) -> Iterator[Match]:
    if level.hidden == 0:
        for order in level:
            yield order, order.leaves
        return
    hiding: deque[Match] = deque()
    for order in level:
        yield order, order.shown
        if order.hidden and (viewer is None or viewer == order.account):
            hiding.append((order, order.hidden))
    while hiding:
        order, hidden = hiding.popleft()
        shown = Lots(min(display_of(order), hidden))
        yield order, shown
        if shown < hidden:
            hiding.append((order, Lots(hidden - shown)))


def display_of(order: Order) -> Lots:
    """How much an order shows at a time: all of it, but for an iceberg."""
    terms = order.terms
    return order.leaves if terms is None or terms.display_quantity is None else terms.display_quantity
