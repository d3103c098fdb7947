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
from typing import Any

import msgspec

from engine.types import Amount, Lots, Ticks
from history.layout import stored

SECOND_NS = 10**9
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
    quote_volume: Amount = Amount(0)
    trades: int = 0
    taker_volume: Lots = Lots(0)  # what takers bought
    taker_quote_volume: Amount = Amount(0)

    def then(self, later: Candle) -> Candle:
        """This one with what traded `later` in the same interval."""
        return Candle(
            self.time,
            self.open,
            max(self.high, later.high),
            min(self.low, later.low),
            later.close,
            Lots(self.volume + later.volume),
            Amount(self.quote_volume + later.quote_volume),
            self.trades + later.trades,
            Lots(self.taker_volume + later.taker_volume),
            Amount(self.taker_quote_volume + later.taker_quote_volume),
        )

    def at(self, time: int) -> Candle:
        """The same figures as the candle of another interval."""
        return msgspec.structs.replace(self, time=time)

    def flat(self, time: int) -> Candle:
        """The candle of a later interval in which nothing traded."""
        return Candle(time, self.close, self.close, self.close, self.close, Lots(0))


Running = dict[tuple[int, int], Candle]  # the newest candle by symbol's number and interval in seconds
Traded = tuple[int, int, Ticks, Lots, Amount, bool]
"""When, the symbol's number, at what price, how much, for how much, and whether the taker bought."""


class CandleMaker:
    """Makes the candles of one batch of trades after the other. `running` changes only by `take`."""

    def __init__(self, running: Running) -> None:
        self.running = running

    def rows(self, trades: Sequence[Traded]) -> tuple[list[tuple[Any, ...]], Running]:
        """The rows of `CANDLES` that `trades`, in order, make or change; and the newest of each.

        O(trades + intervals x seconds that traded).
        """
        changed: dict[tuple[int, int, int], Candle] = {}
        newest: Running = {}
        for symbol_id, second in _seconds(trades):
            for seconds in SECONDS.values():
                start = second.time - second.time % seconds
                last = newest.get((symbol_id, seconds)) or self.running.get((symbol_id, seconds))
                candle = last.then(second) if last is not None and last.time == start else second.at(start)
                newest[symbol_id, seconds] = changed[symbol_id, seconds, start] = candle
        return [
            (
                symbol_id,
                seconds,
                start,
                each.open,
                each.high,
                each.low,
                each.close,
                stored(each.volume),
                stored(each.quote_volume),
                each.trades,
                stored(each.taker_volume),
                stored(each.taker_quote_volume),
            )
            for (symbol_id, seconds, start), each in changed.items()
        ], newest

    def take(self, newest: Running) -> None:
        """Go on from `newest`, once it is stored."""
        self.running |= newest


def _seconds(trades: Sequence[Traded]) -> Iterator[tuple[int, Candle]]:
    """The candles of one second that `trades` make, each symbol's in order. O(trades)."""
    seconds: dict[tuple[int, int], list[int]] = {}
    for ts_ns, symbol_id, price, quantity, notional, taker_buys in trades:
        key = (symbol_id, ts_ns // SECOND_NS)
        figures = seconds.get(key)
        if figures is None:
            figures = seconds[key] = [price, price, price, price, 0, 0, 0, 0, 0]
        elif price > figures[1]:
            figures[1] = price
        elif price < figures[2]:
            figures[2] = price
        figures[3] = price
        figures[4] += quantity
        figures[5] += notional
        figures[6] += 1
        if taker_buys:
            figures[7] += quantity
            figures[8] += notional
    for (symbol_id, second), (first, high, low, last, lots, quote, count, bought, paid) in seconds.items():
        yield (
            symbol_id,
            Candle(
                second, Ticks(first), Ticks(high), Ticks(low), Ticks(last), Lots(lots),
                Amount(quote), count, Lots(bought), Amount(paid),
            ),
        )  # fmt: skip
