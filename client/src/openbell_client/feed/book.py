"""An order book that is folded from the feed's `l2_snapshot` and `l2_delta`, and knows when it missed one.

Pure: it is given messages and says what became of them; who asks for a snapshot is `feed.py`'s business.
Layer: openbell_client.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left, insort
from decimal import Decimal
from enum import Enum
from typing import Any, Final

import msgspec

CHECKED_LEVELS: Final = 10  # of each side, that the checksum is over

Row = tuple[str, str, int]  # price, quantity, orders, as they are sent


class Level(msgspec.Struct, frozen=True):
    """One price: what stands there, and how many orders it is."""

    price: Decimal
    quantity: Decimal
    orders: int


class Folded(Enum):
    """What became of a message."""

    TAKEN = "taken"
    OLD = "old"  # of before what the book has: nothing changed
    MISSED = "missed"  # something before it is missing, or the checksum is another: the book is not valid any more


class OrderBook:
    """The book of one symbol as of `seq`, while it is `valid`."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.seq = 0
        self.timestamp = 0.0  # epoch seconds
        self.valid = False
        self.left_at: int | None = None  # the command that it was valid as of when the connection was lost
        self._bids = _Side()
        self._asks = _Side()

    def bids(self, levels: int | None = None) -> list[Level]:
        """The best bids, best first; all unless `levels` says how many."""
        return self._bids.best(levels, descending=True)

    def asks(self, levels: int | None = None) -> list[Level]:
        """The best asks, best first; all unless `levels` says how many."""
        return self._asks.best(levels, descending=False)

    @property
    def best_bid(self) -> Level | None:
        """The highest bid."""
        return next(iter(self.bids(1)), None)

    @property
    def best_ask(self) -> Level | None:
        """The lowest ask."""
        return next(iter(self.asks(1)), None)

    @property
    def mid_price(self) -> Decimal | None:
        """Between best bid and best ask; None while a side is empty."""
        bid, ask = self.best_bid, self.best_ask
        return None if bid is None or ask is None else (bid.price + ask.price) / 2

    def invalidate(self) -> None:
        """Messages were missed: only a snapshot makes it valid again."""
        self.valid, self.left_at = False, None

    def leave(self) -> None:
        """The connection was lost: a snapshot makes it valid again, or one delta from where it is."""
        self.left_at, self.valid = self.seq if self.valid else self.left_at, False

    def snapshot(self, message: dict[str, Any]) -> Folded:
        """Take an `l2_snapshot`. O(levels)."""
        if self.valid and message["seq"] < self.seq:
            return Folded.OLD
        self._bids, self._asks, self.left_at = _Side(), _Side(), None
        self._set(message)
        self.valid = self.checksum() == message["checksum"]
        return Folded.TAKEN if self.valid else Folded.MISSED

    def delta(self, message: dict[str, Any]) -> Folded:
        """Take an `l2_delta`. O(changed levels * log levels)."""
        if message["seq"] <= self.seq and self.valid:
            return Folded.OLD
        if message["prev_seq"] != (self.seq if self.valid else self.left_at):
            self.invalidate()
            return Folded.MISSED
        self.left_at = None
        self._set(message)
        self.valid = self.checksum() == message["checksum"]
        return Folded.TAKEN if self.valid else Folded.MISSED

    def checksum(self) -> int:
        """CRC-32 over the best ten levels of both sides, as the server makes it."""
        best = self._bids.texts(descending=True) + self._asks.texts(descending=False)
        return zlib.crc32("|".join(best).encode())

    def _set(self, message: dict[str, Any]) -> None:
        self._bids.set(message["bids"])
        self._asks.set(message["asks"])
        self.seq = message["seq"]
        self.timestamp = message["timestamp"]


class _Side:
    """The levels of one side, by price."""

    def __init__(self) -> None:
        self._prices: list[Decimal] = []  # ascending
        self._levels: dict[Decimal, tuple[Level, str]] = {}  # and its text for the checksum

    def set(self, rows: list[Row]) -> None:
        """Set levels to what they are now; a quantity of zero takes one away."""
        for price_text, quantity_text, orders in rows:
            price, quantity = Decimal(price_text), Decimal(quantity_text)
            if quantity == 0:
                if self._levels.pop(price, None) is not None:
                    del self._prices[bisect_left(self._prices, price)]
                continue
            if price not in self._levels:
                insort(self._prices, price)
            self._levels[price] = Level(price, quantity, orders), f"{price_text}:{quantity_text}"

    def best(self, levels: int | None, *, descending: bool) -> list[Level]:
        """The best levels, best first."""
        return [self._levels[price][0] for price in self._best_prices(levels, descending=descending)]

    def texts(self, *, descending: bool) -> list[str]:
        """What the checksum is over."""
        return [self._levels[price][1] for price in self._best_prices(CHECKED_LEVELS, descending=descending)]

    def _best_prices(self, levels: int | None, *, descending: bool) -> list[Decimal]:
        count = len(self._prices) if levels is None else min(levels, len(self._prices))
        return self._prices[: -count - 1 : -1] if descending else self._prices[:count]
