"""Market data on the feed: what its subscribers are sent first, and what of each change.

Changes are gathered for a moment for each symbol, then published to all who subscribed.
A new stream is a member of `Stream`, and here its state (`send_state`) and its messages.
Layer: api.feed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, Protocol

import eventlet
import msgspec

from api.feed.candles import PACE_S, CandleFeed
from api.feed.clients import Client, Subscribers
from api.feed.pace import Paced
from api.feed.packets import Message, encoded, encoded_json
from api.feed.requests import FEED_LEVELS, Stream, Subscription
from api.feed.resuming import ChangedLevels, Touched, missed_trades
from api.feed.rooms import ALL_SYMBOLS, BATCH, room_name
from api.feed.snapshots import BookSnapshots, States
from api.feed.status import StatusFeed
from api.json.views import seconds
from api.market.book_views import DeltaView, book_orders_update, book_update
from api.market.candles import CandleView
from api.market.level_texts import LevelTexts
from api.market.live_texts import trade_text
from api.market.requests import DEFAULT_INTERVAL, DEFAULT_LEVELS
from api.market.status_views import StatusService, StatusView
from api.market.ticker_views import ticker_view
from api.market.views import BboView, bbo_view
from engine.book import OrderBook
from engine.exchange import Exchange
from engine.types import Side, Ticks
from listings.grid import grid_of
from logs.limit import limited
from projections.activity import RECENT_TRADES, Activity, TradePrint
from projections.levels import LevelKey

log = limited(logging.getLogger(__name__))

BOOK_STREAMS: Final = (Stream.L2_UPDATES, Stream.L2_DELTAS, Stream.BBO, Stream.L3)  # those that follow the levels
TRADE_STREAMS: Final = (Stream.TRADES, Stream.TICKER)
L3_ORDERS_MAX: Final = 500  # a side, in one message

Best = tuple[str | None, str | None, str, str]  # best bid and ask, and their sizes


class Publish(Protocol):
    """Queues messages for all in a room, see `Subscribers.publish`; must not switch."""

    def __call__(self, room: str, event: str, messages: Sequence[Any], *, whole: bool) -> None: ...


class PublishMade(Protocol):
    """The same, of messages that are made already."""

    def __call__(self, room: str, messages: Sequence[Message], *, whole: bool) -> None: ...


class SymbolFeed:
    """The changes of one symbol that are not published yet."""

    __slots__ = ("asks", "bbo", "bids", "book", "changed", "due", "scheduled", "seq", "snapshots", "texts", "trades")

    def __init__(self, book: OrderBook) -> None:
        self.book = book
        self.texts = LevelTexts(book)
        self.snapshots: BookSnapshots  # of those who begin to follow the deltas
        self.bids: dict[Ticks, None] = {}  # prices whose level may have changed
        self.asks: dict[Ticks, None] = {}
        self.changed = ChangedLevels()
        self.trades: list[TradePrint] = []
        self.seq = book.changed_seq  # of the last delta, or of the snapshot before the first
        self.bbo: Best | None = None  # as last published
        self.due = 0.0  # monotonic seconds: nothing is published before
        self.scheduled = False

    def touch(self, side: Side, price: Ticks) -> None:
        """Note that the level at `price` may have changed."""
        (self.bids if side is Side.BUY else self.asks)[price] = None
        self.changed.note(side, price, self.book.changed_seq)


class MarketData:
    """All streams but `orders`. No method switches greenlets."""

    def __init__(
        self,
        exchange: Exchange,
        activity: Activity,
        statuses: StatusService,
        subscribers: Subscribers,
        *,
        interval_s: float,
        send: Callable[[Client, str, Any], None],
        publish: Publish,
        publish_made: PublishMade,
        clock: Callable[[], int],
        always: bool,
    ) -> None:
        """`interval_s`: between two publications of one symbol; `send(client, event, data)` must not switch.

        `clock` gives the venue's time in epoch nanoseconds. `always`: note what changes while nobody follows it, too,
        for those who followed it at another node.
        """
        self._always = always
        self._unfollowed_until = exchange.seq  # which levels the commands up to this changed was not noted
        self._clock = clock
        self._exchange = exchange
        self._activity = activity
        self._subscribers = subscribers
        self._interval_s = interval_s
        self._send = send
        self._publish_to_room = publish
        self._publish_made = publish_made
        self._symbols: dict[str, SymbolFeed] = {}
        self._states = States()
        self._candles = CandleFeed(exchange, activity, subscribers.occupied, self._publish_candles, clock)
        self._l3 = Paced(PACE_S, self._publish_l3)
        self._statuses = StatusFeed(
            exchange,
            statuses,
            lambda symbol: subscribers.occupied(room_name(Stream.STATUS, symbol)),
            self._publish_status,
            clock,
        )

    def on_batch(self, touched: Sequence[LevelKey], trades: Sequence[TradePrint]) -> None:
        """Publish soon what a batch has changed: `touched` levels, and its `trades`. O(both)."""
        if self._always or self._subscribers.subscribed(*BOOK_STREAMS):
            for level_key in touched:
                self._scheduled_feed(level_key.symbol).touch(level_key.side, level_key.price)
        else:
            self.on_unfollowed()
        if self._subscribers.subscribed(*TRADE_STREAMS):
            for trade in trades:
                self._scheduled_feed(trade.filled.symbol).trades.append(trade)
        if trades and self._subscribers.subscribed(Stream.CANDLES):
            self._candles.on_trades(trades)

    def on_unfollowed(self) -> None:
        """What a batch has changed was not noted."""
        self._unfollowed_until = self._exchange.seq

    def publish_statuses(self) -> None:
        """Publish, now or soon, the trading statuses that a batch has changed."""
        if self._subscribers.subscribed(Stream.STATUS):
            self._statuses.on_batch()

    def refresh_status(self, symbol: str) -> None:
        """Publish the status of `symbol` soon: its next planned change may be another one."""
        self._statuses.refresh(symbol)

    def flush(self, wanted: Subscription) -> None:
        """Publish now what those who subscribed before are to get, and one who subscribes now is not."""
        if wanted.type is Stream.TRADES:
            for symbol in list(self._symbols) if wanted.symbol is None else [wanted.symbol]:
                feed = self._symbol_feed(symbol)
                if feed.trades:
                    trades, feed.trades = feed.trades, []
                    self._publish_trades(feed, trades, self._clock())
        elif wanted.type is Stream.BBO and wanted.symbol is not None:
            feed = self._symbol_feed(wanted.symbol)
            self._publish_bbo(feed, feed.book.changed_seq, self._clock())
        elif wanted.type is Stream.CANDLES and wanted.symbol is not None:
            self._candles.flush(wanted.symbol, wanted.interval or DEFAULT_INTERVAL)

    def send_book(self, client: Client, room: str, wanted: Subscription) -> None:
        """Have a client sent the whole book, soon, and join `room` with it."""
        self._symbol_feed(wanted.symbol or "").snapshots.send(client, room, wanted)

    def changes_since(self, wanted: Subscription) -> list[Message] | None:
        """What one who has all up to `wanted.since` is to be sent to go on from now; None where that is not known.

        What is older was published before to all who follow: see `flush`.
        """
        since = wanted.since
        if since is None or since > self._exchange.seq:
            return None
        if wanted.type is Stream.TRADES:
            return self._trades_since(wanted, since)
        feed = self._symbol_feed(wanted.symbol or "")
        self._flush_before_snapshot(feed)
        if not max(feed.changed.complete_after, self._unfollowed_until) <= since <= feed.seq and since != feed.seq:
            return None
        return [encoded("l2_delta", _delta_view(feed, since, feed.changed.since(since), self._clock()))]

    def _trades_since(self, wanted: Subscription, since: int) -> list[Message] | None:
        messages: list[Message] = []
        for symbol in self._exchange.books if wanted.symbol is None else [wanted.symbol]:
            trades = missed_trades(self._activity.of(symbol), since)
            if trades is None or len(messages) > RECENT_TRADES:
                return None
            if trades:
                singles, batch = _trade_messages(self._symbol_feed(symbol), trades)
                messages += [batch] if wanted.batch else singles
        return messages

    def send_state(self, client: Client, room: str, wanted: Subscription) -> bool:
        """Send the state that a stream goes on from; trades have none. False when it is too early for it."""
        if wanted.symbol is None or wanted.type is Stream.TRADES:
            return True
        feed, now_ns = self._symbol_feed(wanted.symbol), self._clock()
        interval = wanted.interval or DEFAULT_INTERVAL
        match wanted.type:
            case Stream.L2_UPDATES | Stream.L3:
                if time.monotonic() < client.state_due:
                    return False
                message = self._states.message(room, feed.book.changed_seq, lambda: _book_state(feed, wanted, now_ns))
                if message is None:
                    return False
                client.send_state(message)
            case Stream.BBO:
                view = bbo_view(feed.book, feed.book.changed_seq, now_ns)
                feed.bbo = _best_of(view)  # whoever was in the room has it by `flush`
                self._send(client, "bbo", view)
            case Stream.STATUS:
                self._send(client, "status", self._statuses.subscribe_state(wanted.symbol))
            case Stream.TICKER:
                self._send(client, "ticker", ticker_view(self._activity, feed.book, self._exchange.seq, now_ns))
            case Stream.CANDLES:
                if newest := self._candles.state(wanted.symbol, interval):
                    self._send(client, "candle", newest)
        return True

    # -- one symbol

    def _symbol_feed(self, symbol: str) -> SymbolFeed:
        feed = self._symbols.get(symbol)
        if feed is None:
            feed = self._symbols[symbol] = SymbolFeed(self._exchange.books[symbol])
            feed.snapshots = BookSnapshots(
                feed.book, feed.texts, self._subscribers, partial(self._flush_before_snapshot, feed), self._clock
            )
        return feed

    def _flush_before_snapshot(self, feed: SymbolFeed) -> None:
        self._flush(feed)
        feed.seq = feed.book.changed_seq  # up to this was published to all who were here before

    def _scheduled_feed(self, symbol: str) -> SymbolFeed:
        """The feed of a symbol that changed, scheduled: at once after a quiet moment, else when it is due."""
        feed = self._symbol_feed(symbol)
        if not feed.scheduled:
            feed.scheduled = True
            eventlet.spawn_after(max(0.0, feed.due - time.monotonic()), self._tick, feed)
        return feed

    def _tick(self, feed: SymbolFeed) -> None:
        feed.scheduled = False
        try:
            self._flush(feed)
        except Exception:
            log.exception("the feed of %s failed", feed.book.instrument.symbol)

    def _flush(self, feed: SymbolFeed) -> None:
        """Publish what is new of one symbol."""
        now_ns, feed.due = self._clock(), time.monotonic() + self._interval_s
        trades, feed.trades = feed.trades, []
        bids, feed.bids, asks, feed.asks = feed.bids, {}, feed.asks, {}
        if trades:
            self._publish_trades(feed, trades, now_ns)
        if (bids or asks) and feed.book.changed_seq > feed.seq:
            previous, feed.seq = feed.seq, feed.book.changed_seq
            self._publish_delta(feed, previous, (bids, asks), now_ns)
            self._publish_depth(feed, now_ns)
            self._publish_bbo(feed, feed.seq, now_ns)
            if self._subscribers.subscribed(Stream.L3):
                self._l3.touch(feed.book.instrument.symbol)

    # -- the messages of each stream

    def _publish_trades(self, feed: SymbolFeed, prints: list[TradePrint], now_ns: int) -> None:
        symbol = feed.book.instrument.symbol
        occupied = self._subscribers.occupied
        singles = [room_name(Stream.TRADES, scope) for scope in (symbol, ALL_SYMBOLS)]
        batches = [room_name(Stream.TRADES, scope, BATCH) for scope in (symbol, ALL_SYMBOLS)]
        if any(map(occupied, singles)) or any(map(occupied, batches)):
            trades, whole = _trade_messages(feed, prints, any(map(occupied, singles)))
            for single, batch in zip(singles, batches, strict=True):
                self._publish_made(single, trades, whole=True)
                self._publish_made(batch, [whole], whole=True)
        room = room_name(Stream.TICKER, symbol)
        if self._subscribers.occupied(room):
            ticker = ticker_view(self._activity, feed.book, self._exchange.seq, now_ns)
            self._publish_to_room(room, "ticker", [ticker], whole=False)

    def _publish_delta(self, feed: SymbolFeed, previous: int, touched: Touched, now_ns: int) -> None:
        room = room_name(Stream.L2_DELTAS, feed.book.instrument.symbol)
        if not self._subscribers.occupied(room) and not feed.snapshots.being_written:
            return
        delta = encoded("l2_delta", _delta_view(feed, previous, touched, now_ns))
        self._publish_made(room, [delta], whole=True)
        if feed.snapshots.being_written:
            feed.snapshots.on_delta(delta)

    def _publish_depth(self, feed: SymbolFeed, now_ns: int) -> None:
        if not self._subscribers.subscribed(Stream.L2_UPDATES):
            return
        for levels in FEED_LEVELS:
            room = room_name(Stream.L2_UPDATES, feed.book.instrument.symbol, levels)
            if self._subscribers.occupied(room):
                self._publish_to_room(
                    room, "l2_update", [book_update(feed.book, feed.texts, levels, now_ns)], whole=False
                )

    def _publish_bbo(self, feed: SymbolFeed, seq: int, now_ns: int) -> None:
        room = room_name(Stream.BBO, feed.book.instrument.symbol)
        if not self._subscribers.occupied(room):
            return
        view = bbo_view(feed.book, seq, now_ns)
        best = _best_of(view)
        if best != feed.bbo:
            feed.bbo = best
            self._publish_to_room(room, "bbo", [view], whole=False)

    def _publish_l3(self, symbol: str) -> None:
        for levels in FEED_LEVELS:
            room = room_name(Stream.L3, symbol, levels)
            if self._subscribers.occupied(room):
                view = book_orders_update(self._exchange.books[symbol], levels, L3_ORDERS_MAX, self._clock())
                self._publish_to_room(room, "l3", [view], whole=False)

    def _publish_candles(self, room: str, candles: list[CandleView]) -> None:
        self._publish_to_room(room, "candle", candles, whole=True)

    def _publish_status(self, symbol: str, status: StatusView) -> None:
        self._publish_to_room(room_name(Stream.STATUS, symbol), "status", [status], whole=False)


def _best_of(view: BboView) -> Best:
    return view.best_bid, view.best_ask, view.bid_size, view.ask_size


def _delta_view(feed: SymbolFeed, previous: int, touched: Touched, now_ns: int) -> DeltaView:
    """What changed behind command `previous`, as it is now: `touched` has at least these levels."""
    return DeltaView(
        seconds(now_ns),
        feed.book.instrument.symbol,
        previous,
        feed.seq,
        feed.texts.at(Side.BUY, touched[0]),
        feed.texts.at(Side.SELL, touched[1]),
        feed.texts.checksum(),
    )


def _trade_messages(
    feed: SymbolFeed, prints: Sequence[TradePrint], with_singles: bool = True
) -> tuple[list[Message], Message]:
    """Trades of one symbol, one by one and as a list."""
    instrument = feed.book.instrument
    grid = grid_of(instrument)
    texts = [trade_text(trade.filled, grid, trade.ts_ns, trade.seq).encode() for trade in prints]
    singles = [encoded_json("trade", text) for text in texts] if with_singles else []
    whole = b'{"symbol":%b,"trades":[%b]}' % (msgspec.json.encode(instrument.symbol), b",".join(texts))
    return singles, encoded_json("trades", whole)


def _book_state(feed: SymbolFeed, wanted: Subscription, now_ns: int) -> Message:
    """The state of `l2_updates` or `l3`. O(levels or orders)."""
    levels = wanted.levels or DEFAULT_LEVELS
    if wanted.type is Stream.L3:
        return encoded("l3", book_orders_update(feed.book, levels, L3_ORDERS_MAX, now_ns))
    return encoded("l2_update", book_update(feed.book, feed.texts, levels, now_ns))
