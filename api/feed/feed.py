"""Market data and private order events over Socket.IO, namespace /market.

Changes are gathered for a moment for each symbol, then published to all who subscribed.
Verbs: a message is published to a room, and sent to one client.
Layer: api.feed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

import eventlet
import msgspec
import socketio
from flask import Flask, request
from flask_socketio import SocketIO
from socketio.exceptions import ConnectionRefusedError  # not the built-in

from api.accounts.views import BalancesView, balances_view
from api.auth.authenticator import Authenticator
from api.feed.balances import BalanceFeed
from api.feed.candles import PACE_S, CandleFeed
from api.feed.clients import NAMESPACE, Client, FeedPacket, Subscribers, encoded
from api.feed.intake import Intake, origin_check
from api.feed.levels import touched_levels
from api.feed.messages import OrderEvent, order_events
from api.feed.pace import Paced
from api.feed.queue import QueueFeed, QueueView
from api.feed.requests import FEED_LEVELS, Subscription, subscription_of
from api.feed.rooms import OwnOrderRooms, named, room_of
from api.feed.status import StatusFeed
from api.json.errors import ApiError, Malformed, as_error
from api.json.malformed import MAX_ECHO
from api.json.views import seconds
from api.market.activity import Activity, TradePrint
from api.market.book_views import DeltaView, book_orders_update, book_update, changed_levels, checksum, snapshot_view
from api.market.candles import CandleView
from api.market.requests import DEFAULT_INTERVAL, DEFAULT_LEVELS
from api.market.status_views import StatusService, StatusView
from api.market.ticker_views import ticker_view
from api.market.views import bbo_view, trade_view
from api.settings import Settings
from engine.book import OrderBook
from engine.events import CommandResult
from engine.exchange import Exchange
from engine.types import AccountId, Side, Ticks
from loop.errors import StoreError
from sequencer.sequencer import NotAccepting, Sequencer

log = logging.getLogger(__name__)

VENUE = "venue"  # the room of all clients
EVENTS_MAX = 2_000  # order events in one message
L3_ORDERS_MAX = 500  # a side, in one message
MESSAGE_BYTES_MAX = 65_536  # in one message of a client: unmasking is slow, and holds up everybody


class SymbolFeed:
    """The changes of one symbol that are not published yet."""

    __slots__ = ("asks", "bbo", "bids", "book", "due", "scheduled", "seq", "trades")

    def __init__(self, book: OrderBook) -> None:
        self.book = book
        self.bids: dict[Ticks, None] = {}  # prices whose level may have changed
        self.asks: dict[Ticks, None] = {}
        self.trades: list[TradePrint] = []
        self.seq = book.changed_seq  # of the last delta, or of the snapshot before the first
        self.bbo: tuple[str | None, str | None, str, str] | None = None  # as last published
        self.due = 0.0  # monotonic seconds: nothing is published before
        self.scheduled = False

    def touch(self, side: Side, price: Ticks) -> None:
        """Note that the level at `price` may have changed."""
        (self.bids if side is Side.BUY else self.asks)[price] = None


class Feed:
    """The feed of one venue. Each applied batch comes to it through `publish`.

    All methods are for the event loop's thread.
    """

    def __init__(
        self,
        app: Flask,
        settings: Settings,
        exchange: Exchange,
        sequencer: Sequencer,
        activity: Activity,
        *,
        statuses: StatusService,
        authenticator: Authenticator,
        check_rate: Callable[[], None] | None = None,
    ) -> None:
        self._authenticator = authenticator
        self._check_rate = check_rate
        self._exchange = exchange
        self._sequencer = sequencer
        self._activity = activity
        self._interval_s = settings.feed_interval_ms / 1000
        self._queue_limit = settings.feed_queue
        self._subscription_limit = settings.feed_subscriptions
        self._subscribers = Subscribers(settings.feed_queue)
        self._own_order_rooms = OwnOrderRooms(self._subscribers, authenticator)
        self._symbols: dict[str, SymbolFeed] = {}
        self._symbols_seq = 0  # of the last command since the start that changed the symbols
        self._catch_up_scheduled = False
        self.on_connected: Callable[[Client, Any], None] = lambda _client, _auth: None  # called for each new client
        self._manager = socketio.Manager()
        self.socketio = SocketIO(
            app,
            async_mode="eventlet",
            serializer=FeedPacket,
            json=FeedPacket.json,
            client_manager=self._manager,
            always_connect=True,
            cors_allowed_origins=origin_check(settings.cors_origins),
            max_http_buffer_size=min(settings.max_body_bytes, MESSAGE_BYTES_MAX),
            http_compression=False,
            manage_session=False,
        )
        self._balances = BalanceFeed(exchange, self._interval_s, self._publish_balances)
        self._candles = CandleFeed(exchange, activity, self._subscribers.occupied, self._publish_candles)
        self._l3 = Paced(PACE_S, self._publish_l3)
        self._queues = QueueFeed(exchange, self._has_order_subscribers, self._publish_queue)
        self._statuses = StatusFeed(
            exchange, statuses, lambda symbol: self._subscribers.occupied(f"status:{symbol}"), self._publish_status
        )
        self._engine = self.socketio.server.eio
        self._intake = Intake(self.socketio, self._subscribers, settings.feed_queue, self._send_error)
        self.socketio.on_event("connect", self._on_connect, NAMESPACE)
        self.socketio.on_event("disconnect", self._on_disconnect, NAMESPACE)
        self.on("subscribe", self._on_subscribe)
        self.on("unsubscribe", self._on_unsubscribe)
        self.on("ping", self._on_ping)
        self.on("*", self._on_unknown)

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._subscribers.clients)

    def flows(self) -> list[str]:
        """The kinds of made-up or recorded flow that connected clients say they are sources of."""
        return sorted({client.flow for client in self._subscribers.clients.values() if client.flow})

    def disconnect(self, sid: str) -> None:
        """End a client's connection soon: its session or key has ended."""
        eventlet.spawn(self.socketio.server.disconnect, sid, NAMESPACE)

    def start(self) -> None:
        """Start to cut off clients that never read."""
        self._intake.start()

    def on(self, event: str, handler: Callable[[str, Any], Any]) -> None:
        """Have `handler(sid, data)` answer `event` (`*`: any other, by its name); its return is the acknowledgement."""

        def guarded(data: Any = None, *further: Any) -> Any:
            asked = str(data)[:MAX_ECHO] if event == "*" else event  # of an unknown event the name comes first
            client = self._subscribers.clients.get(request.sid)  # type: ignore[attr-defined]
            if client is None:
                return None
            client.asking += 1
            try:
                if self._check_rate is not None:
                    self._check_rate()
                if further and event not in ("ping", "*"):
                    raise Malformed("UNKNOWN_FIELD", f"{event} takes one object, and nothing behind it.", field=event)
                return handler(client.sid, data)
            except (ApiError, NotAccepting, StoreError) as refusal:
                return self._send_error(client, asked, as_error(refusal))
            except Exception:
                log.exception("the feed event %s failed", event)
                return self._send_error(client, asked, ApiError(500, "INTERNAL_ERROR", "The server made a mistake."))
            finally:
                client.asking -= 1

        self.socketio.on_event(event, guarded, NAMESPACE)

    def refresh_status(self, symbol: str) -> None:
        """Publish the status of `symbol` soon: its next planned change may be another one."""
        self._statuses.refresh(symbol)

    def publish_venue_state(self, symbols_seq: int | None = None) -> None:
        """Publish to all the flows, whether orders are accepted, and `symbols_seq` when the symbols changed by it."""
        if symbols_seq is not None:
            self._symbols_seq = symbols_seq
        clients = list(self._subscribers.clients.values())
        self._subscribers.publish_to(clients, VENUE, "venue", [self._venue_state()], whole=False)

    def _venue_state(self) -> dict[str, Any]:
        return {"flows": self.flows(), "accepting": self._sequencer.refusal is None, "symbols_seq": self._symbols_seq}

    # -- from the sequencer

    def publish(self, batch: list[CommandResult], trades: list[TradePrint]) -> None:
        """Publish a batch: order events to their owners at once, market data to everybody soon. O(events)."""
        if not self._subscribers.subscribed():
            return
        books = self._subscribers.subscribed("l2_updates", "l2_deltas", "bbo", "l3")
        wanted = books or self._subscribers.subscribed("orders")
        touched = (
            [level_key for applied in batch for level_key in touched_levels(applied, self._exchange)] if wanted else []
        )
        for level_key in touched if books else []:
            self._scheduled_feed(level_key.symbol).touch(level_key.side, level_key.price)
        if self._subscribers.subscribed("trades", "ticker"):
            for trade in trades:
                self._scheduled_feed(trade.filled.symbol).trades.append(trade)
        if trades and self._subscribers.subscribed("candles"):
            self._candles.on_trades(trades)
        if self._subscribers.subscribed("orders"):
            for account, messages in order_events(batch, self._exchange).items():
                self._publish_order_events(account, messages)
            self._balances.on_batch(batch)
            self._queues.on_batch(batch, touched)
        if self._subscribers.subscribed("status"):
            self._statuses.on_batch()

    def _symbol_feed(self, symbol: str) -> SymbolFeed:
        feed = self._symbols.get(symbol)
        if feed is None:
            feed = self._symbols[symbol] = SymbolFeed(self._exchange.books[symbol])
        return feed

    def _scheduled_feed(self, symbol: str) -> SymbolFeed:
        """The feed of a symbol that changed, scheduled: at once after a quiet moment, else when it is due."""
        feed = self._symbol_feed(symbol)
        if not feed.scheduled:
            feed.scheduled = True
            eventlet.spawn_after(max(0.0, feed.due - time.monotonic()), self._tick, feed)
        return feed

    def _publish_order_events(self, account: AccountId, messages: list[OrderEvent]) -> None:
        for room in (f"orders:{account}", OwnOrderRooms.room(account)):
            self._publish_to_room(room, "order_event", messages, whole=True)
        batches = [{"events": messages[at : at + EVENTS_MAX]} for at in range(0, len(messages), EVENTS_MAX)]
        self._publish_to_room(f"orders:{account}:batch", "order_events", batches, whole=True)

    def _publish_balances(self, account: AccountId, balances: BalancesView) -> None:
        for room in (f"orders:{account}", f"orders:{account}:batch"):
            self._publish_to_room(room, "balances", [balances], whole=False)

    def _has_order_subscribers(self, account: AccountId) -> bool:
        return any(self._subscribers.occupied(room) for room in (f"orders:{account}", f"orders:{account}:batch"))

    def _publish_queue(self, account: AccountId, queue: QueueView) -> None:
        for room in (f"orders:{account}", f"orders:{account}:batch"):
            self._publish_to_room(room, "queue", [queue], whole=False)

    def _publish_status(self, symbol: str, status: StatusView) -> None:
        self._publish_to_room(f"status:{symbol}", "status", [status], whole=False)

    # -- market data

    def _tick(self, feed: SymbolFeed) -> None:
        feed.scheduled = False
        try:
            self._flush(feed)
        except Exception:
            log.exception("the feed of %s failed", feed.book.instrument.symbol)

    def _flush(self, feed: SymbolFeed) -> None:
        """Publish what is new of one symbol. Does not switch to other greenlets."""
        now_ns, feed.due = time.time_ns(), time.monotonic() + self._interval_s
        trades, feed.trades = feed.trades, []
        bids, feed.bids, asks, feed.asks = feed.bids, {}, feed.asks, {}
        if trades:
            self._publish_trades(feed, trades, now_ns)
        if (bids or asks) and feed.book.changed_seq > feed.seq:
            previous, feed.seq = feed.seq, feed.book.changed_seq
            self._publish_delta(feed, previous, (bids, asks), now_ns)
            self._publish_depth(feed, now_ns)
            self._publish_bbo(feed, now_ns)
            if self._subscribers.subscribed("l3"):
                self._l3.touch(feed.book.instrument.symbol)

    def _publish_trades(self, feed: SymbolFeed, prints: list[TradePrint], now_ns: int) -> None:
        instrument, symbol = feed.book.instrument, feed.book.instrument.symbol
        trades = [trade_view(trade.filled, instrument, trade.ts_ns, trade.seq) for trade in prints]
        for scope in (symbol, "*"):
            self._publish_to_room(f"trades:{scope}", "trade", trades, whole=True)
            self._publish_to_room(f"trades:{scope}:batch", "trades", [{"symbol": symbol, "trades": trades}], whole=True)
        if self._subscribers.occupied(f"ticker:{symbol}"):
            ticker = ticker_view(self._activity, feed.book, self._exchange.seq, now_ns)
            self._publish_to_room(f"ticker:{symbol}", "ticker", [ticker], whole=False)

    def _publish_delta(
        self, feed: SymbolFeed, previous: int, touched: tuple[dict[Ticks, None], dict[Ticks, None]], now_ns: int
    ) -> None:
        book = feed.book
        room = f"l2_deltas:{book.instrument.symbol}"
        if not self._subscribers.occupied(room):
            return
        delta = DeltaView(
            seconds(now_ns),
            book.instrument.symbol,
            previous,
            feed.seq,
            changed_levels(book, Side.BUY, touched[0]),
            changed_levels(book, Side.SELL, touched[1]),
            checksum(book),
        )
        self._publish_to_room(room, "l2_delta", [delta], whole=True)

    def _publish_depth(self, feed: SymbolFeed, now_ns: int) -> None:
        if not self._subscribers.subscribed("l2_updates"):
            return
        for levels in FEED_LEVELS:
            room = f"l2_updates:{feed.book.instrument.symbol}:{levels}"
            if self._subscribers.occupied(room):
                self._publish_to_room(room, "l2_update", [book_update(feed.book, levels, now_ns)], whole=False)

    def _publish_bbo(self, feed: SymbolFeed, now_ns: int) -> None:
        room = f"bbo:{feed.book.instrument.symbol}"
        if not self._subscribers.occupied(room):
            return
        view = bbo_view(feed.book, feed.seq, now_ns)
        best = (view.best_bid, view.best_ask, view.bid_size, view.ask_size)
        if best != feed.bbo:
            feed.bbo = best
            self._publish_to_room(room, "bbo", [view], whole=False)

    def _publish_l3(self, symbol: str) -> None:
        for levels in FEED_LEVELS:
            room = f"l3:{symbol}:{levels}"
            if self._subscribers.occupied(room):
                view = book_orders_update(self._exchange.books[symbol], levels, L3_ORDERS_MAX, time.time_ns())
                self._publish_to_room(room, "l3", [view], whole=False)

    def _publish_candles(self, room: str, candles: list[CandleView]) -> None:
        self._publish_to_room(room, "candle", candles, whole=True)

    def _publish_to_room(self, room: str, event: str, messages: Sequence[Any], *, whole: bool) -> None:
        """Publish to all in `room`, see `Subscribers.publish`; then have slow clients looked after."""
        self._subscribers.publish(room, event, messages, whole=whole)
        self._schedule_catch_up()

    # -- clients that read slowly

    def _schedule_catch_up(self) -> None:
        """Have the clients that missed something catch up soon, when there are any."""
        if self._subscribers.behind and not self._catch_up_scheduled:
            self._catch_up_scheduled = True
            eventlet.spawn_after(self._interval_s, self._catch_up_all)

    def _catch_up_all(self) -> None:
        self._catch_up_scheduled = False
        for client in list(self._subscribers.behind.values()):
            if client.waiting == 0:
                try:
                    self._catch_up(client)
                except Exception:
                    log.exception("feed client %s could not be helped", client.sid)
        self._schedule_catch_up()

    def _catch_up(self, client: Client) -> None:
        """Send a client that has read all that waited the latest states, and which streams have ended for it."""
        self._subscribers.behind.pop(client.sid, None)
        missed, client.missed = client.missed, {}
        stale, client.stale = client.stale, {}
        for subscription in missed.values():
            self._send(client, "resync", named(subscription))
        self._own_order_rooms.update(client)  # own orders that it got unasked go on unasked
        for room in stale:
            if room == VENUE:
                self._send(client, "venue", self._venue_state())
            elif room in client.rooms:
                self._send_state(client, client.rooms[room])

    # -- from clients

    def _send(self, client: Client, event: str, data: Any) -> None:
        client.send(encoded(event, data))

    def _send_error(self, client: Client, event: str | None, error: ApiError) -> dict[str, Any]:
        body = msgspec.structs.asdict(error.body())
        self._send(client, "error", {"message": body["error"], "event": event, **body})
        return body

    def _on_connect(self, auth: Any = None) -> None:
        sid: str = request.sid  # type: ignore[attr-defined]
        connection = self._engine.sockets.get(self._manager.eio_sid_from_sid(sid, NAMESPACE))
        if connection is None or sid in self._subscribers.clients:  # disconnected already, or a client's own event
            return
        client = Client(sid, connection, auth.get("flow") if isinstance(auth, dict) else None)
        try:
            self._authenticator.connect(sid, auth)
        except ApiError as refusal:
            self._send_error(client, "connect", refusal)
            raise ConnectionRefusedError(refusal.sentence) from refusal
        self._subscribers.add(client)
        self.on_connected(client, auth)
        self._send(
            client,
            "connected",
            {
                "status": "connected",
                "session_id": sid,
                "timestamp": time.time(),
                "symbols": list(self._exchange.books),
                "seq": self._exchange.seq,
            },
        )
        if client.flow:
            self.publish_venue_state()
        else:
            self._send(client, "venue", self._venue_state())

    def _on_disconnect(self, _reason: Any = None) -> None:
        sid: str = request.sid  # type: ignore[attr-defined]
        if self._manager.is_connected(sid, NAMESPACE):  # a client's own event of this name, not the end
            return
        self._authenticator.forget(sid)
        client = self._subscribers.remove(sid)
        if client is None:
            return
        if client.flow:
            self.publish_venue_state()
        if client.on_disconnected is not None:
            client.on_disconnected()

    def _on_ping(self, sid: str, _data: Any) -> dict[str, float]:
        pong = {"timestamp": time.time()}
        self._send(self._subscribers.clients[sid], "pong", pong)
        return pong

    def _on_unknown(self, _sid: str, name: Any) -> None:
        known = ", ".join(sorted(set(self.socketio.server.handlers[NAMESPACE]) - {"*", "connect", "disconnect"}))
        sentence = f"There is no event {str(name)[:MAX_ECHO]!r} to send; there are {known}."
        raise Malformed("UNKNOWN_EVENT", sentence, events=known.split(", "))

    def _on_subscribe(self, sid: str, data: Any) -> dict[str, Any]:
        client, wanted = self._subscribers.clients[sid], subscription_of(data, self._exchange)
        room = room_of(wanted, self._exchange)
        held = len((client.rooms | client.missed).keys() - {client.own_orders_room})
        if held >= self._subscription_limit and room not in client.rooms and room not in client.missed:
            raise Malformed("TOO_MANY_SUBSCRIPTIONS", f"At most {self._subscription_limit} subscriptions a connection.")
        for symbol in list(self._symbols) if wanted.symbol is None else [wanted.symbol]:
            self._flush(self._symbol_feed(symbol))  # those here before get what is older than this subscription
        if wanted.type == "candles" and wanted.symbol is not None:
            self._candles.flush(wanted.symbol, wanted.interval or DEFAULT_INTERVAL)
        subscribed = {**named(wanted), "timestamp": time.time(), "seq": self._exchange.seq}
        self._send(client, "subscribed", subscribed)
        self._subscribers.join(client, room, wanted)
        self._own_order_rooms.update(client)
        if client.waiting <= self._queue_limit // 4:  # a snapshot may be large
            self._send_state(client, wanted)
        elif wanted.type == "l2_deltas":
            self._subscribers.drop(client, room)
        else:
            self._subscribers.postpone(client, room)
        self._schedule_catch_up()
        return subscribed

    def _send_state(self, client: Client, wanted: Subscription) -> None:
        """Send the state that the stream goes on from. Does not switch: nothing is published in between."""
        now_ns = time.time_ns()
        if wanted.type == "orders":
            account = self._authenticator.of_client(client.sid).account
            self._send(client, "balances", balances_view(self._exchange, account))
            self._queues.watch(account)
        if wanted.symbol is None or wanted.type in ("trades", "orders"):
            return
        feed = self._symbol_feed(wanted.symbol)
        if wanted.type == "l2_deltas":
            feed.seq = feed.book.changed_seq  # up to this was published to all who were here before
            self._send(client, "l2_snapshot", snapshot_view(feed.book, now_ns))
        elif wanted.type == "l2_updates":
            self._send(client, "l2_update", book_update(feed.book, wanted.levels or DEFAULT_LEVELS, now_ns))
        elif wanted.type == "l3":
            levels = wanted.levels or DEFAULT_LEVELS
            self._send(client, "l3", book_orders_update(feed.book, levels, L3_ORDERS_MAX, now_ns))
        elif wanted.type == "bbo":
            feed.bbo = None  # the next change is published, even one back to the values before
            self._send(client, "bbo", bbo_view(feed.book, feed.book.changed_seq, now_ns))
        elif wanted.type == "status":
            self._send(client, "status", self._statuses.subscribe_state(wanted.symbol))
        elif wanted.type == "ticker":
            self._send(client, "ticker", ticker_view(self._activity, feed.book, self._exchange.seq, now_ns))
        elif newest := self._candles.state(wanted.symbol, wanted.interval or DEFAULT_INTERVAL):
            self._send(client, "candle", newest)

    def _on_unsubscribe(self, sid: str, data: Any) -> dict[str, Any]:
        client, wanted = self._subscribers.clients[sid], subscription_of(data, self._exchange)
        self._subscribers.leave(client, room_of(wanted, self._exchange))
        self._own_order_rooms.update(client)
        unsubscribed = {**named(wanted), "timestamp": time.time()}
        self._send(client, "unsubscribed", unsubscribed)
        return unsubscribed
