"""The messages between the server and the process that explains, over pipes.

One frame is its length in four bytes and a msgpack message. The server asks, the process may
ask back for records of the journal until it answers; one question at a time.
Layer: explain.
"""

from __future__ import annotations

import os
import struct
from typing import Final, Literal

import msgspec

from engine.types import AccountId
from explain.explanation import ChapterResult, Subject
from journal.codec import BatchRecord

RECORDS_A_FRAME: Final = 500

SubjectKind = Literal["order", "trade", "command"]
_LENGTH = struct.Struct(">I")


class Question(msgspec.Struct, frozen=True, tag=True):
    """What somebody wants explained; `account` None: an operator."""

    about: SubjectKind
    number: int
    account: AccountId | None
    seconds: float  # that the answer may take


class Advance(msgspec.Struct, frozen=True, tag=True):
    """Follow the journal up to a record, or for so many seconds."""

    until_n: int
    seconds: float
    first_n: int = 1  # the first record that is kept


class Reached(msgspec.Struct, frozen=True, tag=True):
    """How far the process has followed."""

    n: int
    seq: int


class Read(msgspec.Struct, frozen=True, tag=True):
    """Records wanted: those after `after_n` up to `until_n`."""

    after_n: int
    until_n: int


class Holding(msgspec.Struct, frozen=True, tag=True):
    """The record wanted that has the command `seq`."""

    seq: int


class Records(msgspec.Struct, frozen=True, tag=True):
    """Records given, in order; fewer than wanted where a frame is full, none where there are none."""

    records: list[BatchRecord]


class Answer(msgspec.Struct, frozen=True, tag=True):
    """An explanation, as JSON."""

    body: bytes


class Unknown(msgspec.Struct, frozen=True, tag=True):
    """There is no such order, trade or command, for whoever asked."""


class Dropped(msgspec.Struct, frozen=True, tag=True):
    """What was asked about is not kept any more: explanations begin with command `first_seq`."""

    first_seq: int


class TooLong(msgspec.Struct, frozen=True, tag=True):
    """The question was given up: it would have taken longer than it may."""


class ChaptersWanted(msgspec.Struct, frozen=True, tag=True):
    """To a process that has an earlier state: make the chapters of these commands, which are later, in order."""

    subject: Subject
    seqs: list[int]
    seconds: int


class Chapters(msgspec.Struct, frozen=True, tag=True):
    """From there: the chapters, and the digest of the state that the last of them left."""

    results: list[ChapterResult]
    digest: str


class Unusable(msgspec.Struct, frozen=True, tag=True):
    """From there: the state cannot be had."""

    why: str


Message = (
    Question
    | Advance
    | Reached
    | Read
    | Holding
    | Records
    | Answer
    | Unknown
    | Dropped
    | TooLong
    | ChaptersWanted
    | Chapters
    | Unusable
)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Message).decode


class ChannelClosed(Exception):
    """The other end is closed."""


class Channel:
    """Frames over a descriptor to read from and one to write to. Blocks. Keeps nothing back."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self.read_fd, self.write_fd = read_fd, write_fd

    def send(self, message: Message) -> None:
        """Write one message. Raises ChannelClosed."""
        body = _encode(message)
        frame = memoryview(_LENGTH.pack(len(body)) + body)
        try:
            while frame:
                frame = frame[os.write(self.write_fd, frame) :]
        except OSError as error:
            raise ChannelClosed from error

    def receive(self) -> Message:
        """Wait for one message. Raises ChannelClosed."""
        (length,) = _LENGTH.unpack(self.take(_LENGTH.size))
        message: Message = _decode(self.take(length))
        return message

    def take(self, count: int) -> bytes:
        """Exactly `count` bytes. Raises ChannelClosed."""
        parts = bytearray()
        while len(parts) < count:
            try:
                part = os.read(self.read_fd, min(count - len(parts), 1 << 20))
            except OSError as error:
                raise ChannelClosed from error
            if not part:
                raise ChannelClosed
            parts += part
        return bytes(parts)
