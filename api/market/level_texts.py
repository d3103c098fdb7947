"""The levels of one book as text, kept while they do not change, and the checksum over the best of them.

Layer: api.market.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Final

from engine.book import OrderBook
from engine.depth import l2
from engine.types import Side, Ticks
from listings.grid import grid_of
from listings.texts import DecimalText

CHECKSUM_LEVELS: Final = 10  # a side
KEPT_MAX: Final = 4_096  # levels a side

CountedLevel = tuple[DecimalText, DecimalText, int]  # price, quantity, orders


class LevelTexts:
    """Reads the levels of one book. What is kept of a level counts as long as it shows the same."""

    def __init__(self, book: OrderBook) -> None:
        self._book = book
        self._kept: dict[Side, dict[Ticks, tuple[int, int, CountedLevel]]] = {Side.BUY: {}, Side.SELL: {}}
        self._best: list[CountedLevel] = []
        self._checksum = zlib.crc32(b"")

    def best(self, side: Side, levels: int) -> list[CountedLevel]:
        """The best levels of one side, best first. O(levels)."""
        return [self._text(side, *level) for level in l2(self._book.own_side(side), levels)]

    def at(self, side: Side, prices: Iterable[Ticks]) -> list[CountedLevel]:
        """The levels at `prices` as they are now; one that is gone has quantity zero. O(prices)."""
        found: list[CountedLevel] = []
        grid, levels = grid_of(self._book.instrument), self._book.own_side(side)
        for price in prices:
            level = levels.level(price)
            if level is None:
                self._kept[side].pop(price, None)
                found.append((grid.price(price), grid.quantity(0), 0))
            else:
                found.append(self._text(side, price, level.quantity, level.count))
        return found

    def checksum(self) -> int:
        """CRC-32 over the best ten bids, then asks, as "price:quantity" joined by "|". O(1)."""
        best = self.best(Side.BUY, CHECKSUM_LEVELS) + self.best(Side.SELL, CHECKSUM_LEVELS)
        if best != self._best:
            self._best = best
            self._checksum = zlib.crc32("|".join([f"{price}:{quantity}" for price, quantity, _ in best]).encode())
        return self._checksum

    def _text(self, side: Side, price: Ticks, quantity: int, orders: int) -> CountedLevel:
        kept = self._kept[side]
        known = kept.get(price)
        if known is not None and known[0] == quantity and known[1] == orders:
            return known[2]
        if known is None and len(kept) >= KEPT_MAX:
            kept.clear()
        grid = grid_of(self._book.instrument)
        text = (grid.price(price) if known is None else known[2][0], grid.quantity(quantity), orders)
        kept[price] = quantity, orders, text
        return text
