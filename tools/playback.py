"""Recorded order flow as requests: which orders to place, amend and cancel, and what came of them. Pure.

A playback gives the action of each record in turn, and takes what the venue answered;
it knows each recorded order by a key and leaves the venue's ids to its caller. What rested
before the recording began is known by level only: one earlier order stands for each level.
Units: prices in the recording's own units, quantities in shares or satoshis, all whole.
Layer: tools.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Literal, Protocol

import msgspec

from tools.recorded import (
    BITSTAMP_PRICE_SCALE,
    BITSTAMP_QUANTITY_SCALE,
    BitstampOrder,
    BitstampRecord,
    BitstampTrade,
    OpeningOrder,
    RecordedSide,
    Request,
    bitstamp_opening,
    bitstamp_requests,
)

Key = int | tuple[RecordedSide, int]  # the recording's order id, or the level of an earlier order
PrintedTrade = tuple[int, int]  # price, quantity


class EnterStep(msgspec.Struct, frozen=True):
    """Enter an order; `key` is None where nothing will be asked of it later."""

    key: Key | None
    side: RecordedSide
    order_type: Literal["limit", "ioc", "fok", "market"]
    price: int | None  # None: a market order
    quantity: int


class ReduceStep(msgspec.Struct, frozen=True):
    """Amend an order to a lower whole quantity, what is filled included."""

    key: Key
    quantity: int


class RepriceStep(msgspec.Struct, frozen=True):
    """Amend an order to another price."""

    key: Key
    price: int


class CancelStep(msgspec.Struct, frozen=True):
    """Cancel an order."""

    key: Key


class AmendStep(msgspec.Struct, frozen=True):
    """Amend an order to another price, whole quantity (what is filled included), or both; None leaves it."""

    key: Key
    price: int | None
    quantity: int | None


Step = EnterStep | ReduceStep | RepriceStep | AmendStep | CancelStep


class Event(msgspec.Struct, frozen=True):
    """What one record asks for, and when; several steps where a book is seeded, none where it only informs."""

    time_ns: int
    steps: Iterable[Step]  # a step may depend on the fills of those before it


class Playback(Protocol):
    """One recording."""

    price_scale: int
    quantity_scale: int
    recorded: list[PrintedTrade]
    made: list[PrintedTrade]

    @property
    def prices(self) -> set[int]:
        """Every price that is played."""
        ...

    def __len__(self) -> int:
        """How many events there are."""
        ...

    def events(self) -> Iterator[Event]:
        """The recording in order. `traded` must be called with each step's fills before the next is taken."""
        ...

    def traded(self, maker: Key | None, price: int, quantity: int) -> None:
        """Learn of one trade that a step made; `maker` is the key of the order that rested."""
        ...

    def remarks(self) -> list[str]:
        """Sentences about what came of it, at the end, and what the recording does not allow."""
        ...


class BitstampPlayback:
    """Feeds what owners asked for: enter, reprice, cancel. What trades do to orders is left to the venue."""

    price_scale = BITSTAMP_PRICE_SCALE
    quantity_scale = BITSTAMP_QUANTITY_SCALE

    def __init__(self, records: list[BitstampRecord]) -> None:
        """Raises RecordError when no record shows the book, from which the replay starts."""
        self._opening, used = bitstamp_opening(records)
        self._opened_ms = records[used - 1].time_ms
        self._requests = list(bitstamp_requests(records[used:]))
        self._known: set[int] = set()
        self._earlier: dict[Key, int] = {}  # the whole quantity of the order that stands for a level
        self.recorded = [(r.price_cents, r.quantity_satoshi) for r in records if isinstance(r, BitstampTrade)]
        self.made: list[PrintedTrade] = []

    def __len__(self) -> int:
        return 1 + len(self._requests)

    @property
    def prices(self) -> set[int]:
        """Every price that is played."""
        return {record.price_cents for _, record in self._requests} | {order.price_cents for order in self._opening}

    def events(self) -> Iterator[Event]:
        """The opening book, then every request."""
        yield Event(self._opened_ms * 1_000_000, [self._enter_opening(order) for order in self._opening])
        for request, record in self._requests:
            yield Event(record.time_ms * 1_000_000, list(self._steps(request, record)))

    def traded(self, maker: Key | None, price: int, quantity: int) -> None:
        """Keep the trade, to be compared with those recorded."""
        self.made.append((price, quantity))

    def remarks(self) -> list[str]:
        """Why not every trade is to be expected."""
        return [
            "the recorded feed is asynchronous: orders that crossed in it may meet others here "
            "(of Bitstamp's 2015-05-01, 524 of 575 trades come out in order)"
        ]

    def _steps(self, request: Request, record: BitstampOrder) -> Iterator[Step]:
        order_id, level = record.order_id, (record.side, record.price_cents)
        if request is Request.ENTER:
            self._known.add(order_id)
            yield EnterStep(order_id, record.side, "limit", record.price_cents, record.leaves_satoshi)
        elif order_id in self._known:
            yield RepriceStep(order_id, record.price_cents) if request is Request.REPRICE else CancelStep(order_id)
        elif level in self._earlier:  # take it off the order that stands for the level
            rest = self._earlier.pop(level) - record.leaves_satoshi
            if rest > 0:
                self._earlier[level] = rest
                yield ReduceStep(level, rest)
            else:
                yield CancelStep(level)

    def _enter_opening(self, order: OpeningOrder) -> EnterStep:
        key: Key
        if order.order_id is None:
            key = (order.side, order.price_cents)
            self._earlier[key] = order.quantity_satoshi
        else:
            key = order.order_id
            self._known.add(key)
        return EnterStep(key, order.side, "limit", order.price_cents, order.quantity_satoshi)


def common_in_order(recorded: list[PrintedTrade], made: list[PrintedTrade]) -> int:
    """The length of the longest common subsequence. O(p log n) of the p pairs that are equal: few, as prints differ."""
    positions: defaultdict[PrintedTrade, list[int]] = defaultdict(list)
    for position, trade in enumerate(made):
        positions[trade].append(position)
    ends: list[int] = []  # ends[k]: the earliest place in `made` where a common subsequence of k + 1 can end
    for trade in recorded:
        for position in reversed(positions.get(trade, ())):
            at = bisect_left(ends, position)
            ends[at : at + 1] = [position]
    return len(ends)
