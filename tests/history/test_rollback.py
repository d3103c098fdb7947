"""A transaction that cannot be rolled back: the next one finds a connection that takes it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from history.writer import StoreRefused
from tests.history.runs import expected_trades, run_exchange
from tests.history.written import WrittenHistory

RUN = run_exchange(500)


class FailingRollback:
    """A connection that does not roll back, as one whose disk is gone."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if sql == "ROLLBACK":
            raise sqlite3.OperationalError("disk I/O error")
        return self._connection.execute(sql, *parameters)


def test_after_a_transaction_that_could_not_be_rolled_back_it_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(WrittenHistory(tmp_path / "history.sqlite")) as history:
        history.write(RUN[:100])
        history.connection.execute("CREATE TRIGGER no BEFORE UPDATE ON progress BEGIN SELECT RAISE(ABORT, 'no'); END")
        monkeypatch.setattr(history.writer, "_connection", FailingRollback(history.connection))
        with pytest.raises(StoreRefused, match="no"):
            history.write(RUN)
        assert "opened again, since it cannot be rolled back" in caplog.text
        with closing(sqlite3.connect(history.path)) as other:
            other.execute("DROP TRIGGER no")
        history.write(RUN)

        assert history.trades(limit=100_000) == expected_trades(RUN)[::-1]
        assert history.applied_seq == len(RUN)
