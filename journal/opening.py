"""Opening the journal's file: created where there is none, refused where it is not what was written, its torn end cut.

Layer: journal.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import sqlite3
import tempfile
from pathlib import Path

import msgspec

from journal import wal
from journal.codec import BatchRecord, CorruptRecord, verify, verify_alone
from journal.files import flush, write_flushed
from journal.layout import (
    ADVICE,
    APPLICATION_ID,
    FORMAT_TRIMMED,
    LATER_SCHEMA,
    SCHEMA,
    SELECT,
    connect,
    is_blank,
    row_of,
    trimmed_record,
)
from journal.port import JournalCorrupt, JournalError, JournalFailed, JournalLocked, JournalTooNew
from journal.position import Position, position_path

log = logging.getLogger(__name__)


def open_connection(path: Path) -> sqlite3.Connection:
    """Connect and lock; a new file is created, closed, flushed to its folder, and opened again.

    Raises JournalCorrupt, JournalTooNew, sqlite3.Error, OSError.
    """
    _refuse_damaged_log(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = connect(path)
    try:
        if is_blank(connection):
            connection.execute("BEGIN IMMEDIATE")
            for statement in SCHEMA:
                connection.execute(statement)
            connection.execute("COMMIT")
            connection.close()
            flush(path)
            connection = connect(path)
        version = _checked_format(connection, path)
        for statement in LATER_SCHEMA:
            connection.execute(statement)
        # A write that changes nothing: it begins the log, so that the folder lists it before the first order.
        connection.execute(f"PRAGMA user_version = {version}")
        flush(path.parent)
    except BaseException:
        connection.close()
        raise
    return connection


def _checked_format(connection: sqlite3.Connection, path: Path) -> int:
    application_id = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application_id != APPLICATION_ID:
        raise JournalCorrupt(f"{path} is no Openbell journal. {ADVICE}")
    if version > FORMAT_TRIMMED:
        raise JournalTooNew(
            f"The journal {path} was written by a newer Openbell (format {version}, this one knows "
            f"{FORMAT_TRIMMED}): start that one."
        )
    return int(version)


def _refuse_damaged_log(path: Path) -> None:
    """Raise JournalCorrupt where SQLite would drop flushed commits without a word."""
    log_path = path.with_name(path.name + "-wal")
    if log_path.exists() and log_path.stat().st_size and not (path.exists() and path.stat().st_size):
        raise JournalCorrupt(f"{log_path} is there without the journal {path} it belongs to. {ADVICE}")
    damaged_at = wal.first_lost_byte(log_path)
    if damaged_at is not None:
        raise JournalCorrupt(
            f"The journal {path} is damaged: record {_last_in_copy(path, log_path) + 1} and those after it "
            f"cannot be read, because {log_path.name} is damaged at byte {damaged_at}. {ADVICE}"
        )


def _last_in_copy(path: Path, log_path: Path) -> int:
    """The last record SQLite still reads, found in a copy: closing the original would discard its log."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        copy = Path(folder) / path.name
        shutil.copy(path, copy)
        shutil.copy(log_path, copy.with_name(log_path.name))
        with contextlib.closing(connect(copy)) as connection:
            return int(connection.execute("SELECT coalesce(max(n), 0) FROM batches").fetchone()[0])


def checked_tail(connection: sqlite3.Connection, path: Path, position: Position | None) -> BatchRecord | None:
    """Verify the last record and return it; cut it when it is torn. O(1). `position`: what was flushed last.

    Raises JournalCorrupt where it was flushed and is damaged; sqlite3.Error.
    """
    rows = connection.execute(SELECT + "ORDER BY n DESC LIMIT 2").fetchall()
    records = [BatchRecord(*row) for row in rows]
    trimmed = trimmed_record(connection)
    last = records[0] if records else trimmed
    before = records[1] if len(records) > 1 else trimmed if records else None
    try:
        if before is not None:
            verify_alone(before)
        if last is not None:
            try:
                verify_alone(last)
            except CorruptRecord as error:
                if position is not None and position.n >= last.n:
                    raise _flushed(path, f"{error}, though it was flushed and acknowledged") from error
                _cut(connection, path, last, error)
                last = before
            else:
                if last is not trimmed:
                    verify(last, before)
    except CorruptRecord as error:
        raise JournalCorrupt(f"The journal {path} is damaged: {error}. {ADVICE}") from error
    return last


def require_end(
    connection: sqlite3.Connection, path: Path, last: BatchRecord | None, position: Position | None
) -> None:
    """Raise JournalCorrupt where a record that was flushed is missing, or is another one; sqlite3.Error. O(1)."""
    noted = connection.execute("SELECT coalesce(max(seq), 0) FROM checkpoints").fetchone()[0]
    if noted > (last.last_seq if last else 0):
        missing = last.n + 1 if last else 1
        raise JournalCorrupt(
            f"The journal {path} is damaged: record {missing} is missing, for the state at seq {noted} was noted. "
            f"{ADVICE}"
        )
    if position is not None:
        _require_position(connection, path, last, position)


def _require_position(connection: sqlite3.Connection, path: Path, last: BatchRecord | None, position: Position) -> None:
    """Raise JournalCorrupt where the record that was flushed last is missing, or is another one."""
    last_n = 0 if last is None else last.n
    if position.n > last_n:
        missing = f"record {position.n}" if position.n == last_n + 1 else f"records {last_n + 1} to {position.n}"
        last_seq = 0 if last is None else last.last_seq
        raise _flushed(
            path,
            f"it ends with record {last_n}, seq {last_seq}, and {missing}, up to seq {position.seq}, which were "
            "flushed and acknowledged, are missing",
        )
    row = connection.execute("SELECT chain FROM batches WHERE n = ?", (position.n,)).fetchone()
    if row is not None and row[0] != position.chain:
        raise _flushed(path, f"record {position.n} is another one than the one that was flushed and acknowledged")


def _flushed(path: Path, what: str) -> JournalCorrupt:
    kept = position_path(path)
    return JournalCorrupt(
        f"The journal {path} is damaged: {what}, as {kept.name} says. No record was changed: restore the newest "
        f"copy of the journal. To go on without those records, which clients have answers to, delete {kept}."
    )


def _cut(connection: sqlite3.Connection, path: Path, torn: BatchRecord, why: CorruptRecord) -> None:
    """Move the last record out of the journal into a file of its own."""
    kept = path.with_name(f"journal.torn-{torn.n}")
    while kept.exists():
        kept = kept.with_name(kept.name + "-again")
    write_flushed(kept, [msgspec.msgpack.encode(row_of(torn))])
    flush(path.parent)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DELETE FROM batches WHERE n = ?", (torn.n,))
    connection.execute(
        "DELETE FROM checkpoints WHERE seq > max("
        "(SELECT coalesce(max(first_seq + count - 1), 0) FROM batches),"
        "(SELECT coalesce(max(first_seq + count - 1), 0) FROM trimmed))"
    )
    connection.execute("COMMIT")
    log.warning("The journal %s ended in a torn record, which was cut (%s). Kept in %s.", path, why, kept)


def explained(path: Path, error: Exception) -> JournalError:
    """The JournalError that says what an error at opening means."""
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith("SQLITE_BUSY"):
        return JournalLocked(
            f"Another Openbell is running on {path}. Stop it first, or give this one a data folder of its own: "
            "--data DIR."
        )
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return JournalCorrupt(f"The journal {path} is damaged ({error}). {ADVICE}")
    return JournalFailed(f"The journal {path} cannot be opened for writing ({error}).")
