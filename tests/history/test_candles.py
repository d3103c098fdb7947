"""Candles are what a plain grouping of the trades gives, however the trades came to the history."""

from __future__ import annotations

import logging
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.commands import EnterOrder
from engine.events import CommandResult, Filled
from engine.types import Amount, Lots, Side
from history.candles import SECONDS, Candle, Interval
from history.store import Trade
from history.writer import StoreRefused
from tests.history.deals import DEALS, Deal, trading
from tests.history.runs import HUGE, START_NS, SYMBOLS, expected_trades
from tests.history.written import WrittenHistory

DAY_NS = 86_400 * 10**9

GAPS_NS = st.integers(0, 10**9) | st.integers(0, 10**11) | st.integers(0, 2 * DAY_NS)
deals = st.lists(st.tuples(GAPS_NS, st.integers(0, 1), st.integers(90, 110), st.integers(1, 9)), max_size=40)


def naive_candles(trades: Sequence[Trade], symbol: str, interval: Interval) -> list[Candle]:
    """Group, then look at each group."""
    groups: dict[int, list[Trade]] = {}
    for trade in trades:
        if trade.symbol == symbol:
            start = trade.ts_ns // (SECONDS[interval] * 10**9) * SECONDS[interval]
            groups.setdefault(start, []).append(trade)
    return [
        Candle(
            start,
            group[0].price,
            max(trade.price for trade in group),
            min(trade.price for trade in group),
            group[-1].price,
            Lots(sum(trade.quantity for trade in group)),
            Amount(sum(trade.notional for trade in group)),
            len(group),
            Lots(sum(trade.quantity for trade in group if trade.taker_side is Side.BUY)),
            Amount(sum(trade.notional for trade in group if trade.taker_side is Side.BUY)),
        )
        for start, group in groups.items()
    ]


def everything(history: WrittenHistory) -> dict[tuple[str, str], list[Candle]]:
    return {(s, i.value): history.candles(s, i, limit=1000) for s in SYMBOLS for i in Interval}


def of_run(run: Sequence[CommandResult]) -> dict[tuple[str, str], list[Candle]]:
    trades = expected_trades(run)
    assert len(trades) == sum(isinstance(applied.command, EnterOrder) for applied in run) // 2
    return {(s, i.value): naive_candles(trades, s, i) for s in SYMBOLS for i in Interval}


RUN = trading(DEALS)


@pytest.fixture
def history(tmp_path: Path) -> Iterator[WrittenHistory]:
    history = WrittenHistory(tmp_path / "history.sqlite")
    yield history
    history.close()


@settings(max_examples=25, deadline=None)
@given(deals=deals, cuts=st.lists(st.integers(0, 85), max_size=4), reopened=st.booleans())
def test_candles_are_those_of_a_plain_grouping(deals: list[Deal], cuts: list[int], reopened: bool) -> None:
    run = trading(deals)
    with tempfile.TemporaryDirectory() as folder:
        history = WrittenHistory(Path(folder) / "history.sqlite")
        for start, end in pairwise(sorted({0, *(cut for cut in cuts if cut < len(run)), len(run)})):
            history.write(run[start:end])
            if reopened:  # in the middle of a candle, as a rule
                history.close()
                history = WrittenHistory(Path(folder) / "history.sqlite")
        assert everything(history) == of_run(run)
        history.close()


def test_a_trade_of_an_account_with_itself_is_a_trade_and_in_no_candle(history: WrittenHistory) -> None:
    run = trading([(0, 0, 100, 1), (10**9, 0, 999, 5), (2 * 10**9, 0, 101, 2)])
    alone = [applied for applied in run if any(getattr(event, "price", 0) == 999 for event in applied.events)]
    for applied in alone:
        for index, event in enumerate(applied.events):
            if isinstance(event, Filled):
                applied.events[index] = msgspec.structs.replace(event, self_trade=True)
    history.write(run)
    (day,) = history.candles(SYMBOLS[0], Interval.ONE_DAY)
    assert (day.open, day.high, day.low, day.close, day.volume) == (100, 101, 100, 101, 3 * HUGE)
    assert [trade.self_trade for trade in history.trades(SYMBOLS[0])] == [0, 1, 0]


def test_volumes_beyond_64_bits_are_exact(history: WrittenHistory) -> None:
    trades = trading([(0, 0, 100, 999)] * 190)
    history.write(trades)
    (day,) = history.candles(SYMBOLS[0], Interval.ONE_DAY)
    assert day.volume == 190 * 999 * HUGE > 2**64


@pytest.mark.parametrize("interval", list(Interval))
def test_pages_lead_through_all_of_them_either_way(history: WrittenHistory, interval: Interval) -> None:
    history.write(RUN)
    expected = naive_candles(expected_trades(RUN), SYMBOLS[0], interval)
    backward: list[Candle] = []
    while page := history.candles(SYMBOLS[0], interval, end=backward[0].time if backward else None, limit=7):
        backward = page + backward
    forward: list[Candle] = []
    while page := history.candles(SYMBOLS[0], interval, forward[-1].time + 1 if forward else 0, None, 7):
        forward += page
    assert (backward, forward) == (expected, expected)
    middle = [candle for candle in expected if expected[1].time <= candle.time < expected[-1].time]
    assert history.candles(SYMBOLS[0], interval, expected[1].time, expected[-1].time, 1000) == middle


def test_a_refused_write_leaves_the_running_candles_as_they_were(history: WrittenHistory) -> None:
    history.write(RUN[:100])
    history.connection.execute("CREATE TRIGGER no BEFORE UPDATE ON progress BEGIN SELECT RAISE(ABORT, 'no'); END")
    with pytest.raises(StoreRefused, match="no"):
        history.write(RUN)
    assert everything(history) == of_run(RUN[:100])
    history.connection.execute("DROP TRIGGER no")
    history.write(RUN)
    assert everything(history) == of_run(RUN)


def test_a_history_from_before_there_were_candles_is_made_anew_with_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "history.sqlite"
    history = WrittenHistory(path)
    history.write(RUN)
    history.close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE candles")
        connection.execute("UPDATE progress SET schema_version = 2")
    connection.close()
    with caplog.at_level(logging.WARNING):
        again = WrittenHistory(path)
    assert ("not of schema version" in caplog.text, again.applied_seq) == (True, 0)
    again.write(RUN)
    assert everything(again) == of_run(RUN)
    again.close()


def test_a_read_costs_what_it_asks_for(history: WrittenHistory) -> None:
    history.write(RUN)
    statements: list[str] = []
    connection = history._reader.raw_connection()
    driver: sqlite3.Connection = connection.driver_connection  # type: ignore[assignment]
    driver.set_trace_callback(statements.append)
    connection.close()
    history.candles(SYMBOLS[0], Interval.ONE_MINUTE, START_NS // 10**9, limit=5)
    history.candles(SYMBOLS[0], Interval.ONE_MINUTE, limit=5)
    driver.set_trace_callback(None)
    assert len(statements) == 2
    for statement in statements:
        plan = " | ".join(row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}"))
        assert "(symbol_id=? AND interval_s=? AND time>? AND time<?)" in plan
        assert "TEMP B-TREE" not in plan
