"""What publishing needs of a broker: it takes messages in order, and keeps how far they go.

The position stands in the broker itself, so that whoever goes on there begins behind what is there.
Layer: publish. No I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

import msgspec

from journal.codec import GENESIS, BatchRecord
from publish.messages import Message

FORMAT: Final = 1  # of positions; raise it with every change of their meaning


class BrokerAway(Exception):
    """The broker did not answer, or not with a yes: what became of the messages is not known. It is tried again."""


class BrokerRefused(Exception):
    """The broker will not take these messages. Whoever begins anew goes on behind what it took."""


class BrokerPosition(msgspec.Struct, frozen=True):
    """Up to which record everything is in the broker. Kept there as JSON."""

    n: int
    seq: int  # the last command of that record
    chain: str  # of that record, hexadecimal: it says of which journal it is
    gaps: int = 0  # how often records were left out, since nobody had them any more
    format: int = FORMAT


BEGINNING: Final = BrokerPosition(0, 0, GENESIS.hex())

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(BrokerPosition).decode


def behind(record: BatchRecord, gaps: int) -> BrokerPosition:
    """The position behind a record."""
    return BrokerPosition(record.n, record.last_seq, record.chain.hex(), gaps)


def encoded_position(position: BrokerPosition | None) -> bytes:
    """As it is kept; nothing where there is none."""
    return b"" if position is None else _encode(position)


def decoded_position(kept: bytes) -> BrokerPosition | None:
    """What was kept; None where nothing was. Raises BrokerRefused for what is no position that this version reads."""
    if not kept:
        return None
    try:
        position = _decode(kept)
    except ValueError:  # DecodeError, or a text that is none
        raise BrokerRefused("what the broker keeps as the position is none") from None
    if position.format != FORMAT:
        raise BrokerRefused(f"the broker's position is of format {position.format}, and this one reads {FORMAT}")
    return position


class Batch(NamedTuple):
    """What is published at once."""

    messages: Sequence[Message]  # of each topic in order
    expected: BrokerPosition | None  # what the broker has now
    position: BrokerPosition  # once it has these


class Broker(Protocol):
    """One broker. Blocks a few seconds at most. One thread."""

    def position(self) -> BrokerPosition | None:
        """How far it is; None where nothing was published. Raises BrokerAway, BrokerRefused."""

    def prepare(self, *, is_new: bool) -> None:
        """Make the topics that are missing. `is_new`: nothing was published yet, so that what is there is another's.

        Raises BrokerAway, and BrokerRefused where something is.
        """

    def publish(self, batch: Batch) -> BrokerPosition | None:
        """Have it take these; return how far it is: another position where somebody else published meanwhile.

        They are kept as the broker keeps what it acknowledges. Raises BrokerAway: call again with the same batch, and
        none is left out or put out of order; BrokerRefused.
        """

    def close(self) -> None:
        """Let go of it. Idempotent."""
