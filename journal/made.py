"""A journal whose records begin behind a given one, as one is that dropped all before.

For a venue that is begun from a snapshot.
Layer: journal. Blocks.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from journal.codec import BatchRecord
from journal.layout import FORMAT_TRIMMED, row_of
from journal.opening import explained, open_connection


def make_journal_behind(path: Path, last: BatchRecord) -> None:
    """Create the file of a journal that has no record, and goes on behind `last`. Raises JournalError."""
    try:
        with contextlib.closing(open_connection(path)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO trimmed VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row_of(last))
            connection.execute(f"PRAGMA user_version = {FORMAT_TRIMMED}")
            connection.execute("COMMIT")
    except (sqlite3.Error, OSError) as error:
        raise explained(path, error) from error
