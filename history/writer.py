"""Writes the history: what commands caused, in one transaction with how far that is.

The history is derived: the journal holds the commands, replaying them gives the events again, and `write` takes up
where `applied_seq` stands. So nothing here needs to be flushed to disk, and a history that is lost, damaged or of
another version is simply built anew. One process at a time writes, which a lock beside the file sees to.
Layer: history. Everything here blocks. No event loop and no SQLAlchemy: this is all that a process which writes needs.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from engine.events import CommandResult
from engine.instrument import Instrument
from engine.types import Amount, Lots, Seq, Ticks
from history import pruning, seal, sqlite
from history.candles import SECONDS, Candle, Running
from history.errors import StoreDamaged
from history.layout import (
    ACCOUNT_TRADES,
    ASSETS,
    CANDLES,
    ORDERS,
    POSTINGS,
    SCHEMA_VERSION,
    SYMBOLS,
    TRADES,
    progress_checksum,
)
from history.rows import Listed, RowMaker, Rows
from history.sqlite import Progress
from loop.errors import StoreAway, StoreError

log = logging.getLogger(__name__)

LOCK_RETRY_S: Final = 0.05
POSTINGS_A_COMMAND: Final = 1_000  # left free for each command before the first one of a history that begins later


class StoreAhead(StoreError):
    """The history is ahead of the journal: it belongs to another journal."""


class StoreGap(StoreError):
    """What is to be written does not follow what was written."""


class StoreLocked(StoreError):
    """Another process writes the history."""


class StoreRefused(StoreAway):
    """The database did not take what was to be written (disk full, locked): the same may be tried again."""


_INSERT_ORDERS: Final = sqlite.insertion(ORDERS)
_INSERT_TRADES: Final = sqlite.insertion(TRADES)
_INSERT_ACCOUNT_TRADES: Final = sqlite.insertion(ACCOUNT_TRADES)
_INSERT_POSTINGS: Final = sqlite.insertion(POSTINGS)
_INSERT_CANDLES: Final = sqlite.insertion(CANDLES)
_INSERT_ASSETS: Final = sqlite.insertion(ASSETS)
_INSERT_SYMBOLS: Final = sqlite.insertion(SYMBOLS)
_TERMS: Final = [column.name for column in ORDERS.columns].index("terms")
_NEWEST_CANDLE: Final = (
    f"SELECT {', '.join(Candle.__struct_fields__)} FROM candles"  # noqa: S608  # nosec B608 # our own columns
    " WHERE symbol_id = ? AND interval_s = ? ORDER BY time DESC LIMIT 1"
)


class HistoryWriter:
    """The writing end of one history file. For one thread of one process; others read meanwhile."""

    def __init__(
        self, path_or_url: str | Path, lock_wait_s: float = 0.0, *, anew: bool = False, can_be_rebuilt: bool = True
    ) -> None:
        """Open the file, or make it; make it anew when it is of another schema version, or `anew` is asked.

        What is damaged, or no history at all, is set aside and made anew, too; so is what is of another version and
        cannot be rebuilt from the records. Waits at most `lock_wait_s` seconds for
        another process that writes it. Raises StoreLocked, ValueError for a URL of another database, and StoreRefused
        or OSError when the file cannot be opened.
        """
        self.path = sqlite.database_path(path_or_url)
        self._lock: int | None = _lock(self.path, lock_wait_s)
        self._can_be_rebuilt = can_be_rebuilt
        self._connection: sqlite3.Connection | None = None
        self._progress = Progress(0, 0)  # that is stored
        self._newest_ns = 0  # the time of the last command that was written
        self._pruned_place = 0  # up to which orders were looked at, of those that are to be pruned
        self._rows = RowMaker({}, {}, 0, {})
        self._file: os.stat_result | None = None
        try:
            if anew and not self.path.is_dir():  # a directory is set aside
                sqlite.discard(self.path)
            self._open()
            self._file = self.path.stat()
        except sqlite3.Error as error:
            self.close()
            raise StoreRefused(f"{self.path} cannot be opened: {sqlite.cause_of(error)}") from None
        except BaseException:
            self.close()
            raise

    @property
    def applied_seq(self) -> Seq:
        """Everything up to this seq is stored."""
        return Seq(self._progress.applied_seq)

    def close(self) -> None:
        """Let go of the file, and seal it. Idempotent."""
        folded = False
        if self._connection is not None:
            with suppress(sqlite3.Error):
                folded = sqlite.fold_log(self._connection)
        self._disconnect()
        if folded and self._is_in_place():
            seal.put(self.path)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def set_aside(self) -> None:
        """Rename the file, which is damaged, and let go of it. Raises OSError."""
        self._disconnect()
        sqlite.set_aside(self.path)
        self.close()

    def begin_at(self, seq: Seq, instruments: Iterable[Instrument], posting_id: int | None = None) -> None:
        """Make the history anew, to go on with the command behind `seq`: there are no earlier ones to build it of.

        One that has anything is set aside: it cannot be built again.
        `instruments`: all that are listed by then. Postings count on from `posting_id`, by default from a number that
        none had before. The candles that run at `seq` have only what trades from then on. Raises StoreRefused.
        """
        if posting_id is None:
            posting_id = seq * POSTINGS_A_COMMAND
        self._disconnect()
        self._rows = RowMaker({}, {}, posting_id, {})
        names = self._rows.names(instruments)
        try:
            if self.applied_seq:
                self._keep_aside(f"it ends with seq {self.applied_seq}, and the records behind are gone")
            else:
                sqlite.discard(self.path)
            self._make(Progress(0, 0))
            self._file = self.path.stat()
            self._progress = self._progress._replace(begun_seq=seq)
            self._store(names, seq)  # the names with the progress: one that is ended before has nothing to go on with
        except (sqlite3.Error, OSError) as error:
            raise StoreRefused(f"{self.path} cannot be begun: {sqlite.cause_of(error)}") from None
        self._rows.take(names)

    def write(self, applied: Sequence[CommandResult]) -> None:
        """Store what `applied` caused and that it is stored, in one transaction. O(events).

        What is stored already is skipped, so a batch may come again. Raises StoreGap when the
        rest does not follow `applied_seq` without a hole, or another file or none is in the place of
        the one that was opened, StoreRefused when the database refuses and StoreDamaged when it is
        broken; nothing of the batch is stored then.
        """
        fresh = [item for item in applied if item.seq > self.applied_seq]
        if not fresh:
            return
        last_seq = fresh[-1].seq
        if fresh[0].seq != self.applied_seq + 1 or last_seq != self.applied_seq + len(fresh):
            raise StoreGap(f"stored up to {self.applied_seq}; cannot go on with {fresh[0].seq} to {last_seq}")
        if not self._is_in_place():  # nobody could read what is written to a file without a name
            raise StoreGap(f"{self.path} was deleted or replaced while it was open")
        rows = self._rows.rows(fresh)
        try:
            self._store(rows, last_seq)
        except sqlite3.Error as error:
            raise (StoreDamaged if sqlite.is_damaged(error) else StoreRefused)(sqlite.cause_of(error)) from None
        self._rows.take(rows)
        self._newest_ns = fresh[-1].ts_ns

    def prune(self, before_ns: int, limit: int, written_ns: int = 0) -> bool:
        """Delete what is older than `before_ns`, at most so many rows of each table, in one transaction; whether
        there may be more.

        Never the last two days before the newest command that was written: by then an order that comes again must be
        known. `written_ns`: the time of a command that was written, by an earlier run perhaps. Raises as `write`.
        """
        before_ns = min(before_ns, max(self._newest_ns, written_ns) - pruning.KEPT_NS)
        if before_ns <= 0 or self._connection is None or not self._is_in_place():
            return False
        try:
            progress = self._progress._replace(pruned_ns=max(before_ns, self._progress.pruned_ns))
            with self._transaction() as connection:
                place, more = pruning.prune(connection, before_ns, self._pruned_place, limit)
                self._set_progress(connection, progress)
        except sqlite3.Error as error:
            raise (StoreDamaged if sqlite.is_damaged(error) else StoreRefused)(sqlite.cause_of(error)) from None
        self._progress, self._pruned_place = progress, place
        return more

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _is_in_place(self) -> bool:
        """Whether the file that was opened is still the one of this path."""
        try:
            return self._file is not None and os.path.samestat(self._file, self.path.stat())
        except OSError:
            return False

    def _store(self, rows: Rows, last_seq: Seq) -> None:
        """One transaction: all of it or nothing."""
        orders = [
            row if row[_TERMS] is None else (*row[:_TERMS], _json(row[_TERMS]), *row[_TERMS + 1 :])
            for row in rows.orders
        ]
        statements = (
            (_INSERT_ORDERS, orders),
            (_INSERT_TRADES, rows.trades),
            (_INSERT_ACCOUNT_TRADES, rows.account_trades),
            (_INSERT_POSTINGS, rows.postings),
            (_INSERT_CANDLES, rows.candles),
            (_INSERT_ASSETS, [(number, name) for name, number in rows.assets.items()]),
            (_INSERT_SYMBOLS, rows.symbols),
        )
        progress = self._progress._replace(posting_id=rows.posting_id, applied_seq=last_seq)
        with self._transaction() as connection:
            for statement, cells in statements:
                if cells:
                    connection.executemany(statement, cells)
            self._set_progress(connection, progress)
        self._progress = progress

    def _set_progress(self, connection: sqlite3.Connection, progress: Progress) -> None:
        row = (*progress, progress_checksum(*progress), self.applied_seq)
        if connection.execute(sqlite.SET_PROGRESS, row).rowcount != 1:
            raise StoreGap(f"{self.path} was written by somebody else, beyond or before {self.applied_seq}")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All that is done within, or nothing. Raises StoreRefused where this is closed."""
        if self._lock is None:
            raise StoreRefused(f"{self.path} is closed")
        if self._connection is None:  # it could not be rolled back
            self._connection = sqlite.connect_writer(self.path)
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            self._roll_back(connection)
            raise

    def _roll_back(self, connection: sqlite3.Connection) -> None:
        """End the transaction, or the connection with it: one that stays within a transaction takes no other."""
        if not connection.in_transaction:  # some errors end it by themselves
            return
        try:
            connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            log.warning("%s is opened again, since it cannot be rolled back: %s", self.path, sqlite.cause_of(error))
            self._connection = None
            connection.close()

    # -- opening

    def _open(self) -> None:
        """Go on behind what is stored, or make the tables where they are not as needed."""
        why = self._why_unusable()
        if why is not None:
            log.error("%s is %s: it is set aside and built anew from the journal", self.path, why)
            sqlite.set_aside(self.path)
        try:
            with sqlite.as_damage():
                connection = self._connection = sqlite.connect_writer(self.path)
                blank, progress = sqlite.is_blank(connection), sqlite.stored_progress(connection)
                if progress is not None:
                    if not sqlite.has_schema(connection):
                        raise sqlite3.DatabaseError("a table or an index is missing or another")
                    if not seal.holds(self.path):
                        raise sqlite3.DatabaseError("it is not what was closed")
                    seal.remove(self.path)
                    self._begin_behind(connection, progress)
                    return
                of_another_version = sqlite.is_older(connection)
        except sqlite3.DatabaseError as error:
            if not sqlite.is_damaged(error) and not self._says_read_only(error):
                raise
            log.error("%s is damaged (%s): it is set aside and built anew from the journal", self.path, error)
            self._disconnect()
            sqlite.set_aside(self.path)
        else:
            self._disconnect()
            if of_another_version:
                why = f"not of schema version {SCHEMA_VERSION}"
                if self._can_be_rebuilt:
                    log.warning("%s is %s: built anew from the journal", self.path, why)
                    sqlite.discard(self.path)
                else:
                    self._keep_aside(f"it is {why}")
            elif not blank:
                log.error("%s is no history: it is set aside and built anew from the journal", self.path)
                sqlite.set_aside(self.path)
            else:
                sqlite.discard(self.path)
        self._make(Progress(0, 0))

    def _make(self, progress: Progress) -> None:
        """The tables, empty, at this progress."""
        self._connection = sqlite.connect_writer(self.path)
        sqlite.make_tables(self._connection, progress)
        self._progress = progress

    def _keep_aside(self, why: str) -> None:
        """Make room for another file, and keep this one, which nothing can make again. Raises OSError."""
        log.warning("%s is set aside as %s: %s", self.path, sqlite.set_aside(self.path), why)

    def _why_unusable(self) -> str | None:
        """Why what stands in the file's place can be no database that is written; None where it may be one."""
        if self.path.is_dir():
            return "a directory"
        if self.path.exists() and not os.access(self.path, os.W_OK) and os.access(self.path.parent, os.W_OK):
            return "read only"
        return None

    def _says_read_only(self, error: sqlite3.Error) -> bool:
        """Whether a file that may be written says of itself that it must not be."""
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        return (
            code == sqlite3.SQLITE_READONLY and os.access(self.path, os.W_OK) and os.access(self.path.parent, os.W_OK)
        )

    def _begin_behind(self, connection: sqlite3.Connection, progress: Progress) -> None:
        """Go on behind what is stored. Raises as the database does, and for cells that are not what was written."""
        assets = {str(name): int(number) for number, name in connection.execute("SELECT asset_id, name FROM assets")}
        listed = {
            str(name): Listed(int(symbol_id), int(base_id), int(quote_id))
            for symbol_id, name, base_id, quote_id in connection.execute(
                "SELECT symbol_id, name, base_id, quote_id FROM symbols"
            )
        }
        known = set(assets.values())
        if (
            known != set(range(1, len(known) + 1))
            or {each.symbol_id for each in listed.values()} != set(range(1, len(listed) + 1))
            or any(each.base_id not in known or each.quote_id not in known for each in listed.values())
        ):
            raise ValueError("the names are not what was written")
        running = _stored_running(connection, [each.symbol_id for each in listed.values()])
        self._progress = progress
        self._rows = RowMaker(assets, listed, progress.posting_id, running)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def require_not_ahead(path: Path, journal_seq: Seq) -> Seq:
    """How far the history is, by a look at its file: 0 where there is none that can be gone on with.

    Raises StoreAhead when more is stored than a journal that ends at `journal_seq` can have caused.
    """
    applied_seq = stored_seq(path)
    if applied_seq > journal_seq:
        raise StoreAhead(
            f"{path} knows commands up to {applied_seq}, the journal ends at {journal_seq}: the journal "
            "has lost its end (is there a journal.torn file beside it?), or it is another one. To go on with the "
            f"journal as it is, delete {path}; it is built anew."
        )
    return applied_seq


def stored_seq(path: Path) -> Seq:
    """The last command that is stored in the file; 0 where there is no file, or none that can be gone on with."""
    if not path.exists():
        return Seq(0)
    try:
        connection = sqlite.connect_reader(path)
        try:
            progress = sqlite.stored_progress(connection)
        finally:
            connection.close()
    except (sqlite3.Error, OSError) as error:  # the process that writes finds out whether it is damaged
        log.warning("%s cannot be read: %s", path, sqlite.cause_of(error))
        return Seq(0)
    return Seq(0 if progress is None else progress.applied_seq)


def _lock(path: Path, wait_s: float) -> int:
    """A descriptor that holds the lock beside the file. Raises StoreLocked, OSError."""
    descriptor = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + wait_s
    try:
        while not _locked(descriptor):
            if time.monotonic() >= until:
                raise StoreLocked(f"another process writes {path}")
            time.sleep(LOCK_RETRY_S)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _stored_running(connection: sqlite3.Connection, symbol_ids: Sequence[int]) -> Running:
    """The newest candles that are stored. O(symbols x intervals x log candles)."""
    running: Running = {}
    for symbol_id in symbol_ids:
        for seconds in SECONDS.values():
            row = connection.execute(_NEWEST_CANDLE, (symbol_id, seconds)).fetchone()
            if row is not None:
                start, first, high, low, last, volume, quote, trades, bought, paid = (int(cell) for cell in row)
                running[symbol_id, seconds] = Candle(
                    start, Ticks(first), Ticks(high), Ticks(low), Ticks(last), Lots(volume),
                    Amount(quote), trades, Lots(bought), Amount(paid),
                )  # fmt: skip
    return running
