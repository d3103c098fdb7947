"""One segment of the archive: consecutive records in one compressed file that says by itself what it holds.

A head of fixed width, then the records, compressed together. Of a record are kept its time, count, checksum and body:
number, seq and chain follow from the head, and are made again when it is read, which is what proves it.
8,000 records of one to twenty commands, measured on two cores: 34 bytes a command, 52 in the journal's file; 10.7 by
zlib's level 6 (64 ms, 6 ms to read), 13.0 by level 1, 10.4 by level 9 (207 ms); 11.5 by zstandard's level 3 (8 ms, 2 to
read), 10.4 by its level 9 (56 ms). So the standard library does.
Layer: journal. No I/O.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from journal.codec import BatchRecord, CorruptRecord, seal_body

SEGMENT_RECORDS: Final = 8_000
SEGMENT_BYTES: Final = 2 * 2**20  # of bodies; one record more may come, so that there is always one
RAW_BYTES_MAX: Final = 2**30  # what a head may say: more is no segment of ours
LEVEL: Final = 6  # of zlib

_MAGIC: Final = b"OBELSEG1"
# first n, last n, first seq, last seq, chain before the first, chain of the last, bytes raw, packed, their SHA-256
_HEAD: Final = struct.Struct(">8sQQQQ32s32sQQ32s")
_CRC: Final = struct.Struct(">I")
_RECORD: Final = struct.Struct(">qIII")  # ts_ns, count, crc32, bytes of the body
HEAD_BYTES: Final = _HEAD.size + _CRC.size


class Segment(msgspec.Struct, frozen=True):
    """What a segment holds, as its head and the manifest say."""

    file: str
    first_n: int
    last_n: int
    first_seq: int
    last_seq: int
    prev_chain: str  # of the record before the first, hexadecimal
    last_chain: str
    count: int  # of records
    raw_bytes: int
    packed_bytes: int  # without the head
    sha256: str  # of the packed bytes


class SegmentDamaged(Exception):
    """A segment is not what was written. Names the file, and the first record that cannot be read."""

    def __init__(self, file: str, what: str, n: int | None = None) -> None:
        named = f"segment {file}" if n is None else f"segment {file}, record {n}"
        super().__init__(f"{named}: {what}")
        self.file = file
        self.n = n


def segment_name(first_n: int, last_n: int) -> str:
    """The name of its file: sorted by name, segments are sorted by record."""
    return f"segment-{first_n:012d}-{last_n:012d}.oba"


def pack(records: Sequence[BatchRecord]) -> tuple[Segment, bytes]:
    """The file of consecutive, verified records, and what it holds. O(bytes)."""
    first, last = records[0], records[-1]
    raw = b"".join(
        _RECORD.pack(record.ts_ns, record.count, record.crc32, len(record.body)) + record.body for record in records
    )
    packed = zlib.compress(raw, LEVEL)
    digest = hashlib.sha256(packed)
    head = _HEAD.pack(
        _MAGIC, first.n, last.n, first.first_seq, last.last_seq, first.prev_chain, last.chain, len(raw), len(packed),
        digest.digest(),
    )  # fmt: skip
    segment = Segment(
        segment_name(first.n, last.n), first.n, last.n, first.first_seq, last.last_seq, first.prev_chain.hex(),
        last.chain.hex(), len(records), len(raw), len(packed), digest.hexdigest(),
    )  # fmt: skip
    return segment, head + _CRC.pack(zlib.crc32(head)) + packed


def head_of(file: str, data: bytes) -> Segment:
    """What the beginning of a file, HEAD_BYTES or more of it, says that it holds. Raises SegmentDamaged."""
    if len(data) < HEAD_BYTES:
        raise SegmentDamaged(file, f"it has {len(data)} bytes, less than a head")
    head = data[: _HEAD.size]
    if _CRC.unpack_from(data, _HEAD.size)[0] != zlib.crc32(head):
        raise SegmentDamaged(file, "its head does not match its checksum")
    magic, first_n, last_n, first_seq, last_seq, prev_chain, chain, raw_bytes, packed_bytes, sha256 = _HEAD.unpack(head)
    if magic != _MAGIC:
        raise SegmentDamaged(file, "it is no segment that this version knows")
    if not 0 < first_n <= last_n or raw_bytes > RAW_BYTES_MAX:
        raise SegmentDamaged(file, "its head contradicts itself")
    return Segment(
        file, first_n, last_n, first_seq, last_seq, prev_chain.hex(), chain.hex(), last_n - first_n + 1, raw_bytes,
        packed_bytes, sha256.hex(),
    )  # fmt: skip


def unpack(segment: Segment, data: bytes) -> list[BatchRecord]:
    """The records of a file of which `segment` is known, each verified, and chained to the last. O(bytes).

    Raises SegmentDamaged.
    """
    if head_of(segment.file, data) != segment:
        raise SegmentDamaged(segment.file, "it holds other records than the manifest says")
    packed = data[HEAD_BYTES:]
    is_whole = len(packed) == segment.packed_bytes and hashlib.sha256(packed).hexdigest() == segment.sha256
    records: list[BatchRecord] = []
    try:
        for record in _records(segment, _inflated(segment, packed)):
            records.append(record)  # those before a damaged one count
    except CorruptRecord as error:
        raise SegmentDamaged(segment.file, str(error).partition(": ")[2], error.n) from error
    last = records[-1]
    if (last.n, last.last_seq, last.chain.hex()) != (segment.last_n, segment.last_seq, segment.last_chain):
        raise SegmentDamaged(segment.file, "its records do not lead to the chain that its head says", last.n)
    if not is_whole:
        raise SegmentDamaged(segment.file, "its bytes do not match their checksum, though its records do", last.n)
    return records


def _inflated(segment: Segment, packed: bytes) -> bytes:
    """As many of the raw bytes as can be made, and one more than there should be at most."""
    stream, raw = zlib.decompressobj(), bytearray()
    for at in range(0, len(packed), 4096):  # in pieces: what comes before damage is had
        try:
            raw += stream.decompress(packed[at : at + 4096], segment.raw_bytes + 1 - len(raw))
        except zlib.error:
            break
        if len(raw) > segment.raw_bytes:
            break
    return bytes(raw)


def _records(segment: Segment, raw: bytes) -> Iterator[BatchRecord]:
    """The records that raw bytes make. Raises CorruptRecord at the first that is not what was sealed."""
    at, seq, chain = 0, segment.first_seq, bytes.fromhex(segment.prev_chain)
    for n in range(segment.first_n, segment.last_n + 1):
        if at + _RECORD.size > len(raw):
            raise CorruptRecord(n, "it cannot be read")
        ts_ns, count, crc32, size = _RECORD.unpack_from(raw, at)
        at += _RECORD.size
        if at + size > len(raw) or not count or not size:
            raise CorruptRecord(n, "it cannot be read")
        record = seal_body(n, ts_ns, seq, count, raw[at : at + size], chain)
        if record.crc32 != crc32:
            raise CorruptRecord(n, "its checksum does not match its content")
        yield record
        at, seq, chain = at + size, seq + count, record.chain
    if at != len(raw):
        raise CorruptRecord(segment.last_n, "there are bytes behind it")
