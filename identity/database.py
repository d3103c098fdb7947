"""Opening the identity database: an SQLite file or PostgreSQL by URL, migrated to the newest schema.

Layer: identity. Everything here blocks.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, func, inspect, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from identity.errors import IdentityAway, IdentityError
from identity.schema import METADATA, NEWEST_VERSION, VERSION, begin_with
from logs.limit import limited

OPENING_S: Final = 10.0  # for a lock, and for PostgreSQL to take a connection, at the start
LOCK_S: Final = 0.5  # for a lock, once it runs: somebody waits for the answer
CONNECT_S: Final = 2  # for PostgreSQL to take another connection; libpq takes no less
STATEMENT_S: Final = 2  # for one statement
AWAY_S: Final = 0.5  # after a failure all are refused at once for so long, so that those who wait do not add up
CONNECTIONS_MAX: Final = 4  # to PostgreSQL; more wait

MIGRATING: Final = 0x0B_E11  # PostgreSQL's lock of whoever makes or upgrades the schema

log = limited(logging.getLogger(__name__))  # every request that needs it would say so


class Database:
    """The connections of a store that runs. Any thread may use them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._away_until = 0.0  # on the monotonic clock

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction: committed at the end, rolled back where anything is raised. Raises IdentityAway."""
        if time.monotonic() < self._away_until:
            raise IdentityAway("the identity store was away a moment ago")
        try:
            with self._engine.begin() as connection:
                yield connection
        except (OperationalError, InterfaceError, PoolTimeout) as problem:
            self._away_until = time.monotonic() + AWAY_S
            log.error("the identity store is away: %s", _first_line(problem))
            raise IdentityAway("the identity store is away") from None

    def close(self) -> None:
        """Close every connection. Idempotent."""
        self._engine.dispose()


def open_database(path_or_url: str | Path) -> Engine:
    """Connections to the database, its schema brought up to date. Raises IdentityError."""
    patient = _engine(path_or_url, patient=True)
    try:
        migrate(patient)
    except SQLAlchemyError as problem:
        # the driver's own first line: SQLAlchemy's text may repeat statements
        raise IdentityError(f"cannot open the identity store: {_first_line(problem)}") from None
    finally:
        patient.dispose()
    return _engine(path_or_url, patient=False)


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest version, in one transaction. Raises IdentityError where it is none of ours."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":  # servers that share it may start at once; SQLite locks its file
            connection.execute(select(func.pg_advisory_xact_lock(MIGRATING)))
        before = _version(connection)
        if before is None:
            METADATA.create_all(connection)
            begin_with(connection)
        elif before != NEWEST_VERSION:
            from identity.upgrading import upgrade  # noqa: PLC0415 - what it imports takes long, and few starts need it

            upgrade(connection)
    if before is None:
        log.info("the identity store is made, its schema of version %s", NEWEST_VERSION)
    elif before != NEWEST_VERSION:
        log.info("the identity store's schema is upgraded from version %s to %s", before, NEWEST_VERSION)


def _version(connection: Connection) -> str | None:
    """The version of the schema; None of a store without tables."""
    if not inspect(connection).has_table(VERSION.name):
        return None
    version: str | None = connection.execute(select(VERSION.c.version_num)).scalar()
    return version


def _engine(path_or_url: str | Path, *, patient: bool) -> Engine:
    text = str(path_or_url)
    if "://" not in text:
        return _sqlite(Path(text), patient=patient)
    try:
        url = make_url(text)
    except ArgumentError:
        raise IdentityError("the identity store's URL cannot be read; write postgresql://USER@HOST/DATABASE") from None
    if url.get_backend_name() == "sqlite":
        if not url.database or url.database == ":memory:":
            raise IdentityError("the identity store needs a file, not memory")
        return _sqlite(Path(url.database), patient=patient)
    if url.get_backend_name() != "postgresql":
        raise IdentityError("the identity store is kept in SQLite or PostgreSQL")
    return _postgresql(url, patient=patient)


def _sqlite(path: Path, *, patient: bool) -> Engine:
    """`synchronous=FULL`: nothing else knows what is in here, so a commit waits for the disk."""

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=OPENING_S if patient else LOCK_S, check_same_thread=False)
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


def _postgresql(url: URL, *, patient: bool) -> Engine:
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=CONNECTIONS_MAX,
        max_overflow=0,
        pool_pre_ping=True,
        pool_timeout=STATEMENT_S,
        hide_parameters=True,
        # so that the kernel notices a server that vanished silently
        connect_args={
            "connect_timeout": int(OPENING_S) if patient else CONNECT_S,
            "tcp_user_timeout": 1000 * CONNECT_S,
        },
    )

    @event.listens_for(engine, "connect")
    def bound(connection: Any, _record: object) -> None:
        if not patient:
            connection.autocommit = True
            connection.execute(f"SET statement_timeout = {1000 * STATEMENT_S}")
            connection.autocommit = False

    return engine


def _first_line(problem: SQLAlchemyError) -> str:
    cause = getattr(problem, "orig", None) or problem
    return str(cause).strip().split("\n", maxsplit=1)[0]
