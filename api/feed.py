"""Market data and private order events over Socket.IO, namespace /market.

Each message is encoded once for all who get it. What waits for one client is bounded: a
client that reads too slowly misses whole messages, is told `resync` and subscribes again.
Layer: api.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import eventlet
import msgspec
import socketio
from engineio.exceptions import SocketIsClosedError
from engineio.packet import MESSAGE
from engineio.packet import Packet as EnginePacket
from eventlet.event import Event
from flask import Flask, request
from flask_socketio import SocketIO
from socketio.packet import EVENT

from api import answers, wire
from api.activity import Activity
from api.answers import OrderEvent, TradeView
from api.auth import requesting_account
from api.errors import ApiError, Malformed, not_accepting, rejected
from api.feed_messages import order_events
from api.settings import Settings
from engine.book import OrderBook
from engine.events import Accepted, Amended, Applied, Cancelled, Filled
from engine.exchange import Exchange
from engine.rejects import RejectReason
from engine.types import AccountId, Side, Ticks, TimeInForce
from sequencer.sequencer import NotAccepting, Sequencer

log = logging.getLogger(__name__)

NAMESPACE = "/market"
FLOWS = ("simulated", "replay")  # what a client may declare itself a source of
SNAPSHOT_QUEUE = 16  # a client with more than this waiting gets no further snapshots: the next one is as good
EVENTS_MAX = 2_000  # order events in one message


class FeedJson:
    """JSON for Socket.IO by msgspec, which knows our structs."""

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        """`value` as JSON text."""
        return msgspec.json.encode(value).decode()

    @staticmethod
    def loads(text: str | bytes, **_: Any) -> Any:
        """JSON text as plain values. Raises ValueError."""
        return msgspec.json.decode(text)


class SymbolFeed:
    """What one symbol's subscribers have not been told yet."""

    __slots__ = ("asks", "bbo", "bids", "book", "seq", "trades")

    def __init__(self, book: OrderBook) -> None:
        self.book = book
        self.bids: dict[Ticks, None] = {}  # prices whose level may have changed
        self.asks: dict[Ticks, None] = {}
        self.trades: list[TradeView] = []
        self.seq = book.changed_seq  # of the last delta, or of the snapshot before the first
        self.bbo: tuple[str | None, str | None, str, str] | None = None  # as last told

    def touch(self, side: Side, price: Ticks) -> None:
        """Note that the level at `price` may have changed."""
        (self.bids if side is Side.BUY else self.asks)[price] = None


class Client:
    """One connected feed client."""

    __slots__ = ("address", "flow", "missed", "rooms")

    def __init__(self, address: str, flow: str | None) -> None:
        self.address = address
        self.flow = flow
        self.rooms: dict[str, wire.SubscribeRequest] = {}
        self.missed: dict[str, wire.SubscribeRequest] = {}  # left because it read too slowly


class Feed:
    """The feed of one venue. Told of applied batches by the sequencer, through `publish`."""

    def __init__(
        self, app: Flask, settings: Settings, exchange: Exchange, sequencer: Sequencer, activity: Activity
    ) -> None:
        self._exchange = exchange
        self._sequencer = sequencer
        self._activity = activity
        self._interval_s = settings.feed_interval_ms / 1000
        self._queue_limit = settings.feed_queue
        self._subscription_limit = settings.feed_subscriptions
        self._clients: dict[str, Client] = {}
        self._symbols: dict[str, SymbolFeed] = {}
        self._dirty: dict[str, None] = {}
        self._wake: Event | None = None
        self._manager = socketio.Manager()
        self.socketio = SocketIO(
            app,
            async_mode="eventlet",
            json=FeedJson,
            client_manager=self._manager,
            always_connect=True,
            cors_allowed_origins=_origin_check(settings.cors_origins),
            max_http_buffer_size=settings.max_body_bytes,
            http_compression=False,
            manage_session=False,
        )
        self.socketio.on_event("connect", self._on_connect, NAMESPACE)
        self.socketio.on_event("disconnect", self._on_disconnect, NAMESPACE)
        self.on("subscribe", self._on_subscribe)
        self.on("unsubscribe", self._on_unsubscribe)
        self.on("ping", self._on_ping)

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._clients)

    def flows(self) -> list[str]:
        """The kinds of made-up or recorded flow that connected clients say they are sources of."""
        return sorted({client.flow for client in self._clients.values() if client.flow})

    def start(self) -> None:
        """Begin to publish."""
        eventlet.spawn(self._run)

    def on(self, event: str, handler: Callable[[str, Any], Any]) -> None:
        """Have `handler(sid, data)` answer `event`; what it returns is the acknowledgement."""

        def guarded(data: Any = None) -> Any:
            sid: str = request.sid  # type: ignore[attr-defined]
            if self._waiting(sid) >= 2 * self._queue_limit:
                self.socketio.server.disconnect(sid, NAMESPACE)
                return None
            try:
                return handler(sid, data)
            except (ApiError, NotAccepting) as refusal:
                error = not_accepting(refusal) if isinstance(refusal, NotAccepting) else refusal
                body = error.body()
                self._send(sid, "error", {"message": body["error"], "event": event, **body})
                return body
            except Exception:
                log.exception("the feed event %s failed", event)
                body = ApiError(500, "INTERNAL_ERROR", "The server made a mistake.").body()
                self._send(sid, "error", {"message": body["error"], "event": event, **body})
                return body

        self.socketio.on_event(event, guarded, NAMESPACE)

    def tell_venue_state(self, sid: str | None = None) -> None:
        """Tell one client, or all, which flows there are and whether orders are taken."""
        state = {"flows": self.flows(), "accepting": self._sequencer.refusal is None}
        self.socketio.server.emit("venue", state, to=sid, namespace=NAMESPACE)

    # -- from the sequencer

    def publish(self, batch: list[Applied], trades: list[TradeView]) -> None:
        """Take note of a batch; tell the owners of its orders at once and everybody at the next tick. O(events)."""
        if not self._clients:
            return
        for applied in batch:
            for event in applied.events:
                if isinstance(event, Filled):
                    maker_side = Side.SELL if event.taker_side is Side.BUY else Side.BUY
                    self._feed_of(event.symbol).touch(maker_side, event.price)
                elif isinstance(event, Accepted):
                    if event.price is not None and event.time_in_force is TimeInForce.GTC:
                        self._feed_of(event.symbol).touch(event.side, event.price)
                elif isinstance(event, Cancelled):
                    if event.rested and event.price is not None:
                        self._feed_of(event.symbol).touch(event.side, event.price)
                elif isinstance(event, Amended):
                    feed = self._feed_of(event.symbol)
                    feed.touch(event.side, event.old_price)
                    feed.touch(event.side, event.price)
        for trade in trades:
            self._feed_of(trade.symbol).trades.append(trade)
        self._tell_owners(batch)
        if self._dirty and self._wake is not None and not self._wake.ready():
            self._wake.send()

    def _feed_of(self, symbol: str) -> SymbolFeed:
        feed = self._symbols.get(symbol)
        if feed is None:
            feed = self._symbols[symbol] = SymbolFeed(self._exchange.books[symbol])
        self._dirty[symbol] = None
        return feed

    def _tell_owners(self, batch: list[Applied]) -> None:
        rooms = self._manager.rooms.get(NAMESPACE, {})
        if not any(isinstance(room, str) and room.startswith("orders:") for room in rooms):
            return
        for account, messages in order_events(batch, self._exchange).items():
            self._tell_owner(account, messages)

    def _tell_owner(self, account: AccountId, messages: list[OrderEvent]) -> None:
        for start in range(0, len(messages), EVENTS_MAX):
            part = messages[start : start + EVENTS_MAX]
            self._publish(f"orders:{account}:batch", "order_events", {"events": part}, lossless=True)
        if self._occupied(f"orders:{account}"):
            for message in messages:
                self._publish(f"orders:{account}", "order_event", message, lossless=True)

    # -- the tick

    def _run(self) -> None:
        while True:
            if not self._dirty and not any(client.missed for client in self._clients.values()):
                self._wake = Event()
                self._wake.wait()
                self._wake = None
            dirty, self._dirty = self._dirty, {}
            for symbol in dirty:
                try:
                    self._flush(self._symbols[symbol])
                except Exception:
                    log.exception("the feed of %s failed", symbol)
            self._resync_recovered()
            eventlet.sleep(self._interval_s)

    def _flush(self, feed: SymbolFeed) -> None:
        """Tell the subscribers of one symbol what is new. Does not switch."""
        symbol, book, now_ns = feed.book.instrument.symbol, feed.book, time.time_ns()
        trades, feed.trades = feed.trades, []
        bids, feed.bids, asks, feed.asks = feed.bids, {}, feed.asks, {}
        if trades:
            for scope in (symbol, "*"):
                self._publish(f"trades:{scope}:batch", "trades", {"symbol": symbol, "trades": trades}, lossless=True)
                if self._occupied(f"trades:{scope}"):
                    for trade in trades:
                        self._publish(f"trades:{scope}", "trade", trade, lossless=True)
            if self._occupied(f"ticker:{symbol}"):
                self._publish(f"ticker:{symbol}", "ticker", self._activity.ticker(book, now_ns), lossless=False)
        if (bids or asks) and book.changed_seq > feed.seq:
            previous, feed.seq = feed.seq, book.changed_seq
            if self._occupied(f"l2_deltas:{symbol}"):
                delta = answers.DeltaView(
                    answers.seconds(now_ns),
                    symbol,
                    previous,
                    feed.seq,
                    answers.changed_levels_view(book, Side.BUY, bids),
                    answers.changed_levels_view(book, Side.SELL, asks),
                    answers.checksum(book),
                )
                self._publish(f"l2_deltas:{symbol}", "l2_delta", delta, lossless=True)
            for levels in wire.FEED_LEVELS:
                if self._occupied(f"l2_updates:{symbol}:{levels}"):
                    view = answers.book_view(book, levels, now_ns)
                    self._publish(f"l2_updates:{symbol}:{levels}", "l2_update", view, lossless=False)
            self._tell_bbo(feed, now_ns)

    def _tell_bbo(self, feed: SymbolFeed, now_ns: int) -> None:
        room = f"bbo:{feed.book.instrument.symbol}"
        if not self._occupied(room):
            return
        view = answers.bbo_view(feed.book, feed.seq, now_ns)
        best = (view.best_bid, view.best_ask, view.bid_size, view.ask_size)
        if best != feed.bbo:
            feed.bbo = best
            self._publish(room, "bbo", view, lossless=False)

    # -- fan-out

    def _occupied(self, room: str) -> bool:
        return bool(self._manager.rooms.get(NAMESPACE, {}).get(room))

    def _publish(self, room: str, event: str, data: Any, *, lossless: bool) -> None:
        """Queue one message for all in `room`, encoded once. Does not switch.

        A client that has too much waiting misses it: of a `lossless` stream it is then
        taken out, to be told `resync` when it has caught up.
        """
        if not self._occupied(room):
            return
        packet: EnginePacket | None = None
        limit = self._queue_limit if lossless else SNAPSHOT_QUEUE
        sockets = self.socketio.server.eio.sockets
        for sid, eio_sid in list(self._manager.get_participants(NAMESPACE, room)):
            socket = sockets.get(eio_sid)
            if socket is None or socket.closed:
                continue
            if socket.queue.qsize() >= limit:
                if lossless:
                    self._drop(sid, room)
                continue
            if packet is None:
                packet = self._encoded(event, data)
            try:
                socket.send(packet)
            except SocketIsClosedError:
                continue

    def _encoded(self, event: str, data: Any) -> EnginePacket:
        text = self.socketio.server.packet_class(EVENT, namespace=NAMESPACE, data=[event, data]).encode()
        return EnginePacket(MESSAGE, text)

    def _send(self, sid: str, event: str, data: Any) -> None:
        self.socketio.server.emit(event, data, to=sid, namespace=NAMESPACE)

    def _waiting(self, sid: str) -> int:
        """How many messages wait for a client."""
        eio_sid = self._manager.eio_sid_from_sid(sid, NAMESPACE)
        socket = self.socketio.server.eio.sockets.get(eio_sid)
        return 0 if socket is None else socket.queue.qsize()

    def _drop(self, sid: str, room: str) -> None:
        client = self._clients.get(sid)
        if client is None:
            return
        subscription = client.rooms.pop(room, None)
        self.socketio.server.leave_room(sid, room, NAMESPACE)
        if subscription is not None:
            client.missed[room] = subscription
            log.info("feed client %s reads too slowly: out of %s", sid, room)

    def _resync_recovered(self) -> None:
        """Tell the clients that fell behind and have read all since to subscribe again."""
        for sid, client in list(self._clients.items()):
            if client.missed and self._waiting(sid) == 0:
                missed, client.missed = client.missed, {}
                for subscription in missed.values():
                    self._send(sid, "resync", {"type": subscription.type, "symbol": subscription.symbol})

    # -- from clients

    def _on_connect(self, auth: Any = None) -> None:
        sid: str = request.sid  # type: ignore[attr-defined]
        flow = auth.get("flow") if isinstance(auth, dict) else None
        self._clients[sid] = Client(request.remote_addr or "", flow if flow in FLOWS else None)
        self._send(
            sid,
            "connected",
            {
                "status": "connected",
                "session_id": sid,
                "timestamp": time.time(),
                "symbols": list(self._exchange.books),
                "seq": self._exchange.seq,
            },
        )
        self.tell_venue_state(None if flow else sid)

    def _on_disconnect(self, _reason: Any = None) -> None:
        client = self._clients.pop(request.sid, None)  # type: ignore[attr-defined]
        if client is not None and client.flow:
            self.tell_venue_state()

    def _on_ping(self, sid: str, _data: Any) -> dict[str, float]:
        pong = {"timestamp": time.time()}
        self._send(sid, "pong", pong)
        return pong

    def _on_subscribe(self, sid: str, data: Any) -> dict[str, Any] | None:
        client = self._clients.get(sid)
        if client is None:
            return None
        wanted = wire.converted(data, wire.SubscribeRequest)
        room = self._room_of(wanted)
        if room not in client.rooms and len(client.rooms) >= self._subscription_limit:
            raise Malformed("TOO_MANY_SUBSCRIPTIONS", f"At most {self._subscription_limit} subscriptions a connection.")
        client.rooms[room] = wanted
        client.missed.pop(room, None)
        subscribed = {"type": wanted.type, "symbol": wanted.symbol, "seq": self._exchange.seq}
        self._send(sid, "subscribed", subscribed)
        self._send_first(sid, wanted)
        self.socketio.server.enter_room(sid, room, NAMESPACE)
        return subscribed

    def _send_first(self, sid: str, wanted: wire.SubscribeRequest) -> None:
        """The state that the stream goes on from. Does not switch: nothing comes in between."""
        symbol, now_ns = wanted.symbol, time.time_ns()
        if symbol is None or wanted.type in ("trades", "orders"):
            return
        feed = self._feed_of(symbol)
        if wanted.type == "l2_deltas":
            self._flush(feed)
            feed.seq = feed.book.changed_seq
            self._send(sid, "l2_snapshot", answers.snapshot_view(feed.book, now_ns))
        elif wanted.type == "l2_updates":
            self._send(sid, "l2_update", answers.book_view(feed.book, wanted.levels or wire.DEFAULT_LEVELS, now_ns))
        elif wanted.type == "bbo":
            self._send(sid, "bbo", answers.bbo_view(feed.book, feed.book.changed_seq, now_ns))
        elif wanted.type == "ticker":
            self._send(sid, "ticker", self._activity.ticker(feed.book, now_ns))

    def _on_unsubscribe(self, sid: str, data: Any) -> dict[str, Any] | None:
        client = self._clients.get(sid)
        if client is None:
            return None
        wanted = wire.converted(data, wire.SubscribeRequest)
        room = self._room_of(wanted)
        client.rooms.pop(room, None)
        client.missed.pop(room, None)
        self.socketio.server.leave_room(sid, room, NAMESPACE)
        unsubscribed = {"type": wanted.type, "symbol": wanted.symbol}
        self._send(sid, "unsubscribed", unsubscribed)
        return unsubscribed

    def _room_of(self, wanted: wire.SubscribeRequest) -> str:
        """The room of a subscription. Raises Malformed or ApiError for a symbol that is missing or unknown."""
        if wanted.symbol is not None and wanted.symbol not in self._exchange.books:
            raise rejected(RejectReason.UNKNOWN_SYMBOL, None, symbol=wanted.symbol)
        batch = ":batch" if wanted.batch else ""
        if wanted.type == "orders":
            return f"orders:{requesting_account()}{batch}"
        if wanted.type == "trades":
            return f"trades:{wanted.symbol or '*'}{batch}"
        if wanted.symbol is None:
            raise Malformed("MISSING_FIELD", f"A subscription to {wanted.type} names its symbol.", field="symbol")
        if wanted.type == "l2_updates":
            return f"l2_updates:{wanted.symbol}:{wanted.levels or wire.DEFAULT_LEVELS}"
        return f"{wanted.type}:{wanted.symbol}"


def _origin_check(allowed: tuple[str, ...]) -> Callable[[str | None, dict[str, Any]], bool]:
    """Whether a page of `origin` may connect: our own pages, and those of the settings."""

    def check(origin: str | None, environ: dict[str, Any]) -> bool:
        own = f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '')}"
        return origin is None or origin == own or origin in allowed

    return check
