"""What a read of the history costs: it uses indexes, and no more of them in a longer history."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from engine.types import AccountId
from tests.history.runs import ACCOUNTS, SYMBOLS, run_exchange
from tests.history.written import WrittenHistory

RUN = run_exchange(3000)


@pytest.fixture
def history(tmp_path: Path) -> Iterator[WrittenHistory]:
    history = WrittenHistory(tmp_path / "history.sqlite")
    yield history
    history.close()


@pytest.mark.parametrize(
    ("read", "index"),
    [
        (lambda history: history.orders(1, limit=5), "orders_by_account (account=? AND rowid<?)"),
        (lambda history: history.orders(1, "BTC-USDT", 500, 5), "orders_by_account_and_symbol"),
        (lambda history: history.order(5), "PRIMARY KEY"),
        (lambda history: history.named_orders([(1, "a")]), "orders_by_client_order_id"),
        (lambda history: history.order_by_client_id(1, "a"), "orders_by_client_order_id"),
        (lambda history: history.trades("BTC-USDT", 500, 5), "trades_by_symbol"),
        (lambda history: history.trades(None, 500, 5), "PRIMARY KEY"),
        (lambda history: history.fills(5), "trades_by_maker_order"),
        (lambda history: history.fills(5), "trades_by_taker_order"),
        (lambda history: history.account_fills(1), "moved USING PRIMARY KEY (account=? AND asset_id=? AND trade_id<?)"),
        (lambda history: history.account_fills(1, "BTC-USDT"), "moved USING PRIMARY KEY (account=? AND asset_id=?"),
        (
            lambda history: history.postings(1),
            "moved USING PRIMARY KEY (account=? AND asset_id=? AND trade_id<?)",
        ),
        (lambda history: history.postings(1), "trades_by_posting"),
        (lambda history: history.postings(1), "postings_by_account (account=? AND rowid<?)"),
        (lambda history: history.postings(1, "BTC"), "moved USING PRIMARY KEY (account=? AND asset_id=?"),
        (
            lambda history: history.postings(1, "BTC"),
            "postings_by_account_and_asset (account=? AND asset_id=?",
        ),
    ],
)
def test_every_read_uses_an_index(
    history: WrittenHistory, read: Callable[[WrittenHistory], object], index: str
) -> None:
    history.write(RUN)
    statements: list[str] = []
    connection = history._reader.raw_connection()
    driver = connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.set_trace_callback(statements.append)
    connection.close()
    read(history)
    driver.set_trace_callback(None)

    plan = " | ".join(row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statements[0]}"))
    assert index in plan


def test_a_page_costs_no_more_when_the_history_is_longer(tmp_path: Path) -> None:
    run = run_exchange(6000)
    account = ACCOUNTS[0]
    reads: list[Callable[[WrittenHistory], object]] = [
        lambda history: history.orders(account, limit=20),
        lambda history: history.orders(account, SYMBOLS[0], limit=20),
        lambda history: history.trades(SYMBOLS[0], limit=20),
        lambda history: history.account_fills(account, limit=20),
        lambda history: history.account_fills(account, SYMBOLS[0], limit=20),
        lambda history: history.postings(account, limit=20),
        lambda history: history.postings(account, "BTC", limit=20),
        lambda history: history.postings(AccountId(0), limit=20),
        lambda history: history.postings(account, before_id=1_000, limit=20),
    ]
    steps: list[list[int]] = []
    for length in (1500, 6000):
        with closing(WrittenHistory(tmp_path / f"{length}.sqlite")) as history:
            history.write(run[:length])
            connection = history._reader.raw_connection()
            driver = connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            connection.close()
            steps.append([steps_of(driver, read, history) for read in reads])
    for read, (short, long) in enumerate(zip(*steps, strict=True)):
        assert 0 < long < 1.4 * short, (read, short, long)


def steps_of(driver: sqlite3.Connection, read: Callable[[WrittenHistory], object], history: WrittenHistory) -> int:
    """How many steps of the database's machine a read takes."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    driver.set_progress_handler(count, 10)
    read(history)
    driver.set_progress_handler(None, 10)
    return steps
