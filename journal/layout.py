"""The journal's file: its tables, its connection, its rows as records.

Format 1 has a row for every record from the first on. Format 2 is a file whose oldest records were removed: the last
of them is the one row of `trimmed`, and the number of the last that was in the archive by then the one of `archived`. A
version that knows format 1 alone refuses it by name, as written by a newer one. `versions`, `trimmed` and `archived`
are in every file; versions that do not know them leave them alone.
Layer: journal.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Final

from journal.codec import BatchRecord, CorruptRecord, UnknownVersion, open_batch, verify

APPLICATION_ID: Final = 0x4F42454C  # "OBEL", in the file's header
FORMAT_WHOLE: Final = 1
FORMAT_TRIMMED: Final = 2
LOG_KEPT_BYTES: Final = 32 * 2**20  # of the log, when it has grown longer and begins anew

_COLUMNS = (
    "(n INTEGER PRIMARY KEY, ts_ns INTEGER NOT NULL, first_seq INTEGER NOT NULL, count INTEGER NOT NULL,"
    " prev_chain BLOB NOT NULL, body BLOB NOT NULL, chain BLOB NOT NULL, crc32 INTEGER NOT NULL)"
)
SCHEMA: Final = (
    f"CREATE TABLE batches {_COLUMNS}",
    "CREATE TABLE checkpoints (seq INTEGER PRIMARY KEY, digest TEXT NOT NULL)",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {FORMAT_WHOLE}",
)
LATER_SCHEMA: Final = (
    f"CREATE TABLE IF NOT EXISTS trimmed {_COLUMNS}",
    "CREATE TABLE IF NOT EXISTS archived (n INTEGER PRIMARY KEY)",
    "CREATE TABLE IF NOT EXISTS versions (seq INTEGER PRIMARY KEY, version TEXT NOT NULL)",
)
_FIELDS = "SELECT n, ts_ns, first_seq, count, prev_chain, body, chain, crc32 FROM "
SELECT: Final = f"{_FIELDS}batches "
SELECT_TRIMMED: Final = f"{_FIELDS}trimmed ORDER BY n DESC LIMIT 1"
INSERT: Final = "INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
INSERT_CHECKPOINT: Final = "INSERT OR IGNORE INTO checkpoints VALUES (?, ?)"
INSERT_VERSION: Final = "INSERT OR REPLACE INTO versions VALUES (?, ?)"
ADVICE: Final = "Nothing was changed: restore the data folder from a copy, or move it away to begin anew."


def connect(path: Path) -> sqlite3.Connection:
    """A connection that holds the file's lock. Raises sqlite3.OperationalError when another one does.

    The log is folded into the file by who appends, and never by a commit: `journal.folding`.
    """
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        connection.text_factory = bytes  # damage may turn a blob into a text
        for setting in (
            "locking_mode = EXCLUSIVE",
            "journal_mode = WAL",
            "synchronous = FULL",
            "wal_autocheckpoint = 0",
            f"journal_size_limit = {LOG_KEPT_BYTES}",
        ):
            connection.execute(f"PRAGMA {setting}").fetchall()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except BaseException:
        connection.close()
        raise
    return connection


def is_blank(connection: sqlite3.Connection) -> bool:
    """Whether the file has no table yet."""
    return bool(connection.execute("SELECT count(*) = 0 FROM sqlite_master").fetchone()[0])


def row_of(record: BatchRecord) -> tuple[int, int, int, int, bytes, bytes, bytes, int]:
    """The row that stores a record."""
    return (
        record.n,
        record.ts_ns,
        record.first_seq,
        record.count,
        record.prev_chain,
        record.body,
        record.chain,
        record.crc32,
    )


def trimmed_record(connection: sqlite3.Connection) -> BatchRecord | None:
    """The last record that was removed from the file, as it is stored; None where none was. Raises sqlite3.Error."""
    if not connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'trimmed'").fetchone()[0]:
        return None
    row = connection.execute(SELECT_TRIMMED).fetchone()
    return None if row is None else BatchRecord(*row)


def last_sound(path: Path) -> BatchRecord | None:
    """The last record of the file before the first that is damaged, missing or of another version. O(records).

    The file is opened for writing, and its log folded: for copies.
    """
    last: BatchRecord | None = None
    with (
        contextlib.suppress(CorruptRecord, UnknownVersion, sqlite3.Error, UnicodeDecodeError),
        contextlib.closing(sqlite3.connect(path)) as connection,
    ):
        connection.text_factory = bytes  # damage may turn a blob into a text
        last = trimmed_record(connection)
        for row in connection.execute(SELECT + "ORDER BY n"):
            record = BatchRecord(*row)
            verify(record, last)
            open_batch(record)
            last = record
    return last
