"""Reads long books in turns, as they are at one moment: what changes while a book is read is read again at the end.

Layer: api.market.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain, islice
from typing import Any, Final, Generic, NamedTuple, TypeVar

from engine.book import BookSide, OrderBook
from engine.depth import LevelView
from engine.order import Order, PriceLevel
from engine.types import Lots, Side, Ticks, TradingStatus
from loop.turns import Turn, in_turns
from projections.levels import LevelKey

T = TypeVar("T")

STEP: Final = 128  # levels between two readings of the clock


class WholeBook(NamedTuple):
    """A book at one moment: all bids and all asks, best first, and the seq of the command that changed it last."""

    bids: list[LevelView]
    asks: list[LevelView]
    seq: int
    status: TradingStatus
    limit_side: Side | None


class BookReader:
    """Reads the books of one venue."""

    def __init__(self) -> None:
        self._readings: list[_Reading] = []

    @property
    def follows_levels(self) -> bool:
        """Whether the levels are wanted that a batch touches: a book is being read."""
        return bool(self._readings)

    def on_touched(self, touched: Iterable[LevelKey]) -> None:
        """Note the levels that a batch may have changed, while a book is being read. O(levels)."""
        for reading in self._readings:
            reading.note(touched)

    def whole(self, book: OrderBook) -> WholeBook:
        """Every level of a book. O(levels). Cooperative."""
        return self._levels(book, None)

    def best(self, book: OrderBook, levels: int) -> WholeBook:
        """At most `levels` of each side. O(levels). Cooperative."""
        found = self._levels(book, levels)
        return found._replace(bids=found.bids[:levels], asks=found.asks[:levels])

    def _levels(self, book: OrderBook, wanted: int | None) -> WholeBook:
        bids, asks = (
            _SideReading(book.bids, _level_view, _one, wanted),
            _SideReading(book.asks, _level_view, _one, wanted),
        )
        seq = self._read(book, [bids, asks])
        status, limit_side = book.status, book.band.limit_side  # now: others have turns while levels are put in order
        return WholeBook(bids.levels(), asks.levels(), seq, status, limit_side)

    def reaching(self, book: OrderBook, side: Side, quantity: Lots) -> list[LevelView]:
        """The best levels of one side that show `quantity` together, or all. O(levels walked). Cooperative."""
        reading = _SideReading(book.own_side(side), _level_view, _shown, quantity)
        self._read(book, [reading])
        return reading.levels()

    def queues(self, book: OrderBook, limit: int) -> tuple[list[Order], list[Order], int]:
        """At most `limit` orders of each side as they would trade, and the seq of the book. O(orders). Cooperative.

        The orders of one price are gone through in one turn.
        """

        def orders_of(level: PriceLevel) -> list[Order]:
            return list(islice(level, limit))

        bids, asks = (_SideReading(side, orders_of, len, limit) for side in (book.bids, book.asks))
        seq = self._read(book, [bids, asks])
        return _flat(bids.levels(), limit), _flat(asks.levels(), limit), seq

    def _read(self, book: OrderBook, sides: Sequence[_SideReading[Any]]) -> int:
        """Read until what was read is what the book is; return its seq then."""
        reading, turn = _Reading(book.instrument.symbol, sides), Turn()
        self._readings.append(reading)
        try:
            while True:
                walked = [side.walk(turn) for side in sides]
                if not reading.read_again(turn) and not any(walked):
                    break
            return book.changed_seq
        finally:
            self._readings.remove(reading)


class _Reading:
    """What is being read of one book."""

    def __init__(self, symbol: str, sides: Sequence[_SideReading[Any]]) -> None:
        self._symbol = symbol
        self._sides = {side.side.side: side for side in sides}
        self._changed: dict[tuple[Side, Ticks], None] = {}

    def note(self, touched: Iterable[LevelKey]) -> None:
        """Note levels that may have changed."""
        for symbol, side, price in touched:
            if symbol == self._symbol and side in self._sides:
                self._changed[side, price] = None

    def read_again(self, turn: Turn) -> bool:
        """Read what has changed since it was read; whether there was anything. Pauses where it is much."""
        changed, self._changed = self._changed, {}
        for number, (side, price) in enumerate(changed, 1):
            self._sides[side].read_again(price)
            if not number % STEP:
                turn.pause_if_over()
        return bool(changed)


class _SideReading(Generic[T]):
    """What was read of one side."""

    def __init__(
        self, side: BookSide, read: Callable[[PriceLevel], T], size: Callable[[T], int], wanted: int | None
    ) -> None:
        """`read` is what is read of a level; levels whose sizes come to `wanted` are enough. None: all of them."""
        self.side = side
        self._read = read
        self._size = size
        self._wanted = wanted
        self._found: dict[int, T] = {}  # by key: best first but for those that were read again
        self._sum = 0
        self._last_key: int | None = None

    def levels(self) -> list[T]:
        """What was read, best first. O(levels). Cooperative."""
        found = self._found
        return [found[key] for key in in_turns(sorted(found), STEP)]

    def walk(self, turn: Turn) -> bool:
        """Read on until there is enough; whether there was anything to read. Pauses when its turn is over."""
        walked = False
        while self._wanted is None or self._sum < self._wanted:
            levels = self.side.levels
            keys = list(islice(self.side.keys_behind(self._last_key), STEP))
            if not keys:
                break
            walked = True
            for number, key in enumerate(keys, 1):
                level = levels[key]
                self._keep(key, level)
                self._last_key = key
                if level.count >= STEP or not number % STEP:
                    break
            turn.pause_if_over()
        return walked

    def read_again(self, price: Ticks) -> None:
        """Read a level that has changed, as far as its side was read. O(1)."""
        key = price * self.side.sign
        if self._last_key is None or key > self._last_key:
            return
        known, level = self._found.pop(key, None), self.side.level(price)
        self._sum -= 0 if known is None else self._size(known)
        if level is not None:
            self._keep(key, level)

    def _keep(self, key: int, level: PriceLevel) -> None:
        found = self._found[key] = self._read(level)
        self._sum += self._size(found)


def _flat(queues: list[list[Order]], limit: int) -> list[Order]:
    """The first `limit` orders of queues, one queue behind the other. Cooperative."""
    return list(islice(chain.from_iterable(in_turns(queues, STEP)), limit))


def _level_view(level: PriceLevel) -> LevelView:
    return level.price, Lots(level.quantity), level.count


def _one(_level: LevelView) -> int:
    return 1


def _shown(level: LevelView) -> int:
    return level[1]
