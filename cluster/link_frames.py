"""The frames of the link from a front door to the writer.

A frame is its length in four bytes, big-endian, and a msgpack array that begins with the frame's name, as in the record
stream. Either side begins with a hello. A door sends submissions, each under its key, and sends the same bytes again on
the next link for as long as it has no answer; the writer says only why one is not taken, or that it was taken long ago.
What came of one that is taken is in its record, which the door follows by itself.
Layer: cluster. No I/O.
"""

from __future__ import annotations

from typing import Final

import msgspec

from replica.frames import FrameReader, frame_of
from sequencer.port import Submit

FORMAT: Final = 1  # raise it with every change below
FRAME_BYTES_MAX: Final = 16 * 2**20  # more than the largest submission is


class DoorHello(msgspec.Struct, frozen=True, array_like=True, tag="hello"):
    """The first frame of a front door."""

    format: int
    door: str  # its name, for logs and figures
    seq: int  # the last command that it has applied


class WriterHello(msgspec.Struct, frozen=True, array_like=True, tag="hello"):
    """The first frame of the writer."""

    format: int
    node: str  # its name; "" where there is one alone
    epoch: int  # of its ownership; 0 where there is one alone
    seq: int  # the last command that it has applied


class NotTaken(msgspec.Struct, frozen=True, array_like=True, tag="refused"):
    """The writer has not taken a submission."""

    key: bytes
    why: str
    kind: str  # one of `KINDS`


REFUSED: Final = "refused"  # and never will as it was given
TOO_MANY: Final = "too many"  # definite as well: as many wait as may
DEADLINE: Final = "deadline"  # definite as well
REUSED: Final = "reused"  # definite as well: its key stands for something else
SIGNATURE_USED: Final = "signature used"  # definite as well: the signed request came before
SIGNATURE_OLD: Final = "signature old"  # definite as well: whether it did is not known any more
INVALID: Final = "invalid"  # definite as well: it cannot be encoded
FORGOTTEN: Final = "forgotten"  # nobody can say whether it was taken before
LATER: Final = "later"  # send it again to the next writer: this one ends
KINDS: Final = (REFUSED, TOO_MANY, DEADLINE, REUSED, SIGNATURE_USED, SIGNATURE_OLD, INVALID, FORGOTTEN, LATER)


class Known(msgspec.Struct, frozen=True, array_like=True, tag="known"):
    """A submission was taken before: wait until this seq is applied, and find it by its key."""

    key: bytes
    first_seq: int


class Ping(msgspec.Struct, frozen=True, array_like=True, tag="ping"):
    """Either side, each second and whenever it changes much: it is there, and how far."""

    seq: int  # the last command that it has applied
    ts_ns: int  # the venue's time there
    history_seq: int = 0  # of the writer: up to where the history is written


class Notice(msgspec.Struct, frozen=True, array_like=True, tag="notice"):
    """Something that is no part of the order path, from either side. Delivered in order, and lost with the link."""

    topic: str
    body: bytes


FromDoor = DoorHello | Submit | Ping | Notice
FromWriter = WriterHello | NotTaken | Known | Ping | Notice

_encode: Final = msgspec.msgpack.Encoder().encode


def from_door() -> FrameReader[FromDoor]:
    """Reads what a front door sends."""
    return FrameReader(msgspec.msgpack.Decoder(FromDoor), FRAME_BYTES_MAX)


def from_writer() -> FrameReader[FromWriter]:
    """Reads what the writer sends."""
    return FrameReader(msgspec.msgpack.Decoder(FromWriter), FRAME_BYTES_MAX)


def framed(message: FromDoor | FromWriter) -> bytes:
    """The bytes of one frame. Raises BadFrame when it would be longer than one may be. O(bytes)."""
    return frame_of(_encode(message), FRAME_BYTES_MAX)
