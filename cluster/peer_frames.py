"""What nodes ask of each other beside the log and the link: how they are, and their newest snapshot.

A frame is its length in four bytes, big-endian, and a msgpack array that begins with the frame's name. Whoever connects
asks, one question after the other; a snapshot comes in parts behind its head.
Layer: cluster. No I/O.
"""

from __future__ import annotations

from typing import Final

import msgspec

from replica.frames import FrameReader, frame_of

PART_BYTES: Final = 2**20
FRAME_BYTES_MAX: Final = PART_BYTES + 1024
ASKED_BYTES_MAX: Final = 1024


class NodeState(msgspec.Struct, frozen=True, kw_only=True):
    """What a node says of itself, to the others and in its key of the store."""

    name: str
    boot: str  # of the process: another one after each start
    role: str  # of `cluster.node.Role`
    epoch: int = 0  # of the writer that it is, or follows; 0: none is known
    n: int = 0  # the newest record that it has applied
    seq: int = 0  # the last command of that record
    behind: int | None = None  # records behind the head of the log; None: not known
    wall_ns: int = 0  # its clock, epoch nanoseconds, when it said this
    loop_age_s: float = 0.0  # since its event loop went round last
    url: str = ""  # at which clients reach it
    link: str = ""  # host:port, at which front doors reach it while it is the writer
    peer: str = ""  # host:port, at which the other nodes ask
    version: str = ""
    secret_fingerprint: str = ""  # of what signs tokens; "": of a version that did not say it
    why_not: str | None = None  # it does not stand for writer, in words; None where it may


class AskState(msgspec.Struct, frozen=True, array_like=True, tag="ask-state"):
    """How is the node?"""


class AskSnapshot(msgspec.Struct, frozen=True, array_like=True, tag="ask-snapshot"):
    """Its newest snapshot, if that is behind record `from_n` or a later one."""

    from_n: int


class StateIs(msgspec.Struct, frozen=True, array_like=True, tag="state"):
    """How it is."""

    state: NodeState


class SnapshotHead(msgspec.Struct, frozen=True, array_like=True, tag="snapshot"):
    """A snapshot's parts follow."""

    name: str  # of the file
    size: int
    sha256: bytes


class SnapshotPart(msgspec.Struct, frozen=True, array_like=True, tag="part"):
    """The next bytes of a snapshot."""

    content: bytes


class NoSnapshot(msgspec.Struct, frozen=True, array_like=True, tag="no-snapshot"):
    """It has none that serves."""

    why: str


Asked = AskState | AskSnapshot
Answered = StateIs | SnapshotHead | SnapshotPart | NoSnapshot

_encode: Final = msgspec.msgpack.Encoder().encode


def asked() -> FrameReader[Asked]:
    """Reads questions."""
    return FrameReader(msgspec.msgpack.Decoder(Asked), ASKED_BYTES_MAX)


def answered() -> FrameReader[Answered]:
    """Reads answers."""
    return FrameReader(msgspec.msgpack.Decoder(Answered), FRAME_BYTES_MAX)


def framed(message: Asked | Answered) -> bytes:
    """The bytes of one frame. Raises BadFrame when it would be longer than one may be. O(bytes)."""
    return frame_of(_encode(message), FRAME_BYTES_MAX)
