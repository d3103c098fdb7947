"""What the sequencer needs of a journal. SQLite is one; a replicated log can be another.

The ways to fail:

    JournalError
    ├── JournalLocked    another process has it open: nothing was touched
    ├── JournalCorrupt   what was written is not what is read: a person must decide
    ├── JournalTooNew    written by a newer Openbell
    └── JournalFailed    it cannot be written any more: stop taking orders, restart

Layer: journal.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import msgspec

from journal.codec import BatchRecord


class JournalError(Exception):
    """Any way in which a journal cannot do what it was asked. The message is a sentence for the operator."""


class JournalLocked(JournalError):
    """Another process has the journal open."""


class JournalCorrupt(JournalError):
    """The journal's content is damaged, or replays to another state than it did. Names the record or seq."""


class JournalTooNew(JournalError):
    """The journal is in a format of a newer Openbell."""


class JournalFailed(JournalError):
    """A write failed. Whether it is on the disk is unknown, so nothing more is ever appended."""


class Checkpoint(msgspec.Struct, frozen=True):
    """The digest of the state after command `seq`, kept so that a replay can be checked on its way."""

    seq: int
    digest: str  # of engine.digest.state_digest


class Journal(Protocol):
    """An append-only list of records. Used by one thread at a time, but for `part`."""

    @property
    def last(self) -> BatchRecord | None:
        """The newest record, or None while there is none. O(1)."""

    def append(self, record: BatchRecord, checkpoint: Checkpoint | None = None) -> None:
        """Write `record`, and `checkpoint` with it; both are durable on return.

        Raises ValueError when `record` does not follow `last`, and JournalFailed when it
        could not be written; after that every append raises JournalFailed.
        """

    def read(self, after_n: int = 0) -> Iterator[BatchRecord]:
        """Yield the records after `after_n`, each verified. Raises JournalCorrupt naming the bad one."""

    def part(self, after_n: int, until_n: int) -> list[BatchRecord]:
        """The durable records after `after_n` up to `until_n`, as they are stored: the caller verifies them.

        From any thread, also while another one appends. Raises JournalFailed when it is closed or cannot be read.
        """

    def holding(self, seq: int) -> BatchRecord | None:
        """The durable record that has the command `seq`, or None when none has. From any thread, as `part`.

        Raises JournalFailed as `part` does, and JournalCorrupt when the record is damaged.
        """

    def checkpoints(self) -> list[Checkpoint]:
        """Every checkpoint, by seq."""

    def close(self) -> None:
        """Let go of the journal. Idempotent."""
