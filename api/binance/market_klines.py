"""Candles of every interval of the second wire, folded from those of the history; the running one included.

From the first trade on an interval in which nothing traded has a candle all the same: at the price before it, without
volume. Intervals are counted from the epoch, weeks from Monday, months by the calendar, in the time zone asked for.
Units: epoch seconds, unless a name says milliseconds. Layer: api.binance.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, NamedTuple

from api.binance.numbers import amount_text, price_text, quantity_text
from api.http.limits import ROWS_A_UNIT, charge_read
from engine.exchange import Exchange
from engine.instrument import Instrument
from history.candles import Candle, Interval
from history.reader import HistoryReader
from loop.turns import in_turns

DAY_S: Final = 86_400
WEEK_S: Final = 7 * DAY_S
MONDAY_S: Final = 4 * DAY_S  # the first Monday since the epoch
LONGEST_MONTH_S: Final = 31 * DAY_S
PAGE_CANDLES: Final = 1_000  # read from the history at once
MAX_FOLDED: Final = 20_000  # candles of the history that one answer is made of

KlineRow = tuple[int, str, str, str, str, str, int, str, int, str, str, str]
"""Opens at, open, high, low, close, volume, closes at, quote volume, trades, taker buys: volume, quote volume; "0"."""


class KlineInterval(StrEnum):
    """How long a candle is."""

    S1 = "1s"
    M1 = "1m"
    M3 = "3m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H2 = "2h"
    H4 = "4h"
    H6 = "6h"
    H8 = "8h"
    H12 = "12h"
    D1 = "1d"
    D3 = "3d"
    W1 = "1w"
    MONTH = "1M"


LENGTHS: Final[dict[KlineInterval, int]] = {
    KlineInterval.S1: 1,
    KlineInterval.M1: 60,
    KlineInterval.M3: 180,
    KlineInterval.M5: 300,
    KlineInterval.M15: 900,
    KlineInterval.M30: 1_800,
    KlineInterval.H1: 3_600,
    KlineInterval.H2: 7_200,
    KlineInterval.H4: 14_400,
    KlineInterval.H6: 21_600,
    KlineInterval.H8: 28_800,
    KlineInterval.H12: 43_200,
    KlineInterval.D1: DAY_S,
    KlineInterval.D3: 3 * DAY_S,
    KlineInterval.W1: WEEK_S,
    KlineInterval.MONTH: LONGEST_MONTH_S,  # at most
}
_BASES: Final = sorted(Interval, key=lambda interval: -interval.seconds)


class Calendar(NamedTuple):
    """The intervals of one length in one time zone, which is `offset` seconds ahead of UTC."""

    interval: KlineInterval
    offset: int = 0

    def start(self, time: int) -> int:
        """When the interval began that `time` is in."""
        local = time + self.offset
        if self.interval is KlineInterval.MONTH:
            first = datetime.fromtimestamp(local, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            return int(first.timestamp()) - self.offset
        length, since = LENGTHS[self.interval], MONDAY_S if self.interval is KlineInterval.W1 else 0
        return local - (local - since) % length - self.offset

    def next(self, start: int) -> int:
        """When the interval ends that begins at `start`."""
        return self.start(start + LENGTHS[self.interval]) if self._varies else start + LENGTHS[self.interval]

    def back(self, start: int, count: int) -> int:
        """When the interval began that is `count` before the one that begins at `start`. O(count) for months."""
        if not self._varies:
            return start - count * LENGTHS[self.interval]
        for _ in range(count):
            start = self.start(start - 1)
        return start

    @property
    def base(self) -> Interval:
        """The longest candles of the history that these are made of."""
        length = DAY_S if self._varies else LENGTHS[self.interval]
        return next(base for base in _BASES if not length % base.seconds and not self.offset % base.seconds)

    @property
    def most(self) -> int:
        """How many of them one answer may have, however many are asked for."""
        return max(1, MAX_FOLDED * self.base.seconds // LENGTHS[self.interval])

    @property
    def _varies(self) -> bool:
        return self.interval is KlineInterval.MONTH


class KlineReader:
    """Reads the candles of every symbol. Every method is cooperative and raises StoreAway."""

    def __init__(self, exchange: Exchange, history: HistoryReader) -> None:
        self._exchange = exchange
        self._history = history

    def candles(
        self, symbol: str, calendar: Calendar, start_ms: int | None, end_ms: int | None, limit: int, now: int
    ) -> list[Candle]:
        """At most `limit` candles that begin from `start_ms` to `end_ms`, both included, oldest first.

        The oldest when `start_ms` is given, else the newest. O(limit + candles of the history).
        """
        limit = min(limit, calendar.most)
        last = calendar.start(now if end_ms is None else min(now, end_ms // 1000))
        if start_ms is None:
            first = calendar.back(last, limit - 1)
        else:
            first = calendar.start(-(-start_ms // 1000))
            first = first if first * 1000 >= start_ms else calendar.next(first)
        self._history.wait_for(self._exchange.seq)
        begin = self._begin(symbol, calendar)
        if begin is None or last < begin:
            return []
        first = max(first, begin)
        starts: list[int] = []
        while first <= last and len(starts) < limit:
            starts.append(first)
            first = calendar.next(first)
        return self._folded(symbol, calendar.base, starts, first) if starts else []

    def _begin(self, symbol: str, calendar: Calendar) -> int | None:
        """When the first whole candle begins: shorter ones of the history may have been deleted. None: of nothing."""
        base = calendar.base
        oldest = self._history.candles(symbol, base, 0, None, 1)
        if not oldest:
            return None
        begin = calendar.start(oldest[0].time)
        if base.seconds < Interval.ONE_HOUR.seconds and begin < oldest[0].time:
            earliest = self._history.candles(symbol, Interval.ONE_HOUR, 0, None, 1)
            if earliest:
                hour, end = earliest[0], earliest[0].time + Interval.ONE_HOUR.seconds
                kept = self._history.candles(symbol, base, hour.time, end, PAGE_CANDLES)
                if sum(candle.trades for candle in kept) < hour.trades:
                    return calendar.next(begin)
        return begin

    def _folded(self, symbol: str, base: Interval, starts: list[int], end: int) -> list[Candle]:
        """One candle for each interval that begins in `starts`; the last ends before `end`."""
        parts: dict[int, Candle] = {}
        since = starts[0]
        while True:
            page = self._history.candles(symbol, base, since, end, PAGE_CANDLES)
            charge_read(len(page), ROWS_A_UNIT)
            for part in in_turns(page):
                start = starts[bisect_right(starts, part.time) - 1]
                known = parts.get(start)
                parts[start] = part.at(start) if known is None else known.then(part)
            if len(page) < PAGE_CANDLES:
                break
            since = page[-1].time + 1
        before = None
        if starts[0] not in parts:
            earlier = self._history.candles(symbol, base, None, starts[0], 1)
            before = earlier[-1] if earlier else None
        found = []
        for start in in_turns(starts):
            part_of = parts.get(start)
            if part_of is None and before is not None:
                part_of = before.flat(start)
            if part_of is not None:
                found.append(part_of)
                before = part_of
        return found


def kline_row(candle: Candle, instrument: Instrument, calendar: Calendar) -> KlineRow:
    """A candle as text."""
    return (
        candle.time * 1000,
        price_text(instrument, candle.open),
        price_text(instrument, candle.high),
        price_text(instrument, candle.low),
        price_text(instrument, candle.close),
        quantity_text(instrument, candle.volume),
        calendar.next(candle.time) * 1000 - 1,
        amount_text(instrument, candle.quote_volume),
        candle.trades,
        quantity_text(instrument, candle.taker_volume),
        amount_text(instrument, candle.taker_quote_volume),
        "0",
    )
