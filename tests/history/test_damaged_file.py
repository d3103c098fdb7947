"""A history whose file is not what was written, or is gone."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from engine.types import Seq
from history.writer import HistoryWriter, StoreGap, require_not_ahead
from tests.history.runs import run_exchange
from tests.history.written import WrittenHistory

RUN = run_exchange(20)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE sqlite_master SET name = CAST(x'ab' AS TEXT), sql = 'CREATE TABLE' WHERE name = 'progress'",
        "UPDATE sqlite_master SET sql = CAST(replace(sql, 'applied_seq', x'ab' || 'pplied_seq') AS TEXT)"
        " WHERE name = 'progress'",
        "UPDATE progress SET applied_seq = 'many'",
        "UPDATE progress SET posting_id = x'ff'",
        "UPDATE progress SET applied_seq = 9",
        "INSERT INTO symbols VALUES (3, 'A', 1, 99, 1)",
        "INSERT INTO symbols VALUES (3, CAST(x'ff' AS TEXT), 1, 2, 1)",
        "INSERT INTO assets VALUES (7, 'A')",
        "INSERT INTO candles VALUES (1, 60, 0, 1, 1, 1, 1, 'many', 0, 0, 0, 0)",
    ],
)
def test_a_file_with_something_else_in_its_cells_is_made_anew_and_stops_no_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    path = tmp_path / "history.sqlite"
    first = WrittenHistory(path)
    first.write(RUN[:10])
    first.close()
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("PRAGMA writable_schema = ON")
        assert other.execute(damage).rowcount == 1
    assert require_not_ahead(path, Seq(10)) in (0, 10)
    with caplog.at_level(logging.WARNING):
        again = WrittenHistory(path)
    assert "is damaged" in caplog.text
    again.write(RUN[:20])
    assert again.applied_seq == 20
    again.close()


def test_a_file_that_is_deleted_or_replaced_is_written_no_more(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    deleted = HistoryWriter(path)
    deleted.write(RUN[:10])
    path.unlink()
    with pytest.raises(StoreGap, match="was deleted or replaced"):
        deleted.write(RUN[10:20])
    path.write_bytes(b"")
    with pytest.raises(StoreGap, match="was deleted or replaced"):
        deleted.write(RUN[10:20])
    deleted.close()
