"""One class for each stream of a symbol: when it says something, and what.

Layer: api.binance.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, Final

from eventlet import hubs

from api.binance.market_klines import Calendar, KlineInterval
from api.binance.market_tickers import NO_TRADE
from api.binance.numbers import milliseconds
from api.binance.streams import payloads
from api.binance.streams.channels import Channel, Follower
from api.binance.streams.names import SLOW_MS
from api.market.level_texts import LevelTexts
from engine.book import OrderBook
from engine.types import Side, Ticks
from history.candles import Candle
from logs.limit import limited
from projections.activity import MINUTE_S, SECOND_NS, Activity, Traded, TradePrint

log = limited(logging.getLogger(__name__))

CLOSE_GRACE_S: Final = 0.05  # behind the end of a candle, so that its last trades are in it


class SymbolView:
    """One symbol as its streams read it."""

    __slots__ = ("activity", "book", "clock", "name", "texts")

    def __init__(self, book: OrderBook, name: str, activity: Activity, clock: Callable[[], int]) -> None:
        self.book = book
        self.name = name
        self.activity = activity
        self.clock = clock
        self.texts = LevelTexts(book)

    @property
    def symbol(self) -> str:
        """Ours."""
        return self.book.instrument.symbol

    @property
    def now_ms(self) -> int:
        """The venue's time."""
        return milliseconds(self.clock())


class Timer:
    """Calls a function of the hub soon: at once after a quiet moment, else when its interval is over."""

    __slots__ = ("_act", "_due", "_interval_s", "_scheduled")

    def __init__(self, interval_s: float, act: Callable[[], None]) -> None:
        """`act` must not switch greenlets."""
        self._interval_s = interval_s
        self._act = act
        self._due = 0.0  # monotonic seconds: not before
        self._scheduled: Any = None

    def touch(self) -> None:
        """Have the function called soon. O(1)."""
        if self._scheduled is None:
            wait_s = max(0.0, self._due - time.monotonic())
            self._scheduled = hubs.get_hub().schedule_call_global(wait_s, self._run)

    def cancel(self) -> None:
        """Do not call it any more."""
        if self._scheduled is not None:
            self._scheduled.cancel()
            self._scheduled = None

    def _run(self) -> None:
        self._scheduled = None
        self._due = time.monotonic() + self._interval_s
        try:
            self._act()
        except Exception:
            log.exception("a stream could not be published")


class Source:
    """One stream. No method switches greenlets."""

    def __init__(self, view: SymbolView, channel: Channel) -> None:
        self.view = view
        self.channel = channel

    def touch(self, side: Side, price: Ticks) -> None:
        """The level at `price` may have changed."""

    def on_batch(self, trades: Sequence[TradePrint], *, book_changed: bool) -> None:
        """A batch had these trades, and may have changed the book. Behind its answers."""

    def on_joined(self, follower: Follower) -> None:
        """Somebody follows from now on."""

    def close(self) -> None:
        """Nobody follows any more."""


class Gathered(Source):
    """A stream whose changes are gathered for a while."""

    def __init__(self, view: SymbolView, channel: Channel, interval_ms: int) -> None:
        super().__init__(view, channel)
        self.timer = Timer(interval_ms / 1000, self.flush)

    def flush(self) -> None:
        """Publish what is new."""
        raise NotImplementedError

    def close(self) -> None:
        """Publish nothing any more."""
        self.timer.cancel()


class DiffDepth(Gathered):
    """The levels that changed. `u` of a message is the book's last change in it, `U` one more than the `u` before."""

    def __init__(self, view: SymbolView, channel: Channel, interval_ms: int) -> None:
        super().__init__(view, channel, interval_ms)
        self._bids: dict[Ticks, None] = {}
        self._asks: dict[Ticks, None] = {}
        self._published_seq = view.book.changed_seq

    def touch(self, side: Side, price: Ticks) -> None:
        """Note a level that may have changed; soon it is published."""
        (self._bids if side is Side.BUY else self._asks)[price] = None
        self.timer.touch()

    def flush(self) -> None:
        """Publish the levels as they are now. O(levels that changed)."""
        book, texts = self.view.book, self.view.texts
        bids, self._bids, asks, self._asks = self._bids, {}, self._asks, {}
        if book.changed_seq <= self._published_seq:
            return
        first, self._published_seq = self._published_seq + 1, book.changed_seq
        payload = payloads.depth_update(
            self.view.name,
            (first, book.changed_seq),
            payloads.plain_levels(texts.at(Side.BUY, bids)),
            payloads.plain_levels(texts.at(Side.SELL, asks)),
            self.view.now_ms,
        )
        self.channel.publish(payload)


class PartialDepths(Gathered):
    """The best levels, at first and when the book changes."""

    def __init__(self, view: SymbolView, channel: Channel, interval_ms: int, levels: int) -> None:
        super().__init__(view, channel, interval_ms)
        self._levels = levels

    def on_batch(self, trades: Sequence[TradePrint], *, book_changed: bool) -> None:
        """Publish soon."""
        if book_changed:
            self.timer.touch()

    def on_joined(self, follower: Follower) -> None:
        """Send the levels as they are."""
        self.channel.send(follower, self._payload())

    def flush(self) -> None:
        """Publish the levels as they are. O(levels)."""
        self.channel.publish(self._payload())

    def _payload(self) -> bytes:
        texts = self.view.texts
        return payloads.partial_depth(
            self.view.book,
            payloads.plain_levels(texts.best(Side.BUY, self._levels)),
            payloads.plain_levels(texts.best(Side.SELL, self._levels)),
        )


class Trades(Source):
    """Every trade."""

    def on_batch(self, trades: Sequence[TradePrint], *, book_changed: bool) -> None:
        """Publish the trades."""
        view, now_ms = self.view, self.view.now_ms if trades else 0
        for trade in trades:
            self.channel.publish(payloads.trade_message(trade, view.book.instrument, view.name, now_ms))


class AggTrades(Source):
    """The trades of each taker at each price as one."""

    def on_batch(self, trades: Sequence[TradePrint], *, book_changed: bool) -> None:
        """Publish the trades."""
        view, now_ms = self.view, self.view.now_ms if trades else 0
        for payload in payloads.agg_trade_messages(trades, view.book.instrument, view.name, now_ms):
            self.channel.publish(payload)


class BookTickers(Source):
    """The best of both sides, when it changes."""

    def __init__(self, view: SymbolView, channel: Channel) -> None:
        super().__init__(view, channel)
        self._best = payloads.best(view.book)

    def on_batch(self, trades: Sequence[TradePrint], *, book_changed: bool) -> None:
        """Publish the best prices where they changed. O(1)."""
        if book_changed and (best := payloads.best(self.view.book)) != self._best:
            self._best = best
            self.channel.publish(payloads.book_ticker(self.view.book, self.view.name))

    def on_joined(self, follower: Follower) -> None:
        """Send the best prices as they are."""
        self.channel.send(follower, payloads.book_ticker(self.view.book, self.view.name))


class Tickers(Gathered):
    """24 hours, at first and when something traded; the long form when the best prices may have changed as well."""

    def __init__(self, view: SymbolView, channel: Channel, *, mini: bool) -> None:
        super().__init__(view, channel, SLOW_MS)
        self._mini = mini

    def on_batch(self, trades: Sequence[TradePrint], *, book_changed: bool) -> None:
        """Publish soon."""
        if trades or (book_changed and not self._mini):
            self.timer.touch()

    def on_joined(self, follower: Follower) -> None:
        """Send the ticker as it is."""
        self.channel.send(follower, self._payload())

    def flush(self) -> None:
        """Publish the ticker as it is. O(minutes that traded)."""
        self.channel.publish(self._payload())

    def _payload(self) -> bytes:
        view, make = self.view, payloads.mini_ticker if self._mini else payloads.ticker
        return make(view.activity, view.book, view.name, view.clock())


class Klines(Gathered):
    """The running candle when something traded, and once more, closed, when its interval is over."""

    def __init__(self, view: SymbolView, channel: Channel, interval: KlineInterval) -> None:
        super().__init__(view, channel, SLOW_MS)
        self._calendar = Calendar(interval)
        self._start: int | None = None  # of the candle that is to be closed
        self._closing: Any = None

    def on_batch(self, trades: Sequence[TradePrint], *, book_changed: bool) -> None:
        """Publish soon, after closing the candle before."""
        if not trades:
            return
        start = self._calendar.start(trades[-1].ts_ns // SECOND_NS)
        if self._start is not None and start > self._start:
            self._close_candle()
        if self._start is None:
            self._begin(start)
        self.timer.touch()

    def on_joined(self, follower: Follower) -> None:
        """Send the running candle, where something traded in it."""
        start = self._calendar.start(self.view.clock() // SECOND_NS)
        payload = self._payload(start)
        if payload is not None:
            self.channel.send(follower, payload)
            if self._start is None:
                self._begin(start)

    def flush(self) -> None:
        """Publish the candle as it is."""
        payload = None if self._start is None else self._payload(self._start)
        if payload is not None:
            self.channel.publish(payload)

    def close(self) -> None:
        """Publish nothing any more."""
        super().close()
        if self._closing is not None:
            self._closing.cancel()

    def _begin(self, start: int) -> None:
        self._start = start
        left_s = self._calendar.next(start) - self.view.clock() / SECOND_NS
        wait_s = max(0.0, left_s) + CLOSE_GRACE_S
        self._closing = hubs.get_hub().schedule_call_global(wait_s, self._close_candle)

    def _close_candle(self) -> None:
        """Publish the candle a last time."""
        self.timer.cancel()
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        try:
            self.flush()
        finally:
            self._start = None

    def _payload(self, start: int) -> bytes | None:
        """The candle from `start` on; None where nothing traded in it. O(minutes that traded)."""
        view, end = self.view, self._calendar.next(start)
        of_symbol = view.activity.of(view.symbol)
        kept = of_symbol.seconds if end - start < MINUTE_S else of_symbol.day(view.clock())
        parts: list[Traded] = [part for part in kept if start <= part.start < end]
        if not parts:
            return None
        candle = reduce(Candle.then, (part.candle(start) for part in parts))
        last = of_symbol.last
        is_last = last is not None and last.ts_ns // SECOND_NS < end
        ids = parts[0].first_id, last.filled.trade_id if last is not None and is_last else NO_TRADE
        return payloads.kline_message(candle, view.book, view.name, self._calendar, ids, view.now_ms)
