"""The journal in one SQLite file: a row a batch, durable when `append` returns.

WAL with `synchronous=FULL` flushes the log once a commit. `locking_mode=EXCLUSIVE` keeps every
other process out from the first statement to the last, and spares the shared-memory index.
The lock is a POSIX one: should this process itself open the file a second time and close
it, the lock would be gone, so copies are made by other processes or after `close`.

The log is folded into the file by the commit that takes it past CHECKPOINT_PAGES. Measured on two
shared cores, from 1 to 100 commands a batch: such a commit takes 4 ms instead of 0.2, once in 300 to
1,000 commits. With a quarter of the pages it comes more often (p99 1 ms instead of 0.4), with four times
as many it takes 13 ms, and without an end the log grows, which makes every commit a half slower.

Layer: journal. Opened and read by one thread, then handed to the one that appends; `part` is for any.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from journal import wal
from journal.codec import BatchRecord, CorruptRecord, UnknownVersion, open_batch, verify, verify_alone
from journal.port import Checkpoint, JournalCorrupt, JournalError, JournalFailed, JournalLocked, JournalTooNew

APPLICATION_ID: Final = 0x4F42454C  # "OBEL", in the file's header
FORMAT_VERSION: Final = 1
CHECKPOINT_PAGES: Final = 1000

_SCHEMA = (
    "CREATE TABLE batches (n INTEGER PRIMARY KEY, ts_ns INTEGER NOT NULL, first_seq INTEGER NOT NULL,"
    " count INTEGER NOT NULL, prev_chain BLOB NOT NULL, body BLOB NOT NULL, chain BLOB NOT NULL,"
    " crc32 INTEGER NOT NULL)",
    "CREATE TABLE checkpoints (seq INTEGER PRIMARY KEY, digest TEXT NOT NULL)",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {FORMAT_VERSION}",
)
_SELECT = "SELECT n, ts_ns, first_seq, count, prev_chain, body, chain, crc32 FROM batches "
_INSERT = "INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_CHECKPOINT = "INSERT INTO checkpoints VALUES (?, ?)"

log = logging.getLogger(__name__)


class SqliteJournal:
    """The `Journal` port over one file. See there for what its methods promise."""

    def __init__(self, path: Path | str) -> None:
        """Open the journal at `path`, or create it. O(1) in the number of records.

        A last record that is torn is moved into a file `journal.torn-<n>` beside the journal, with
        a warning. Raises JournalLocked, JournalCorrupt, JournalTooNew, and JournalFailed when the
        file cannot be written.
        """
        self.path = Path(path)
        self._failure: str | None = None
        try:
            self._refuse_damaged_log()
            self._connection = self._open()
        except (sqlite3.Error, OSError) as error:
            raise self._explained(error) from error
        except UnicodeDecodeError as error:  # SQLite's complaint, which quotes damaged bytes
            said = error.object.decode("utf-8", "backslashreplace")
            raise JournalCorrupt(f"The journal {self.path} is damaged ({said}). {ADVICE}") from error
        try:
            self._last = self._checked_tail()
        except sqlite3.DatabaseError as error:
            explained = self._explained(error)
            if isinstance(explained, JournalCorrupt):
                explained = self._unreadable(self._last_readable(), error)
            self._connection.close()
            raise explained from error
        except BaseException:
            self._connection.close()
            raise

    @property
    def last(self) -> BatchRecord | None:
        """The newest record, or None while there is none. O(1)."""
        return self._last

    def append(self, record: BatchRecord, checkpoint: Checkpoint | None = None) -> None:
        """Write `record`, and `checkpoint` with it; both are durable on return. One flush."""
        if self._failure is not None:
            raise JournalFailed(self._failure)
        last = self._last
        if (record.n, record.prev_chain) != ((1, bytes(32)) if last is None else (last.n + 1, last.chain)):
            raise ValueError(f"record {record.n} does not follow record {last.n if last else 0}")
        try:
            if checkpoint is None:
                self._connection.execute(_INSERT, _row_of(record))  # its own transaction
            else:
                self._connection.execute("BEGIN IMMEDIATE")
                self._connection.execute(_INSERT, _row_of(record))
                self._connection.execute(_INSERT_CHECKPOINT, (checkpoint.seq, checkpoint.digest))
                self._connection.execute("COMMIT")
        except Exception as error:
            self._failure = (
                f"The journal {self.path} could not be written ({error}): no more orders are taken. "
                "Make room or repair the disk, then restart."
            )
            log.critical("%s Record %d was not acknowledged.", self._failure, record.n)
            with contextlib.suppress(sqlite3.Error):
                self._connection.rollback()
            raise JournalFailed(self._failure) from error
        self._last = record

    def read(self, after_n: int = 0) -> Iterator[BatchRecord]:
        """Yield the records after `after_n`, each verified. Raises JournalCorrupt naming the bad one."""
        previous = self._record(after_n) if after_n else None
        good_n = after_n
        try:
            for row in self._connection.execute(_SELECT + "WHERE n > ? ORDER BY n", (after_n,)):
                record = BatchRecord(*row)
                verify(record, previous)
                yield record
                previous, good_n = record, record.n
        except CorruptRecord as error:
            raise JournalCorrupt(f"The journal {self.path} is damaged: {error}. {ADVICE}") from error
        except sqlite3.Error as error:
            raise self._unreadable(good_n, error) from error
        last_n = self._last.n if self._last else 0
        if good_n < last_n:
            raise JournalCorrupt(f"The journal {self.path} is damaged: record {good_n + 1} is missing. {ADVICE}")

    def part(self, after_n: int, until_n: int) -> list[BatchRecord]:
        """The durable records after `after_n` up to `until_n`, as they are stored. From any thread. O(records).

        SQLite serializes the two threads' calls, so an append waits for the reading of one row at most.
        Raises JournalFailed when the journal is closed or cannot be read.
        """
        last = self._last  # the last durable record: one whose commit is under way does not count
        until_n = min(until_n, 0 if last is None else last.n)
        try:
            rows = self._connection.execute(_SELECT + "WHERE n > ? AND n <= ? ORDER BY n", (after_n, until_n))
            return [BatchRecord(*row) for row in rows.fetchall()]
        except sqlite3.Error as error:
            raise JournalFailed(f"The journal {self.path} could not be read ({error}).") from error

    def holding(self, seq: int) -> BatchRecord | None:
        """The durable record that has the command `seq`, verified alone; None when none has. From any thread.

        O(log records), each a read of one row. Raises JournalFailed as `part`, and JournalCorrupt.
        """
        low, high = 1, 0 if self._last is None else self._last.n
        if high == 0 or not 0 < seq <= self._last_seq():
            return None
        try:
            while low < high:
                middle = (low + high + 1) // 2
                row = self._connection.execute("SELECT first_seq FROM batches WHERE n = ?", (middle,)).fetchone()
                if row is not None and row[0] <= seq:
                    low = middle
                else:
                    high = middle - 1
        except sqlite3.Error as error:
            raise JournalFailed(f"The journal {self.path} could not be read ({error}).") from error
        return self._record(low)

    def _last_seq(self) -> int:
        return 0 if self._last is None else self._last.last_seq

    def checkpoints(self) -> list[Checkpoint]:
        """Every checkpoint, by seq."""
        try:
            rows = self._connection.execute("SELECT seq, digest FROM checkpoints ORDER BY seq").fetchall()
        except sqlite3.Error as error:
            raise self._unreadable(self._last_readable(), error) from error
        return [Checkpoint(seq, str(digest, "ascii", "replace")) for seq, digest in rows]

    def check_pages(self) -> None:
        """Raise JournalCorrupt where the file contradicts itself in what no record covers. O(bytes): for audits."""
        try:
            wrong = [_text(row[0]) for row in self._connection.execute("PRAGMA integrity_check(1)")]
        except sqlite3.Error as error:
            raise self._unreadable(self._last_readable(), error) from error
        if wrong != ["ok"]:
            said = " ".join(wrong[0].split())
            raise JournalCorrupt(f"The journal {self.path} is damaged: its file contradicts itself ({said}). {ADVICE}")

    def close(self) -> None:
        """Fold the log into the file and let go of it. Idempotent."""
        if self._failure is None:
            self._failure = f"The journal {self.path} is closed."
        self._connection.close()

    # -- opening

    def _open(self) -> sqlite3.Connection:
        """Connect and lock; a new file is created, closed, flushed to its folder, and opened again."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = _connect(self.path)
        try:
            if _is_blank(connection):
                connection.execute("BEGIN IMMEDIATE")
                for statement in _SCHEMA:
                    connection.execute(statement)
                connection.execute("COMMIT")
                connection.close()
                _flush(self.path)
                connection = _connect(self.path)
            self._check_format(connection)
            # A write that changes nothing: it begins the log, so that the folder lists it before the first order.
            connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
            _flush(self.path.parent)
        except BaseException:
            connection.close()
            raise
        return connection

    def _check_format(self, connection: sqlite3.Connection) -> None:
        application_id = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if application_id != APPLICATION_ID:
            raise JournalCorrupt(f"{self.path} is no Openbell journal. {ADVICE}")
        if version > FORMAT_VERSION:
            raise JournalTooNew(
                f"The journal {self.path} was written by a newer Openbell (format {version}, this one knows "
                f"{FORMAT_VERSION}): start that one."
            )

    def _refuse_damaged_log(self) -> None:
        """Raise JournalCorrupt where SQLite would drop flushed commits without a word."""
        log_path = self.path.with_name(self.path.name + "-wal")
        if log_path.exists() and log_path.stat().st_size and not (self.path.exists() and self.path.stat().st_size):
            raise JournalCorrupt(f"{log_path} is there without the journal {self.path} it belongs to. {ADVICE}")
        damaged_at = wal.first_lost_byte(log_path)
        if damaged_at is not None:
            raise JournalCorrupt(
                f"The journal {self.path} is damaged: record {self._last_in_copy(log_path) + 1} and those after it "
                f"cannot be read, because {log_path.name} is damaged at byte {damaged_at}. {ADVICE}"
            )

    def _last_in_copy(self, log_path: Path) -> int:
        """The last record SQLite still reads, found in a copy: closing the original would discard its log."""
        with tempfile.TemporaryDirectory(dir=self.path.parent) as folder:
            copy = Path(folder) / self.path.name
            shutil.copy(self.path, copy)
            shutil.copy(log_path, copy.with_name(log_path.name))
            with contextlib.closing(_connect(copy)) as connection:
                return int(connection.execute("SELECT coalesce(max(n), 0) FROM batches").fetchone()[0])

    def _checked_tail(self) -> BatchRecord | None:
        """Verify the last record and return it; cut it when it is torn."""
        rows = self._connection.execute(_SELECT + "ORDER BY n DESC LIMIT 2").fetchall()
        records = [BatchRecord(*row) for row in rows]
        last = records[0] if records else None
        before = records[1] if len(records) > 1 else None
        try:
            if before is not None:
                verify_alone(before)
            if last is not None:
                try:
                    verify_alone(last)
                except CorruptRecord as error:
                    self._cut(last, error)
                    last = before
                else:
                    verify(last, before)
        except CorruptRecord as error:
            raise JournalCorrupt(f"The journal {self.path} is damaged: {error}. {ADVICE}") from error
        noted = self._connection.execute("SELECT coalesce(max(seq), 0) FROM checkpoints").fetchone()[0]
        if noted > (last.last_seq if last else 0):
            missing = last.n + 1 if last else 1
            raise JournalCorrupt(
                f"The journal {self.path} is damaged: record {missing} is missing, for the state at seq {noted} "
                f"was noted. {ADVICE}"
            )
        return last

    def _cut(self, torn: BatchRecord, why: CorruptRecord) -> None:
        """Move the last record out of the journal into a file of its own."""
        kept = self.path.with_name(f"journal.torn-{torn.n}")
        while kept.exists():
            kept = kept.with_name(kept.name + "-again")
        with kept.open("xb") as file:
            file.write(msgspec.msgpack.encode(_row_of(torn)))
            file.flush()
            os.fsync(file.fileno())
        _flush(self.path.parent)
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("DELETE FROM batches WHERE n = ?", (torn.n,))
        self._connection.execute(
            "DELETE FROM checkpoints WHERE seq > (SELECT coalesce(max(first_seq + count - 1), 0) FROM batches)"
        )
        self._connection.execute("COMMIT")
        log.warning("The journal %s ended in a torn record, which was cut (%s). Kept in %s.", self.path, why, kept)

    # -- reading what may be damaged

    def _record(self, n: int) -> BatchRecord:
        """Record `n`, checked alone. Raises JournalCorrupt."""
        try:
            row = self._connection.execute(_SELECT + "WHERE n = ?", (n,)).fetchone()
            if row is None:
                raise CorruptRecord(n, "it is missing")
            record = BatchRecord(*row)
            verify_alone(record)
        except CorruptRecord as error:
            raise JournalCorrupt(f"The journal {self.path} is damaged: {error}. {ADVICE}") from error
        except sqlite3.Error as error:
            raise self._unreadable(self._last_readable(), error) from error
        return record

    def _last_readable(self) -> int:
        """The last record before the first that SQLite cannot read. O(records)."""
        n = 0
        with contextlib.suppress(sqlite3.Error):
            for n, _ in self._connection.execute("SELECT n, body FROM batches ORDER BY n"):  # noqa: B007
                pass
        return n

    def _unreadable(self, good_n: int, error: sqlite3.Error) -> JournalCorrupt:
        return JournalCorrupt(
            f"The journal {self.path} is damaged: record {good_n} is the last that can be read, "
            f"the file is broken behind it ({error}). {ADVICE}"
        )

    def _explained(self, error: Exception) -> JournalError:
        """The JournalError that says what an error at opening means."""
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith("SQLITE_BUSY"):
            return JournalLocked(
                f"Another Openbell is running on {self.path}. Stop it first, or give this one a data folder "
                "of its own: --data DIR."
            )
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            return JournalCorrupt(f"The journal {self.path} is damaged ({error}). {ADVICE}")
        return JournalFailed(f"The journal {self.path} cannot be opened for writing ({error}).")


ADVICE = "Nothing was changed: restore the data folder from a copy, or move it away to begin anew."


def last_sound(path: Path) -> BatchRecord | None:
    """The last record before the first that is damaged, missing or of another version. O(records).

    The file is opened for writing, and its log folded: for copies.
    """
    last: BatchRecord | None = None
    with (
        contextlib.suppress(CorruptRecord, UnknownVersion, sqlite3.Error, UnicodeDecodeError),
        contextlib.closing(sqlite3.connect(path)) as connection,
    ):
        connection.text_factory = bytes  # damage may turn a blob into a text
        for row in connection.execute(_SELECT + "ORDER BY n"):
            record = BatchRecord(*row)
            verify(record, last)
            open_batch(record)
            last = record
    return last


def _text(cell: bytes) -> str:
    return cell.decode("utf-8", "backslashreplace")


def _connect(path: Path) -> sqlite3.Connection:
    """A connection that holds the file's lock. Raises sqlite3.OperationalError when another one does."""
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        connection.text_factory = bytes  # damage may turn a blob into a text
        for setting in (
            "locking_mode = EXCLUSIVE",
            "journal_mode = WAL",
            "synchronous = FULL",
            f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
        ):
            connection.execute(f"PRAGMA {setting}").fetchall()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except BaseException:
        connection.close()
        raise
    return connection


def _is_blank(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) = 0 FROM sqlite_master").fetchone()[0])


def _row_of(record: BatchRecord) -> tuple[int, int, int, int, bytes, bytes, bytes, int]:
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


def _flush(path: Path) -> None:
    """Flush a file or a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
