"""From the commands of a session to the files of its tables.

Layer: export.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol

from engine.events import CommandResult
from engine.exchange import Exchange
from export.accounts import AccountNames
from export.book import BookRows
from export.files import ExportError, JsonLinesFile, RowFile
from export.orders import OrderRows
from export.parquet import ParquetFile
from export.schema import TABLES, Column, Row
from export.session import Session
from export.trades import EventRows, TradeRows

FORMATS: Final[dict[str, Callable[[Path, Sequence[Column]], RowFile]]] = {
    "jsonl": JsonLinesFile,
    "parquet": ParquetFile,
}


class Rows(Protocol):
    """Who makes the rows of one table."""

    def rows(self, result: CommandResult) -> Iterator[Row]:
        """Those of the next command; the exchange is as it left it."""

    def rest(self) -> Iterator[Row]:
        """Those that are left when the session has ended."""


class TableFile:
    """One table on its way into one file."""

    def __init__(self, name: str, file: RowFile, symbols: Collection[str]) -> None:
        """`symbols`: rows of others are left out, where any are given."""
        self.name = name
        self.file = file
        self._symbols = symbols
        self._symbol_at = [column.name for column in TABLES[name]].index("symbol")
        self._source: Rows | None = None

    def begin(self, exchange: Exchange, names: AccountNames) -> None:
        """Begin with the state before the session."""
        if self.name == "orders":
            self._source = OrderRows(exchange, names)
        elif self.name == "trades":
            self._source = TradeRows(exchange, names)
        elif self.name == "events":
            self._source = EventRows(names)
        else:
            book = BookRows(exchange)
            self._write(book.initial())
            self._source = book

    def add(self, result: CommandResult) -> None:
        """Write the rows of the next command."""
        if self._source is not None:
            self._write(self._source.rows(result))

    def finish(self) -> None:
        """Write the rows that are left, and have all on the disk."""
        if self._source is not None:
            self._write(self._source.rest())
        self.file.finish()

    def _write(self, rows: Iterable[Row]) -> None:
        for row in rows:
            if not self._symbols or row[self._symbol_at] in self._symbols:
                self.file.write(row)


def paths_of(folder: Path, file_format: str, tables: Iterable[str]) -> dict[str, Path]:
    """The file of each table."""
    return {name: folder / f"{name}.{file_format}" for name in tables}


def write_tables(
    session: Session,
    paths: dict[str, Path],
    file_format: str,
    symbols: Collection[str],
    names: AccountNames,
    done: Callable[[int], None] = lambda _: None,
) -> dict[str, int]:
    """Write the tables; return the rows of each. All files appear when all are whole, or none does.

    `done` is called with 1 for each command. O(commands). Raises ExportError, OSError and as `Session.commands`.
    """
    with contextlib.ExitStack() as stack:
        tables: list[TableFile] = []
        for name, path in paths.items():
            file = FORMATS[file_format](path, TABLES[name])
            stack.callback(file.discard)
            tables.append(TableFile(name, file, symbols))
        listed: set[str] = set()

        def begin(exchange: Exchange) -> None:
            for table in tables:
                table.begin(exchange, names)
            exchanges.append(exchange)

        exchanges: list[Exchange] = []
        for result in session.commands(begin):
            for table in tables:
                table.add(result)
            done(1)
        listed.update(*(exchange.books for exchange in exchanges))
        unknown = sorted(set(symbols) - listed)
        if unknown:
            raise ExportError(f"No symbol of this session is named {', '.join(unknown)}.")
        for table in tables:
            table.finish()
        for table in tables:
            table.file.publish()
        return {table.name: table.file.rows for table in tables}
