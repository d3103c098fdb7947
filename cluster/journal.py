"""The journal of the writer of a cluster: a record is durable when the log has it, and is then put into the node's own.

One for each term of a writer: what the log says no to ends the term, and the node decides what comes then.
Layer: cluster. Used by the committer's thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

from cluster.append import Appender
from cluster.archive import Archive
from cluster.failures import AppendRefused, ClusterError, Fenced, LogBehind
from cluster.store import StoreError
from journal.codec import BatchRecord
from journal.port import Checkpoint, JournalFailed, JournalFenced, JournalUnsettled, WrittenBy

log = logging.getLogger(__name__)


class ClusterJournal:
    """The `Journal` port over the replicated log, for one who appends."""

    def __init__(
        self,
        appender: Appender,
        archive: Archive,
        last: BatchRecord,
        on_appended: Callable[[float], object] = lambda seconds: None,
        on_failed: Callable[[Exception], object] = lambda failure: None,
    ) -> None:
        """`last`: the record at the head of the log.

        `on_appended`: called with the seconds that each append took. `on_failed`: called once, with what ended it.
        """
        self._appender = appender
        self._archive = archive
        self._last = last
        self._on_appended = on_appended
        self._on_failed = on_failed
        self.failure: Exception | None = None  # what ended it: of `cluster.failures`, or a JournalFailed

    @property
    def last(self) -> BatchRecord:
        """The newest record that is durable in the log."""
        return self._last

    @property
    def waiting_s(self) -> float:
        """How long the append under way has waited for the log by now; 0 without one. From any thread."""
        return self._appender.waiting_s

    def append(self, record: BatchRecord) -> None:
        """Append to the log; it is durable there on return. Waits for as long as the log says neither yes nor no.

        Raises JournalFenced where it is certainly not in the log, JournalUnsettled where it may be, and JournalFailed
        where this node cannot go on; `failure` says what it was.
        """
        if self.failure is not None:
            raise JournalFenced(str(self.failure))
        try:
            appended = self._appender.append(record)
            self._archive.put(record)
        except Exception as problem:
            if not isinstance(problem, ClusterError | StoreError | JournalFailed):  # of ours: the term must end too
                log.exception("record %d could not be appended", record.n)
                problem = JournalFailed(f"Record {record.n} could not be appended: {problem}.")
            self.failure = problem
            self._on_failed(problem)
            raise _kind_of(problem)(str(problem)) from problem
        self._last = record
        self._on_appended(appended.seconds)

    def check(self) -> None:
        """Raise JournalFailed where this has ended, of the kind that says whether the node goes on."""
        if self.failure is not None:
            raise _kind_of(self.failure)(str(self.failure))

    def tend(self, *, idle: bool) -> bool:
        """Nothing is due: the archive has a thread of its own."""
        return False

    def note(self, checkpoint: Checkpoint) -> None:
        """As of the archive."""
        self._archive.note(checkpoint)

    def trim(self, until_n: int) -> None:
        """As of the archive."""
        self._archive.trim(until_n)

    @property
    def first_n(self) -> int:
        """As of the archive."""
        return self._archive.first_n

    def read(self, after_n: int = 0) -> Iterator[BatchRecord]:
        """As of the archive."""
        return self._archive.read(after_n)

    def part(self, after_n: int, until_n: int) -> list[BatchRecord]:
        """As of the archive."""
        return self._archive.part(after_n, until_n)

    def holding(self, seq: int) -> BatchRecord | None:
        """As of the archive."""
        return self._archive.holding(seq)

    def checkpoints(self) -> list[Checkpoint]:
        """As of the archive."""
        return self._archive.checkpoints()

    def versions(self) -> list[WrittenBy]:
        """As of the archive."""
        return self._archive.versions()

    def close(self) -> None:
        """Nothing is open that is not the archive's."""


def _kind_of(problem: Exception) -> type[JournalFailed]:
    """What an append that ended so means for who waits for it."""
    if isinstance(problem, AppendRefused) or (isinstance(problem, Fenced) and not problem.landed_unknown):
        return JournalFenced
    return JournalFailed if isinstance(problem, JournalFailed | LogBehind) else JournalUnsettled
