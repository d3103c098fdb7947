"""The frames of the record stream: what the writer's process and a follower's say to each other.

A frame is its length in four bytes, big-endian, and a msgpack array that begins with the frame's name. A follower
begins with `hello`: the format, and the record that it has applied last with its chain (0 and GENESIS: none). The
writer answers with its own `hello`, which names its newest record, or with `refused`; then it sends every record behind
the follower's, as it was journaled, each when it is durable. A follower says its `position` whenever it likes; one that
cannot begin yet says it before its hello.
Layer: replica. No I/O.
"""

from __future__ import annotations

import struct
from typing import Final, Generic, TypeVar

import msgspec

from journal.codec import BatchRecord

FORMAT: Final = 2  # raise it with every change below
FRAME_BYTES_MAX: Final = 64 * 2**20  # more than any batch of commands is
SAID_BYTES_MAX: Final = 64 * 2**10  # of what a follower says

_LENGTH: Final = struct.Struct(">I")


class Hello(msgspec.Struct, frozen=True, array_like=True, tag="hello"):
    """The first frame of either side."""

    format: int
    after_n: int  # of a follower: the last record that it has applied; of the writer: its newest
    chain: bytes  # of that record
    prompt: bool = False  # of a follower: send each record at once, for somebody waits for it


class Refused(msgspec.Struct, frozen=True, array_like=True, tag="refused"):
    """The writer sends no records to this follower, and closes."""

    why: str


class Record(msgspec.Struct, frozen=True, array_like=True, tag="record"):
    """One durable record."""

    record: BatchRecord
    digests: dict[int, str] = {}  # by seq, of states within the record, as far as the writer noted them in its journal


class Hurry(msgspec.Struct, frozen=True, array_like=True, tag="hurry"):
    """Somebody waits until the follower's position is at this command: do not gather more."""

    seq: int


class Position(msgspec.Struct, frozen=True, array_like=True, tag="position"):
    """How far a follower is."""

    n: int  # the last record that it has applied
    seq: int | None  # it has done with everything up to this command; None: it cannot say
    failure: str | None = None  # why it does not get on, in a sentence for everybody


class State(msgspec.Struct, frozen=True, array_like=True, tag="state"):
    """The state that a follower wrote a snapshot of."""

    n: int  # the last record that it has applied
    seq: int  # the last command of that record
    digest: str  # of `engine.digest.state_digest`
    snapshot_bytes: int  # of the file
    covered_n: int  # the record behind which the older of two snapshots is that were proved; 0: not known


FromWriter = Hello | Refused | Record | Hurry
FromFollower = Hello | Position | State
Frame = TypeVar("Frame")

_encode: Final = msgspec.msgpack.Encoder().encode


class BadFrame(Exception):
    """What came is no frame of the record stream, or is longer than one may be."""


class FrameReader(Generic[Frame]):
    """Makes frames of bytes as they come. Holds at most one that is not whole."""

    def __init__(self, decoder: msgspec.msgpack.Decoder[Frame], bytes_max: int) -> None:
        self._decode = decoder.decode
        self._bytes_max = bytes_max
        self._begun = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are whole now. Raises BadFrame; nothing can be read afterwards. O(bytes)."""
        self._begun += data
        begun, at, frames = memoryview(self._begun), 0, list[Frame]()
        try:
            while len(begun) - at >= _LENGTH.size:
                (length,) = _LENGTH.unpack_from(begun, at)
                if not 0 < length <= self._bytes_max:
                    raise BadFrame(f"a frame of {length} bytes, at most {self._bytes_max} are taken")
                end = at + _LENGTH.size + length
                if end > len(begun):
                    break
                frames.append(self._decode(begun[at + _LENGTH.size : end]))
                at = end
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadFrame(f"a frame that cannot be read: {error}") from None
        finally:
            begun.release()
        del self._begun[:at]
        return frames


def from_writer() -> FrameReader[FromWriter]:
    """Reads what the writer's process sends."""
    return FrameReader(msgspec.msgpack.Decoder(FromWriter), FRAME_BYTES_MAX)


def from_follower() -> FrameReader[FromFollower]:
    """Reads what a follower sends."""
    return FrameReader(msgspec.msgpack.Decoder(FromFollower), SAID_BYTES_MAX)


def framed(message: FromWriter | FromFollower) -> bytes:
    """The bytes of one frame. Raises BadFrame when it would be longer than one may be. O(bytes)."""
    return frame_of(_encode(message), FRAME_BYTES_MAX)


def frame_of(body: bytes, bytes_max: int) -> bytes:
    """A body with its length before it, for any `FrameReader`. Raises BadFrame when it is longer than it may be."""
    if len(body) > bytes_max:
        raise BadFrame(f"a frame of {len(body)} bytes, at most {bytes_max} are sent")
    return _LENGTH.pack(len(body)) + body
