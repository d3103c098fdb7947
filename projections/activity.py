"""Recent activity, folded from events: the last trades, 24 h statistics, counters. The views make JSON of it.

A start has it from a snapshot and the records behind that. Memory is bounded for each symbol: a day of minutes, a
minute of seconds and a thousand trades.
Layer: projections.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from itertools import islice, takewhile

import msgspec

from engine.events import CommandResult, Filled, Rejected
from engine.exchange import Exchange
from engine.types import AccountId, Amount, Lots, OrderId, Seq, Side, Ticks, TradeId
from history.candles import Candle

RECENT_TRADES = 1000  # a symbol
MINUTE_S = 60
MINUTE_NS = MINUTE_S * 10**9
DAY_MINUTES = 24 * 60
SECOND_NS = 10**9
RECENT_SECONDS = 60  # only those in which something traded
RATE_WINDOW_S = 10

_BUY = Side.BUY  # looking a member up by its class costs more than using it


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
    taker_lots: int = 0  # bought by takers; of what an older version folded, nothing
    taker_notional: int = 0
    first_id: int = -1  # of the first trade; of what an older version folded, -1

    def candle(self, time: int) -> Candle:
        """These figures as a candle that begins at `time`."""
        return Candle(
            time,
            self.open,
            self.high,
            self.low,
            self.close,
            Lots(self.lots),
            Amount(self.notional),
            self.trades,
            Lots(self.taker_lots),
            Amount(self.taker_notional),
        )


class _TradeState(msgspec.Struct, array_like=True, gc=False):
    """A `TradePrint`; the fields of its event in their order."""

    ts_ns: int
    seq: Seq
    trade_id: TradeId
    symbol: str
    price: Ticks
    quantity: Lots
    notional: Amount
    taker_side: Side
    maker_order_id: OrderId
    taker_order_id: OrderId
    maker_account: AccountId
    taker_account: AccountId
    maker_fee: Amount
    taker_fee: Amount
    maker_leaves: Lots
    taker_leaves: Lots
    auction: bool
    self_trade: bool


class SymbolState(msgspec.Struct, array_like=True):
    """All of a `SymbolActivity`."""

    symbol: str
    recent: list[_TradeState]
    last: _TradeState | None
    seconds: list[Traded]
    minutes: list[Traded]
    lots: int
    notional: int
    orders: int
    close_before: Ticks | None = None


class ActivityState(msgspec.Struct, array_like=True):
    """All of an `Activity`."""

    symbols: list[SymbolState]
    orders: int
    trades: int
    rejects: dict[str, int]
    per_second: list[tuple[int, int]]


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
        self.close_before: Ticks | None = None  # the last price of the minutes that were dropped

    def add(self, trade: TradePrint) -> None:
        """Add one trade; of an account with itself only to the latest and the totals. O(1), amortised."""
        filled = trade.filled
        price, quantity, notional = filled.price, filled.quantity, filled.notional
        self.recent.append(trade)
        self.lots += quantity
        self.notional += notional
        if filled.self_trade:
            return
        self.last = trade
        second = trade.ts_ns // SECOND_NS
        current = self.seconds[-1] if self.seconds else None
        if current is None or current.start != second:
            if current is not None:
                self._add_to_minute(current)
            current = Traded(second, price, price, price, price, 0, 0, 0, first_id=filled.trade_id)
            self.seconds.append(current)
        if price > current.high:
            current.high = price
        elif price < current.low:
            current.low = price
        current.close = price
        current.lots += quantity
        current.notional += notional
        current.trades += 1
        if filled.taker_side is _BUY:
            current.taker_lots += quantity
            current.taker_notional += notional

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
        minute.taker_lots += second.taker_lots
        minute.taker_notional += second.taker_notional

    def forget_before(self, minute: int) -> None:
        """Drop the minutes up to and including `minute`, counted from the epoch."""
        while self.minutes and self.minutes[0].start // MINUTE_S <= minute:
            self.close_before = self.minutes.popleft().close

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

    def saved(self, symbol: str) -> SymbolState:
        """Everything, to be written. O(what is kept)."""
        return SymbolState(
            symbol,
            [_saved_trade(trade) for trade in self.recent],
            None if self.last is None else _saved_trade(self.last),
            list(self.seconds),
            list(self.minutes),
            self.lots,
            self.notional,
            self.orders,
            self.close_before,
        )

    def restore(self, saved: SymbolState) -> None:
        """Be as it was."""
        self.recent.extend(_restored_trade(trade) for trade in saved.recent)
        self.last = None if saved.last is None else _restored_trade(saved.last)
        self.seconds.extend(saved.seconds)
        self.minutes.extend(saved.minutes)
        self.lots, self.notional, self.orders = saved.lots, saved.notional, saved.orders
        self.close_before = saved.close_before

    @property
    def last_traded_s(self) -> int | None:
        """The second of the last trade, or None before the first."""
        return self.seconds[-1].start if self.seconds else None


class Activity:
    """The activity of all symbols, and the counters of the venue. `Fold` adds what happens."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._symbols: dict[str, SymbolActivity] = {}
        self.orders = 0
        self.trades = 0
        self.rejects: Counter[str] = Counter()
        self._per_second: deque[tuple[int, int]] = deque(maxlen=RATE_WINDOW_S + 1)  # second, orders

    def of(self, symbol: str) -> SymbolActivity:
        """The activity of a listed symbol."""
        activity = self._symbols.get(symbol)
        if activity is None:
            activity = self._symbols[symbol] = SymbolActivity()
        return activity

    def add_trade(self, filled: Filled, applied: CommandResult) -> TradePrint:
        """Add a trade that a command caused. O(1), amortised."""
        trade = TradePrint(filled, applied.ts_ns, applied.seq)
        (self._symbols.get(filled.symbol) or self.of(filled.symbol)).add(trade)
        self.trades += 1
        return trade

    def count_reject(self, rejected: Rejected) -> None:
        """Count a refused command."""
        self.rejects[rejected.reason.value] += 1

    def count_orders(self, by_symbol: Mapping[str, int], ts_ns: int) -> None:
        """Count orders that were entered at one time, accepted or not. O(symbols)."""
        books, count = self._exchange.books, 0
        for symbol, orders in by_symbol.items():
            count += orders
            if symbol in books:
                self.of(symbol).orders += orders
        self.orders += count
        second, latest = ts_ns // SECOND_NS, self._per_second
        if latest and latest[-1][0] == second:
            latest[-1] = (second, latest[-1][1] + count)
        else:
            latest.append((second, count))

    def saved(self) -> ActivityState:
        """Everything, to be written. O(what is kept)."""
        return ActivityState(
            [activity.saved(symbol) for symbol, activity in sorted(self._symbols.items())],
            self.orders,
            self.trades,
            dict(sorted(self.rejects.items())),
            list(self._per_second),
        )

    def restore(self, saved: ActivityState) -> None:
        """Be as it was. For one that is new."""
        for symbol in saved.symbols:
            self.of(symbol.symbol).restore(symbol)
        self.orders, self.trades = saved.orders, saved.trades
        self.rejects.update(saved.rejects)
        self._per_second.extend(saved.per_second)

    def orders_per_second(self, now_ns: int) -> float:
        """The mean over the last ten whole seconds."""
        now = now_ns // SECOND_NS
        counted = sum(orders for second, orders in self._per_second if now - RATE_WINDOW_S <= second < now)
        return counted / RATE_WINDOW_S


def _saved_trade(trade: TradePrint) -> _TradeState:
    return _TradeState(trade.ts_ns, trade.seq, *msgspec.structs.astuple(trade.filled))


def _restored_trade(saved: _TradeState) -> TradePrint:
    ts_ns, seq, *filled = msgspec.structs.astuple(saved)
    return TradePrint(Filled(*filled), ts_ns, seq)


def _since(parts: Sequence[Traded], since: int) -> list[Traded]:
    """The last of `parts` that begin at `since` or later. O(of them)."""
    found = list(takewhile(lambda part: part.start >= since, reversed(parts)))
    found.reverse()
    return found
