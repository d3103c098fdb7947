"""The levels of the books that a record changed, as it left them.

Layer: publish. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from engine.book import OrderBook
from engine.events import CommandResult, Uncrossed
from engine.exchange import Exchange
from engine.types import Side, Ticks
from projections.levels import levels_of

LEVELS_MAX: Final = 2_000  # in one message: 100 kB; brokers take a megabyte
WHOLE_EVERY: Final = 1_000  # messages of a symbol, until it comes whole again for those who begin to read

_Place = tuple[Side, Ticks]


class LevelNow(NamedTuple):
    """What stands at one price now."""

    side: Side
    price: Ticks
    lots: int  # on show; 0: none
    orders: int


class BookChange(NamedTuple):
    """Levels of one symbol."""

    symbol: str
    is_whole: bool  # these are all that there are, and those of the next changes while there are more
    has_more: bool
    levels: list[LevelNow]


class _Known:
    """What was said of one symbol."""

    def __init__(self) -> None:
        self.levels: dict[_Place, tuple[int, int]] = {}  # lots, orders
        self.messages = WHOLE_EVERY  # since it came whole


class BookChanges:
    """Follows the books. Memory: an entry for each level of the symbols that changed since it began."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._known: dict[str, _Known] = {}

    def of(self, applied: Sequence[CommandResult]) -> Iterator[BookChange]:
        """What changed, the exchange being as the last of these left it. O(events + levels that come whole)."""
        for symbol, places in self._touched(applied).items():
            book, known = self._exchange.books[symbol], self._known.get(symbol)
            if known is None:
                known = self._known[symbol] = _Known()
            is_whole = known.messages >= WHOLE_EVERY
            levels = self._whole(book, known) if is_whole else self._changed(book, known, places)
            if not levels and not is_whole:
                continue
            known.messages = 0 if is_whole else known.messages + 1
            yield from _in_parts(symbol, levels, is_whole=is_whole)

    def _touched(self, applied: Sequence[CommandResult]) -> dict[str, dict[_Place, None]]:
        """By symbol, in order: the places that these may have changed."""
        touched: dict[str, dict[_Place, None]] = {}
        for result in applied:
            uncrossed = False
            for event in result.events:
                if type(event) is Uncrossed:
                    uncrossed = True
                for key in levels_of(event, self._exchange, uncrossed=uncrossed):
                    touched.setdefault(key.symbol, {})[key.side, key.price] = None
        return touched

    @staticmethod
    def _whole(book: OrderBook, known: _Known) -> list[LevelNow]:
        levels = [
            LevelNow(side.side, level.price, level.quantity, level.count)
            for side in (book.bids, book.asks)
            for level in side
        ]
        known.levels = {(level.side, level.price): (level.lots, level.orders) for level in levels}
        return levels

    @staticmethod
    def _changed(book: OrderBook, known: _Known, places: dict[_Place, None]) -> list[LevelNow]:
        changed = []
        for place in places:
            side, price = place
            level = book.own_side(side).level(price)
            now = (0, 0) if level is None else (level.quantity, level.count)
            if now == known.levels.get(place, (0, 0)):
                continue
            if level is None:
                del known.levels[place]
            else:
                known.levels[place] = now
            changed.append(LevelNow(side, price, *now))
        return changed


def _in_parts(symbol: str, levels: list[LevelNow], *, is_whole: bool) -> Iterator[BookChange]:
    """One change, or as many as it takes."""
    left, rest = len(levels), iter(levels)
    while True:
        part = list(islice(rest, LEVELS_MAX))
        left -= len(part)
        yield BookChange(symbol, is_whole, left > 0, part)
        if not left:
            return
        is_whole = False
