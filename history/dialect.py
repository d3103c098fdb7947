"""What SQLite does in its own way: opening, writing many rows at once, reading many rows at once.

A second database (PostgreSQL) would be a second set of these functions, chosen by URL in `history.py`.

Rows go in and out as one JSON document per statement. Python's sqlite3 takes the interpreter lock
again for each row it binds or fetches, and beside a busy event loop each time can cost the whole
switch interval (5 ms). With one document the database's own code does the rows, without that lock.
Layer: history.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Engine, Select, Table, bindparam, create_engine, func, literal_column, select
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import QueuePool
from sqlalchemy.sql import ColumnElement
from sqlalchemy.types import JSON, Text

from history.schema import DecimalInteger, JsonText

BUSY_TIMEOUT_S = 5.0
# `:document` is a JSON list of [account, client order id]; gives [index, latest order id or null] for each
LATEST_NAMED = (
    "SELECT json_group_array(json_array(key, (SELECT order_id FROM orders"
    " WHERE account = json_extract(value, '$[0]') AND client_order_id = json_extract(value, '$[1]')"
    " ORDER BY entry DESC, order_id LIMIT 1))) FROM json_each(:document)"
)
READERS_MAX = 4  # connections kept for reading; more wait for one


def database_path(path_or_url: str | Path) -> Path:
    """The file meant by a path or a `sqlite:///` URL. Raises ValueError for anything else."""
    text = str(path_or_url)
    if "://" not in text:
        return Path(text)
    url = make_url(text)
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        raise ValueError(f"the history is kept in an SQLite file, not at {url.render_as_string()}")
    return Path(url.database)


def open_writer(path: Path) -> Engine:
    """The one connection that writes. Readers may read meanwhile (write-ahead log).

    `synchronous=NORMAL`: a commit does not wait for the disk, so a power cut may take the last ones
    back, but never damages the file. What it took back comes again from the journal.
    """

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA journal_size_limit=67108864")
        return connection

    return _engine(connect, 1)


def open_reader(path: Path) -> Engine:
    """Connections that cannot write. The file must exist."""

    def connect() -> sqlite3.Connection:
        uri = f"file:{quote(str(path.absolute()))}?mode=ro"
        return sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, check_same_thread=False)

    return _engine(connect, READERS_MAX)


def _engine(connect: Callable[[], sqlite3.Connection], connections: int) -> Engine:
    """Errors of it name no rows: they may be logged."""
    return create_engine(
        "sqlite://",
        creator=connect,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        hide_parameters=True,
    )


def discard(path: Path) -> None:
    """Delete the database, its write-ahead log first: a log alone could be taken for a new file's."""
    for suffix in ("-wal", "-shm", ""):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def cause_of(error: Exception) -> str:
    """What the database said, for the log: without the statement and its rows, which are people's orders and money."""
    said = getattr(error, "orig", None) or error
    return f"{type(said).__name__}: {str(said).strip().partition(chr(10))[0]}"


def is_damaged(error: DatabaseError) -> bool:
    """Whether the file is no database, or a broken one (not: locked, full, unreadable)."""
    return type(error.orig) is sqlite3.DatabaseError


def insert_document(table: Table) -> str:
    """The SQL that writes rows given as `:document`, a JSON array of arrays in the order of the columns.

    A row whose key is there already replaces it.
    """
    names = ", ".join(column.name for column in table.columns)
    cells = ", ".join(f"json_extract(value, '$[{index}]')" for index in range(len(table.columns)))
    return f"INSERT OR REPLACE INTO {table.name} ({names}) SELECT {cells} FROM json_each(:document)"  # noqa: S608  # nosec B608 # our own tables' names


def limited(rows: Select[Any]) -> Select[Any]:
    """The first `:limit` of `rows`. The offset is written out, or compiling would add a parameter for it."""
    return rows.limit(bindparam("limit")).offset(literal_column("0"))


def select_document(rows: Select[Any], columns: Sequence[str]) -> str:
    """The SQL for one JSON array of arrays: `rows`, cells in the order of `columns`, parameters by name.

    The order of the rows is not promised. Amounts are JSON numbers of any size. Compiling takes
    about half a millisecond, so callers keep the text.
    """
    inner = rows.subquery()
    cells: list[ColumnElement[Any]] = [
        func.json(inner.c[name], type_=JSON)
        if isinstance(inner.c[name].type, DecimalInteger | JsonText)
        else inner.c[name]
        for name in columns
    ]
    document = select(func.json_group_array(func.json_array(*cells, type_=Text), type_=Text)).select_from(inner)
    return str(document.compile(dialect=SQLiteDialect_pysqlite(paramstyle="named")))
