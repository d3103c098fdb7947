"""Recent activity, folded from events: the last trades, 24 h statistics, counters. The views make JSON of it.

Rebuilt at the start from the replayed journal. Memory is bounded for each symbol: a day of minutes, a minute of
seconds and a thousand trades.
Layer: api.market.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Sequence
from itertools import islice, takewhile

import msgspec
from hdrh.histogram import HdrHistogram

from engine.commands import EnterOrder
from engine.events import CommandResult, Filled, Rejected
from engine.exchange import Exchange
from engine.types import Lots, Seq, Ticks
from history.candles import Candle

RECENT_TRADES = 1000  # a symbol
MINUTE_S = 60
MINUTE_NS = MINUTE_S * 10**9
DAY_MINUTES = 24 * 60
SECOND_NS = 10**9
RECENT_SECONDS = 60  # only those in which something traded
RATE_WINDOW_S = 10
LATENCY_MAX_US = 60_000_000
PERCENTILES = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99.9": 99.9}
LATENCY_S = 1.0  # that figures of latencies are kept: to find them takes milliseconds


class TradePrint(msgspec.Struct, frozen=True, gc=False):
    """One trade as it was printed: its event, with time and seq of the command that caused it."""

    filled: Filled
    ts_ns: int
    seq: Seq


class Traded(msgspec.Struct):
    """What traded in one second or minute of one symbol."""

    start: int  # in epoch seconds
    open: Ticks
    high: Ticks
    low: Ticks
    close: Ticks
    lots: int
    notional: int
    trades: int

    def candle(self, time: int) -> Candle:
        """These figures as a candle that begins at `time`."""
        return Candle(time, self.open, self.high, self.low, self.close, Lots(self.lots))


class SymbolActivity:
    """The trades of one symbol: the latest, the last seconds, and the last 24 hours by the minute."""

    def __init__(self) -> None:
        self.recent: deque[TradePrint] = deque(maxlen=RECENT_TRADES)  # oldest first
        self.last: TradePrint | None = None  # the latest that counts as a price: not of an account with itself
        self.seconds: deque[Traded] = deque(maxlen=RECENT_SECONDS)  # the last one is not yet in its minute
        self.minutes: deque[Traded] = deque()
        self.lots = 0  # since the first command
        self.notional = 0  # since the first command
        self.orders = 0  # entered since the first command

    def trade(self, filled: Filled, ts_ns: int) -> None:
        """Add one trade; of an account with itself only to the totals. O(1), amortised."""
        self.lots += filled.quantity
        self.notional += filled.notional
        if filled.self_trade:
            return
        second, price = ts_ns // SECOND_NS, filled.price
        if not self.seconds or self.seconds[-1].start != second:
            if self.seconds:
                self._add_to_minute(self.seconds[-1])
            self.seconds.append(Traded(second, price, price, price, price, 0, 0, 0))
        current = self.seconds[-1]
        current.high, current.low, current.close = max(current.high, price), min(current.low, price), price
        current.lots += filled.quantity
        current.notional += filled.notional
        current.trades += 1

    def _add_to_minute(self, second: Traded) -> None:
        start = second.start - second.start % MINUTE_S
        if not self.minutes or self.minutes[-1].start != start:
            self.minutes.append(msgspec.structs.replace(second, start=start))
            self.forget_before(start // MINUTE_S - DAY_MINUTES)
            return
        minute = self.minutes[-1]
        minute.high, minute.low, minute.close = (
            max(minute.high, second.high),
            min(minute.low, second.low),
            second.close,
        )
        minute.lots += second.lots
        minute.notional += second.notional
        minute.trades += second.trades

    def forget_before(self, minute: int) -> None:
        """Drop the minutes up to and including `minute`, counted from the epoch."""
        while self.minutes and self.minutes[0].start // MINUTE_S <= minute:
            self.minutes.popleft()

    def day(self, now_ns: int) -> list[Traded]:
        """The 24 hours up to now, oldest first, in parts of a minute at most. O(minutes that traded)."""
        before = now_ns // MINUTE_NS - DAY_MINUTES
        self.forget_before(before)
        parts = list(self.minutes)
        if self.seconds and self.seconds[-1].start // MINUTE_S > before:
            parts.append(self.seconds[-1])
        return parts

    def candles(self, interval_s: int, since: int) -> list[Candle]:
        """The candles that begin at `since` (epoch seconds) or later, oldest first, the running one included.

        No further back than a day, those of a second no further than `RECENT_SECONDS`.
        O(seconds or minutes that traded since).
        """
        parts: Sequence[Traded] = (
            self.seconds if interval_s < MINUTE_S else [*self.minutes, *islice(reversed(self.seconds), 1)]
        )
        found: list[Candle] = []
        for part in _since(parts, since):
            start = part.start - part.start % interval_s
            if found and found[-1].time == start:
                found[-1] = found[-1].then(part.candle(start))
            else:
                found.append(part.candle(start))
        return found

    @property
    def last_traded_s(self) -> int | None:
        """The second of the last trade, or None before the first."""
        return self.seconds[-1].start if self.seconds else None


class Activity:
    """The activity of all symbols, and the counters of the venue. A listener of the sequencer and of the replay."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._symbols: dict[str, SymbolActivity] = {}
        self.orders = 0
        self.trades = 0
        self.rejects: Counter[str] = Counter()
        self.latency_us = HdrHistogram(1, LATENCY_MAX_US, 3)
        self._latency_us_sum = 0
        self._latency_ms: dict[str, float] = {}
        self._latency_until = 0.0  # monotonic seconds
        self._per_second: deque[tuple[int, int]] = deque(maxlen=RATE_WINDOW_S + 1)  # second, orders

    def of(self, symbol: str) -> SymbolActivity:
        """The activity of a listed symbol."""
        activity = self._symbols.get(symbol)
        if activity is None:
            activity = self._symbols[symbol] = SymbolActivity()
        return activity

    def on_applied(self, batch: list[CommandResult]) -> list[TradePrint]:
        """Fold a batch; return its trades in order."""
        trades: list[TradePrint] = []
        for applied in batch:
            if isinstance(applied.command, EnterOrder):
                self._count_order(applied)
            for event in applied.events:
                if isinstance(event, Filled):
                    trade = TradePrint(event, applied.ts_ns, applied.seq)
                    activity = self.of(event.symbol)
                    activity.trade(event, applied.ts_ns)
                    activity.recent.append(trade)
                    if not event.self_trade:
                        activity.last = trade
                    trades.append(trade)
                elif isinstance(event, Rejected):
                    self.rejects[event.reason.value] += 1
        self.trades += len(trades)
        return trades

    def _count_order(self, applied: CommandResult) -> None:
        command = applied.command
        self.orders += 1
        if isinstance(command, EnterOrder) and command.symbol in self._exchange.books:
            self.of(command.symbol).orders += 1
        second = applied.ts_ns // SECOND_NS
        if self._per_second and self._per_second[-1][0] == second:
            self._per_second[-1] = (second, self._per_second[-1][1] + 1)
        else:
            self._per_second.append((second, 1))

    def record_latency(self, microseconds: int) -> None:
        """Count one order's way through the server. O(1)."""
        counted = max(1, min(microseconds, LATENCY_MAX_US))
        self._latency_us_sum += counted
        self.latency_us.record_value(counted)

    def latency_ms(self) -> dict[str, float]:
        """Percentiles of all latencies since the start, in milliseconds: of this second or the last."""
        now = time.monotonic()
        if now >= self._latency_until:
            histogram = self.latency_us
            found = histogram.get_percentile_to_value_dict(list(PERCENTILES.values()))
            figures = {name: found.get(point, 0) / 1000 for name, point in PERCENTILES.items()}
            self._latency_ms = figures | {"max": histogram.get_max_value() / 1000}
            self._latency_until = now + LATENCY_S
        return self._latency_ms

    def average_latency_ms(self) -> float:
        """The mean of all latencies since the start, in milliseconds; 0 before the first."""
        count: int = self.latency_us.get_total_count()
        return self._latency_us_sum / count / 1000 if count else 0.0

    def orders_per_second(self, now_ns: int) -> float:
        """The mean over the last ten whole seconds."""
        now = now_ns // SECOND_NS
        counted = sum(orders for second, orders in self._per_second if now - RATE_WINDOW_S <= second < now)
        return counted / RATE_WINDOW_S


def _since(parts: Sequence[Traded], since: int) -> list[Traded]:
    """The last of `parts` that begin at `since` or later. O(of them)."""
    found = list(takewhile(lambda part: part.start >= since, reversed(parts)))
    found.reverse()
    return found
