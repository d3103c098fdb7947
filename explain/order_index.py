"""An index of what touched which order, in a file of its own; made while the journal is followed.

It is derived from the journal: one that is damaged, of another format or of another journal is set aside
(renamed `.bad`) and made anew. A row is written in the transaction of the records around it, and the file says up to
which record that was, so that a process that ends in between goes on from there.
Layer: explain. One thread; the file is nobody else's.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from pathlib import Path
from typing import Final

import msgspec

from engine.events import CommandResult, Ended, Event, Filled
from journal.codec import GENESIS, BatchRecord

APPLICATION_ID: Final = 0x4F424558  # "OBEX", in the file's header
FORMAT_VERSION: Final = 1
COMMIT_EVERY: Final = 5_000  # commands
CACHE_KIB: Final = 8_000  # of pages in memory
LOCK_WAIT_S: Final = 5.0  # for a process that is about to end

_SCHEMA: Final = (
    # a touch is twice the seq of the command, and one more where it ended the order
    "CREATE TABLE touches (order_id INTEGER, touch INTEGER, PRIMARY KEY (order_id, touch)) WITHOUT ROWID",
    "CREATE TABLE trades (trade_id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, maker INTEGER NOT NULL,"
    " taker INTEGER NOT NULL)",
    "CREATE TABLE span (one INTEGER PRIMARY KEY CHECK (one = 1), after_seq INTEGER NOT NULL, n INTEGER NOT NULL,"
    " seq INTEGER NOT NULL, chain BLOB NOT NULL)",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {FORMAT_VERSION}",
)
_INSERT_TOUCH: Final = "INSERT OR REPLACE INTO touches VALUES (?, ?)"
_INSERT_TRADE: Final = "INSERT OR REPLACE INTO trades VALUES (?, ?, ?, ?)"

log = logging.getLogger(__name__)


class IndexDamaged(Exception):
    """The index's file cannot be read or written. It can be made anew."""


class IndexBusy(Exception):
    """Another process has the index: one that is about to end, for a server has one that explains."""


class IndexSpan(msgspec.Struct, frozen=True):
    """What an index covers: the commands behind `after_seq` up to `seq`, the last of record `n`."""

    after_seq: int = 0
    n: int = 0
    seq: int = 0
    chain: bytes = GENESIS  # of record n


class OrderIndex:
    """Which command touched which order, and which made which trade. About 20 bytes a touch, 20 a trade, on the disk.

    A listener of the follower. Every method raises IndexDamaged where the file cannot be used.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Open or create the index at `path`; in memory without one, for a market that is small."""
        self._path = path
        try:
            self._connection = _connection(path)
            self._written = self._read_span()
        except (sqlite3.Error, ValueError, TypeError) as error:
            if getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
                raise IndexBusy(f"{path} is in use") from error
            raise IndexDamaged(f"{path}: {error}") from error
        self.span = self._written
        self._touches: list[tuple[int, int]] = []
        self._trades: list[tuple[int, int, int, int]] = []

    def begin_behind(self, record: BatchRecord) -> None:
        """Have an empty index begin behind `record`, where the journal has nothing from before."""
        self.span = IndexSpan(record.last_seq, record.n, record.last_seq, record.chain)

    def on_record(self, record: BatchRecord, applied: list[CommandResult]) -> None:
        """Note what the commands of the next record did; records that are known are passed over. O(events)."""
        if record.n <= self.span.n:
            return
        for item in applied:
            self.add(item.seq, item.events)
        self.span = IndexSpan(self.span.after_seq, record.n, record.last_seq, record.chain)
        if self.span.seq - self._written.seq >= COMMIT_EVERY:
            self.commit()

    def add(self, seq: int, events: list[Event]) -> None:
        """Note what a command did."""
        touched: set[int] = set()
        ended: set[int] = set()
        for event in events:
            if type(event) is Filled:
                maker, taker = event.maker_order_id, event.taker_order_id
                touched.add(maker)
                touched.add(taker)
                self._trades.append((event.trade_id, seq, maker, taker))
            else:
                order_id: int | None = getattr(event, "order_id", None)
                if order_id is not None:
                    touched.add(order_id)
                    if isinstance(event, Ended):
                        ended.add(order_id)
        self._touches.extend((order_id, 2 * seq + (order_id in ended)) for order_id in touched)

    def commit(self) -> None:
        """Write what was noted, and up to where."""
        span = self.span
        try:
            self._write_rows()
            values = (span.after_seq, span.n, span.seq, span.chain)
            self._connection.execute("INSERT OR REPLACE INTO span VALUES (1, ?, ?, ?, ?)", values)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._damaged(error) from error
        self._written = span

    def seqs_of(self, order_id: int) -> list[int]:
        """The commands that touched an order, in order. O(log touches of all orders + its own)."""
        return [touch // 2 for touch in self._touches_of(order_id)]

    def state_of(self, order_id: int) -> int | None:
        """The command that fixes an order's totals: that of its end, or the last. Cost as of `seqs_of`."""
        touches = self._touches_of(order_id)
        found = [touch for touch in touches if touch % 2] or touches
        return found[-1] // 2 if found else None

    def trade(self, trade_id: int) -> tuple[int, int, int] | None:
        """The seq, the maker's and the taker's order of a trade; None when it is not known. O(log trades)."""
        select = "SELECT seq, maker, taker FROM trades WHERE trade_id = ?"
        for seq, maker, taker in self._select(select, trade_id):
            return seq, maker, taker
        return None

    def first_trade(self) -> int | None:
        """The oldest trade that is known. O(log trades)."""
        for (trade_id,) in self._select("SELECT min(trade_id) FROM trades"):
            return None if trade_id is None else int(trade_id)
        return None

    def close(self) -> None:
        """Let go of the file; what was not committed is noted again the next time. Idempotent."""
        self._connection.close()

    def _touches_of(self, order_id: int) -> list[int]:
        return [touch for (touch,) in self._select("SELECT touch FROM touches WHERE order_id = ? ORDER BY 1", order_id)]

    def _select(self, select: str, *values: int) -> list[tuple[int, ...]]:
        try:
            self._write_rows()
            return self._connection.execute(select, values).fetchall()
        except OverflowError:  # a number beyond 64 bits: nobody's
            return []
        except sqlite3.Error as error:
            raise self._damaged(error) from error

    def _write_rows(self) -> None:
        """Put what is noted into the transaction, which is begun where none is under way."""
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(_INSERT_TOUCH, self._touches)
        self._connection.executemany(_INSERT_TRADE, self._trades)
        self._touches.clear()
        self._trades.clear()

    def _read_span(self) -> IndexSpan:
        for after_seq, n, seq, chain in self._connection.execute("SELECT after_seq, n, seq, chain FROM span"):
            return msgspec.convert({"after_seq": after_seq, "n": n, "seq": seq, "chain": chain}, IndexSpan)
        return IndexSpan()

    def _damaged(self, error: sqlite3.Error) -> IndexDamaged:
        return IndexDamaged(f"{self._path}: {error}")


def open_index(path: Path) -> OrderIndex:
    """The index at `path`, or an empty one where there is none that can be used. Raises IndexDamaged, IndexBusy."""
    try:
        return OrderIndex(path)
    except IndexDamaged as damage:
        set_aside(path, str(damage))
        return OrderIndex(path)


def set_aside(path: Path, why: str) -> None:
    """Rename an index that is of no use any more, and say so; only the last one is kept."""
    log.warning("The index of explanations is made anew, the old one is kept as %s.bad: %s.", path.name, why)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):
        path.replace(path.with_name(path.name + ".bad"))


def _connection(path: Path | None) -> sqlite3.Connection:
    """An open index whose pages hold together. O(bytes): a second for some hundred megabytes."""
    connection = sqlite3.connect(":memory:" if path is None else path, isolation_level=None, timeout=LOCK_WAIT_S)
    try:
        for setting in (
            "locking_mode = EXCLUSIVE",
            "journal_mode = WAL",
            "synchronous = NORMAL",
            f"cache_size = -{CACHE_KIB}",
        ):
            connection.execute(f"PRAGMA {setting}").fetchall()
        if connection.execute("SELECT count(*) = 0 FROM sqlite_master").fetchone()[0]:
            for statement in _SCHEMA:
                connection.execute(statement)
        marks = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
        if marks != [APPLICATION_ID, FORMAT_VERSION]:
            raise ValueError(f"it is of another format ({marks[1]})")
        damage = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if damage != "ok":
            raise ValueError(str(damage))
    except BaseException:
        connection.close()
        raise
    return connection
