"""What the sequencer needs of a journal. SQLite is one; a replicated log can be another.

The ways to fail:

    JournalError
    ├── JournalLocked    another process has it open: nothing was touched
    ├── JournalCorrupt   what was written is not what is read: a person must decide
    ├── JournalTooNew    written by a newer Openbell
    ├── RecordsDropped   records that were asked for left the journal, and are in no archive
    └── JournalFailed    it cannot be written any more: stop taking orders, restart
        ├── JournalFenced  another node writes it now: follow that one
        ├── JournalUnsettled  the same, and what was being written may be in it
        └── JournalLost  its file was removed, renamed or replaced by somebody else

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


class JournalFenced(JournalFailed):
    """Another node writes the journal now: nothing of what was not appended is in it, or ever will be by this one."""


class JournalUnsettled(JournalFailed):
    """Another node writes the journal now, or may: whether what was not appended is in it is for that one to say."""


class JournalLost(JournalFailed):
    """The file that is written is no longer the one at its path: what is appended would be found by nobody."""


class RecordsDropped(JournalError):
    """The records before `first_n` left the journal and are in no archive."""

    def __init__(self, message: str, first_n: int) -> None:
        super().__init__(message)
        self.first_n = first_n


class Checkpoint(msgspec.Struct, frozen=True):
    """The digest of the state after command `seq`, kept so that a replay can be checked on its way."""

    seq: int
    digest: str  # of engine.digest.state_digest


class WrittenBy(msgspec.Struct, frozen=True):
    """The version of Openbell that wrote the commands from `seq` on."""

    seq: int
    version: str


class Journal(Protocol):
    """An append-only list of records. Used by one thread at a time, but for what says that it is for any.

    Its oldest records may be in an archive beside it: who reads gets them from there.
    """

    @property
    def last(self) -> BatchRecord | None:
        """The newest record, or None while there is none. O(1)."""

    @property
    def first_n(self) -> int:
        """The first record that the journal itself still has, without its archive; 1 while there is none. O(1)."""

    def append(self, record: BatchRecord) -> None:
        """Write `record`; it is durable on return.

        Raises ValueError when `record` does not follow `last`, and JournalFailed when it
        could not be written; after that every append raises JournalFailed.
        """

    def note(self, checkpoint: Checkpoint) -> None:
        """Write the digest of a state up to the last record, without a record; it is durable on return.

        Raises ValueError for a state that is still to come, JournalCorrupt where another digest of the same state was
        noted before, JournalFailed as `append`.
        """

    def trim(self, until_n: int) -> None:
        """Have the records up to `until_n` removed, a few with each `tend`. The newest stay whatever is asked.

        Those that are archived by now are noted as such. O(segments of the archive).
        """

    def tend(self, *, idle: bool) -> bool:
        """Do a few milliseconds of what is due between two appends; return whether there is more. Never raises.

        `idle`: nothing was appended for a while, so that what can wait is done too.
        """

    def check(self) -> None:
        """Raise JournalFailed where what is appended would not be kept: for who appends nothing just now."""

    def read(self, after_n: int = 0) -> Iterator[BatchRecord]:
        """Yield the records after `after_n`, each verified; the first one alone where that before it is not kept.

        Raises JournalCorrupt naming the bad one, and RecordsDropped.
        """

    def part(self, after_n: int, until_n: int) -> list[BatchRecord]:
        """Durable records after `after_n` up to `until_n`, as they are stored: the caller verifies them.

        At least one where there is one; fewer than asked for where the rest lies elsewhere. From any thread, also while
        another one appends. Raises JournalFailed when it is closed or cannot be read, JournalCorrupt, RecordsDropped.
        """

    def holding(self, seq: int) -> BatchRecord | None:
        """The durable record that has the command `seq`, or None when none has. From any thread, as `part`.

        Raises as `part` does, and JournalCorrupt when the record is damaged.
        """

    def checkpoints(self) -> list[Checkpoint]:
        """Every checkpoint, by seq. From any thread, as `part`."""

    def versions(self) -> list[WrittenBy]:
        """Which version wrote from which seq on, by seq; nothing of what was written before that was noted."""

    def close(self) -> None:
        """Let go of the journal. Idempotent."""
