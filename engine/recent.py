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
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable

import msgspec
from msgspec import Raw

from engine.commands import EnterOrder
from engine.order import Order
from engine.rejects import InvariantViolation
from engine.remembered import Content, End, Entered, PackedEntries, packed, unpacked, unpacked_older
from engine.rulebook import OWN_MEMORIES_SINCE
from engine.types import AccountId, OrderId, Seq

REMEMBERED_MAX = 50_000  # done orders of one account: more than can end while one of its orders waits in the queue
REMEMBERED_IN_ALL = 1_000_000  # done orders of all accounts: half a gigabyte, if all have client order ids
REMEMBERED_LEAST = 200  # done orders of one account, however many accounts there are
REMEMBERED_HOURS = 24  # whole hours after the one in which an order ended
SHARED_WINDOW = 200_000  # by the first edition: done orders of all accounts together
HOUR_NS = 3_600_000_000_000
UNSURE = (OrderId(0), None)  # found for a client order id of which nobody knows whether it is new
UNCHAINED_MAX = 128  # names and ends that are digested together, in some 20 microseconds
SWEPT = 2  # too old orders that are dropped with each that ends: more than one, so that their number falls

_encode = msgspec.msgpack.Encoder().encode
_encode_at_first = msgspec.json.Encoder().encode
_pack = struct.Struct(">QQ").pack
_pack_end = struct.Struct(">QQQ").pack
_ONE_BYTE_HEADER = 16  # MessagePack writes the length of a list below this in one byte, up to 65,535 in three
_FIELDS_AT_FIRST = 11  # the fields that an EnterOrder had when the first edition's chain was defined


class _Memory:
    """What is remembered of one account. Too old orders are dropped a few at a time, and count for nothing before."""

    __slots__ = ("aging", "capacity", "done", "ends", "entries", "named", "size")

    def __init__(self) -> None:
        # Open and done orders by client order id; a place among `entries` where nobody asked since it was restored.
        self.named: dict[str, Entered | int] = {}
        self.entries: PackedEntries | None = None
        self.done: dict[OrderId, int] = {}  # the hour in which it ended, in hours since the epoch
        # Of its done orders, the oldest first. An empty deque takes what a list of ninety does, so one is made only for
        # an account with more than `REMEMBERED_LEAST`: `_resize`.
        self.ends: list[End] | deque[End] = []
        self.aging = False  # whether it is in the heap of all memories
        self.size = 0  # how many times `REMEMBERED_LEAST` it has beyond the first
        self.capacity = min(REMEMBERED_LEAST, REMEMBERED_MAX)  # done orders that it holds at this size

    def first(self, client_order_id: str) -> Entered | None:
        """The order that was entered under a client order id. O(1), but O(named) for the first of a restored memory."""
        first = self.named.get(client_order_id)
        if first.__class__ is int and self.entries is not None:
            first = self.named[client_order_id] = self.entries.at(first)
        return first  # type: ignore[return-value] # an int is a place among entries

    def entered(self) -> dict[str, Entered]:
        """All that were entered under client order ids. O(named) once after it was restored, then O(1)."""
        if self.entries is not None:
            for name in list(self.named):
                self.first(name)
            self.entries = None
        return self.named  # type: ignore[return-value] # none is a place among entries any more


class MemoryState(msgspec.Struct, array_like=True, gc=False):
    """The memory of one account. Its content is decoded when the account is first asked for."""

    account: AccountId
    done: int  # orders
    size: int
    aging: bool
    content: Raw  # of MemoryContent, in the format of the state


class RememberedState(msgspec.Struct, array_like=True, gc=False):
    """All memories."""

    memories: list[MemoryState]
    forgotten: dict[AccountId, Seq]
    aging: list[tuple[int, AccountId]]
    hour: int
    hour_ends_ns: int  # 0: none has begun
    sweeping: bool
    shared: list[tuple[AccountId, OrderId, str | None]] | None  # by the first edition; then `ids` are empty
    chain: int


class RecentOrders:
    """The done orders that each account remembers. Every method is O(1), amortised, unless it says otherwise.

    `chain` digests everything that ever went in, some of it together; with the length it stands for the content.
    """

    __slots__ = (
        "_aging", "_chain", "_forgotten", "_hour", "_hour_ends_ns", "_large", "_length", "_memories", "_packed",
        "_shared", "_sweeping", "_unchained",
    )  # fmt: skip

    def __init__(self, rulebook: int) -> None:
        self._memories: dict[AccountId, _Memory] = {}
        self._packed: dict[AccountId, MemoryState] = {}  # of a state that was restored, and not asked for since
        self._forgotten: dict[AccountId, Seq] = {}
        self._aging: list[tuple[int, AccountId]] = []  # a heap: the hour of an account's oldest end, or an earlier one
        # Memories with a size above 0, sorted: some thousand at most, for all together are bounded. Such a list takes a
        # fraction of the time that a SortedList would.
        self._large: list[tuple[int, AccountId]] = []
        self._hour = self._hour_ends_ns = 0  # the hour in which the last order ended
        self._sweeping = False  # whether too old orders may be left
        self._shared: deque[tuple[AccountId, OrderId, str | None]] | None = (
            deque() if rulebook < OWN_MEMORIES_SINCE else None
        )
        self._length = 0
        self._chain = 0
        self._unchained: list[object] = []  # what went in since and is not digested yet: at most `UNCHAINED_MAX`

    def __len__(self) -> int:
        return self._length

    @property
    def chain(self) -> int:
        """The digest of everything that ever went in. O(`UNCHAINED_MAX`)."""
        if self._unchained:
            self._digest()
        return self._chain

    def named(self, account: AccountId, client_order_id: str, ts_ns: int) -> tuple[OrderId, EnterOrder] | None:
        """The order entered under this id, and how it was asked for; None when new or forgotten."""
        memory = self._memories.get(account) or self._unpacked(account)
        first = None if memory is None else memory.first(client_order_id)
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
        memory = self._memories.get(account) or self._unpacked(account)
        if memory is not None:
            first = memory.first(client_order_id) if client_order_id in memory.named else None
            if first is not None:
                ended = memory.done.get(first[0])
                if ended is None or self._shared is not None or ended >= oldest_hour(ts_ns):
                    return first
            if looked_until is None or (memory.ends and memory.ends[-1][2] <= looked_until):
                return None  # all that is forgotten ended before that
        if looked_until is None or self._shared is not None or looked_until >= self.forgotten_until(account, ts_ns):
            return None
        return UNSURE

    def is_done(self, account: AccountId, order_id: OrderId, ts_ns: int) -> bool:
        """Whether this is a done order of `account`, and remembered."""
        memory = self._memories.get(account) or self._unpacked(account)
        ended = None if memory is None else memory.done.get(order_id)
        return ended is not None and (self._shared is not None or ended >= oldest_hour(ts_ns))

    def forgotten_until(self, account: AccountId, ts_ns: int) -> Seq:
        """The seq by which all orders had ended that `account` has forgotten; 0 when it has forgotten none.

        O(1) but for an account with orders that are too old and not dropped yet: O(remembered / 64).
        """
        memory = self._memories.get(account) or self._unpacked(account)
        if memory is not None and memory.ends:
            ended, oldest = memory.done, oldest_hour(ts_ns)
            if ended[memory.ends[0][0]] < oldest:
                return memory.ends[bisect_left(memory.ends, oldest, key=lambda end: ended[end[0]]) - 1][2]
        return self._forgotten.get(account, Seq(0))

    def name(self, account: AccountId, client_order_id: str, order_id: OrderId, command: EnterOrder) -> None:
        """Remember the order entered under a client order id."""
        memory = self._memories.get(account) or self._unpacked(account)
        if memory is None:
            memory = self._memories[account] = _Memory()
        entered = order_id, command
        if self._shared is not None:
            row = ("E", *msgspec.structs.astuple(command)[:_FIELDS_AT_FIRST])
            self._chain = zlib.crc32(_encode_at_first((order_id, row)), self.chain)
        else:
            self._unchained.append(entered)
            if len(self._unchained) >= UNCHAINED_MAX:
                self._digest()
            if memory.named.setdefault(client_order_id, entered) is entered:  # most are new: found and kept at once
                return
            old = memory.first(client_order_id)
            if old is not None:
                self._drop_oldest(account, memory, until=old[0])  # it is too old to count
        memory.named[client_order_id] = entered

    def done(self, order: Order, seq: Seq, ts_ns: int) -> None:
        """Remember that `order` ended in the command `seq`; forget what is beyond its account's capacity."""
        account, order_id = order.account, order.order_id
        memory = self._memories.get(account) or self._unpacked(account)
        if memory is None:
            memory = self._memories[account] = _Memory()
        self._length += 1
        if self._shared is not None:
            self._done_among_all(account, memory, order_id, order.client_order_id, seq)
            return
        if ts_ns >= self._hour_ends_ns:
            self._begin_hour(ts_ns)
        unchained, ends = self._unchained, memory.ends
        unchained.append(Raw(_pack_end(order_id, account, seq)))
        if len(unchained) >= UNCHAINED_MAX:
            self._digest()
        memory.done[order_id] = self._hour
        ends.append((order_id, order.client_order_id, seq))
        if len(ends) > memory.capacity:
            self._grow(account, memory)
        if not memory.aging:
            memory.aging = True
            heapq.heappush(self._aging, (self._hour, account))
        if self._sweeping:
            self._sweep(self._hour - REMEMBERED_HOURS)
        if self._length > REMEMBERED_IN_ALL:
            self._drop_excess()

    def _digest(self) -> None:
        """Digest what was noted, as if each had been at once."""
        items = self._unchained
        encoded = memoryview(_encode(items))  # a header, then the items one behind the other
        self._chain = zlib.crc32(encoded[1 if len(items) < _ONE_BYTE_HEADER else 3 :], self._chain)
        items.clear()

    # -- as a state that can be written

    def saved(self) -> RememberedState:
        """Everything, to be written. O(remembered), but for accounts that nobody asked for since it was restored."""
        memories = [_saved_memory(account, memory) for account, memory in self._memories.items()]
        return RememberedState(
            sorted([*memories, *self._packed.values()], key=lambda each: each.account),
            dict(sorted(self._forgotten.items())),
            sorted(self._aging),
            self._hour,
            self._hour_ends_ns,
            self._sweeping,
            None if self._shared is None else list(self._shared),
            self.chain,
        )

    @classmethod
    def restored(cls, rulebook: int, saved: RememberedState, *, older: bool) -> RecentOrders:
        """What was written. O(accounts); of an `older` format than `engine.remembered` writes, O(remembered).

        Raises ValueError, LookupError and InvariantViolation where it contradicts itself.
        """
        recent = cls(rulebook)
        for each in saved.memories:
            each.content = each.content.copy()  # lets go of what it is a part of
            recent._packed[each.account] = each
            recent._length += each.done
            if each.size:
                recent._large.append((each.size, each.account))
        recent._large.sort()
        recent._forgotten.update(saved.forgotten)
        recent._aging = saved.aging  # sorted, so it is a heap
        recent._hour, recent._hour_ends_ns = saved.hour, saved.hour_ends_ns
        recent._sweeping, recent._chain = saved.sweeping, saved.chain
        if (recent._shared is None) != (saved.shared is None):
            raise ValueError(f"what is remembered is not of edition {rulebook}")
        if older:
            for account, each in recent._packed.items():
                recent._memories[account] = _restored_memory(each, unpacked_older)
            recent._packed.clear()
        if recent._shared is not None and saved.shared is not None:
            recent.unpack_all()
            recent._shared.extend(saved.shared)
            recent._length = len(saved.shared)
            for account, order_id, _ in saved.shared:
                recent._memories[account].done[order_id] = 0
        return recent

    def unpack_all(self) -> None:
        """Decode what was restored and not asked for yet. O(remembered). Raises InvariantViolation."""
        for account in list(self._packed):
            self._unpacked(account)

    def _unpacked(self, account: AccountId) -> _Memory | None:
        """A memory that was restored and not asked for yet. O(its done orders), once; then O(1)."""
        packed = self._packed.pop(account, None)
        if packed is None:
            return None
        memory = self._memories[account] = _restored_memory(packed)
        return memory

    def _of(self, account: AccountId) -> _Memory:
        """The memory of an account that has one."""
        return self._memories.get(account) or self._unpacked(account) or self._memories[account]

    def split_by_account(self, seq: Seq, ts_ns: int) -> None:
        """Give each account a memory of its own, where all count as ended now. O(done orders) once, then O(1)."""
        shared, self._shared = self._shared, None
        if shared is None:
            return
        self._chain = zlib.crc32(_pack(seq, ts_ns), self.chain)
        self._begin_hour(ts_ns)
        for account, order_id, client_order_id in shared:
            memory = self._memories[account]
            memory.done[order_id] = self._hour
            memory.ends.append((order_id, client_order_id, seq))
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
        self._chain = zlib.crc32(_pack(self._hour, self._length), self.chain)

    def _grow(self, account: AccountId, memory: _Memory) -> None:
        """A memory has more done orders than its capacity: it grows, or forgets one. O(large memories)."""
        if memory.capacity >= REMEMBERED_MAX:
            self._drop_oldest(account, memory)
        else:
            self._resize(account, memory, memory.size + 1)

    def _resize(self, account: AccountId, memory: _Memory, size: int) -> None:
        large = self._large
        if memory.size:
            del large[bisect_left(large, (memory.size, account))]
        if size:
            insort(large, (size, account))
        if not memory.size or not size:
            memory.ends = deque(memory.ends) if size else list(memory.ends)
        memory.size, memory.capacity = size, min((size + 1) * REMEMBERED_LEAST, REMEMBERED_MAX)

    def _drop_excess(self) -> None:
        """Drop what is beyond the capacity of all memories: what is too old, then of those that remember the most.

        Of several as large by `REMEMBERED_LEAST`, that of the highest number. O(large memories) for each that goes.
        """
        while self._length > REMEMBERED_IN_ALL:
            if self._aging and self._aging[0][0] < self._hour - REMEMBERED_HOURS:
                self._sweep(self._hour - REMEMBERED_HOURS)
            elif self._large:
                account = self._large[-1][1]
                self._drop_oldest(account, self._of(account))
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
        self._chain = zlib.crc32(_pack(order_id, account), self.chain)

    def _sweep(self, oldest: int) -> None:
        """Drop up to `SWEPT` orders that ended before the hour `oldest`, of whichever account. O(log accounts)."""
        aging = self._aging
        for _ in range(SWEPT):
            if not aging or aging[0][0] >= oldest:
                self._sweeping = False
                return
            account = aging[0][1]
            memory = self._of(account)
            if memory.ends and memory.done[memory.ends[0][0]] < oldest:
                self._drop_oldest(account, memory)
            if memory.ends:
                if memory.done[memory.ends[0][0]] != aging[0][0]:
                    heapq.heapreplace(aging, (memory.done[memory.ends[0][0]], account))
                continue
            heapq.heappop(aging)
            memory.aging = False
            if not memory.named:
                del self._memories[account]

    def _drop_oldest(self, account: AccountId, memory: _Memory, until: OrderId | None = None) -> None:
        """Drop the order of an account that has been done the longest; with `until`, all down to that one."""
        while True:
            ends = memory.ends
            order_id, client_order_id, seq = ends.pop(0) if isinstance(ends, list) else ends.popleft()
            self._forget(account, memory, order_id, client_order_id, seq)
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


def _saved_memory(account: AccountId, memory: _Memory) -> MemoryState:
    content = packed(memory.ends, memory.done, memory.entered())
    return MemoryState(account, len(memory.ends), memory.size, memory.aging, content)


def _restored_memory(saved: MemoryState, read: Callable[[Raw], Content] = unpacked) -> _Memory:
    """Raises InvariantViolation: a state is proved by its checksum when it is loaded, so this cannot be."""
    memory = _Memory()
    try:
        memory.named, memory.done, ends, memory.entries = read(saved.content)
    except (msgspec.DecodeError, ValueError, LookupError) as problem:
        raise InvariantViolation(f"what is remembered of account {saved.account} cannot be read: {problem}") from None
    memory.ends = deque(ends) if saved.size else ends
    memory.aging, memory.size = saved.aging, saved.size
    memory.capacity = min((saved.size + 1) * REMEMBERED_LEAST, REMEMBERED_MAX)
    return memory


def oldest_hour(ts_ns: int) -> int:
    """The hour since the epoch from which on the ends of orders are remembered at this time."""
    return ts_ns // HOUR_NS - REMEMBERED_HOURS
