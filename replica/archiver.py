"""Moves the oldest records out of the journal, as far as two proven snapshots cover them.

They go into the archive beside the journal, or nowhere; then the committer removes them from the file, bit by bit.
Layer: replica. A native thread of its own, which pauses between pieces so that it is in nobody's way.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from journal.archive import ArchiveFolder
from journal.codec import BatchRecord
from journal.port import Journal, JournalError
from journal.segment import SEGMENT_BYTES

log = logging.getLogger(__name__)

READ_AT_ONCE: Final = 256  # records
PAUSE_S: Final = 0.02  # between two pieces
SEGMENT_RECORDS: Final = 4_096  # that gather before they are written, or SEGMENT_BYTES of bodies: about one segment
AGAIN_S: Final = 60.0  # after a failure
CLOSE_S: Final = 5.0


class Archiver:
    """For any thread; nothing but `close` blocks."""

    def __init__(self, journal: Journal, archive: ArchiveFolder | None, trim: Callable[[int], object]) -> None:
        """Without an `archive` the records are dropped. `trim(n)`: removes those up to n from the journal, soon."""
        self._journal = journal
        self._archive = archive
        self._trim = trim
        self._covered_n = 0
        self._new = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal-archiver", daemon=True)
        self._thread.start()

    def cover(self, n: int) -> None:
        """Two snapshots prove the state behind record `n`."""
        self._covered_n = max(n, self._covered_n)
        self._new.set()

    def close(self) -> None:
        """End; what is under way goes on with the next start. Idempotent."""
        self._closing.set()
        self._new.set()
        self._thread.join(CLOSE_S)

    # -- in the thread

    def _run(self) -> None:
        while not self._closing.is_set():
            self._new.wait()
            self._new.clear()
            try:
                self._move(self._covered_n)
            except (JournalError, OSError, ValueError) as problem:  # ValueError: a record is not what was sealed
                if not self._closing.is_set():
                    log.error("records could not be archived; it is tried again: %s", problem)
                    self._closing.wait(AGAIN_S)
                    self._new.set()

    def _move(self, until_n: int) -> None:
        """Archive up to a record, and have the journal let go of what is archived. Raises as `ArchiveFolder.write`."""
        if self._archive is None:
            self._trim(until_n)
            return
        n = max(self._archive.last_n, self._journal.first_n - 1)  # some may have been dropped
        waiting: list[BatchRecord] = []
        size = 0
        while n < until_n and not self._closing.is_set():
            records = self._journal.part(n, min(until_n, n + READ_AT_ONCE))
            waiting += records
            size += sum(len(record.body) for record in records)
            n = records[-1].n
            if n >= until_n or len(waiting) >= SEGMENT_RECORDS or size >= SEGMENT_BYTES:
                self._archive.write(waiting)
                waiting, size = [], 0
                self._trim(n)
            self._closing.wait(PAUSE_S)
