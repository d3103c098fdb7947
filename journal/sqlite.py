"""The journal in one SQLite file: a row a batch, durable when `append` returns.

WAL with `synchronous=FULL` flushes the log once a commit. `locking_mode=EXCLUSIVE` keeps every
other process out from the first statement to the last, and spares the shared-memory index.
The lock is a POSIX one: should this process itself open the file a second time and close
it, the lock would be gone, so copies are made by other processes or after `close`.

Besides the file: `journal.folding` says when its log is folded into it, `journal.trimming` removes its oldest records,
`journal.position` keeps the newest position in a second place, `journal.archive` has what was removed.
Layer: journal. Opened and read by one thread, then handed to the one that appends; `part`, `holding`
and `checkpoints` are for any.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

from journal.archive import ArchiveFolder, archive_beside
from journal.codec import BatchRecord, CorruptRecord, verify, verify_alone
from journal.file_watch import FileWatch
from journal.folding import APPENDER_FOLD_PAGES, LOG_PAGES_MAX, Folding
from journal.joining import put_back, require_one_branch
from journal.layout import ADVICE, INSERT, INSERT_CHECKPOINT, INSERT_VERSION, SELECT, row_of
from journal.opening import checked_tail, explained, open_connection, require_end
from journal.port import Checkpoint, JournalCorrupt, JournalFailed, JournalLost, RecordsDropped, WrittenBy
from journal.position import PositionFile, position_path, read_position
from journal.trimming import Trimming

READ_AT_ONCE: Final = 200  # records of a reading from one end to the other
PASSING_ERRORS: Final = ("SQLITE_FULL", "SQLITE_LOCKED", "SQLITE_BUSY")  # after which what was begun is not there

log = logging.getLogger(__name__)


class SqliteJournal:
    """The `Journal` port over one file, and the archive beside it. See there for what its methods promise."""

    def __init__(
        self, path: Path | str, *, archive: ArchiveFolder | None = None, version: str = "", flushed: bool = True
    ) -> None:
        """Open the journal at `path`, or create it. O(1) in the number of records.

        `archive`: where removed records are, by default in the folder `archive` beside the file. `version`: of the
        program, to be noted with what it appends. Not `flushed`: nothing is durable before who made the file flushes
        it, for a journal that nobody uses until then.
        A last record that is torn is moved into a file `journal.torn-<n>` beside the journal, with a warning. Records
        that the archive has behind the last one are put back, with a warning. Raises JournalLocked, JournalCorrupt,
        JournalTooNew, and JournalFailed when the file cannot be written.
        """
        self.path = Path(path)
        self._failure: str | None = None
        self._version = version
        try:
            self._connection = open_connection(self.path)
        except (sqlite3.Error, OSError) as error:
            raise explained(self.path, error) from error
        except UnicodeDecodeError as error:  # SQLite's complaint, which quotes damaged bytes
            said = error.object.decode("utf-8", "backslashreplace")
            raise JournalCorrupt(f"The journal {self.path} is damaged ({said}). {ADVICE}") from error
        try:
            if not flushed:
                self._connection.execute("PRAGMA synchronous = OFF")
            self._begin(archive)
        except sqlite3.DatabaseError as error:
            problem = explained(self.path, error)
            if isinstance(problem, JournalCorrupt):
                problem = self._unreadable(self._last_readable(), error)
            self._connection.close()
            raise problem from error
        except OSError as error:
            self._connection.close()
            raise explained(self.path, error) from error
        except BaseException:
            self._connection.close()
            raise

    def _begin(self, archive: ArchiveFolder | None) -> None:
        self._archive = archive_beside(self.path) if archive is None else archive
        self._last = self._checked_end()
        self._trimming = Trimming(self._connection)
        self._folding = Folding(self._connection, self.path)
        self._version_is_noted = not self._version or self._newest_version() == self._version
        self._watch = FileWatch(self.path, self.path.with_name(self.path.name + "-wal"))
        self._position = PositionFile(position_path(self.path))
        if self._last is not None:
            self._position.write(self._last)

    def _checked_end(self) -> BatchRecord | None:
        """The last record, when the archive's records behind it are put back. Raises JournalError, sqlite3.Error."""
        connection, path, archive = self._connection, self.path, self._archive
        position = read_position(position_path(path))
        last = checked_tail(connection, path, position)
        self.own_last_n = 0 if last is None else last.n  # before some were put back
        require_one_branch(connection, path, last, archive)
        if position is None or self.own_last_n < position.n <= archive.last_n:
            last = put_back(connection, path, last, archive)
        require_end(connection, path, last, position)
        return put_back(connection, path, last, archive)

    @property
    def last(self) -> BatchRecord | None:
        """The newest record, or None while there is none. O(1)."""
        return self._last

    @property
    def first_n(self) -> int:
        """The first record that the file still has. O(1)."""
        return self._trimming.last_n + 1

    @property
    def archived_n(self) -> int:
        """The last record that was archived when it left the file, as the file notes it; 0 where none was. O(1)."""
        return self._trimming.archived_n

    @property
    def whole_from(self) -> int:
        """The first record from which on each is in the file or its archive. O(segments)."""
        first_n = self.first_n
        for segment in reversed(self._archive.segments):
            if segment.last_n < first_n - 1:
                break
            first_n = min(first_n, segment.first_n)
        return first_n

    # -- writing

    def append(self, record: BatchRecord) -> None:
        """Write `record`; it is durable on return. One flush."""
        if self._failure is not None:
            raise JournalFailed(self._failure)
        last = self._last
        if (record.n, record.prev_chain) != ((1, bytes(32)) if last is None else (last.n + 1, last.chain)):
            raise ValueError(f"record {record.n} does not follow record {last.n if last else 0}")
        self._require_files(record.n)
        try:
            if self._version_is_noted:
                self._connection.execute(INSERT, row_of(record))  # its own transaction
            else:
                self._append_noting_version(record)
        except Exception as error:
            raise self._failed(error, record.n) from error
        self._last = record
        self._position.write(record)
        self._folding.count(len(record.body))
        if self._folding.pages >= APPENDER_FOLD_PAGES and self._folding.wants(idle=False):
            self._folding.fold()

    def append_all(self, records: Sequence[BatchRecord]) -> None:
        """Write records that follow one another, all or none; they are durable on return. Two flushes, however many.

        For records that are durable elsewhere: who makes them appends each by itself. Raises as `append`.
        """
        if not records:
            return
        for before, record in pairwise(records):
            if (record.n, record.prev_chain) != (before.n + 1, before.chain):
                raise ValueError(f"record {record.n} does not follow record {before.n}")
        self.append(records[0])
        further = records[1:]
        if not further:
            return
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(INSERT, map(row_of, further))
            self._connection.execute("COMMIT")
        except Exception as error:
            raise self._failed(error, further[0].n) from error
        self._last = records[-1]
        self._position.write(records[-1])
        for record in further:
            self._folding.count(len(record.body))

    def _append_noting_version(self, record: BatchRecord) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute(INSERT, row_of(record))
        self._connection.execute(INSERT_VERSION, (record.first_seq, self._version))
        self._connection.execute("COMMIT")
        self._version_is_noted = True

    def note(self, checkpoint: Checkpoint) -> None:
        """Write the digest of a state up to the last record, without a record; it is durable on return. One flush."""
        if self._failure is not None:
            raise JournalFailed(self._failure)
        if not 0 < checkpoint.seq <= self._last_seq():
            raise ValueError(
                f"the state at seq {checkpoint.seq} is none of this journal, which ends at {self._last_seq()}"
            )
        try:
            row = self._connection.execute("SELECT digest FROM checkpoints WHERE seq = ?", (checkpoint.seq,)).fetchone()
            if row is None:
                self._connection.execute(INSERT_CHECKPOINT, (checkpoint.seq, checkpoint.digest))
                self._folding.count(0)
        except sqlite3.Error as error:
            raise self._failed_or_passing(error, "a digest was not noted") from error
        if row is not None and str(row[0], "ascii", "replace") != checkpoint.digest:
            raise JournalCorrupt(
                f"Two different states were noted at seq {checkpoint.seq} in the journal {self.path}: the engine makes "
                "another state of the same commands than before. Start the version that wrote the journal."
            )

    def check(self) -> None:
        """Raise JournalFailed where it has failed, or JournalLost where its files are not the ones that are open."""
        if self._failure is not None:
            raise JournalFailed(self._failure)
        self._require_files(None)

    def trim(self, until_n: int) -> None:
        """Have the records up to `until_n` removed, some with each `tend`. O(segments of the archive)."""
        in_archive_n = 0
        with contextlib.suppress(JournalFailed):  # it is only noted
            in_archive_n = self._archive.last_n
        self._trimming.ask(until_n, 0 if self._last is None else self._last.n, in_archive_n)

    def tend(self, *, idle: bool) -> bool:
        """Fold the log or remove records, whichever is due; return whether more is. Never raises."""
        if self._failure is not None:
            return False
        if self._folding.wants(idle=idle):
            self._folding.fold()
        elif self._trimming.wants(idle=idle):
            self._remove_some()
        return self._trimming.waits or self._folding.waits

    def _remove_some(self) -> None:
        try:
            self._folding.count(self._trimming.remove_some())
        except CorruptRecord as damage:  # of what was to leave: orders are taken on
            self._trimming.give_up()
            log.error("%s No records are removed up to there.", self._damaged(damage))
        except Exception as error:
            self._trimming.give_up()
            self._failed_or_passing(error, "no more of its archived records are removed until this is asked for again")

    def _require_files(self, n: int | None) -> None:
        """Raise JournalLost or JournalFailed where what is appended would not be kept. O(1) but some times a second."""
        if self._folding.pages >= LOG_PAGES_MAX and self._folding.failure is not None:
            raise self._failed(OSError(f"its log cannot be folded: {self._folding.failure}"), n)
        if self._watch.due and (changed := self._watch.changed()) is not None:
            self._failure = (
                f"The journal {self.path} is lost: {changed} while this server wrote it. No more orders are taken. "
                "Stop the server, put the file back with its -wal, then start again."
            )
            log.critical("%s%s", self._failure, "" if n is None else f" Record {n} was not acknowledged.")
            raise JournalLost(self._failure)

    def _failed(self, error: Exception, n: int | None = None) -> JournalFailed:
        """Note that no more is written, and undo what was begun; what to raise."""
        self._failure = (
            f"The journal {self.path} could not be written ({error}): no more orders are taken. "
            "Make room or repair the disk, then restart."
        )
        log.critical("%s%s", self._failure, "" if n is None else f" Record {n} was not acknowledged.")
        with contextlib.suppress(sqlite3.Error):
            self._connection.rollback()
        return JournalFailed(self._failure)

    def _failed_or_passing(self, error: Exception, meaning: str) -> JournalFailed:
        """As `_failed`, for what is no record: records are taken on where the file is as it was before."""
        if not getattr(error, "sqlite_errorname", "").startswith(PASSING_ERRORS):
            return self._failed(error)
        with contextlib.suppress(sqlite3.Error):
            self._connection.rollback()
        log.error("The journal %s: %s (%s).", self.path, meaning, error)
        return JournalFailed(f"The journal {self.path}: {meaning} ({error}).")

    # -- reading

    def read(self, after_n: int = 0) -> Iterator[BatchRecord]:
        """Yield the records after `after_n`, each verified. Raises JournalCorrupt naming the bad one."""
        previous: BatchRecord | None = None
        if after_n:
            with contextlib.suppress(RecordsDropped):  # then the first is verified alone
                previous = self._record(after_n)
        last_n = self._last.n if self._last else 0
        while after_n < last_n:
            try:
                records = self._part(after_n, min(after_n + READ_AT_ONCE, last_n))
            except sqlite3.Error as error:
                raise self._unreadable(after_n, error) from error
            for record in records:
                try:
                    if previous is None and after_n:
                        verify_alone(record)
                    else:
                        verify(record, previous)
                except CorruptRecord as error:
                    raise self._damaged(error) from error
                yield record
                previous, after_n = record, record.n

    def part(self, after_n: int, until_n: int) -> list[BatchRecord]:
        """Durable records after `after_n` up to `until_n`, as they are stored. From any thread. O(records).

        SQLite serializes the two threads' calls, so an append waits for the reading of one row at most.
        Raises JournalFailed when the journal is closed or cannot be read, JournalCorrupt, RecordsDropped.
        """
        last = self._last  # the last durable record: one whose commit is under way does not count
        until_n = min(until_n, 0 if last is None else last.n)
        try:
            return self._part(after_n, until_n)
        except sqlite3.Error as error:
            raise self._not_read(error) from error

    def holding(self, seq: int) -> BatchRecord | None:
        """The durable record that has the command `seq`, verified alone; None when none has. From any thread.

        O(log records), each a read of one row; for one that is archived, O(segment). Raises as `part`.
        """
        if not 0 < seq <= self._last_seq():
            return None
        while True:
            trimmed = self._trimming.last
            if trimmed is not None and seq <= trimmed.last_seq:
                found = trimmed if seq >= trimmed.first_seq else self._archive.holding(seq)
                if found is None:
                    raise self._dropped(f"command {seq}")
                return found
            try:
                found = self._record(self._number_holding(seq))
            except sqlite3.Error as error:
                raise self._not_read(error) from error
            except RecordsDropped:
                if self._trimming.last is trimmed:
                    raise
                continue  # what was looked at left meanwhile
            if self._trimming.last is trimmed or found.first_seq <= seq <= found.last_seq:
                return found

    def archived(self, n: int) -> BatchRecord | None:
        """Record `n` as the archive has it, whether the file still has it or not; None where it has not."""
        found = self._archive.part(n - 1, n)
        return found[0] if found else None

    def checkpoints(self) -> list[Checkpoint]:
        """Every checkpoint, by seq."""
        try:
            rows = self._connection.execute("SELECT seq, digest FROM checkpoints ORDER BY seq").fetchall()
        except sqlite3.Error as error:
            raise self._unreadable(self._last_readable(), error) from error
        return [Checkpoint(seq, str(digest, "ascii", "replace")) for seq, digest in rows]

    def versions(self) -> list[WrittenBy]:
        """Which version wrote from which seq on, by seq."""
        try:
            rows = self._connection.execute("SELECT seq, version FROM versions ORDER BY seq").fetchall()
        except sqlite3.Error as error:
            raise self._unreadable(self._last_readable(), error) from error
        return [WrittenBy(seq, str(version, "utf-8", "replace")) for seq, version in rows]

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
        self._position.close()

    # -- reading what may lie elsewhere, or be damaged

    def _part(self, after_n: int, until_n: int) -> list[BatchRecord]:
        """Some of these records, the first of them at least. Raises as `part`, and sqlite3.Error."""
        while after_n < until_n:
            trimmed_n = self._trimming.last_n
            records = self._stored(after_n, until_n)
            if records and records[0].n == after_n + 1:
                return records
            if after_n < trimmed_n:
                return self._archived(after_n, min(until_n, trimmed_n))
            if self._trimming.last_n == trimmed_n:  # else they were removed meanwhile
                instead = f"; record {records[0].n} stands in its place" if records else ""
                raise self._damaged(CorruptRecord(after_n + 1, f"it is missing{instead}"))
        return []

    def _stored(self, after_n: int, until_n: int) -> list[BatchRecord]:
        """The rows up to the first gap, or the first that cannot be read: where that comes first, sqlite3.Error."""
        records: list[BatchRecord] = []
        try:
            for row in self._connection.execute(SELECT + "WHERE n > ? AND n <= ? ORDER BY n", (after_n, until_n)):
                record = BatchRecord(*row)
                if records and record.n != records[-1].n + 1:
                    break
                records.append(record)
        except sqlite3.Error:
            if not records:
                raise
        return records

    def _archived(self, after_n: int, until_n: int) -> list[BatchRecord]:
        trimmed = self._trimming.last
        if trimmed is not None and after_n + 1 == trimmed.n:
            return [trimmed]  # the file keeps the last one that left it
        records = self._archive.part(after_n, until_n)
        if records:
            return records
        raise self._dropped(f"record {after_n + 1}")

    def _number_holding(self, seq: int) -> int:
        """The number of the last record that begins with `seq` or before. Raises sqlite3.Error."""
        low, high = self.first_n, 0 if self._last is None else self._last.n
        while low < high:
            middle = (low + high + 1) // 2
            row = self._connection.execute("SELECT first_seq FROM batches WHERE n = ?", (middle,)).fetchone()
            if row is not None and row[0] <= seq:
                low = middle
            else:
                high = middle - 1
        return low

    def _record(self, n: int) -> BatchRecord:
        """Record `n`, checked alone. Raises JournalCorrupt, RecordsDropped."""
        try:
            records = self._part(n - 1, n)
            if not records:
                raise CorruptRecord(n, "it is missing")
            verify_alone(records[0])
        except CorruptRecord as error:
            raise self._damaged(error) from error
        except sqlite3.Error as error:
            raise self._unreadable(self._last_readable(), error) from error
        return records[0]

    def _last_seq(self) -> int:
        return 0 if self._last is None else self._last.last_seq

    def _newest_version(self) -> str | None:
        row = self._connection.execute("SELECT version FROM versions ORDER BY seq DESC LIMIT 1").fetchone()
        return None if row is None else str(row[0], "utf-8", "replace")

    def _last_readable(self) -> int:
        """The last record before the first that SQLite cannot read. O(records)."""
        n = 0
        with contextlib.suppress(sqlite3.Error):
            for n, _ in self._connection.execute("SELECT n, body FROM batches ORDER BY n"):  # noqa: B007
                pass
        return n

    def _dropped(self, wanted: str) -> RecordsDropped:
        first_n, trimmed = self.whole_from, self._trimming.last
        if trimmed is not None and first_n == trimmed.n + 1:  # which may be still to come
            seq = trimmed.last_seq + 1
        else:
            seq = self._part(first_n - 1, first_n)[0].first_seq if trimmed is not None else 1
        before = "What was before was dropped"
        if self.archived_n > self._archive.last_n:
            before = f"Records up to {self.archived_n} were archived, and are gone from archive/"
        elif self.archived_n:
            before = "What was before was dropped, or its segments are gone"
        return RecordsDropped(
            f"The journal in {self._archive.folder.parent} has {wanted} no more, and no archive has it: it begins with "
            f"record {first_n}, seq {seq}. {before}.",
            first_n,
        )

    def _damaged(self, error: CorruptRecord) -> JournalCorrupt:
        return JournalCorrupt(f"The journal {self.path} is damaged: {error}. {ADVICE}")

    def _unreadable(self, good_n: int, error: sqlite3.Error) -> JournalCorrupt:
        return JournalCorrupt(
            f"The journal {self.path} is damaged: record {good_n} is the last that can be read, "
            f"the file is broken behind it ({error}). {ADVICE}"
        )

    def _not_read(self, error: sqlite3.Error) -> JournalFailed:
        return JournalFailed(f"The journal {self.path} could not be read ({error}).")


def _text(cell: bytes) -> str:
    return cell.decode("utf-8", "backslashreplace")
