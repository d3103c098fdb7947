"""What the writer's process and a front door of its say to each other, beside commands and records.

A front door answers by itself whatever its own replica knows. This is the rest: who may come in, how far the history
is, what is planned, faults on demand, the venue's time. All of it comes by one socket, in order, and dies with it.
Layer: api.doors. No I/O.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec

from api.auth.mirrored import Identities
from api.faults.plan import Plan
from api.market.flow_sources import FlowSource
from api.settings import Settings
from engine.types import AccountId, TradingStatus
from journal.codec import BatchRecord
from replica.frames import FrameReader, frame_of

REQUESTS_SOCKET: Final = "doors.sock"  # in the data folder: where the writer takes requests that are passed on
FRAME_BYTES_MAX: Final = 64 * 2**20  # a hundred thousand sessions are 30 MB


class Welcome(msgspec.Struct, frozen=True, array_like=True, tag="welcome"):
    """The first message to a door: what it is to be."""

    number: int  # of the door, from 1
    doors: int  # how many there are
    settings: bytes  # as `encoded_settings` makes them
    token_key: bytes
    not_before_ms: int  # since when signatures are remembered
    table: int  # the descriptor of the table of rate limits
    signatures: int  # and of the one of signatures
    marks: int  # and of the marks how far each process is
    port: int  # of loopback, where this door alone listens; 0: nowhere


class Introduced(msgspec.Struct, frozen=True, array_like=True, tag="all"):
    """A door has been sent everything that it begins with."""


class HistoryAt(msgspec.Struct, frozen=True, array_like=True, tag="history"):
    """How far the history is written."""

    record_n: int
    stored_seq: int
    failure: str | None


class Planned(msgspec.Struct, frozen=True, array_like=True, tag="planned"):
    """What a schedule does next to a symbol, known behind command `seq`."""

    seq: int
    symbol: str
    status: TradingStatus | None  # None: nothing is planned
    at_ns: int


class VenueChanged(msgspec.Struct, frozen=True, array_like=True, tag="venue"):
    """What clients are told of the venue as a whole has changed."""

    seq: int  # of the command that changed the symbols, or that was the last
    symbols: bool  # whether the symbols have changed
    sources: list[FlowSource]  # of made-up or recorded flow, at all doors


class VenueTime(msgspec.Struct, frozen=True, array_like=True, tag="time"):
    """The venue's time at a moment of the steady clock, and how far the machine's clock is from it where it is held."""

    venue_ns: int
    steady_ns: int
    held: tuple[int, int, int] | None


class FaultsSet(msgspec.Struct, frozen=True, array_like=True, tag="faults"):
    """The faults of an account, or of the venue (None), began so long ago, or (no plan) are over."""

    account: AccountId | None
    plan: Plan | None
    elapsed_s: float


class ListenKeyAt(msgspec.Struct, frozen=True, array_like=True, tag="listen key"):
    """A listen key is good for so long, or (0) is over."""

    text: str
    key_id: str
    valid_s: float


class Ask(msgspec.Struct, frozen=True, array_like=True, tag="ask"):
    """Answer this when all that was sent before is done. `figures`: with what is to be measured."""

    number: int
    seq: int  # when this command is applied, too
    figures: bool = False


class RecordIs(msgspec.Struct, frozen=True, array_like=True, tag="record"):
    """The record that was asked for; None: it is not kept."""

    number: int
    record: BatchRecord | None


class Stop(msgspec.Struct, frozen=True, array_like=True, tag="stop"):
    """Take no more, answer what has come, and end; so many seconds are left for it."""

    within_s: float


ToDoor = (
    Welcome
    | Introduced
    | Identities
    | HistoryAt
    | Planned
    | VenueChanged
    | VenueTime
    | FaultsSet
    | ListenKeyAt
    | Ask
    | RecordIs
    | Stop
)


class Ready(msgspec.Struct, frozen=True, array_like=True, tag="ready"):
    """The door serves."""

    pid: int


class Failed(msgspec.Struct, frozen=True, array_like=True, tag="failed"):
    """The door cannot serve, and ends."""

    why: str


class DoorState(msgspec.Struct, frozen=True, array_like=True, tag="state"):
    """How a door is, each second."""

    seq: int  # the last command that it has applied
    connections: int  # feed clients
    sources: list[FlowSource]
    injected: dict[str, int]  # faults, by kind


class Entered(msgspec.Struct, frozen=True, array_like=True, tag="entered"):
    """A connection has entered orders that are to be cancelled when it ends, with the door or by itself."""

    connection: str
    order_ids: list[str]
    account: AccountId


class Left(msgspec.Struct, frozen=True, array_like=True, tag="left"):
    """That connection has ended, and its orders are cancelled."""

    connection: str


class Hurry(msgspec.Struct, frozen=True, array_like=True, tag="hurry"):
    """Somebody waits for the history to be at this command."""

    seq: int


class Holding(msgspec.Struct, frozen=True, array_like=True, tag="holding"):
    """Which record holds this command?"""

    number: int
    seq: int


class Done(msgspec.Struct, frozen=True, array_like=True, tag="done"):
    """All that was sent before that question is done."""

    number: int
    figures: bytes = b""  # as `api.doors.figures` makes them


class Unread(msgspec.Struct, frozen=True, array_like=True, tag="stopped"):
    """The door has answered all that came to it, but so many."""

    unanswered: int


ToWriter = Ready | Failed | DoorState | Entered | Left | Hurry | Holding | Done | Unread

_encode: Final = msgspec.msgpack.Encoder().encode


def framed(message: ToDoor | ToWriter) -> bytes:
    """The bytes of one message. Raises BadFrame when they would be more than there may be. O(bytes)."""
    return frame_of(_encode(message), FRAME_BYTES_MAX)


def to_door() -> FrameReader[ToDoor]:
    """Reads what a door is sent."""
    return FrameReader(msgspec.msgpack.Decoder(ToDoor), FRAME_BYTES_MAX)


def to_writer() -> FrameReader[ToWriter]:
    """Reads what a door says."""
    return FrameReader(msgspec.msgpack.Decoder(ToWriter), FRAME_BYTES_MAX)


def encoded_settings(settings: Settings) -> bytes:
    """Every setting, for a door of the same server."""
    return msgspec.json.encode(settings, enc_hook=str)


def decoded_settings(encoded: bytes) -> Settings:
    """The settings of such bytes."""
    return msgspec.json.decode(encoded, type=Settings, dec_hook=_path)


def _path(kind: type, value: Any) -> Any:
    if kind is not Path:
        raise NotImplementedError(kind)
    return Path(value)
