"""One batch of commands as a record: encoded, checksummed, and chained by hash to the one before.

A record is what the journal stores and what a replicated log can carry as it is. `n` counts
records from 1; `first_seq` is the seq of its first command, the others follow one by one;
`ts_ns` (epoch nanoseconds) is the time of all of them. The body is one version byte and a
msgpack array of tagged commands; where front doors sent some of them under keys, an array of that one and of the
submissions, which say which.
Layer: journal. No I/O.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Sequence
from typing import Final

import msgspec

from engine.commands import Command, WriterChanged

# 6: a record without submissions is written so still, byte for byte
# 5: before orders could be take-profits; 4: before a mass cancel came in parts; 3: before rules had editions;
# 2: before orders had options; all are read.
# 1: before accounts had funds
BODY_VERSION: Final = 7
PLAIN_VERSION: Final = 6
OLDEST_VERSION: Final = 2
KEY_BYTES: Final = 16
GENESIS: Final = bytes(32)  # what the first record is chained to

_HEADER = struct.Struct(">QqQI")  # n, ts_ns, first_seq, count: of fixed width, so no two headers read alike
_VERSION_BYTE = bytes([PLAIN_VERSION])
_SUBMITTED_BYTE = bytes([BODY_VERSION])
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Command]).decode


class Submission(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Commands of a record that a front door sent together, under one key."""

    key: bytes  # 16 bytes: what makes it the same submission wherever it is sent again
    place: int  # of its first command in the record, from 0
    count: int  # of its commands, which follow one by one
    fingerprint: bytes = b""  # of what was asked, 16 bytes, where somebody else may use the key
    sender: bytes = b""  # who sent it, where somebody else may: what a front door calls itself


_decode_both = msgspec.msgpack.Decoder(tuple[list[Command], list[Submission]]).decode
_decode_submissions = msgspec.msgpack.Decoder(tuple[msgspec.Raw, list[Submission]]).decode


class BatchRecord(msgspec.Struct, frozen=True):
    """One sealed batch, field for field what the journal stores."""

    n: int
    ts_ns: int  # epoch nanoseconds
    first_seq: int
    count: int  # of commands: at least 1
    prev_chain: bytes  # 32 bytes: `chain` of record n - 1, or GENESIS
    body: bytes
    chain: bytes  # 32 bytes: SHA-256 over prev_chain, header and body
    crc32: int  # over header and body

    @property
    def last_seq(self) -> int:
        """The seq of the record's last command."""
        return self.first_seq + self.count - 1


class CorruptRecord(Exception):
    """A record is not what was sealed, or does not follow the one before. Names the record."""

    def __init__(self, n: int, what: str) -> None:
        super().__init__(f"record {n}: {what}")
        self.n = n


class UnknownVersion(Exception):
    """A sound record in an encoding that this version does not know. It is no damage: never cut it."""


def seal(
    n: int,
    ts_ns: int,
    first_seq: int,
    commands: Sequence[Command],
    prev_chain: bytes = GENESIS,
    submissions: Sequence[Submission] = (),
) -> BatchRecord:
    """Encode `commands` into record `n`; `submissions` say which of them came under keys, in order. O(bytes).

    Without any, the bytes are those that versions before there were submissions wrote, but for a WriterChanged.
    Raises ValueError for an empty batch, and OverflowError or UnicodeEncodeError for a command
    with an integer beyond 64 bits or a text that is no Unicode: such must be refused before.
    """
    if not commands:
        raise ValueError("a batch holds at least one command")
    if submissions or WriterChanged in map(type, commands):  # which older versions must refuse, not take for damage
        body = _SUBMITTED_BYTE + _encode((commands, submissions))
    else:
        body = _VERSION_BYTE + _encode(commands)
    return seal_body(n, ts_ns, first_seq, len(commands), body, prev_chain)


def seal_body(n: int, ts_ns: int, first_seq: int, count: int, body: bytes, prev_chain: bytes) -> BatchRecord:
    """The record of a body that is encoded already, of `count` commands. O(bytes)."""
    header = _HEADER.pack(n, ts_ns, first_seq, count)
    chain, crc32 = _fingerprints(prev_chain, header, body)
    return BatchRecord(n, ts_ns, first_seq, count, prev_chain, body, chain, crc32)


def open_batch(record: BatchRecord) -> list[Command]:
    """Return the commands of a verified record, in order. O(bytes).

    Raises UnknownVersion for a body of another version, CorruptRecord when it cannot be decoded.
    """
    return open_submitted(record)[0]


def open_submitted(record: BatchRecord) -> tuple[list[Command], list[Submission]]:
    """The same, with the submissions that the record has. O(bytes). Raises as `open_batch`."""
    if not OLDEST_VERSION <= record.body[0] <= BODY_VERSION:
        if record.body[0] < OLDEST_VERSION:
            raise UnknownVersion(
                f"record {record.n} was written by an older Openbell, whose accounts had no funds (body version "
                f"{record.body[0]}, this one reads {OLDEST_VERSION} to {BODY_VERSION}): start with another --data "
                "folder"
            )
        raise UnknownVersion(
            f"record {record.n} was written by a newer Openbell (body version {record.body[0]}, "
            f"this one reads {OLDEST_VERSION} to {BODY_VERSION}): start that one"
        )
    try:
        if record.body[0] <= PLAIN_VERSION:
            commands, submissions = _decode(memoryview(record.body)[1:]), list[Submission]()
        else:
            commands, submissions = _decode_both(memoryview(record.body)[1:])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CorruptRecord(record.n, f"its body cannot be decoded: {error}") from error
    if len(commands) != record.count:
        raise CorruptRecord(record.n, f"it holds {len(commands)} commands and says {record.count}")
    if submissions:
        _require_in_order(record, submissions)
    return commands, submissions


def submissions_of(record: BatchRecord) -> list[Submission]:
    """The submissions of a verified record, without its commands. O(bytes), O(1) where it has none.

    Raises CorruptRecord when they cannot be decoded.
    """
    if record.body[0] != BODY_VERSION:
        return []
    try:
        _, submissions = _decode_submissions(memoryview(record.body)[1:])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CorruptRecord(record.n, f"its body cannot be decoded: {error}") from error
    _require_in_order(record, submissions)
    return submissions


def _require_in_order(record: BatchRecord, submissions: Sequence[Submission]) -> None:
    """Raise CorruptRecord where a submission is not one of the record's commands, or they overlap."""
    free = 0
    for each in submissions:
        if (
            each.place < free
            or each.count < 1
            or len(each.key) != KEY_BYTES
            or len(each.fingerprint) not in (0, KEY_BYTES)
        ):
            raise CorruptRecord(record.n, "a submission in it is none")
        free = each.place + each.count
    if free > record.count:
        raise CorruptRecord(record.n, f"a submission ends with command {free}, it holds {record.count}")


def verify_alone(record: BatchRecord) -> None:
    """Check what can be checked without its neighbours. Raises CorruptRecord. O(bytes)."""
    try:
        header = _HEADER.pack(record.n, record.ts_ns, record.first_seq, record.count)
        chain, crc32 = _fingerprints(record.prev_chain, header, record.body)
    except (struct.error, TypeError) as error:
        raise CorruptRecord(record.n, f"a field is of the wrong kind: {error}") from error
    if crc32 != record.crc32:
        raise CorruptRecord(record.n, "its checksum does not match its content")
    if chain != record.chain:
        raise CorruptRecord(record.n, "its chain hash does not match its content")
    if record.count < 1 or not record.body:
        raise CorruptRecord(record.n, "it is empty")


def verify(record: BatchRecord, previous: BatchRecord | None) -> None:
    """Check `record` and that it follows `previous` (None: that it is the first).

    Raises CorruptRecord, naming the record and what is wrong. O(bytes).
    """
    n, seq, ts_ns, chain = (
        (1, 1, 0, GENESIS) if previous is None else
        (previous.n + 1, previous.last_seq + 1, previous.ts_ns, previous.chain)
    )  # fmt: skip
    if record.n != n:
        raise CorruptRecord(n, f"it is missing; record {record.n} stands in its place")
    verify_alone(record)
    if record.prev_chain != chain:
        raise CorruptRecord(n, "it is not chained to the record before it")
    if record.first_seq != seq:
        raise CorruptRecord(n, f"its first seq is {record.first_seq} where {seq} was due")
    if record.ts_ns < ts_ns:
        raise CorruptRecord(n, f"its time went back, from {ts_ns} to {record.ts_ns}")


def _fingerprints(prev_chain: bytes, header: bytes, body: bytes) -> tuple[bytes, int]:
    """The chain hash and the CRC-32 of a record."""
    digest = hashlib.sha256(prev_chain)
    digest.update(header)
    digest.update(body)
    return digest.digest(), zlib.crc32(body, zlib.crc32(header))
