"""What an archive has, from end to end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from journal.archive import ArchiveFolder
from journal.codec import BatchRecord


def archived(folder: Path, after_n: int = 0) -> Iterator[BatchRecord]:
    """The records behind `after_n` up to the first that is missing, by a reader that knows nothing yet."""
    archive = ArchiveFolder(folder)
    until_n = archive.last_n
    while records := archive.part(after_n, until_n):
        yield from records
        after_n = records[-1].n
