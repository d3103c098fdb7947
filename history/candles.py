"""Candles: open, high, low, close and volume of what traded in one interval of one symbol.

A trade of an account with itself is in none: it is no price, and its volume nobody's.
Intervals are counted from the epoch (a day is a day of UTC). One in which nothing traded has no
candle. The newest of each interval is still running: it is stored with every transaction that
changes it, so what is stored is always whole.
Units: ticks, lots, epoch seconds. Layer: history.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, select

from engine.types import Lots, Ticks
from history import dialect
from history.schema import CANDLES, TRADES

SECOND_NS = 10**9
_SELF_TRADE = TRADES.c.keys().index("self_trade")
END_OF_TIME = 2**62  # seconds, later than every candle


class Interval(StrEnum):
    """How long a candle is."""

    ONE_SECOND = "1s"
    ONE_MINUTE = "1m"
    FIVE_MINUTES = "5m"
    FIFTEEN_MINUTES = "15m"
    ONE_HOUR = "1h"
    ONE_DAY = "1d"

    @property
    def seconds(self) -> int:
        """Its length."""
        return SECONDS[self]


SECONDS = {
    Interval.ONE_SECOND: 1,
    Interval.ONE_MINUTE: 60,
    Interval.FIVE_MINUTES: 300,
    Interval.FIFTEEN_MINUTES: 900,
    Interval.ONE_HOUR: 3600,
    Interval.ONE_DAY: 86_400,
}


class Candle(msgspec.Struct, frozen=True, array_like=True):
    """What traded in one interval."""

    time: int  # of its first second
    open: Ticks
    high: Ticks
    low: Ticks
    close: Ticks
    volume: Lots

    def then(self, later: Candle) -> Candle:
        """This one with what traded `later` in the same interval."""
        return Candle(
            self.time,
            self.open,
            max(self.high, later.high),
            min(self.low, later.low),
            later.close,
            Lots(self.volume + later.volume),
        )

    def at(self, time: int) -> Candle:
        """The same figures as the candle of another interval."""
        return Candle(time, self.open, self.high, self.low, self.close, self.volume)


Running = dict[tuple[str, int], Candle]  # the newest candle by symbol and interval in seconds


class CandleMaker:
    """Makes the candles of one batch of trades after the other. `running` changes only by `take`."""

    def __init__(self, running: Running) -> None:
        self.running = running

    def rows(self, trades: Sequence[tuple[Any, ...]]) -> tuple[list[tuple[Any, ...]], Running]:
        """The rows of `CANDLES` that `trades`, rows of `TRADES` in order, make or change; and the newest of each.

        O(trades + intervals x seconds that traded).
        """
        changed: dict[tuple[str, int, int], Candle] = {}
        newest: Running = {}
        for symbol, second in _seconds(trades):
            for seconds in SECONDS.values():
                start = second.time - second.time % seconds
                last = newest.get((symbol, seconds)) or self.running.get((symbol, seconds))
                candle = last.then(second) if last is not None and last.time == start else second.at(start)
                newest[symbol, seconds] = changed[symbol, seconds, start] = candle
        return [
            (symbol, seconds, start, each.open, each.high, each.low, each.close, str(each.volume))
            for (symbol, seconds, start), each in changed.items()
        ], newest

    def take(self, newest: Running) -> None:
        """Go on from `newest`, once it is stored."""
        self.running |= newest


def _seconds(trades: Sequence[tuple[Any, ...]]) -> Iterator[tuple[str, Candle]]:
    """The candles of one second that `trades` make, each symbol's in order. O(trades)."""
    seconds: dict[tuple[str, int], list[int]] = {}
    for trade in trades:
        if trade[_SELF_TRADE]:
            continue
        ts_ns, symbol, price, quantity = trade[2:6]
        key = (symbol, ts_ns // SECOND_NS)
        figures = seconds.get(key)
        if figures is None:
            seconds[key] = [price, price, price, price, quantity]
            continue
        if price > figures[1]:
            figures[1] = price
        elif price < figures[2]:
            figures[2] = price
        figures[3] = price
        figures[4] += quantity
    for (symbol, second), (first, high, low, last, lots) in seconds.items():
        yield symbol, Candle(second, Ticks(first), Ticks(high), Ticks(low), Ticks(last), Lots(lots))


def stored_running(connection: Connection, symbols: Sequence[str]) -> Running:
    """The newest candles that are stored. O(symbols x intervals x log candles)."""
    running: Running = {}
    for symbol in symbols:
        for seconds in SECONDS.values():
            of = select(*(CANDLES.c[name] for name in Candle.__struct_fields__)).where(
                CANDLES.c.symbol == symbol, CANDLES.c.interval_s == seconds
            )
            row = connection.execute(of.order_by(CANDLES.c.time.desc()).limit(1)).one_or_none()
            if row is not None:
                running[symbol, seconds] = Candle(*row)
    return running


@cache
def candles_sql(*, oldest_first: bool) -> str:
    """The SQL for at most `:limit` candles of `:symbol` and `:interval_s` from `:start` on and before `:end`."""
    time = CANDLES.c.time
    rows = select(CANDLES).where(
        CANDLES.c.symbol == bindparam("symbol"),
        CANDLES.c.interval_s == bindparam("interval_s"),
        time >= bindparam("start"),
        time < bindparam("end"),
    )
    page = dialect.limited(rows.order_by(time if oldest_first else time.desc()))
    return dialect.select_document(page, Candle.__struct_fields__)
