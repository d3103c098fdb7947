"""The call auction of one symbol: the price at which the most trades, and who trades with whom there.

All in ticks and lots. Layer: engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate

import msgspec

from engine.book import OrderBook
from engine.order import Order, PriceLevel
from engine.planning import slices
from engine.types import Lots, Ticks

Pair = tuple[Order, Order, Lots]  # the older order, the younger, and what they trade


class Clearing(msgspec.Struct, frozen=True):
    """Where a book would uncross, and what would trade there."""

    price: Ticks
    quantity: Lots
    imbalance: Lots  # the quantity bid less the quantity offered at the price


def clearing(book: OrderBook) -> Clearing | None:
    """The price that trades the most, then leaves the least imbalance, then is nearest the reference, then higher.

    The reference is the last price, or the instrument's. None when nothing would trade.
    O(crossed levels log crossed levels).
    """
    bid, ask = book.bids.best_price, book.asks.best_price
    if bid is None or ask is None or bid < ask:
        return None
    bids = [(level.price, level.quantity + level.hidden) for level in _until(book, bids=True, edge=ask)]
    asks = [(level.price, level.quantity + level.hidden) for level in _until(book, bids=False, edge=bid)]
    reference = book.instrument.reference_price if book.last_price is None else book.last_price
    prices = sorted(dict([*bids, *asks]))
    demands = dict(zip(reversed(prices), accumulate(_at(bids, reversed(prices))), strict=True))
    supplies = dict(zip(prices, accumulate(_at(asks, prices)), strict=True))
    best: tuple[tuple[int, int, int, int], Clearing] | None = None
    for price, above in zip(prices, [*prices[1:], None], strict=True):
        candidates = [(price, demands[price], supplies[price])]
        if above is not None and above - price > 1:
            # every price between two levels trades the same: take the nearest to the reference
            between = above - 1 if reference is None else min(max(reference, price + 1), above - 1)
            candidates.append((Ticks(between), demands[above], supplies[price]))
        for tick, demand, supply in candidates:
            quantity, imbalance = min(demand, supply), demand - supply
            distance = 0 if reference is None else abs(tick - reference)
            rank = (quantity, -abs(imbalance), -distance, tick)
            if best is None or rank > best[0]:
                best = rank, Clearing(tick, Lots(quantity), Lots(imbalance))
    return None if best is None else best[1]


def _until(book: OrderBook, *, bids: bool, edge: Ticks) -> Iterator[PriceLevel]:
    """The levels of one side that reach the other side's best price."""
    side = book.bids if bids else book.asks
    for level in side:
        if level.price < edge if bids else level.price > edge:
            return
        yield level


def _at(levels: list[tuple[Ticks, int]], prices: Iterable[Ticks]) -> list[int]:
    quantities = dict(levels)
    return [quantities.get(price, 0) for price in prices]


def pairs(book: OrderBook, found: Clearing) -> list[Pair]:
    """Who trades with whom at the clearing price, in order of priority on both sides. Changes nothing. O(pairs)."""
    paired: list[Pair] = []
    bids, asks = slices(book.bids, found.price), slices(book.asks, found.price)
    bid, bid_left = next(bids)
    ask, ask_left = next(asks)
    left = found.quantity
    while True:
        quantity = Lots(min(bid_left, ask_left, left))
        paired.append((bid, ask, quantity) if _older(bid, ask) else (ask, bid, quantity))
        left, bid_left, ask_left = Lots(left - quantity), Lots(bid_left - quantity), Lots(ask_left - quantity)
        if left == 0:
            return paired
        if bid_left == 0:
            bid, bid_left = next(bids)
        if ask_left == 0:
            ask, ask_left = next(asks)


def _older(first: Order, second: Order) -> bool:
    return first.age < second.age
