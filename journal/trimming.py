"""Removing the journal's oldest records, a few at a time, each few in a transaction of their own.

The pages that become free are used by the records that follow, so the file stays as long as it once was.
Layer: journal.
"""

from __future__ import annotations

import sqlite3
import time
from typing import Final

from journal.codec import BatchRecord, CorruptRecord
from journal.layout import FORMAT_TRIMMED, SELECT, row_of, trimmed_record

SLICE_S: Final = 0.002  # what a slice is sized to take, its flush with it
SLICE_RECORDS_MIN: Final = 8
SLICE_RECORDS_MAX: Final = 4_000
BETWEEN_SLICES_S: Final = 0.05  # while records are appended
KEPT_RECORDS: Final = 2  # the last of them is compared with the one before at the next start

_REPLACE = "INSERT OR REPLACE INTO trimmed VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


class Trimming:
    """What is to be removed from one connection's file, and what was. Used by the thread that appends."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Raises sqlite3.Error."""
        self._connection = connection
        self.last = trimmed_record(connection)  # the last record that was removed
        self.archived_n = int(connection.execute("SELECT coalesce(max(n), 0) FROM archived").fetchone()[0])
        self._until_n = 0
        self._in_archive_n = 0
        self._records = SLICE_RECORDS_MIN * 4
        self._next = 0.0

    @property
    def last_n(self) -> int:
        """The number of the last record that was removed; 0 where none was."""
        return 0 if self.last is None else self.last.n

    def ask(self, until_n: int, newest_n: int, in_archive_n: int) -> None:
        """Have the records up to `until_n` removed, but for the newest KEPT_RECORDS. `in_archive_n`: of the archive."""
        self._in_archive_n = in_archive_n
        self._until_n = max(self._until_n, min(until_n, newest_n - KEPT_RECORDS))

    def give_up(self) -> None:
        """Remove no more of what was asked for."""
        self._until_n = 0

    @property
    def waits(self) -> bool:
        """Whether there is something to remove."""
        return self._until_n > self.last_n

    def wants(self, *, idle: bool) -> bool:
        """Whether to remove some now. O(1)."""
        return self.waits and (idle or time.monotonic() >= self._next)

    def remove_some(self) -> int:
        """Remove as many as take about SLICE_S; return the bytes that this wrote, about.

        Raises sqlite3.Error, and CorruptRecord where the last of them is missing: then nothing is removed.
        """
        execute, started = self._connection.execute, time.perf_counter()
        until_n = min(self.last_n + self._records, self._until_n)
        row = execute(SELECT + "WHERE n = ?", (until_n,)).fetchone()
        if row is None:
            raise CorruptRecord(until_n, "it is missing")
        execute("BEGIN IMMEDIATE")
        last, before = BatchRecord(*row), self.last
        removed, archived_n = until_n - self.last_n, min(until_n, self._in_archive_n)
        self.last = last  # before it is so: who reads this connection meanwhile looks for them elsewhere already
        try:
            execute("DELETE FROM trimmed")
            execute(_REPLACE, row_of(last))
            execute("DELETE FROM batches WHERE n <= ?", (until_n,))
            if archived_n > self.archived_n:
                execute("DELETE FROM archived")
                execute("INSERT INTO archived VALUES (?)", (archived_n,))
            execute(f"PRAGMA user_version = {FORMAT_TRIMMED}")
            execute("COMMIT")
        except BaseException:
            self.last = before
            raise
        self.archived_n = max(self.archived_n, archived_n)
        seconds = time.perf_counter() - started
        self._next = time.monotonic() + BETWEEN_SLICES_S
        fitting = int(removed * SLICE_S / max(seconds, 1e-6))
        self._records = max(SLICE_RECORDS_MIN, min(SLICE_RECORDS_MAX, fitting, self._records * 2))
        return len(last.body) + removed * 8
