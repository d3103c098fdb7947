"""Recorded order flow as requests: which orders to place, amend and cancel, and what came of them. Pure.

A playback is asked for the action of each record in turn and told what the venue answered;
it knows each recorded order by a key and leaves the venue's ids to its caller. What rested
before the recording began is known by level only: one earlier order stands for each level.
Units: prices in the recording's own units, quantities in shares or satoshis, all whole.
Layer: tools.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, Protocol

import msgspec

from tools.recorded import (
    BITSTAMP_PRICE_SCALE,
    BITSTAMP_QUANTITY_SCALE,
    LOBSTER_PRICE_SCALE,
    BitstampOrder,
    BitstampRecord,
    BitstampTrade,
    LobsterDepth,
    LobsterMessage,
    MessageType,
    OpeningOrder,
    RecordedSide,
    RecordError,
    Request,
    bitstamp_opening,
    bitstamp_requests,
)

LOBSTER_LEVELS: Final = 50

Key = int | tuple[RecordedSide, int]  # the recording's order id, or the level of an earlier order
PrintedTrade = tuple[int, int]  # price, quantity


class Place(msgspec.Struct, frozen=True):
    """Enter an order; `key` is None where nothing will be asked of it later."""

    key: Key | None
    side: RecordedSide
    order_type: Literal["limit", "ioc"]
    price: int
    quantity: int


class Cut(msgspec.Struct, frozen=True):
    """Amend an order to a lower whole quantity, what is filled included."""

    key: Key
    quantity: int


class Reprice(msgspec.Struct, frozen=True):
    """Amend an order to another price."""

    key: Key
    price: int


class Remove(msgspec.Struct, frozen=True):
    """Cancel an order."""

    key: Key


Step = Place | Cut | Reprice | Remove


class Event(msgspec.Struct, frozen=True):
    """What one record asks for, and when; several steps where a book is seeded, none where it only informs."""

    time_ns: int
    steps: list[Step]


class Playback(Protocol):
    """One recording."""

    price_scale: int
    quantity_scale: int
    remark: str  # what is to be expected of the trades reproduced
    recorded: list[PrintedTrade]
    made: list[PrintedTrade]

    def __len__(self) -> int:
        """How many events there are."""
        ...

    def events(self) -> Iterator[Event]:
        """The recording in order. `traded` must be told of each step's fills before the next is taken."""
        ...

    def traded(self, maker: Key | None, price: int, quantity: int) -> None:
        """Learn of one trade that a step made; `maker` is the key of the order that rested."""
        ...


class BitstampPlayback:
    """Feeds what owners asked for: enter, reprice, cancel. What trades do to orders is left to the venue."""

    price_scale = BITSTAMP_PRICE_SCALE
    quantity_scale = BITSTAMP_QUANTITY_SCALE
    remark = "of the whole recording 524 of 575 are to be expected: the recorded feed is asynchronous"

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

    def events(self) -> Iterator[Event]:
        """The opening book, then every request."""
        yield Event(self._opened_ms * 1_000_000, [self._place_opening(order) for order in self._opening])
        for request, record in self._requests:
            yield Event(record.time_ms * 1_000_000, list(self._steps(request, record)))

    def traded(self, maker: Key | None, price: int, quantity: int) -> None:
        """Keep the trade, to be compared with those recorded."""
        self.made.append((price, quantity))

    def _steps(self, request: Request, record: BitstampOrder) -> Iterator[Step]:
        order_id, level = record.order_id, (record.side, record.price_cents)
        if request is Request.ENTER:
            self._known.add(order_id)
            yield Place(order_id, record.side, "limit", record.price_cents, record.leaves_satoshi)
        elif order_id in self._known:
            yield Reprice(order_id, record.price_cents) if request is Request.REPRICE else Remove(order_id)
        elif level in self._earlier:  # take it off the order that stands for the level
            rest = self._earlier.pop(level) - record.leaves_satoshi
            if rest > 0:
                self._earlier[level] = rest
                yield Cut(level, rest)
            else:
                yield Remove(level)

    def _place_opening(self, order: OpeningOrder) -> Place:
        key: Key
        if order.order_id is None:
            key = (order.side, order.price_cents)
            self._earlier[key] = order.quantity_satoshi
        else:
            key = order.order_id
            self._known.add(key)
        return Place(key, order.side, "limit", order.price_cents, order.quantity_satoshi)


class LobsterPlayback:
    """Feeds what happened to visible orders; an execution becomes an order that takes the one resting."""

    price_scale = LOBSTER_PRICE_SCALE
    quantity_scale = 0
    remark = "Nasdaq's opening cross put some orders ahead of older ones, so some executions meet another maker"

    def __init__(self, messages: list[LobsterMessage], depths: list[LobsterDepth]) -> None:
        """Row i of `depths` is the book after message i. Raises RecordError when there are not as many."""
        if not messages or len(messages) != len(depths):
            raise RecordError(f"{len(messages)} messages and {len(depths)} rows of the book do not go together")
        self._messages = messages
        self._depths = depths
        self._whole: dict[Key, int] = {}  # quantity as entered or last amended
        self._leaves: dict[Key, int] = {}
        self.recorded = [(m.price_e4, m.shares) for m in messages[1:] if m.kind is MessageType.EXECUTION]
        self.made: list[PrintedTrade] = []

    def __len__(self) -> int:
        return len(self._messages)

    def events(self) -> Iterator[Event]:
        """Seed with the first row, then play what came after it."""
        first = self._depths[0]
        yield Event(self._messages[0].time_ns, [*self._seed("buy", first.bids), *self._seed("sell", first.asks)])
        for message in self._messages[1:]:
            yield Event(message.time_ns, list(self._steps(message)))

    def traded(self, maker: Key | None, price: int, quantity: int) -> None:
        """Keep the trade, and what it leaves of the order that rested."""
        self.made.append((price, quantity))
        if maker is not None:
            self._leaves[maker] -= quantity

    def final_depth(self) -> LobsterDepth:
        """The recorded book after the last message."""
        return self._depths[-1]

    def _seed(self, side: RecordedSide, levels: list[tuple[int, int]]) -> Iterator[Step]:
        for price, shares in levels:
            yield self._place((side, price), side, price, shares)

    def _steps(self, message: LobsterMessage) -> Iterator[Step]:
        side, price, shares = message.side, message.price_e4, message.shares
        if message.kind is MessageType.NEW_ORDER:
            yield self._place(message.order_id, side, price, shares)
            return
        if message.kind is MessageType.EXECUTION:
            yield Place(None, "sell" if side == "buy" else "buy", "ioc", price, shares)
            return
        if message.kind not in (MessageType.PARTIAL_CANCEL, MessageType.DELETE):
            return
        key: Key = message.order_id if message.order_id in self._whole else (side, price)
        left = self._leaves.get(key, 0)
        if left > shares:  # also a delete of one of the earlier orders that one order stands for
            self._whole[key] -= shares
            self._leaves[key] = left - shares
            yield Cut(key, self._whole[key])
        elif left > 0:
            self._leaves[key] = 0
            yield Remove(key)

    def _place(self, key: Key, side: RecordedSide, price: int, shares: int) -> Place:
        self._whole[key] = self._leaves[key] = shares
        return Place(key, side, "limit", price, shares)


def common_in_order(recorded: list[PrintedTrade], made: list[PrintedTrade]) -> int:
    """The length of the longest common subsequence. O(n m)."""
    row = [0] * (len(made) + 1)
    for wanted in recorded:
        diagonal = 0
        for column, trade in enumerate(made, 1):
            above = row[column]
            row[column] = diagonal + 1 if trade == wanted else max(above, row[column - 1])
            diagonal = above
    return row[-1]
