"""Files of rows: written beside their names and moved there when they are whole.

Layer: export. Blocks.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final, Protocol

import msgspec

from export.schema import Column, Kind, Row

SECOND_NS: Final = 1_000_000_000
BUFFER_BYTES: Final = 1 << 20


class ExportError(Exception):
    """The export cannot be made. The message is a sentence for the operator."""


class RowFile(Protocol):
    """A file that takes the rows of one table."""

    rows: int

    def write(self, row: Row) -> None:
        """Take one row. Raises OSError, ExportError."""

    def finish(self) -> None:
        """Have it whole and on the disk, under its temporary name. Raises OSError, ExportError."""

    def publish(self) -> None:
        """Move it to its name. Raises OSError."""

    def discard(self) -> None:
        """Delete it, unless it has its name. Idempotent."""


class PartFile:
    """A file under a temporary name, which only its owner may read."""

    def __init__(self, path: Path) -> None:
        """Create it, under a name that nothing has, so that no link is followed. Raises OSError."""
        self.path = path
        descriptor, part = tempfile.mkstemp(".part", path.name + ".", path.parent)
        self._part = Path(part)
        self.file: IO[bytes] = os.fdopen(descriptor, "wb", BUFFER_BYTES)

    def flush(self) -> None:
        """Have it on the disk, and close it."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()

    def publish(self) -> None:
        """Move it to its name."""
        self._part.replace(self.path)

    def discard(self) -> None:
        """Close and delete it, unless it has its name."""
        self.file.close()
        self._part.unlink(missing_ok=True)


class JsonLines:
    """A line of JSON for each row of a table: decimals and times as texts."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._names = [column.name for column in columns]
        self._times = [at for at, column in enumerate(columns) if column.kind is Kind.TIME]
        self._time = (-1, "")  # the last one that was written: commands of a record have the same
        self._encode = msgspec.json.Encoder().encode

    def line(self, row: Row) -> bytes:
        """The line of a row, its end included."""
        values = dict(zip(self._names, row, strict=True))
        for at in self._times:
            ts_ns = row[at]
            if isinstance(ts_ns, int):
                if ts_ns != self._time[0]:
                    self._time = ts_ns, time_text(ts_ns)
                values[self._names[at]] = self._time[1]
        return self._encode(values) + b"\n"


class JsonLinesFile:
    """A file of such lines. No memory but a buffer."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self.rows = 0
        self._part = PartFile(path)
        self._lines = JsonLines(columns)

    def write(self, row: Row) -> None:
        """See RowFile."""
        self._part.file.write(self._lines.line(row))
        self.rows += 1

    def finish(self) -> None:
        """See RowFile."""
        self._part.flush()

    def publish(self) -> None:
        """See RowFile."""
        self._part.publish()

    def discard(self) -> None:
        """See RowFile."""
        self._part.discard()


def time_text(ts_ns: int) -> str:
    """Epoch nanoseconds as RFC 3339, exact."""
    seconds, rest = divmod(ts_ns, SECOND_NS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09}Z"
