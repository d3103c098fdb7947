"""A history that begins later than the journal, since what it would be built of is gone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from audit.history_check import HistoryCheck
from engine.exchange import Exchange
from engine.ledger import FEE_ACCOUNT
from engine.types import Seq
from history import seal, sqlite
from history.candles import Interval
from history.writer import POSTINGS_A_COMMAND, HistoryWriter, StoreGap, stored_seq
from tests.history.runs import ACCOUNTS, SYMBOLS, expected_orders, expected_trades, instrument, run_exchange
from tests.history.written import WrittenHistory

BEGUN = Seq(1000)
EXCHANGE = Exchange()
RUN = run_exchange(2000, seed=6, exchange=EXCHANGE)
INSTRUMENTS = [instrument(symbol) for symbol in SYMBOLS]


def ids_of_postings(history: WrittenHistory) -> list[int]:
    everybody = (FEE_ACCOUNT, *ACCOUNTS)
    return [each.posting_id for account in everybody for each in history.postings(account, limit=10**6)]


def test_it_goes_on_behind_the_command_at_which_it_begins(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    with closing(WrittenHistory(path)) as history:
        history.writer.begin_at(BEGUN, INSTRUMENTS)
        assert (history.applied_seq, stored_seq(path)) == (BEGUN, BEGUN)
        with pytest.raises(StoreGap):
            history.write(RUN[BEGUN + 1 :])
        history.write(RUN[:1500])
    with closing(WrittenHistory(path)) as history:
        history.write(RUN)
        later = [trade for trade in expected_trades(RUN) if trade.seq > BEGUN]
        assert history.trades(limit=10_000) == later[::-1]
        orders = expected_orders(RUN)
        assert {order_id for order_id in orders if history.order(order_id) is not None} == {
            order_id for order_id, order in orders.items() if order.ended_seq > BEGUN
        }
        ids = ids_of_postings(history)
        assert sorted(ids) == list(range(BEGUN * POSTINGS_A_COMMAND + 1, BEGUN * POSTINGS_A_COMMAND + len(ids) + 1))
        for symbol in SYMBOLS:
            (day,) = history.candles(symbol, Interval.ONE_DAY)
            assert day.volume == sum(trade.quantity for trade in later if trade.symbol == symbol)


def test_what_the_history_had_before_is_set_aside_and_the_base_of_postings_can_be_given(tmp_path: Path) -> None:
    with closing(WrittenHistory(tmp_path / "history.sqlite")) as history:
        history.write(RUN[:500])
        before = history.trades(limit=10_000)
        history.writer.begin_at(BEGUN, INSTRUMENTS, posting_id=7)
        history.reopen()
        assert history.trades() == []
        (aside,) = tmp_path.glob(f"history.{sqlite.ASIDE}*[0-9]")
        with closing(WrittenHistory(aside)) as earlier:
            assert before == earlier.trades(limit=10_000) != []
        history.write(RUN)
        assert min(ids_of_postings(history)) == 8


def test_the_auditor_misses_nothing_of_what_came_before(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    with closing(WrittenHistory(path)) as history:
        history.writer.begin_at(BEGUN, INSTRUMENTS)
        history.write(RUN)
    check = HistoryCheck(path)
    wrong = [line for item in RUN for line in check.compare(item.seq, item.ts_ns, item.events)]
    check.close()
    assert wrong == []


def test_one_that_is_ended_while_it_begins_has_nothing_and_is_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "history.sqlite"
    with closing(WrittenHistory(path)) as history, monkeypatch.context() as patch:
        patch.setattr(HistoryWriter, "_store", _end)
        with pytest.raises(KeyboardInterrupt):
            history.writer.begin_at(BEGUN, INSTRUMENTS)
    assert stored_seq(path) == 0
    with closing(WrittenHistory(path)) as history:
        history.writer.begin_at(BEGUN, INSTRUMENTS)
        history.write(RUN)
        assert history.applied_seq == RUN[-1].seq


def test_one_of_another_version_that_nothing_can_build_again_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    with closing(WrittenHistory(path)) as history:
        history.write(RUN[:100])
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE progress SET schema_version = 0")
    connection.close()
    seal.remove(path)
    HistoryWriter(path, can_be_rebuilt=False).close()
    assert stored_seq(path) == 0
    (aside,) = tmp_path.glob(f"history.{sqlite.ASIDE}*[0-9]")
    with sqlite3.connect(aside) as connection:
        assert connection.execute("SELECT applied_seq FROM progress").fetchone() == (100,)
    connection.close()


def _end(*_: object) -> None:
    raise KeyboardInterrupt
