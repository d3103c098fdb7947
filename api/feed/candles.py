"""Candles on the feed: the running candle as it changes, and each one again when it closes.

They are made of the seconds and minutes that `Activity` keeps anyway, so orders take no longer for them.
Layer: api.feed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import eventlet

from api.feed.pace import Paced
from api.feed.requests import Stream
from api.feed.rooms import room_name
from api.json.views import seconds
from api.market.candles import CandleView, candle_row
from engine.exchange import Exchange
from history.candles import Candle, Interval
from listings.grid import grid_of
from projections.activity import Activity, TradePrint

PACE_S = 0.25  # between two messages of one symbol
CLOSING_GRACE_S = 0.25  # for trades of the last moment to become durable

CandleStream = tuple[str, Interval]


class CandleFeed:
    """The candles of all symbols and intervals that somebody is subscribed to. Nothing here switches."""

    def __init__(
        self,
        exchange: Exchange,
        activity: Activity,
        occupied: Callable[[str], bool],
        publish: Callable[[str, list[CandleView]], None],
        clock: Callable[[], int],
    ) -> None:
        """`occupied(room)`: whether anybody is there; `publish(room, candles)` sends them to all there.

        `clock` gives the venue's time in epoch nanoseconds.
        """
        self._exchange = exchange
        self._clock = clock
        self._activity = activity
        self._occupied = occupied
        self._publish = publish
        self._paced = Paced(PACE_S, self._flush_symbol)
        self._last_published: dict[CandleStream, tuple[Candle, bool]] = {}  # the newest, and whether it was closed
        self._closing: dict[CandleStream, int] = {}  # start of the candle whose end is scheduled

    def on_trades(self, trades: Sequence[TradePrint]) -> None:
        """Publish soon what `trades` changed. O(trades)."""
        for symbol in {trade.filled.symbol: None for trade in trades}:
            self._paced.touch(symbol)

    def state(self, symbol: str, interval: Interval) -> CandleView | None:
        """The newest candle, or None when nothing traded for a day."""
        stream = (symbol, interval)
        newest = self._since(stream, None)
        if not newest:
            return None
        closed = self._is_over(stream, newest[-1])
        if stream not in self._last_published:
            self._remember(stream, newest[-1], closed=closed)
        return self._view(stream, newest[-1], closed=closed)

    def flush(self, symbol: str, interval: Interval) -> None:
        """Publish what has changed in one stream since the last time."""
        stream, room = (symbol, interval), room_name(Stream.CANDLES, symbol, interval)
        if not self._occupied(room):
            self._last_published.pop(stream, None)
            return
        last_published = self._last_published.get(stream)
        candles = self._since(stream, last_published and last_published[0].time)
        changed = []
        for candle in candles:
            closed = candle is not candles[-1] or self._is_over(stream, candle)
            if (candle, closed) != last_published:
                changed.append(self._view(stream, candle, closed=closed))
                self._remember(stream, candle, closed=closed)
        if changed:
            self._publish(room, changed)

    def _flush_symbol(self, symbol: str) -> None:
        for interval in Interval:
            self.flush(symbol, interval)

    def _since(self, stream: CandleStream, since: int | None) -> list[Candle]:
        """The candles from `since` on; the newest alone without."""
        symbol, interval = stream
        activity = self._activity.of(symbol)
        last = activity.last_traded_s
        if last is None:
            return []
        return activity.candles(interval.seconds, last - last % interval.seconds if since is None else since)

    def _is_over(self, stream: CandleStream, candle: Candle) -> bool:
        return self._clock() / 1e9 >= candle.time + stream[1].seconds + CLOSING_GRACE_S

    def _remember(self, stream: CandleStream, candle: Candle, *, closed: bool) -> None:
        """Note what was published; have the end published too, even when nothing trades any more."""
        self._last_published[stream] = (candle, closed)
        if not closed and self._closing.get(stream) != candle.time:
            self._closing[stream] = candle.time
            left = candle.time + stream[1].seconds + CLOSING_GRACE_S - self._clock() / 1e9
            eventlet.spawn_after(max(0.0, left) + 0.001, self._close, stream, candle.time)

    def _close(self, stream: CandleStream, start: int) -> None:
        if self._closing.get(stream) == start:
            del self._closing[stream]
        self.flush(*stream)
        last_published = self._last_published.get(stream)
        # where the candle is not over yet, the clock was set back meanwhile
        if last_published is not None and last_published[0].time == start and not last_published[1]:
            self._remember(stream, last_published[0], closed=False)

    def _view(self, stream: CandleStream, candle: Candle, *, closed: bool) -> CandleView:
        symbol, interval = stream
        grid = grid_of(self._exchange.books[symbol].instrument)
        now = seconds(self._clock())
        return CandleView(now, symbol, interval, candle_row(candle, grid), closed, self._exchange.seq)
