"""Parquet files, by pyarrow, which is installed only where it is wanted.

Decimals are decimal128: exact, and numbers to pandas, polars and DuckDB alike. Rows become columns a slice at a time
and are written as row groups of some slices, so that memory does not grow with the file.
Layer: export. Blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from export.files import ExportError, PartFile
from export.schema import Column, Kind, Row, Value

SLICE_ROWS: Final = 8_192  # that are Python objects at a time
GROUP_ROWS: Final = 131_072
PLACES: Final = 18  # decimals; 20 digits stand before the point
DIGITS: Final = 38
COMPRESSION: Final = "zstd"


class ParquetFile:
    """A table in one file. Memory: one row group, about a hundred bytes a row."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        """Raises ExportError where there is no pyarrow, and OSError."""
        try:
            import pyarrow as pa  # noqa: PLC0415 - an extra
            import pyarrow.parquet as pq  # noqa: PLC0415
        except ImportError as missing:
            raise ExportError(
                "Parquet files are written by pyarrow, which is not installed: pip install 'openbell[parquet]', "
                "or in a checkout pip install pyarrow. --format jsonl needs nothing."
            ) from missing
        self.rows = 0
        self._pa: Any = pa
        self._columns = columns
        self._types = [_type_of(column, pa) for column in columns]
        self._schema = pa.schema(list(zip([column.name for column in columns], self._types, strict=True)))
        self._slice: list[Row] = []
        self._batches: list[Any] = []
        self._part = PartFile(path)
        self._writer = pq.ParquetWriter(self._part.file, self._schema, compression=COMPRESSION)

    def write(self, row: Row) -> None:
        """See RowFile."""
        self._slice.append(row)
        self.rows += 1
        if len(self._slice) == SLICE_ROWS:
            self._end_slice()
            if len(self._batches) == GROUP_ROWS // SLICE_ROWS:
                self._end_group()

    def finish(self) -> None:
        """See RowFile."""
        self._end_slice()
        self._end_group()
        self._writer.close()
        self._part.flush()

    def publish(self) -> None:
        """See RowFile."""
        self._part.publish()

    def discard(self) -> None:
        """See RowFile."""
        self._part.discard()

    def _end_slice(self) -> None:
        """Make columns of the rows that wait."""
        if not self._slice:
            return
        values = list(zip(*self._slice, strict=True))
        arrays = [self._array(*each) for each in zip(self._columns, self._types, values, strict=True)]
        self._batches.append(self._pa.record_batch(arrays, schema=self._schema))
        self._slice.clear()

    def _end_group(self) -> None:
        if self._batches:
            table = self._pa.Table.from_batches(self._batches, self._schema)
            self._writer.write_table(table, row_group_size=GROUP_ROWS)
            self._batches.clear()

    def _array(self, column: Column, arrow_type: Any, values: tuple[Value, ...]) -> Any:
        """A column. Raises ExportError for a decimal that is too long."""
        pa = self._pa
        if column.kind is not Kind.DECIMAL:
            return pa.array(values, arrow_type)
        try:
            return pa.array(values, pa.string()).cast(arrow_type)
        except pa.ArrowInvalid as problem:
            raise ExportError(
                f"A value of {column.name} does not fit {DIGITS} digits with {PLACES} decimals ({problem}): "
                "use --format jsonl."
            ) from problem


def _type_of(column: Column, pa: Any) -> Any:
    return {
        Kind.INTEGER: pa.int64(),
        Kind.DECIMAL: pa.decimal128(DIGITS, PLACES),
        Kind.TEXT: pa.string(),
        Kind.FLAG: pa.bool_(),
        Kind.TIME: pa.timestamp("ns", tz="UTC"),
    }[column.kind]
