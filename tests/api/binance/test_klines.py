"""Candles of the second wire are what a plain grouping of the trades gives: every interval, in every time zone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.binance.market_klines import LENGTHS, MAX_FOLDED, Calendar, KlineInterval, KlineReader
from engine.events import CommandResult
from engine.types import Side
from history.candles import Candle, Interval
from history.store import Trade
from tests.history.deals import DEALS, trading
from tests.history.runs import SYMBOLS, expected_trades
from tests.history.written import WrittenHistory

SYMBOL = SYMBOLS[0]
EVERY = list(KlineInterval)
ZONES = [0, 3_600, -5 * 3_600, 5 * 3_600 + 2_700, 14 * 3_600]
RUN = trading(DEALS)
TRADES = [trade for trade in expected_trades(RUN) if trade.symbol == SYMBOL]
FIRST_S, LAST_S = TRADES[0].ts_ns // 10**9, TRADES[-1].ts_ns // 10**9


def reader_of(history: WrittenHistory, run: Sequence[CommandResult]) -> KlineReader:
    """A reader of what is written, which need not wait for it."""
    reads: Any = SimpleNamespace(candles=history.candles, wait_for=lambda seq: None)
    exchange: Any = SimpleNamespace(seq=len(run))
    return KlineReader(exchange, reads)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KlineReader]:
    """Of one long run."""
    history = WrittenHistory(tmp_path_factory.mktemp("klines") / "history.sqlite")
    history.write(RUN)
    yield reader_of(history, RUN)
    history.close()


def bounds(time: int, interval: KlineInterval, offset: int) -> tuple[int, int]:
    """Where the interval begins and ends that `time` is in, by the calendar on the wall."""
    wall = datetime.fromtimestamp(time + offset, UTC)
    midnight = wall.replace(hour=0, minute=0, second=0)
    match interval.value[-1]:
        case "M":
            begin = midnight.replace(day=1)
            end = (begin + timedelta(days=31)).replace(day=1)
        case "w":
            begin = midnight - timedelta(days=wall.weekday())
            end = begin + timedelta(days=7)
        case unit:
            length = int(interval.value[:-1]) * {"s": 1, "m": 60, "h": 3_600, "d": 86_400}[unit]
            begin = wall - timedelta(seconds=int(wall.timestamp()) % length)
            end = begin + timedelta(seconds=length)
    return int(begin.timestamp()) - offset, int(end.timestamp()) - offset


def naive(trades: Sequence[Trade], interval: KlineInterval, offset: int, until: int) -> list[Candle]:
    """Group, walk from the first to the last, and repeat the last price where nothing traded."""
    groups: dict[int, list[Trade]] = {}
    for trade in trades:
        groups.setdefault(bounds(trade.ts_ns // 10**9, interval, offset)[0], []).append(trade)
    found: list[Candle] = []
    start = min(groups, default=until + 1)
    while start <= until:
        group = groups.get(start, [])
        bought = [trade for trade in group if trade.taker_side is Side.BUY]
        prices = [trade.price for trade in group] or [found[-1].close]
        volumes: Any = [
            (sum(trade.quantity for trade in some), sum(trade.notional for trade in some)) for some in (group, bought)
        ]
        (lots, quote), (bought_lots, bought_quote) = volumes
        figures: Any = (
            prices[0],
            max(prices),
            min(prices),
            prices[-1],
            lots,
            quote,
            len(group),
            bought_lots,
            bought_quote,
        )
        found.append(Candle(start, *figures))
        start = bounds(start, interval, offset)[1]
    return found


@pytest.mark.parametrize("interval", EVERY)
def test_every_interval_is_a_fold_of_the_trades(reader: KlineReader, interval: KlineInterval) -> None:
    for offset in ZONES:
        calendar = Calendar(interval, offset)
        until = min(LAST_S + 100, FIRST_S + 400 * LENGTHS[interval])
        expected = naive([trade for trade in TRADES if trade.ts_ns // 10**9 <= until], interval, offset, until)
        most = min(300, calendar.most)
        assert reader.candles(SYMBOL, calendar, 0, None, 300, until) == expected[:most]
        if until > LAST_S or interval in (KlineInterval.S1, KlineInterval.M1):  # else the newest have later trades
            assert reader.candles(SYMBOL, calendar, None, None, 300, until)[:-1] == expected[-most:-1]


@settings(max_examples=60, deadline=None)
@given(
    interval=st.sampled_from(EVERY),
    offset=st.sampled_from(ZONES),
    start=st.none() | st.integers(FIRST_S - 10**6, LAST_S + 10**6),
    end=st.none() | st.integers(FIRST_S - 10**6, LAST_S + 10**6),
    limit=st.integers(1, 9),
)
def test_a_span_has_the_candles_that_begin_in_it(
    reader: KlineReader, interval: KlineInterval, offset: int, start: int | None, end: int | None, limit: int
) -> None:
    calendar = Calendar(interval, offset)
    found = reader.candles(SYMBOL, calendar, start and start * 1000 + 1, end and end * 1000, limit, LAST_S + 100)
    assert len(found) <= limit
    for candle in found:
        assert bounds(candle.time, interval, offset)[0] == candle.time
        assert start is None or candle.time > start
        assert candle.time <= min(LAST_S + 100, LAST_S + 100 if end is None else end)
        group = [trade for trade in TRADES if bounds(trade.ts_ns // 10**9, interval, offset)[0] == candle.time]
        assert (candle.trades, candle.volume) == (len(group), sum(trade.quantity for trade in group))
    if found and start is None and end is None:
        assert found[-1].time == calendar.start(LAST_S + 100)


def test_no_answer_is_made_of_more_than_its_bound() -> None:
    for interval in EVERY:
        for offset in ZONES:
            calendar = Calendar(interval, offset)
            folded = calendar.most * (calendar.next(calendar.start(LAST_S)) - calendar.start(LAST_S))
            assert folded <= MAX_FOLDED * calendar.base.seconds + 3 * 86_400
    assert Calendar(KlineInterval.D1, 5 * 3_600 + 2_700).base is Interval.FIFTEEN_MINUTES


def test_a_candle_whose_beginning_was_deleted_is_not_shown(tmp_path: Path) -> None:
    history = WrittenHistory(tmp_path / "history.sqlite")
    history.write(RUN)
    reader, half_hours = reader_of(history, RUN), Calendar(KlineInterval.M30)
    whole = reader.candles(SYMBOL, half_hours, 0, None, 1_000, LAST_S)
    kept = whole[0].time + 900
    history.connection.execute("DELETE FROM candles WHERE interval_s = 900 AND time < ?", (kept,))
    found = reader.candles(SYMBOL, half_hours, 0, None, 1_000, LAST_S)
    assert found[0].time > whole[0].time
    history.close()
