"""Copies of a journal that somebody else may be writing: the original is only read, and never opened as a database.

The journal's own reader locks its file and folds its log, which nobody may do to a running server's. So the
file and its log are copied to a temporary folder, again when a fold happened between the two, and the
copy is opened with every check that a server makes when it starts.
Layer: journal.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from journal.archive import archive_beside
from journal.files import read_regular
from journal.port import Journal, JournalError, JournalFailed
from journal.sqlite import SqliteJournal

COPY_TRIES: Final = 20
RETRY_S: Final = 0.05


@contextlib.contextmanager
def copied(path: Path) -> Iterator[Path]:
    """A consistent copy of an SQLite file and its log, in a folder that is removed afterwards.

    Raises JournalFailed when it cannot be copied, or is folded too often to be caught still. O(bytes).
    """
    with tempfile.TemporaryDirectory(prefix="openbell-copy-") as folder:
        copy = Path(folder) / path.name
        try:
            _copy(path, copy)
        except OSError as error:
            raise JournalFailed(f"{path} cannot be read: {error}.") from error
        yield copy


@contextlib.contextmanager
def copied_journal(path: Path) -> Iterator[Journal]:
    """A copy of the journal at `path`, open to be read; archived records are read in place.

    Raises JournalError, in the words of the original.
    """
    with copied(path) as copy:
        try:
            journal = SqliteJournal(copy, archive=archive_beside(path))
        except JournalError as error:
            raise type(error)(str(error).replace(str(copy), str(path))) from error
        with contextlib.closing(journal):
            yield journal


def _copy(path: Path, copy: Path) -> None:
    for _ in range(COPY_TRIES):
        before = _marks(path)
        for suffix in ("", "-wal"):
            source = path.with_name(path.name + suffix)
            target = copy.with_name(copy.name + suffix)
            target.unlink(missing_ok=True)
            if source.exists():
                shutil.copyfile(source, target)
        if _marks(path) == before:
            return
        time.sleep(RETRY_S)
    raise JournalFailed(f"{path} changes too fast to be copied.")


def _marks(path: Path) -> tuple[object, ...]:
    """What changes when the log is folded into the file, and not when the log grows."""
    stat = path.stat()
    log = path.with_name(path.name + "-wal")
    header = b""
    if log.exists():
        header = read_regular(log, 32)  # its salts change when it begins anew
    return stat.st_mtime_ns, stat.st_size, header
