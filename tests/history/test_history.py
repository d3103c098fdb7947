"""What is written to the history can be read back: all of it, once, in order."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from engine.commands import CancelAll
from engine.events import Cancelled, CommandResult, Completed, Ended, Expired
from engine.rejects import CancelReason
from engine.terms import Terms
from engine.types import (
    LEG_UNIT,
    STOP_LEG,
    TAKE_PROFIT_LEG,
    AccountId,
    Amount,
    Lots,
    OrderId,
    OrderStatus,
    OrderType,
    PostOnly,
    SelfTradePrevention,
    Seq,
    Side,
    Ticks,
    TimeInForce,
    leg_id,
)
from history import cells, dialect, layout, schema, store
from history.candles import Candle
from history.errors import StoreDamaged
from history.store import DoneOrder, Trade, listing_key
from history.writer import (
    HistoryWriter,
    StoreAhead,
    StoreGap,
    StoreLocked,
    StoreRefused,
    require_not_ahead,
    stored_seq,
)
from tests.history.runs import ACCOUNTS, START_NS, SYMBOLS, expected_orders, expected_trades, run_exchange
from tests.history.written import WrittenHistory, break_orders

RUN = run_exchange(3000)
ORDERS_OF_RUN = expected_orders(RUN)
TRADES_OF_RUN = expected_trades(RUN)
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def history(tmp_path: Path) -> Iterator[WrittenHistory]:
    history = WrittenHistory(tmp_path / "history.sqlite")
    yield history
    history.close()


def everything(history: WrittenHistory) -> tuple[list[DoneOrder], list[Trade]]:
    """All orders by id and all trades by id."""
    orders = [order for account in ACCOUNTS for order in history.orders(account, limit=100_000)]
    return sorted(orders, key=lambda order: order.order_id), history.trades(limit=100_000)[::-1]


def of_run(applied: list[CommandResult]) -> tuple[list[DoneOrder], list[Trade]]:
    """What `everything` must return for this run."""
    orders = expected_orders(applied)
    return [orders[order_id] for order_id in sorted(orders)], expected_trades(applied)


def test_the_run_is_worth_reading_back() -> None:
    assert len(ORDERS_OF_RUN) > 1500
    assert len(TRADES_OF_RUN) > 600
    assert max(trade.notional for trade in TRADES_OF_RUN) > 2**64
    ended = {OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.EXPIRED}
    assert {order.status for order in ORDERS_OF_RUN.values()} == ended
    assert sum(order.terms is not None for order in ORDERS_OF_RUN.values()) > 100
    assert sum(order_id >= LEG_UNIT for order_id in ORDERS_OF_RUN) > 50
    assert any(trade.maker_fee < 0 for trade in TRADES_OF_RUN)


def test_every_done_order_and_trade_of_a_run_is_read_back_as_the_events_told(history: WrittenHistory) -> None:
    for start in range(0, len(RUN), 700):
        history.write(RUN[start : start + 700])

    assert of_run(RUN) == everything(history)
    assert len(RUN) == history.applied_seq
    for order_id, order in ORDERS_OF_RUN.items():
        assert order == history.order(order_id)
        if order.client_order_id is not None:
            assert order == history.order_by_client_id(order.account, order.client_order_id)
    named = [order for order in ORDERS_OF_RUN.values() if order.client_order_id is not None]
    names = [(order.account, order.client_order_id or "") for order in named]
    unknown = [(ACCOUNTS[0], "never"), (AccountId(77), names[0][1])]
    assert history.named_orders([unknown[0], *names, unknown[1]]) == [None, *(order.order_id for order in named), None]


def test_an_order_exposes_what_its_last_event_did() -> None:
    assert set(Ended.__struct_fields__) < set(DoneOrder.__struct_fields__)


def test_the_rows_that_are_read_have_the_fields_of_what_is_made_of_them() -> None:
    assert tuple(cells.ORDER) == DoneOrder.__struct_fields__
    assert tuple(cells.TRADE) == Trade.__struct_fields__
    assert tuple(cells.CANDLE) == Candle.__struct_fields__
    assert tuple(dialect.POSTED_TRADE) == store._PostedTrade.__struct_fields__
    assert tuple(dialect.CASH) == store._Cash.__struct_fields__


def ended(kind: type[Ended], order_id: OrderId, terms: Terms | None, **further: object) -> Ended:
    """The end of an order of account 7."""
    limit, gtc, price = OrderType.LIMIT, TimeInForce.GTC, Ticks(100)
    whose = (AccountId(7), "BTC-USDT", Side.BUY, limit, gtc, price, Lots(5), Lots(0), Amount(0), Amount(0), "mine")
    return kind(order_id, *whose, START_NS, terms, SelfTradePrevention.CANCEL_BOTH, **further)


def test_terms_legs_and_the_clock_are_told_as_they_ended(history: WrittenHistory) -> None:
    history.write(RUN[:1])  # lists the symbol
    entry, other = OrderId(4), OrderId(3)
    first_leg, second_leg = leg_id(entry, TAKE_PROFIT_LEG), leg_id(entry, STOP_LEG)
    of_entry = Terms(display_quantity=Lots(2), expire_ns=START_NS + 1, stop_price=Ticks(2**53 + 1))
    of_leg = Terms(post_only=PostOnly.SLIDE, linked_to=second_leg, parent=entry)
    events = [
        ended(Expired, entry, of_entry, rested=True),
        ended(Cancelled, second_leg, None, reason=CancelReason.ONE_CANCELS_OTHER, rested=False),
        ended(Cancelled, first_leg, of_leg, reason=CancelReason.PRICE_BAND, rested=True),
        ended(Completed, other, None),
        ended(Completed, OrderId(5), None),
    ]
    history.write(
        [CommandResult(Seq(n), START_NS, CancelAll(AccountId(7)), [event]) for n, event in enumerate(events, 2)]
    )

    newest_first = [OrderId(5), second_leg, first_leg, entry, other]
    found = history.orders(AccountId(7))
    assert [order.order_id for order in found] == newest_first
    assert [order.terms for order in found] == [None, None, of_leg, of_entry, None]
    assert found[3] == history.order(entry)
    assert (found[3].status, found[3].reason) == (OrderStatus.EXPIRED, None)
    pages = [history.orders(AccountId(7), "BTC-USDT", before, 1) for before in newest_first]
    assert [[order.order_id for order in page] for page in pages] == [[each] for each in newest_first[1:]] + [[]]
    assert history.orders(AccountId(7), status=OrderStatus.EXPIRED) == [found[3]]


def test_the_fills_of_an_order_are_its_trades_on_either_side_in_order(history: WrittenHistory) -> None:
    history.write(RUN)

    for order_id in [*ORDERS_OF_RUN, OrderId(1)]:
        expected = [trade for trade in TRADES_OF_RUN if order_id in (trade.maker_order_id, trade.taker_order_id)]
        assert expected == history.fills(order_id)
        if len(expected) > 1:
            assert expected[1:2] == history.fills(order_id, after_trade_id=expected[0].trade_id, limit=1)


def test_what_is_not_there_is_none_or_empty(history: WrittenHistory) -> None:
    history.write(RUN)

    assert history.order(OrderId(10**17)) is None
    assert history.order_by_client_id(ACCOUNTS[0], "never") is None
    assert history.fills(OrderId(10**17)) == []
    assert history.trades("DOGE-USDT") == []


def test_the_latest_order_under_a_client_order_id_is_found(history: WrittenHistory) -> None:
    first, second = (order for order in list(ORDERS_OF_RUN.values())[:2])
    history.write(RUN)
    history.connection.execute(  # an id is used again only after very many orders
        "UPDATE orders SET client_order_id = 'again', account = 7 WHERE place IN (?, ?)",
        (layout.place_of(first.order_id), layout.place_of(second.order_id)),
    )

    found = history.order_by_client_id(7, "again")
    assert found is not None
    assert max(first.order_id, second.order_id) == found.order_id
    assert history.named_orders([(AccountId(7), "again")]) == [found.order_id]


@pytest.mark.parametrize("symbol", [None, *SYMBOLS])
@pytest.mark.parametrize("status", [None, OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.EXPIRED])
def test_pages_of_orders_come_newest_first_without_holes_or_repeats(
    history: WrittenHistory, symbol: str | None, status: OrderStatus | None
) -> None:
    history.write(RUN)
    pages: list[DoneOrder] = []
    while page := history.orders(ACCOUNTS[0], symbol, pages[-1].order_id if pages else None, 37, status):
        assert len(page) <= 37
        pages += page

    assert pages == [
        ORDERS_OF_RUN[order_id]
        for order_id in sorted(ORDERS_OF_RUN, key=listing_key, reverse=True)
        if ORDERS_OF_RUN[order_id].account == ACCOUNTS[0]
        and symbol in (None, ORDERS_OF_RUN[order_id].symbol)
        and status in (None, ORDERS_OF_RUN[order_id].status)
    ]


@pytest.mark.parametrize("symbol", [None, *SYMBOLS])
def test_pages_of_trades_come_newest_first_without_holes_or_repeats(
    history: WrittenHistory, symbol: str | None
) -> None:
    history.write(RUN)
    pages: list[Trade] = []
    while page := history.trades(symbol, pages[-1].trade_id if pages else None, 41):
        pages += page

    assert pages == [trade for trade in TRADES_OF_RUN[::-1] if symbol in (None, trade.symbol)]


def test_paging_goes_on_undisturbed_while_more_is_written(history: WrittenHistory) -> None:
    history.write(RUN[:1500])
    first = history.trades(limit=20)
    history.write(RUN)

    assert expected_trades(RUN[:1500])[::-1][20:40] == history.trades(before_trade_id=first[-1].trade_id, limit=20)


def test_a_batch_that_comes_again_changes_nothing(history: WrittenHistory) -> None:
    history.write(RUN[:1000])
    history.write(RUN[:1000])
    history.write(RUN[500:2000])

    assert of_run(RUN[:2000]) == everything(history)
    assert history.applied_seq == 2000


def test_a_hole_in_the_commands_is_refused(history: WrittenHistory) -> None:
    history.write(RUN[:10])
    with pytest.raises(StoreGap, match="stored up to 10; cannot go on with 12 to 20"):
        history.write(RUN[11:20])
    with pytest.raises(StoreGap):
        history.write([*RUN[10:12], *RUN[13:15]])

    assert history.applied_seq == 10


def test_after_reopening_it_goes_on_where_it_stood(tmp_path: Path) -> None:
    history = WrittenHistory(tmp_path / "history.sqlite")
    history.write(RUN[:1234])
    history.close()

    again = WrittenHistory(f"sqlite:///{tmp_path}/history.sqlite")
    assert again.applied_seq == 1234
    again.write(RUN)
    assert of_run(RUN) == everything(again)
    again.close()


def test_a_deleted_history_is_rebuilt_the_same(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    history = WrittenHistory(path)
    for start in range(0, len(RUN), 100):
        history.write(RUN[start : start + 100])
    original = everything(history)
    path.unlink()  # only the file, as people do, while its log is still there
    history.close()

    rebuilt = WrittenHistory(path)
    assert rebuilt.applied_seq == 0
    rebuilt.write(run_exchange(3000))
    assert original == everything(rebuilt)
    rebuilt.close()


def test_a_refused_write_leaves_nothing_of_its_batch(history: WrittenHistory) -> None:
    history.write(RUN[:100])
    history.connection.execute("CREATE TRIGGER no BEFORE UPDATE ON progress BEGIN SELECT RAISE(ABORT, 'no'); END")
    with pytest.raises(StoreRefused, match="no"):
        history.write(RUN)

    assert history.applied_seq == 100
    assert of_run(RUN[:100]) == everything(history)


def test_a_history_ahead_of_the_journal_is_refused_and_says_what_to_delete(history: WrittenHistory) -> None:
    history.write(RUN[:50])
    assert require_not_ahead(history.path, Seq(50)) == 50
    with pytest.raises(StoreAhead, match=r"journal ends at 49.*delete .*history\.sqlite"):
        require_not_ahead(history.path, Seq(49))


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE progress SET schema_version = 0",
        "DELETE FROM progress",
        "ALTER TABLE progress RENAME COLUMN schema_version TO version",
        "DROP TABLE progress",
    ],
)
def test_a_history_of_another_schema_is_made_anew(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "history.sqlite"
    history = WrittenHistory(path)
    history.write(RUN)
    history.close()
    with sqlite3.connect(path) as connection:
        connection.execute(damage)
    connection.close()

    with caplog.at_level(logging.WARNING):
        again = WrittenHistory(path)
    assert "built anew" in caplog.text
    assert ("not of schema version" in caplog.text) == damage.startswith("UPDATE")
    assert len(list(tmp_path.glob("history.damaged-*"))) == (not damage.startswith("UPDATE"))
    assert again.applied_seq == 0
    again.write(RUN)
    assert of_run(RUN) == everything(again)
    again.close()


def test_a_file_that_is_no_database_is_made_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "history.sqlite"
    path.write_bytes(b"not a database, but long enough to be taken for a damaged one" * 100)
    with caplog.at_level(logging.WARNING):
        history = WrittenHistory(path)
    assert "is damaged" in caplog.text
    history.write(RUN[:10])
    assert history.applied_seq == 10
    history.close()


@pytest.mark.parametrize("url", ["postgresql://somebody:secret@localhost/history", "sqlite://", "sqlite:///:memory:"])
def test_another_database_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="SQLite file") as refused:
        WrittenHistory(url)
    assert "secret" not in str(refused.value)


def test_one_process_at_a_time_writes(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    first = HistoryWriter(path)
    with pytest.raises(StoreLocked, match=r"another process writes .*history\.sqlite"):
        HistoryWriter(path, lock_wait_s=0.1)
    first.write(RUN[:10])
    first.close()
    second = HistoryWriter(path)
    assert second.applied_seq == 10
    second.close()


def test_a_file_that_somebody_else_has_written_is_not_written_over(history: WrittenHistory) -> None:
    history.write(RUN[:10])
    with closing(sqlite3.connect(history.path)) as other, other:
        other.execute("UPDATE progress SET applied_seq = 5")
    with pytest.raises(StoreGap, match="written by somebody else"):
        history.write(RUN[10:20])
    assert len(of_run(RUN[:10])[0]) == len(everything(history)[0])


def test_a_file_that_breaks_while_it_is_written_is_told_apart_from_one_that_is_refused(
    history: WrittenHistory,
) -> None:
    history.write(RUN[:1000])
    history.close()
    break_orders(history.path)
    writer = HistoryWriter(history.path)
    assert writer.applied_seq == 1000
    with pytest.raises(StoreDamaged, match="malformed"):
        writer.write(RUN)
    writer.set_aside()
    assert not history.path.exists()


def test_how_far_a_file_is_can_be_seen_without_writing_it(history: WrittenHistory, tmp_path: Path) -> None:
    history.write(RUN[:77])
    assert stored_seq(history.path) == 77  # while it is open, and when its log was not folded
    (tmp_path / "copy").mkdir()
    for file in tmp_path.glob("history.sqlite*"):
        if not file.name.endswith(("-shm", ".lock")):
            shutil.copy(file, tmp_path / "copy")
    assert stored_seq(tmp_path / "copy" / "history.sqlite") == 77
    assert stored_seq(tmp_path / "none.sqlite") == 0
    assert not (tmp_path / "none.sqlite").exists()
    (tmp_path / "none.sqlite").write_bytes(b"no database" * 100)
    assert stored_seq(tmp_path / "none.sqlite") == 0


def test_queries_know_the_tables_as_they_are_made(history: WrittenHistory) -> None:
    for table in layout.TABLES:
        rows = history.connection.execute(f"PRAGMA table_info({table.name})").fetchall()
        assert [row[1] for row in rows] == [column.name for column in table.columns]
        assert [row[1] for row in rows if row[5]] == [column.name for column in table.columns if column.key]
        if table is not layout.PROGRESS:
            queried = getattr(schema, table.name.upper())
            assert [column.name for column in queried.columns] == [column.name for column in table.columns]
    indexes = {row[0] for row in history.connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
    assert indexes >= {index for table in layout.TABLES for index in table.indexes}


def test_who_writes_needs_neither_an_event_loop_nor_sqlalchemy() -> None:
    script = (
        "import sys, replica.historian.__main__; "
        "print(sorted({'eventlet', 'greenlet', 'sqlalchemy', 'flask', 'asyncio'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert answer.stdout == "[]\n"


def test_reading_cannot_write(history: WrittenHistory) -> None:
    with history._reader.connect() as connection, pytest.raises(Exception, match="readonly"):
        connection.execute(text("DELETE FROM trades"))


def test_reading_goes_on_while_a_write_is_under_way(history: WrittenHistory) -> None:
    history.write(RUN[:1000])
    history.connection.execute("BEGIN IMMEDIATE")
    history.connection.execute("DELETE FROM trades")
    assert expected_trades(RUN[:1000])[::-1] == history.trades(limit=100_000)
    history.connection.execute("ROLLBACK")


WRITE_FOREVER = """
import sys
from history.writer import HistoryWriter
from tests.history.runs import run_exchange
run = run_exchange(3000)
history = HistoryWriter(sys.argv[1])
while history.applied_seq < len(run):
    history.write(run[history.applied_seq : history.applied_seq + 7])
    print(history.applied_seq, flush=True)
"""


def test_a_kill_while_writing_leaves_all_of_a_batch_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    stopped_at = []
    for batches, delay_s in ((1, 0.0), (5, 0.001), (20, 0.003), (50, 0.0007)):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITE_FOREVER, str(path)],
            stdout=subprocess.PIPE,
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )
        assert process.stdout is not None
        reported = [int(process.stdout.readline()) for _ in range(batches)]
        time.sleep(delay_s)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        process.stdout.close()

        history = WrittenHistory(path)
        assert of_run(RUN[: history.applied_seq]) == everything(history)
        assert history.applied_seq >= reported[-1]
        stopped_at.append(history.applied_seq)
        history.close()

    assert stopped_at == sorted(stopped_at)
    assert stopped_at[-1] < len(RUN)
    history = WrittenHistory(path)
    history.write(RUN)
    assert of_run(RUN) == everything(history)
    history.close()
