"""A journal that is opened beside its archive: the same branch, and never shorter than what is archived.

Records are archived when the journal has them durably. So a journal that ends before its archive has lost its end, or
is an older copy: where it leads to the archive's records, they are put back into it; where it does not, it is refused.
Layer: journal.
"""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import Final

from journal.archive import ArchiveDamaged, ArchiveFolder
from journal.codec import BatchRecord, CorruptRecord, verify
from journal.layout import INSERT, row_of, trimmed_record
from journal.port import JournalCorrupt

_ADVICE: Final = (
    "Nothing was changed: restore journal and archive from one copy, or move the archive elsewhere to go on with the "
    "journal alone."
)

log = logging.getLogger(__name__)


def require_one_branch(
    connection: sqlite3.Connection, path: Path, last: BatchRecord | None, archive: ArchiveFolder
) -> None:
    """Raise JournalCorrupt where journal and archive have different records of one number. O(segment) at most.

    Raises JournalFailed, sqlite3.Error.
    """
    segments, last_n = archive.segments, 0 if last is None else last.n
    if not segments:
        return
    if segments[-1].last_n > last_n:
        _require_next(path, last, archive)
        return
    newest = segments[-1]
    row = connection.execute("SELECT chain FROM batches WHERE n = ?", (newest.last_n,)).fetchone()
    if row is None:
        trimmed = trimmed_record(connection)
        row = None if trimmed is None or trimmed.n != newest.last_n else (trimmed.chain,)
    if row is not None and bytes(row[0]).hex() != newest.last_chain:
        raise JournalCorrupt(
            f"The journal {path} is of another branch than its archive {archive.folder}: record {newest.last_n} is "
            f"another one there. {_ADVICE}"
        )


def put_back(
    connection: sqlite3.Connection, path: Path, last: BatchRecord | None, archive: ArchiveFolder
) -> BatchRecord | None:
    """Write what the archive has behind the journal's end into the journal; return its last record then.

    What was put back stays where the rest fails. O(records). Raises JournalCorrupt, JournalFailed, sqlite3.Error.
    """
    began_n, archived_n = 0 if last is None else last.n, archive.last_n
    if archived_n <= began_n:
        return last
    log.warning(
        "The journal %s ends with record %d, its archive with record %d: those between are put back into the journal.",
        path, began_n, archived_n,
    )  # fmt: skip
    try:
        while records := archive.part(0 if last is None else last.n, archived_n):
            connection.execute("BEGIN IMMEDIATE")
            for record in records:
                verify(record, last)
                connection.execute(INSERT, row_of(record))
                last = record
            connection.execute("COMMIT")
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    except CorruptRecord as error:
        connection.rollback()
        raise _does_not_lead(path, began_n, archive, str(error)) from error
    except ArchiveDamaged as error:
        raise JournalCorrupt(f"The journal {path} has lost its end, and so has its archive: {error}") from error
    if last is None or last.n < archived_n:
        raise _does_not_lead(path, began_n, archive, f"record {1 + (last.n if last else 0)} is in neither")
    log.warning(
        "The journal %s ends with record %d, seq %d, again. What was acknowledged behind it is in no file of this "
        "folder: clients have answers to it.",
        path, last.n, last.last_seq,
    )  # fmt: skip
    return last


def _require_next(path: Path, last: BatchRecord | None, archive: ArchiveFolder) -> None:
    """Raise JournalCorrupt where the archive's record behind the journal's last one does not follow it."""
    last_n = 0 if last is None else last.n
    try:
        following = archive.part(last_n, last_n + 1)
        if not following:
            raise CorruptRecord(last_n + 1, "it is in neither")
        verify(following[0], last)
    except CorruptRecord as error:
        raise _does_not_lead(path, last_n, archive, str(error)) from error


def _does_not_lead(path: Path, last_n: int, archive: ArchiveFolder, why: str) -> JournalCorrupt:
    return JournalCorrupt(
        f"The journal {path} ends with record {last_n}, its archive {archive.folder} with record {archive.last_n}, and "
        f"the one does not lead to the other ({why}): the journal is of another branch, or an older copy. {_ADVICE}"
    )
