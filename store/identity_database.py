"""Opening the identity database: an SQLite file or PostgreSQL by URL, migrated to the newest schema.

Layer: store. Everything here blocks.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from store.history import StoreError

BUSY_TIMEOUT_S = 10.0
CONNECTIONS_MAX = 4  # to PostgreSQL; more wait
CONNECT_TIMEOUT_S = 10
MIGRATIONS = Path(__file__).parent / "migrations"


class IdentityError(StoreError):
    """The identity store cannot be used as asked. What it says never holds a password."""


def open_database(path_or_url: str | Path) -> Engine:
    """Connections to the database, its schema brought up to date. Raises IdentityError."""
    engine = _engine(path_or_url)
    try:
        migrate(engine)
    except SQLAlchemyError as problem:
        engine.dispose()
        # the driver's own first line: SQLAlchemy's text may repeat statements
        raise IdentityError(f"cannot open the identity store: {_first_line(problem)}") from None
    return engine


def migrate(engine: Engine) -> None:
    """Apply the versions of the schema that are missing, in one transaction."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _engine(path_or_url: str | Path) -> Engine:
    text = str(path_or_url)
    if "://" not in text:
        return _sqlite(Path(text))
    try:
        url = make_url(text)
    except ArgumentError:
        raise IdentityError("the identity store's URL cannot be read; write postgresql://USER@HOST/DATABASE") from None
    if url.get_backend_name() == "sqlite":
        if not url.database or url.database == ":memory:":
            raise IdentityError("the identity store needs a file, not memory")
        return _sqlite(Path(url.database))
    if url.get_backend_name() != "postgresql":
        raise IdentityError("the identity store is kept in SQLite or PostgreSQL")
    return _postgresql(url)


def _sqlite(path: Path) -> Engine:
    """`synchronous=FULL`: nothing else knows what is in here, so a commit waits for the disk."""

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        return connection

    path.touch(mode=0o600)
    engine = create_engine(
        "sqlite://", creator=connect, poolclass=QueuePool, pool_size=1, max_overflow=0, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def own_transactions(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # or the driver would begin late, and never for CREATE TABLE

    @event.listens_for(engine, "begin")
    def begin(connection: object) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # type: ignore[attr-defined]

    return engine


def _postgresql(url: URL) -> Engine:
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=CONNECTIONS_MAX,
        max_overflow=0,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"connect_timeout": CONNECT_TIMEOUT_S},
    )


def _first_line(problem: SQLAlchemyError) -> str:
    cause = getattr(problem, "orig", None) or problem
    return str(cause).strip().split("\n", maxsplit=1)[0]
