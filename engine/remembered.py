"""What is remembered of one account, as it is written: its done orders, and what was asked for by client order id.

A start reads this of every account whose orders it replays, so what is needed with each order (ends, names, hours) can
be had at once, and what hardly ever is (how an order was asked for) is compressed by itself and stays so.
Layer: engine.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Final, NamedTuple

import msgspec
from msgspec import Raw

from engine.commands import EnterOrder
from engine.rejects import InvariantViolation
from engine.types import OrderId, Seq

COMPRESSED_FROM: Final = 4096  # bytes: below, compressing costs more than it saves
COMPRESSION: Final = 1  # of zlib
ENTRIES_BYTES_MAX: Final = 2**30

End = tuple[OrderId, str | None, Seq]  # a done order, its client order id, the seq of the command that ended it
Entered = tuple[OrderId, EnterOrder]  # an order that has a client order id, and how it was asked for

_encode = msgspec.msgpack.Encoder().encode


class _Content(msgspec.Struct, array_like=True, gc=False):
    """What is remembered of one account, since format 3 of a state."""

    ends: list[End]  # of its done orders, oldest first
    hours: list[tuple[int, int]]  # an hour, and how many of `ends` were in it; in their order
    names: list[str]  # in the order of their entry: of open orders, and where all accounts share a window of all
    ids: list[OrderId]  # of the same
    entries: bytes  # an array of EnterOrder: of `ends`, as far as they have names, then of `names`
    entries_bytes: int  # before they were compressed; 0: they are not


class _OlderContent(msgspec.Struct, array_like=True, gc=False):
    """The same in formats 1 and 2. The columns `seqs` and `hours` are of `ids`, its done orders, oldest first."""

    named: list[Entered]  # in the order of their entry
    ids: list[OrderId]
    seqs: list[Seq]  # of the commands that ended them
    hours: list[int]  # in which they ended
    unnamed: list[OrderId]  # those of `ids` without a client order id


_decode = msgspec.msgpack.Decoder(_Content).decode
_decode_older = msgspec.msgpack.Decoder(_OlderContent).decode
_decode_entries = msgspec.msgpack.Decoder(list[Raw]).decode
_decode_entry = msgspec.msgpack.Decoder(EnterOrder).decode


class PackedEntries:
    """How orders were asked for, as it was written; unpacked whole when the first is wanted."""

    __slots__ = ("_bytes", "_packed", "_unpacked", "ids")

    def __init__(self, ids: list[OrderId], packed: bytes, unpacked_bytes: int) -> None:
        """`ids` of the orders, in the order of `packed`; `unpacked_bytes` 0: it is not compressed."""
        self.ids = ids
        self._packed = packed
        self._bytes = unpacked_bytes
        self._unpacked: list[Raw] | None = None

    def at(self, place: int) -> Entered:
        """The order at a place. O(1), the first time O(entries). Raises InvariantViolation where it cannot be read."""
        try:
            if self._unpacked is None:
                self._unpacked = self._all()
            return self.ids[place], _decode_entry(self._unpacked[place])
        except (msgspec.DecodeError, ValueError, LookupError, zlib.error) as problem:
            raise InvariantViolation(f"how an order was asked for cannot be read: {problem}") from None

    def _all(self) -> list[Raw]:
        packed = self._packed
        if self._bytes:
            if self._bytes > ENTRIES_BYTES_MAX:
                raise ValueError(f"{self._bytes} bytes of them")
            packed = zlib.decompressobj().decompress(packed, self._bytes)
        entries = _decode_entries(packed)
        self._packed = b""
        return entries


class Content(NamedTuple):
    """What is remembered of one account, as it was written."""

    named: dict[str, Entered | int]  # open and done orders by client order id; a place among `entries`
    done: dict[OrderId, int]  # done orders, and the hours in which they ended
    ends: list[End]  # of these, oldest first
    entries: PackedEntries | None


def packed(ends: Sequence[End], done: Mapping[OrderId, int], named: Mapping[str, Entered]) -> Raw:
    """What is remembered of one account, to be written. O(ends + named)."""
    ended = dict.fromkeys(name for _, name, _ in ends if name is not None)  # no two of them have one name
    names = [name for name in named if name not in ended]
    entries = _encode([named[name][1] for name in [*ended, *names]])
    compressed = len(entries) >= COMPRESSED_FROM
    content = _Content(
        list(ends),
        [(hour, len(list(group))) for hour, group in groupby([done[order_id] for order_id, _, _ in ends])],
        names,
        [named[name][0] for name in names],
        zlib.compress(entries, COMPRESSION) if compressed else entries,
        len(entries) if compressed else 0,
    )
    return Raw(_encode(content))


def unpacked(encoded: Raw) -> Content:
    """The same, read. O(ends + names). Raises msgspec.DecodeError, ValueError where it contradicts itself."""
    content = _decode(encoded)
    ends = content.ends
    numbers = [end[0] for end in ends]
    done: dict[OrderId, int] = {}
    at = 0
    for hour, count in content.hours:
        done.update(dict.fromkeys(numbers[at : at + count], hour))
        at += count
    names = [end[1] for end in ends]
    if None in names:
        numbers = [end[0] for end in ends if end[1] is not None]
        names = [name for name in names if name is not None]
    names += content.names
    numbers += content.ids
    if at != len(ends) or len(done) != len(ends) or len(names) != len(numbers):
        raise ValueError("its columns are not of one length")
    named = dict(zip(names, range(len(names)), strict=True))
    entries = PackedEntries(numbers, content.entries, content.entries_bytes)
    return Content(named, done, ends, entries)  # type: ignore[arg-type] # no name is None any more


def unpacked_older(encoded: Raw) -> Content:
    """The same of a state of format 1 or 2. Raises as `unpacked`, and LookupError."""
    content = _decode_older(encoded)
    names: dict[OrderId, str | None] = {number: entry.client_order_id for number, entry in content.named}
    named: dict[str, Entered | int] = {name: first for first in content.named if (name := names[first[0]]) is not None}
    names.update(dict.fromkeys(content.unnamed))
    done = dict(zip(content.ids, content.hours, strict=True))
    ends = [(number, names[number], seq) for number, seq in zip(content.ids, content.seqs, strict=True)]
    return Content(named, done, ends, None)
