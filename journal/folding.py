"""When the write-ahead log is folded into the journal's file: between commits, in a pause where there is one.

SQLite does it within a commit, and says nothing when it fails. Here it is a step of its own: no commit waits for it
that was there before it, and what fails is logged and tried again, while records stay durable in the log. A log of
FOLD_PAGES takes a millisecond to fold, and the wait for a processor beside it (measured in benchmarks/commit_tail.py).
Layer: journal.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from pathlib import Path
from typing import Final

FOLD_PAGES: Final = 1_000  # then at the next moment between two commits
IDLE_FOLD_PAGES: Final = 250  # then in the next pause
APPENDER_FOLD_PAGES: Final = 4_000  # then by the commit itself: where nobody tends the journal
LOG_PAGES_MAX: Final = 65_536  # 256 MB; longer it never grows while it cannot be folded
RETRY_S: Final = 5.0  # after a fold that failed

PAGE_BYTES: Final = 4096

log = logging.getLogger(__name__)


class Folding:
    """The log of one connection. Its length is estimated, and known after each fold."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.pages = 0
        self.failure: str | None = None
        self._connection = connection
        self._path = path
        self._next_try = 0.0

    def count(self, stored_bytes: int) -> None:
        """Note that a commit stored so many bytes."""
        self.pages += 1 + stored_bytes * 3 // PAGE_BYTES

    def wants(self, *, idle: bool) -> bool:
        """Whether to fold now. O(1)."""
        return self.pages >= (IDLE_FOLD_PAGES if idle else FOLD_PAGES) and (
            self.failure is None or time.monotonic() >= self._next_try
        )

    @property
    def waits(self) -> bool:
        """Whether there is enough to fold in a pause."""
        return self.pages >= IDLE_FOLD_PAGES

    def fold(self) -> None:
        """Fold what the log has. Never raises; a failure is logged and kept in `failure` until one succeeds."""
        try:
            _, pages, folded = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_LOCKED", "SQLITE_BUSY")):
                return  # somebody reads a row this moment
            self._next_try = time.monotonic() + RETRY_S
            if self.failure is None:
                log.error(
                    "The journal's log could not be folded into %s (%s): records are durable in the log, which grows "
                    "to %d MB at most. Make room or repair the disk.",
                    self._path, error, LOG_PAGES_MAX * PAGE_BYTES // 2**20,
                )  # fmt: skip
            self.failure = str(error)
            return
        if self.failure is not None:
            log.warning("The journal's log is folded into %s again.", self._path)
        self.failure = None
        self.pages = max(0, pages - folded)
