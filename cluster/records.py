"""How a record travels in the replicated log, and what makes it follow the one before.

The log's value is the journal's record field for field, in one msgpack array behind a version byte, so that the same
record is the same bytes from every node: an append that was not answered is known again by them.
Layer: cluster. No I/O.
"""

from __future__ import annotations

from typing import Final

import msgspec

from journal.codec import GENESIS, BatchRecord, CorruptRecord, verify_alone

VALUE_VERSION: Final = 1

_VERSION_BYTE: Final = bytes([VALUE_VERSION])
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(tuple[int, int, int, int, bytes, bytes, bytes, int]).decode


class Position(msgspec.Struct, frozen=True):
    """A place in the list of records: behind record `n`. What comes next must follow all four."""

    n: int = 0
    chain: bytes = GENESIS  # of record n
    seq: int = 0  # of its last command
    ts_ns: int = 0  # its time, epoch nanoseconds


START: Final = Position()  # before the first record


def position_of(record: BatchRecord | None) -> Position:
    """The position behind `record`; None: before the first."""
    return START if record is None else Position(record.n, record.chain, record.last_seq, record.ts_ns)


def encode_record(record: BatchRecord) -> bytes:
    """The record as the log's value. O(bytes)."""
    fields = (record.n, record.ts_ns, record.first_seq, record.count, record.prev_chain, record.body)
    return _VERSION_BYTE + _encode((*fields, record.chain, record.crc32))


def decode_record(n: int, value: bytes) -> BatchRecord:
    """The record that is stored as `n`, not yet verified. Raises CorruptRecord. O(bytes)."""
    if value[:1] != _VERSION_BYTE:
        raise CorruptRecord(n, "the log holds it in a format that this version does not know")
    try:
        record = BatchRecord(*_decode(memoryview(value)[1:]))
    except ValueError as error:  # DecodeError, or a text that is none
        raise CorruptRecord(n, f"the log's value cannot be decoded: {error}") from error
    if record.n != n:
        raise CorruptRecord(n, f"the log has record {record.n} in its place")
    return record


def verify_behind(record: BatchRecord, position: Position) -> None:
    """Check `record`, and that it follows `position`. Raises CorruptRecord. O(bytes)."""
    if record.n != position.n + 1:
        raise CorruptRecord(position.n + 1, f"it is missing; record {record.n} stands in its place")
    verify_alone(record)
    if record.prev_chain != position.chain:
        raise CorruptRecord(record.n, "it is not chained to the record before it")
    if record.first_seq != position.seq + 1:
        raise CorruptRecord(record.n, f"its first seq is {record.first_seq} where {position.seq + 1} was due")
    if record.ts_ns < position.ts_ns:
        raise CorruptRecord(record.n, f"its time went back, from {position.ts_ns} to {record.ts_ns}")
