"""A second copy of the exchange that follows the journal, and an index of what touched which order.

Layer: explain. Reads records from whoever gives them; no clock.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator

from engine.commands import Command
from engine.events import Ended, Event, Filled
from engine.exchange import Exchange
from engine.types import Seq
from explain.explanation import Sequenced
from journal.codec import BatchRecord, open_batch, verify

ReadRecords = Callable[[int, int], list[BatchRecord]]  # after n, until n -> some of them, in order


class OrderIndex:
    """Which command touched which order, and which made which trade. About 16 bytes a touch, 24 a trade."""

    def __init__(self) -> None:
        self._ids = array("q")  # an order, and in `_seqs` at the same place the command that touched it
        self._seqs = array("q")  # negative where the command ended the order
        self._trade_seqs = array("q")  # by trade id
        self._makers = array("q")
        self._takers = array("q")
        self.first_seqs = array("q")  # by record

    def add(self, seq: int, events: list[Event]) -> None:
        """Note what a command did."""
        touched: set[int] = set()
        ended: set[int] = set()
        for event in events:
            if type(event) is Filled:
                touched.add(event.maker_order_id)
                touched.add(event.taker_order_id)
                self._trade_seqs.append(seq)
                self._makers.append(event.maker_order_id)
                self._takers.append(event.taker_order_id)
            else:
                order_id: int | None = getattr(event, "order_id", None)
                if order_id is not None:
                    touched.add(order_id)
                    if isinstance(event, Ended):
                        ended.add(order_id)
        for order_id in sorted(touched):
            self._ids.append(order_id)
            self._seqs.append(-seq if order_id in ended else seq)

    def seqs_of(self, order_id: int) -> list[int]:
        """The commands that touched an order, in order. O(touches of all orders), some 10 ms a million."""
        return [abs(seq) for seq in self._touches(order_id)]

    def state_of(self, order_id: int) -> int | None:
        """The command that fixes an order's totals: that of its end, or the last. O(touches of all orders)."""
        touches = self._touches(order_id)
        found = [-seq for seq in touches if seq < 0] or touches
        return found[-1] if found else None

    def _touches(self, order_id: int) -> list[int]:
        found: list[int] = []
        at = -1
        try:
            while True:
                at = self._ids.index(order_id, at + 1)
                found.append(self._seqs[at])
        except ValueError:
            return found

    def trade(self, trade_id: int) -> tuple[int, int, int] | None:
        """The seq, the maker's and the taker's order of a trade; None when there is no such trade. O(1)."""
        at = trade_id - 1
        if not 0 <= at < len(self._trade_seqs):
            return None
        return self._trade_seqs[at], self._makers[at], self._takers[at]

    def record_of(self, seq: int) -> int:
        """The number of the record that a command is in. O(log records)."""
        return bisect_right(self.first_seqs, seq)


class Replica:
    """An exchange that has applied the journal up to record `n`, command `seq`."""

    def __init__(self, read: ReadRecords) -> None:
        self._read = read
        self.exchange = Exchange()
        self.index = OrderIndex()
        self.last: BatchRecord | None = None

    @property
    def n(self) -> int:
        """The last record that was followed."""
        return 0 if self.last is None else self.last.n

    @property
    def seq(self) -> int:
        """The last command that was followed."""
        return self.exchange.seq

    def read_with(self, read: ReadRecords) -> None:
        """Take records from elsewhere from now on."""
        self._read = read

    def advance(self, until_n: int, followed: Callable[[], bool]) -> None:
        """Follow the records up to `until_n`, as long as `followed`, called after each, says so.

        Raises CorruptRecord and UnknownVersion. O(commands).
        """
        while self.n < until_n:
            records = self._read(self.n, until_n)
            if not records:
                return
            for record in records:
                self._follow(record)
                if not followed():
                    return

    def commands(self, until_n: int) -> Iterator[Sequenced]:
        """The commands that follow, up to record `until_n`, for a caller who applies them. Raises as `advance`."""
        last = self.last
        while (0 if last is None else last.n) < until_n:
            records = self._read(0 if last is None else last.n, until_n)
            if not records:
                return
            for record in records:
                verify(record, last)
                last = record
                for seq, command in enumerate(open_batch(record), record.first_seq):
                    yield seq, record.ts_ns, command

    def command(self, seq: int) -> tuple[int, Command] | None:
        """The time and the content of a command that was followed; None for any other seq."""
        if not 1 <= seq <= self.seq:
            return None
        n = self.index.record_of(seq)
        for record in self._read(n - 1, n):
            return record.ts_ns, open_batch(record)[seq - record.first_seq]
        return None

    def _follow(self, record: BatchRecord) -> None:
        verify(record, self.last)
        for seq, command in enumerate(open_batch(record), record.first_seq):
            self.index.add(seq, self.exchange.apply(command, Seq(seq), record.ts_ns))
        self.index.first_seqs.append(record.first_seq)
        self.last = record
