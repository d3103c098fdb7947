"""What SQLite does in its own way for who writes: opening, making the tables, setting a broken file aside.

Layer: history.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from history import seal
from history.cells import VIEWS
from history.layout import PROGRESS, SCHEMA_VERSION, TABLES, Kind, TableLayout, progress_checksum

BUSY_TIMEOUT_S: Final = 5.0  # that a read waits for a lock
WRITER_BUSY_S: Final = 1.0  # and a write: it is tried again, and the server may want to end

_TYPES: Final = {
    Kind.ID: "INTEGER",
    Kind.NUMBER: "INTEGER",
    Kind.CODE: "INTEGER",
    Kind.TEXT: "TEXT",
    Kind.AMOUNT: "",  # no affinity: integers stay integers, text stays text
    Kind.JSON: "TEXT",
}
_URL: Final = "sqlite:///"
_NO_TEXT: Final = "Could not decode to UTF-8"  # how Python's module begins to tell of bytes that are no text
_DAMAGED: Final = frozenset({  # primary codes; ERROR: no such table or column, unsupported format, JSON that is none
    sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_MISMATCH,
})  # fmt: skip
ASIDE: Final = "damaged-"  # behind the name of a file that was set aside, before the time in epoch nanoseconds
ASIDE_MAX: Final = 2  # that are kept


def database_path(path_or_url: str | Path) -> Path:
    """The file meant by a path or a `sqlite:///` URL. Raises ValueError for anything else."""
    text = str(path_or_url)
    if "://" not in text:
        return Path(text)
    if not text.startswith(_URL) or text in (_URL, f"{_URL}:memory:"):
        raise ValueError(f"the history is kept in an SQLite file, not in a database {text.partition(':')[0]}")
    return Path(text.removeprefix(_URL))


def connect_writer(path: Path) -> sqlite3.Connection:
    """The one connection that writes, each statement its own transaction. Readers may read meanwhile.

    `synchronous=NORMAL`: a commit does not wait for the disk, so a power cut may take the last ones
    back, but never damages the file. What it took back comes again from the journal.
    """
    connection = sqlite3.connect(path, timeout=WRITER_BUSY_S, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA journal_size_limit=67108864")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, for any thread. The file must exist."""
    uri = f"file:{quote(str(path.absolute()))}?mode=ro"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, check_same_thread=False)


class Progress(NamedTuple):
    """How far a history is, and where it begins."""

    posting_id: int  # of the last posting
    applied_seq: int
    begun_seq: int = 0  # commands behind this one are in it
    pruned_ns: int = 0  # what was over before may have been deleted


SET_PROGRESS: Final = (
    "UPDATE progress SET posting_id = ?, applied_seq = ?, begun_seq = ?, pruned_ns = ?, checksum = ?"
    " WHERE applied_seq = ?"
)


def make_tables(connection: sqlite3.Connection, begin: Progress) -> None:
    """Make every table, empty, and the row that says so, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    for _, statement in schema():
        connection.execute(statement)
    connection.execute(
        f"INSERT INTO {PROGRESS.name} VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608  # nosec B608 # our own table's name
        (SCHEMA_VERSION, *begin, progress_checksum(*begin)),
    )
    connection.execute("COMMIT")


def schema() -> list[tuple[str, str]]:
    """Everything that is made, in order: its name, and the statement as the database keeps it."""
    made = [each for table in TABLES for each in creation(table)]
    for view, (table, cells) in VIEWS.items():
        columns = ", ".join(f"{expression} AS {name}" for name, expression in cells.items())
        made.append((view, f"CREATE VIEW {view} AS SELECT {columns} FROM {table}"))  # noqa: S608  # nosec B608 # our own names
    return made


def creation(table: TableLayout) -> list[tuple[str, str]]:
    """The names of a table and of its indexes, and the statements that make them."""
    cells = [f"{each.name} {_TYPES[each.kind]}{'' if each.nullable else ' NOT NULL'}" for each in table.columns]
    key = ", ".join(each.name for each in table.columns if each.key)
    ending = " WITHOUT ROWID" if table.clustered else ""
    made = [(table.name, f"CREATE TABLE {table.name} ({', '.join(cells)}, PRIMARY KEY ({key})){ending}")]
    for index, columns in table.indexes.items():
        which = f" WHERE {table.index_where[index]}" if index in table.index_where else ""
        made.append((index, f"CREATE INDEX {index} ON {table.name} ({', '.join(columns)}){which}"))
    return made


def insertion(table: TableLayout) -> str:
    """The SQL that writes a row, or replaces that of its key; parameters in the order of the columns."""
    names = ", ".join(column.name for column in table.columns)
    return f"INSERT OR REPLACE INTO {table.name} ({names}) VALUES ({', '.join('?' * len(table.columns))})"  # noqa: S608  # nosec B608 # our own tables' names


def has_schema(connection: sqlite3.Connection) -> bool:
    """Whether the database has everything that `schema` makes, and as it makes it."""
    with as_damage():
        found = {(row[0], row[1]) for row in connection.execute("SELECT name, sql FROM sqlite_master")}
    return found >= set(schema())


def stored_progress(connection: sqlite3.Connection) -> Progress | None:
    """How far the stored history is; None when the tables are not of this schema version.

    Raises sqlite3.DatabaseError as the database does, and for a row that is not what was written.
    """
    with as_damage():
        columns = {row[1] for row in connection.execute(f"PRAGMA table_info({PROGRESS.name})")}
        if columns != {column.name for column in PROGRESS.columns}:
            return None
        cells = ", ".join(column.name for column in PROGRESS.columns)
        row: Any = connection.execute(f"SELECT {cells} FROM {PROGRESS.name}").fetchone()  # noqa: S608  # nosec B608 # our own table's name
        if row is None or row[0] != SCHEMA_VERSION:
            return None
        progress = Progress(*(int(cell) for cell in row[1:5]))
        if row[5] != progress_checksum(*progress):
            raise ValueError("the checksum of the progress is another")
        return progress


@contextmanager
def as_damage() -> Iterator[None]:
    """Raise sqlite3.DatabaseError where what is read is not what was written: bytes that are no text, text for numbers.

    A page that was overwritten may still be one to the database.
    """
    try:
        yield
    except (ValueError, TypeError, sqlite3.OperationalError) as error:
        if isinstance(error, sqlite3.OperationalError) and not str(error).startswith(_NO_TEXT):
            raise
        raise sqlite3.DatabaseError(f"a cell is damaged: {type(error).__name__}") from None


def is_older(connection: sqlite3.Connection) -> bool:
    """Whether the database, which is not of this schema version, is a history of another one."""
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables >= {"orders", "trades", PROGRESS.name}:
        return False
    columns = {row[1] for row in connection.execute(f"PRAGMA table_info({PROGRESS.name})")}
    if not columns >= {"schema_version", "applied_seq"}:
        return False
    row = connection.execute(f"SELECT schema_version FROM {PROGRESS.name}").fetchone()  # noqa: S608  # nosec B608 # our own table's name
    return row is not None and row[0] != SCHEMA_VERSION


def fold_log(connection: sqlite3.Connection) -> bool:
    """Take the write-ahead log into the database's file; False where a reader keeps it from that."""
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def is_blank(connection: sqlite3.Connection) -> bool:
    """Whether nothing was ever made in it."""
    return bool(connection.execute("SELECT count(*) = 0 FROM sqlite_master").fetchone()[0])


def discard(path: Path) -> None:
    """Delete the database, its write-ahead log first: a log alone could be taken for a new file's."""
    seal.remove(path)
    for suffix in ("-wal", "-shm", ""):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def set_aside(path: Path) -> Path | None:
    """Rename what stands in the database's place, whatever it is, so that it can be built anew; return its new name.

    None where there is nothing. The newest `ASIDE_MAX` are kept. Raises OSError.
    """
    if not path.is_symlink() and not path.exists():
        discard(path)
        return None
    seal.remove(path)
    kept = path.with_name(f"{path.stem}.{ASIDE}{time.time_ns()}")
    for suffix in ("-wal", ""):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(kept.with_name(kept.name + suffix))
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    aside = sorted(each for each in path.parent.glob(f"{path.stem}.{ASIDE}*") if not each.name.endswith("-wal"))
    for older in aside[:-ASIDE_MAX]:
        _delete(older)
        _delete(older.with_name(older.name + "-wal"))
    return kept


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        return  # nothing of ours: whoever put it there takes it away
    path.unlink(missing_ok=True)


def cause_of(error: Exception) -> str:
    """What the database said, for the log: without the statement and its rows, which are people's orders and money."""
    said = getattr(error, "orig", None) or error
    return f"{type(said).__name__}: {str(said).strip().partition(chr(10))[0]}"


def is_damaged(error: Exception) -> bool:
    """Whether the file is no database, a broken one or one without our tables (not: locked, full, unreadable)."""
    said = getattr(error, "orig", None) or error
    code = getattr(said, "sqlite_errorcode", None)
    if code is None:  # of Python's own module
        return type(said) is sqlite3.DatabaseError or str(said).startswith(_NO_TEXT)
    return code & 0xFF in _DAMAGED
