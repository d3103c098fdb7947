"""The feed over Socket.IO, namespace /market: connections, what clients ask, own orders, the state of the venue.

Market data has a module of its own, `market_data.py`.
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
from api.feed.clients import NAMESPACE, Client, FeedPacket, Subscribers, encoded
from api.feed.engine_sessions import EngineSessions
from api.feed.intake import Intake
from api.feed.levels import LevelKey, touched_levels
from api.feed.market_data import BOOK_STREAMS, MarketData
from api.feed.messages import OrderEvent, order_events
from api.feed.polling import PollingGuard, origin_check
from api.feed.queue import QueueFeed, QueueView
from api.feed.requests import Stream, Subscription, subscription_of
from api.feed.rooms import OwnOrderRooms, named, order_rooms, room_of
from api.http.limits import charge
from api.http.refusals import log_refusal
from api.json.errors import ApiError, Malformed, as_error
from api.json.malformed import MAX_ECHO
from api.market.activity import Activity, TradePrint
from api.market.status_views import StatusService
from api.settings import Settings
from engine.events import CommandResult
from engine.exchange import Exchange
from engine.types import AccountId
from logs.limit import limited
from loop.errors import StoreError
from loop.turns import in_turns, pieces
from sequencer.sequencer import NotAccepting, Sequencer

log = limited(logging.getLogger(__name__))

VENUE = "venue"  # the room of all clients
EVENTS_MAX = 2_000  # order events in one message
ORDER_EVENTS_AT_ONCE = 500  # messages of one account, before others have their turn
MESSAGE_BYTES_MAX = 65_536  # in one message of a client: reading it holds up everybody
LIMITED_S = 0.25  # that a client waits who sent more than the rate limit


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
    ) -> None:
        self._authenticator = authenticator
        self._exchange = exchange
        self._sequencer = sequencer
        self._activity = activity
        self._interval_s = settings.feed_interval_ms / 1000
        self._subscription_limit = settings.feed_subscriptions
        self._subscribers = Subscribers(settings.feed_queue, settings.feed_queue_bytes)
        self._own_order_rooms = OwnOrderRooms(self._subscribers, authenticator)
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
            monitor_clients=False,  # `EngineSessions` does it
            ping_interval=settings.feed_ping_interval_s,
            ping_timeout=settings.feed_ping_timeout_s,
        )
        self._balances = BalanceFeed(exchange, self._interval_s, self._publish_balances)
        self._queues = QueueFeed(exchange, self._has_order_subscribers, self._publish_queue)
        self._market_data = MarketData(
            exchange,
            activity,
            statuses,
            self._subscribers,
            interval_s=self._interval_s,
            send=self._send,
            publish=self._publish_to_room,
        )
        self._engine = self.socketio.server.eio
        self._sessions = EngineSessions(self._engine, settings, self._is_joined)
        Intake(
            self.socketio,
            self._sessions,
            self._subscribers,
            settings.feed_queue,
            settings.feed_queue_bytes,
            self._send_error,
        )
        app.wsgi_app = PollingGuard(app.wsgi_app, self._sessions, self._engine.max_http_buffer_size)  # type: ignore[method-assign]
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
        """Start to end the sessions of clients that have gone, or never read."""
        self._sessions.start()

    def _is_joined(self, eio_sid: str) -> bool:
        return self._manager.sid_from_eio_sid(eio_sid, NAMESPACE) is not None

    def on(self, event: str, handler: Callable[[str, Any], Any]) -> None:
        """Have `handler(sid, data)` answer `event` (`*`: any other, by its name); its return is the acknowledgement."""

        def guarded(data: Any = None, *further: Any) -> Any:
            asked = str(data)[:MAX_ECHO] if event == "*" else event  # of an unknown event the name comes first
            client = self._subscribers.clients.get(_requesting_sid())
            if client is None:
                return None
            client.asking += 1
            try:
                charge(1)
                if further and event not in ("ping", "*"):
                    raise Malformed("UNKNOWN_FIELD", f"{event} takes one object, and nothing behind it.", field=event)
                return handler(client.sid, data)
            except (ApiError, NotAccepting, StoreError) as refusal:
                if isinstance(refusal, ApiError) and refusal.status == 429:
                    client.paused_until = time.monotonic() + LIMITED_S
                return self._send_error(client, asked, as_error(refusal))
            except Exception:
                log.exception("the feed event %s failed", event)
                return self._send_error(client, asked, ApiError(500, "INTERNAL_ERROR", "The server made a mistake."))
            finally:
                client.asking -= 1

        self.socketio.on_event(event, guarded, NAMESPACE)

    def refresh_status(self, symbol: str) -> None:
        """Publish the status of `symbol` soon: its next planned change may be another one."""
        self._market_data.refresh_status(symbol)

    def publish_venue_state(self, symbols_seq: int | None = None) -> None:
        """Publish to all the flows, whether orders are accepted, and `symbols_seq` when the symbols changed by it."""
        if symbols_seq is not None:
            self._symbols_seq = symbols_seq
        clients = list(self._subscribers.clients.values())
        self._subscribers.publish_packets(clients, VENUE, [encoded("venue", self._venue_state())], whole=False)

    def _venue_state(self) -> dict[str, Any]:
        return {"flows": self.flows(), "accepting": self._sequencer.refusal is None, "symbols_seq": self._symbols_seq}

    # -- from the sequencer

    def publish(self, batch: list[CommandResult], trades: list[TradePrint]) -> None:
        """Publish a batch: order events to their owners at once, market data to everybody soon. O(events)."""
        if not self._subscribers.subscribed():
            return
        with_orders = self._subscribers.subscribed(Stream.ORDERS)
        touched: list[LevelKey] = []
        if with_orders or self._subscribers.subscribed(*BOOK_STREAMS):
            touched = [level_key for applied in batch for level_key in touched_levels(applied, self._exchange)]
        self._market_data.on_batch(touched, trades)
        if with_orders:
            for account, messages in order_events(batch, self._exchange).items():
                self._publish_order_events(account, messages)
            self._balances.on_batch(batch)
            self._queues.on_batch(batch, touched)
        self._market_data.publish_statuses()

    def _publish_order_events(self, account: AccountId, messages: list[OrderEvent]) -> None:
        single_room, batch_room = order_rooms(account)
        for room in (single_room, OwnOrderRooms.room(account)):
            if self._subscribers.occupied(room):
                for part in in_turns(pieces(messages, ORDER_EVENTS_AT_ONCE), every=1):
                    self._publish_to_room(room, "order_event", part, whole=True)
        batches = [{"events": messages[at : at + EVENTS_MAX]} for at in range(0, len(messages), EVENTS_MAX)]
        self._publish_to_room(batch_room, "order_events", batches, whole=True)

    def _publish_balances(self, account: AccountId, balances: BalancesView) -> None:
        for room in order_rooms(account):
            self._publish_to_room(room, "balances", [balances], whole=False)

    def _has_order_subscribers(self, account: AccountId) -> bool:
        return any(self._subscribers.occupied(room) for room in order_rooms(account))

    def _publish_queue(self, account: AccountId, queue: QueueView) -> None:
        for room in order_rooms(account):
            self._publish_to_room(room, "queue", [queue], whole=False)

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
                self._send_state(client, room, client.rooms[room])

    # -- from clients

    def _send(self, client: Client, event: str, data: Any) -> None:
        client.send(encoded(event, data))

    def _send_error(self, client: Client, event: str | None, error: ApiError) -> dict[str, Any]:
        log_refusal(error)
        body = msgspec.structs.asdict(error.body())
        self._send(client, "error", {"message": body["error"], "event": event, **body})
        return body

    def _on_connect(self, auth: Any = None) -> None:
        sid = _requesting_sid()
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
        sid = _requesting_sid()
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
        if len(client.subscriptions) >= self._subscription_limit and room not in client.subscriptions:
            raise Malformed("TOO_MANY_SUBSCRIPTIONS", f"At most {self._subscription_limit} subscriptions a connection.")
        self._market_data.flush(wanted)
        subscribed = {**named(wanted), "timestamp": time.time(), "seq": self._exchange.seq}
        self._send(client, "subscribed", subscribed)
        loaded = self._subscribers.loaded(client)
        if wanted.type is Stream.L2_DELTAS and not loaded:
            self._subscribers.leave(client, room)
            self._market_data.send_book(client, room, wanted)
        else:
            self._subscribers.join(client, room, wanted)
        self._own_order_rooms.update(client)
        if wanted.type is not Stream.L2_DELTAS:
            self._send_state(client, room, wanted)
        elif loaded:
            self._subscribers.drop(client, room)
        self._schedule_catch_up()
        return subscribed

    def _send_state(self, client: Client, room: str, wanted: Subscription) -> None:
        """Send the state that the stream goes on from, or have it sent later. Does not switch."""
        if self._subscribers.loaded(client):
            self._subscribers.postpone(client, room)
        elif wanted.type is Stream.ORDERS:
            account = self._authenticator.of_client(client.sid).account
            self._send(client, "balances", balances_view(self._exchange, account))
            self._queues.watch(account)
        elif not self._market_data.send_state(client, room, wanted):
            self._subscribers.postpone(client, room)

    def _on_unsubscribe(self, sid: str, data: Any) -> dict[str, Any]:
        client, wanted = self._subscribers.clients[sid], subscription_of(data, self._exchange)
        self._subscribers.leave(client, room_of(wanted, self._exchange))
        self._own_order_rooms.update(client)
        unsubscribed = {**named(wanted), "timestamp": time.time()}
        self._send(client, "unsubscribed", unsubscribed)
        return unsubscribed


def _requesting_sid() -> str:
    """Whose event this is. Ends the cycles that its request began, which would keep the connection until a collection.

    Flask finds no route for the path of an event, and keeps the exception, whose traceback holds the whole stack.
    """
    request.routing_exception = None
    request.environ.pop("werkzeug.request", None)
    sid: str = request.sid  # type: ignore[attr-defined]
    return sid
