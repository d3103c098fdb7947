"""Both ends of one history file in one process: what is written can be read at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from engine.events import CommandResult
from engine.types import Seq
from history import seal
from history.store import History
from history.writer import HistoryWriter


class WrittenHistory(History):
    """The reading end, with the writing one beside it."""

    def __init__(self, path: str | Path) -> None:
        self.writer = HistoryWriter(path)
        super().__init__(path)

    @property
    def applied_seq(self) -> Seq:
        return self.writer.applied_seq

    def write(self, applied: Sequence[CommandResult]) -> None:
        self.writer.write(applied)

    def close(self) -> None:
        super().close()
        self.writer.close()

    @property
    def connection(self) -> sqlite3.Connection:
        """That of the writing end."""
        assert self.writer._connection is not None
        return self.writer._connection


def break_orders(path: Path) -> None:
    """Damage the table of orders, in a file that nobody writes: it is noticed when one is written."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        ((page,),) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'orders'")
        ((size,),) = connection.execute("PRAGMA page_size")
    seal.remove(path)
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
