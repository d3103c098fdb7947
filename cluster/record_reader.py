"""A front door's records: the writer's record stream, read in the event loop, each record as soon as it is durable.

Layer: cluster. Cooperative; for the event loop's thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from cluster.channel import Channel
from journal.codec import BatchRecord
from replica.frames import Record


class RecordTaker(Protocol):
    """Who applies records."""

    @property
    def last(self) -> BatchRecord | None:
        """The newest record that was delivered; records behind it are wanted."""

    @property
    def backlog_bytes(self) -> int:
        """Of records that were delivered and are not applied yet."""

    def deliver(self, records: Sequence[Record]) -> None:
        """Take records that follow one another. Never waits."""


class RecordReader:
    """Reads one writer's stream after the other."""

    def __init__(self, connect: Callable[[], Channel], on_refused: Callable[[str], object]) -> None:
        """`connect` gives a channel to a record server, or raises OSError. `on_refused`: it serves no such follower."""
        raise NotImplementedError

    def start(self, taker: RecordTaker) -> None:
        """Begin to read."""
        raise NotImplementedError

    def reconnect(self) -> None:
        """Let go of the stream and connect anew at once."""
        raise NotImplementedError

    def close(self) -> None:
        """End. Idempotent."""
        raise NotImplementedError
