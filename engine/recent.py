"""The memory of done orders, and the client order ids of these and of every open order.

For idempotency, for cancelling by client order id, and for `too_late`. Each account has a memory of its own,
bounded by number and by age. All memories together are bounded too: beyond that the account forgets that remembers
the most, so that nobody's flood makes forgotten what an account that remembers less has done. What is forgotten is
in the history: `forgotten_until` is the seq up to which that must be searched before a client order id is known to be
new.

By the first edition of the rules all accounts shared one window of `SHARED_WINDOW` orders.
Layer: engine.
"""

from __future__ import annotations

import heapq
import struct
import zlib
from bisect import bisect_left
from collections import deque

import msgspec
from sortedcontainers import SortedList

from engine.commands import EnterOrder
from engine.order import Order
from engine.rulebook import OWN_MEMORIES_SINCE
from engine.types import AccountId, OrderId, Seq

REMEMBERED_MAX = 50_000  # done orders of one account: more than can end while one of its orders waits in the queue
REMEMBERED_IN_ALL = 1_000_000  # done orders of all accounts: half a gigabyte, if all have client order ids
REMEMBERED_LEAST = 200  # done orders of one account, however many accounts there are
REMEMBERED_HOURS = 24  # whole hours after the one in which an order ended
SHARED_WINDOW = 200_000  # by the first edition: done orders of all accounts together
HOUR_NS = 3_600_000_000_000
UNSURE = (OrderId(0), None)  # found for a client order id of which nobody knows whether it is new
SWEPT = 2  # too old orders that are dropped with each that ends: more than one, so that their number falls

_encode = msgspec.msgpack.Encoder().encode
_encode_at_first = msgspec.json.Encoder().encode
_pack = struct.Struct(">QQ").pack
_pack_end = struct.Struct(">QQQ").pack
_FIELDS_AT_FIRST = 11  # the fields that an EnterOrder had when the first edition's chain was defined


class _Memory:
    """What is remembered of one account. Too old orders are dropped a few at a time, and count for nothing before."""

    __slots__ = ("aging", "capacity", "done", "end_seqs", "ends", "named", "names", "size")

    def __init__(self) -> None:
        self.named: dict[str, tuple[OrderId, EnterOrder]] = {}  # open and done orders by client order id
        self.done: dict[OrderId, int] = {}  # the hour in which it ended, in hours since the epoch
        self.ends: deque[OrderId] = deque()  # done orders, the oldest end first
        self.names: deque[str | None] = deque()  # client order ids of `ends`
        self.end_seqs: deque[Seq] = deque()  # of `ends`: the seq of the command that ended each
        self.aging = False  # whether it is in the heap of all memories
        self.size = 0  # how many times `REMEMBERED_LEAST` it has beyond the first
        self.capacity = min(REMEMBERED_LEAST, REMEMBERED_MAX)  # done orders that it holds at this size


class RecentOrders:
    """The done orders that each account remembers. Every method is O(1), amortised, unless it says otherwise.

    `chain` digests everything that ever went in; with the length it stands for the content.
    """

    __slots__ = (
        "_aging", "_forgotten", "_hour", "_hour_ends_ns", "_large", "_length", "_memories", "_shared", "_sweeping",
        "chain",
    )  # fmt: skip

    def __init__(self, rulebook: int) -> None:
        self._memories: dict[AccountId, _Memory] = {}
        self._forgotten: dict[AccountId, Seq] = {}
        self._aging: list[tuple[int, AccountId]] = []  # a heap: the hour of an account's oldest end, or an earlier one
        self._large: SortedList[tuple[int, AccountId]] = SortedList()  # memories with a size above 0
        self._hour = self._hour_ends_ns = 0  # the hour in which the last order ended
        self._sweeping = False  # whether too old orders may be left
        self._shared: deque[tuple[AccountId, OrderId, str | None]] | None = (
            deque() if rulebook < OWN_MEMORIES_SINCE else None
        )
        self._length = 0
        self.chain = 0

    def __len__(self) -> int:
        return self._length

    def named(self, account: AccountId, client_order_id: str, ts_ns: int) -> tuple[OrderId, EnterOrder] | None:
        """The order entered under this id, and how it was asked for; None when new or forgotten."""
        memory = self._memories.get(account)
        first = None if memory is None else memory.named.get(client_order_id)
        if first is None or memory is None or self._shared is not None:
            return first
        ended = memory.done.get(first[0])
        return None if ended is not None and ended < oldest_hour(ts_ns) else first

    def find(
        self, account: AccountId, client_order_id: str, looked_until: Seq | None, ts_ns: int
    ) -> tuple[OrderId, EnterOrder | None] | None:
        """The order entered under this id, and how it was asked for; None when it is new.

        `looked_until` is up to where the caller has searched the history (None: it has not). `UNSURE` where orders that
        ended later may have been forgotten.
        """
        memory = self._memories.get(account)
        if memory is not None:
            first = memory.named.get(client_order_id)
            if first is not None:
                ended = memory.done.get(first[0])
                if ended is None or self._shared is not None or ended >= oldest_hour(ts_ns):
                    return first
            if looked_until is None or (memory.end_seqs and memory.end_seqs[-1] <= looked_until):
                return None  # all that is forgotten ended before that
        if looked_until is None or self._shared is not None or looked_until >= self.forgotten_until(account, ts_ns):
            return None
        return UNSURE

    def is_done(self, account: AccountId, order_id: OrderId, ts_ns: int) -> bool:
        """Whether this is a done order of `account`, and remembered."""
        memory = self._memories.get(account)
        ended = None if memory is None else memory.done.get(order_id)
        return ended is not None and (self._shared is not None or ended >= oldest_hour(ts_ns))

    def forgotten_until(self, account: AccountId, ts_ns: int) -> Seq:
        """The seq by which all orders had ended that `account` has forgotten; 0 when it has forgotten none.

        O(1) but for an account with orders that are too old and not dropped yet: O(remembered / 64).
        """
        memory = self._memories.get(account)
        if memory is not None and memory.ends:
            ended, oldest = memory.done, oldest_hour(ts_ns)
            if ended[memory.ends[0]] < oldest:
                return memory.end_seqs[bisect_left(memory.ends, oldest, key=ended.__getitem__) - 1]
        return self._forgotten.get(account, Seq(0))

    def name(self, account: AccountId, client_order_id: str, order_id: OrderId, command: EnterOrder) -> None:
        """Remember the order entered under a client order id."""
        memory = self._memories.get(account)
        if memory is None:
            memory = self._memories[account] = _Memory()
        if self._shared is not None:
            row = ("E", *msgspec.structs.astuple(command)[:_FIELDS_AT_FIRST])
            self.chain = zlib.crc32(_encode_at_first((order_id, row)), self.chain)
        else:
            self.chain = zlib.crc32(_encode((order_id, command)), self.chain)
            if client_order_id in memory.named:  # of an order that is too old to count
                self._drop_oldest(account, memory, until=memory.named[client_order_id][0])
        memory.named[client_order_id] = (order_id, command)

    def done(self, order: Order, seq: Seq, ts_ns: int) -> None:
        """Remember that `order` ended in the command `seq`; forget what is beyond its account's capacity."""
        account, order_id = order.account, order.order_id
        memory = self._memories.get(account)
        if memory is None:
            memory = self._memories[account] = _Memory()
        self._length += 1
        if self._shared is not None:
            self._done_among_all(account, memory, order_id, order.client_order_id, seq)
            return
        if ts_ns >= self._hour_ends_ns:
            self._begin_hour(ts_ns)
        self.chain = zlib.crc32(_pack_end(order_id, account, seq), self.chain)
        ends = memory.ends
        memory.done[order_id] = self._hour
        ends.append(order_id)
        memory.names.append(order.client_order_id)
        memory.end_seqs.append(seq)
        if len(ends) > memory.capacity:
            self._grow(account, memory)
        if not memory.aging:
            memory.aging = True
            heapq.heappush(self._aging, (self._hour, account))
        if self._sweeping:
            self._sweep(self._hour - REMEMBERED_HOURS)
        if self._length > REMEMBERED_IN_ALL:
            self._drop_excess()

    def split_by_account(self, seq: Seq, ts_ns: int) -> None:
        """Give each account a memory of its own, where all count as ended now. O(done orders) once, then O(1)."""
        shared, self._shared = self._shared, None
        if shared is None:
            return
        self.chain = zlib.crc32(_pack(seq, ts_ns), self.chain)
        self._begin_hour(ts_ns)
        for account, order_id, client_order_id in shared:
            memory = self._memories[account]
            memory.done[order_id] = self._hour
            memory.ends.append(order_id)
            memory.names.append(client_order_id)
            memory.end_seqs.append(seq)
            if len(memory.ends) > memory.capacity:
                self._grow(account, memory)
            if not memory.aging:
                memory.aging = True
                heapq.heappush(self._aging, (self._hour, account))
        self._drop_excess()

    def _begin_hour(self, ts_ns: int) -> None:
        """The hour of `ts_ns` begins for what ends: others get too old by it."""
        self._hour = ts_ns // HOUR_NS
        self._hour_ends_ns = (self._hour + 1) * HOUR_NS
        self._sweeping = True
        self.chain = zlib.crc32(_pack(self._hour, self._length), self.chain)

    def _grow(self, account: AccountId, memory: _Memory) -> None:
        """A memory has more done orders than its capacity: it grows, or forgets one. O(log accounts)."""
        if memory.capacity >= REMEMBERED_MAX:
            self._drop_oldest(account, memory)
        else:
            self._resize(account, memory, memory.size + 1)

    def _resize(self, account: AccountId, memory: _Memory, size: int) -> None:
        if memory.size:
            self._large.remove((memory.size, account))
        if size:
            self._large.add((size, account))
        memory.size, memory.capacity = size, min((size + 1) * REMEMBERED_LEAST, REMEMBERED_MAX)

    def _drop_excess(self) -> None:
        """Drop what is beyond the capacity of all memories: what is too old, then of those that remember the most.

        Of several as large by `REMEMBERED_LEAST`, that of the highest number. O(log accounts) for each that is dropped.
        """
        while self._length > REMEMBERED_IN_ALL:
            if self._aging and self._aging[0][0] < self._hour - REMEMBERED_HOURS:
                self._sweep(self._hour - REMEMBERED_HOURS)
            elif self._large:
                account = self._large[-1][1]
                self._drop_oldest(account, self._memories[account])
            else:
                return

    def _done_among_all(
        self, account: AccountId, memory: _Memory, order_id: OrderId, client_order_id: str | None, seq: Seq
    ) -> None:
        """By the first edition: of all accounts' done orders the one goes that has been done the longest."""
        shared = self._shared
        if shared is None:
            return
        memory.done[order_id] = 0
        shared.append((account, order_id, client_order_id))
        if len(shared) > SHARED_WINDOW:
            owner, oldest, name = shared.popleft()
            self._forget(owner, self._memories[owner], oldest, name, seq)
        self.chain = zlib.crc32(_pack(order_id, account), self.chain)

    def _sweep(self, oldest: int) -> None:
        """Drop up to `SWEPT` orders that ended before the hour `oldest`, of whichever account. O(log accounts)."""
        aging = self._aging
        for _ in range(SWEPT):
            if not aging or aging[0][0] >= oldest:
                self._sweeping = False
                return
            account = aging[0][1]
            memory = self._memories[account]
            if memory.ends and memory.done[memory.ends[0]] < oldest:
                self._drop_oldest(account, memory)
            if memory.ends:
                if memory.done[memory.ends[0]] != aging[0][0]:
                    heapq.heapreplace(aging, (memory.done[memory.ends[0]], account))
                continue
            heapq.heappop(aging)
            memory.aging = False
            if not memory.named:
                del self._memories[account]

    def _drop_oldest(self, account: AccountId, memory: _Memory, until: OrderId | None = None) -> None:
        """Drop the order of an account that has been done the longest; with `until`, all down to that one."""
        while True:
            order_id = memory.ends.popleft()
            self._forget(account, memory, order_id, memory.names.popleft(), memory.end_seqs.popleft())
            if memory.size and len(memory.ends) <= memory.size * REMEMBERED_LEAST:
                self._resize(account, memory, memory.size - 1)
            if until is None or order_id == until:
                return

    def _forget(
        self, account: AccountId, memory: _Memory, order_id: OrderId, client_order_id: str | None, until: Seq
    ) -> None:
        del memory.done[order_id]
        self._length -= 1
        self._forgotten[account] = until
        if client_order_id is not None:
            del memory.named[client_order_id]


def oldest_hour(ts_ns: int) -> int:
    """The hour since the epoch from which on the ends of orders are remembered at this time."""
    return ts_ns // HOUR_NS - REMEMBERED_HOURS
