"""Views of a book: best bid and offer, depth by price (L2), by order (L3), the cost of a quantity.

All in ticks and lots. Layer: engine.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Final

import msgspec

from engine.book import BookSide, OrderBook
from engine.instrument import Instrument
from engine.order import Order
from engine.types import Amount, Lots, Ticks

REACH: Final = 5_000  # orders before or behind one of which its place in the queue is counted: a millisecond or two

LevelView = tuple[Ticks, Lots, int]  # price, quantity, orders


class Bbo(msgspec.Struct, frozen=True):
    """The best bid and offer, with what rests there; None on an empty side."""

    bid: Ticks | None
    bid_quantity: Lots
    ask: Ticks | None
    ask_quantity: Lots


class Cost(msgspec.Struct, frozen=True):
    """What taking a quantity now would cost or earn, before fees."""

    filled: Lots  # less than the quantity asked about when the book has no more
    notional: Amount
    best_price: Ticks | None
    worst_price: Ticks | None
    levels: int


def bbo(book: OrderBook) -> Bbo:
    """The best bid and offer. O(1)."""
    bid, ask = book.bids.best, book.asks.best
    return Bbo(
        None if bid is None else bid.price,
        Lots(0 if bid is None else bid.quantity),
        None if ask is None else ask.price,
        Lots(0 if ask is None else ask.quantity),
    )


def l2(side: BookSide, levels: int | None) -> list[LevelView]:
    """The best `levels` of one side (all when None), best first. O(levels)."""
    return [(level.price, Lots(level.quantity), level.count) for level in islice(side, levels)]


def l3(side: BookSide, limit: int | None) -> list[Order]:
    """At most `limit` resting orders of one side in the order they would trade. O(orders)."""
    return list(islice((order for level in side for order in level), limit))


def queue_position(order: Order) -> tuple[int, Lots] | None:
    """How many orders, and how many lots on show, stand before a resting order at its price; None for one deep within.

    That is one with more than `REACH` orders both before and behind it. O(orders on the shorter side).
    """
    level = order.level
    if level is None:
        return None
    count, quantity = 0, 0
    behind_count, behind_quantity = 1, int(order.shown)
    ahead, behind = order.ahead, order.behind
    while count <= REACH:
        if ahead is None:
            return count, Lots(quantity)
        if behind is None:
            return level.count - behind_count, Lots(level.quantity - behind_quantity)
        count, quantity, ahead = count + 1, quantity + ahead.shown, ahead.ahead
        behind_count, behind_quantity, behind = behind_count + 1, behind_quantity + behind.shown, behind.behind
    return None


def cost(instrument: Instrument, levels: Iterable[LevelView], quantity: Lots) -> Cost:
    """What an order for `quantity` would fill of these levels, which come best first. O(levels walked)."""
    left, notional, walked = quantity, 0, 0
    best: Ticks | None = None
    worst: Ticks | None = None
    for price, shown, _ in levels:
        if left == 0:
            break
        take = min(left, shown)
        notional += price * take * instrument.lot_tick_amount
        left = Lots(left - take)
        best = price if best is None else best
        worst, walked = price, walked + 1
    return Cost(Lots(quantity - left), Amount(notional), best, worst, walked)
