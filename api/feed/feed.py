"""The feed over Socket.IO, namespace /market: connections, what clients ask, own orders, the state of the venue.

Market data has a module of its own, `market_data.py`.
Verbs: a message is published to a room, and sent to one client.
Layer: api.feed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import eventlet
import msgspec
import socketio
from eventlet.event import Event
from flask import Flask
from socketio.exceptions import ConnectionRefusedError  # not the built-in

from api.accounts.views import BalancesView, balances_view
from api.auth.authenticator import Authenticator, permitted
from api.faults.injector import FaultInjector
from api.feed.balances import BalanceFeed
from api.feed.clients import Client, Subscribers
from api.feed.engine_sessions import EngineSessions
from api.feed.events import ClientEvent, ClientEvents, Handler
from api.feed.faults import ClientFaults
from api.feed.intake import Intake
from api.feed.market_data import BOOK_STREAMS, MarketData
from api.feed.messages import OrderEvent, order_events
from api.feed.packets import NAMESPACE, Message, encoded, encoded_json
from api.feed.polling import PollingGuard
from api.feed.queue import QueueFeed, QueueView
from api.feed.requests import Stream, Subscription, subscription_of
from api.feed.resuming import RecentResults, missed_order_events
from api.feed.rooms import OwnOrderRooms, named, order_rooms, room_of
from api.feed.socket_server import server_in
from api.http.limits import RateLimits
from api.http.origins import Origins
from api.http.positions import Positions
from api.http.refusals import log_refusal_of
from api.http.wsgi import Environ
from api.json.errors import ApiError, Malformed
from api.json.views import seconds
from api.market.flow_sources import FlowSource, flows_of, known_sources
from api.market.status_views import StatusService
from api.nodes.membership import Membership
from api.settings import Settings
from engine.events import CommandResult
from engine.exchange import Exchange
from engine.types import AccountId
from identity.users import Scope
from logs.limit import limited
from loop.histogram import HistogramReading
from loop.turns import in_turns, pieces
from projections.activity import Activity
from projections.fold import Folded
from projections.levels import LevelKey
from sequencer.port import Sequencing

log = limited(logging.getLogger(__name__))

VENUE = "venue"  # the room of all clients
EVENTS_MAX = 2_000  # order events in one message
ORDER_EVENTS_AT_ONCE = 500  # messages of one account, before others have their turn
RESUME_PATIENCE_S = 1.0  # that this node may be behind what a client had from another one
RESULTS_A_UNIT = 200  # commands that are gone through, for one unit of the rate limits


class Feed:
    """The feed of one venue. Each applied batch comes to it through `publish`.

    All methods are for the event loop's thread.
    """

    def __init__(
        self,
        app: Flask,
        settings: Settings,
        exchange: Exchange,
        sequencer: Sequencing,
        activity: Activity,
        *,
        statuses: StatusService,
        authenticator: Authenticator,
        limits: RateLimits | None,
        injector: FaultInjector,
        clock_held: Callable[[], bool],
        membership: Membership,
        origins: Origins,
        positions: Positions,
    ) -> None:
        """`limits` count the events of clients, where there are any; `injector` has the faults that were asked for.

        `membership`: its place among other nodes; `origins`: whose pages may connect besides our own. Who resumes
        from where this node has not come to yet waits at `positions`.
        """
        self._authenticator = authenticator
        self._limits, self._clock_held = limits, clock_held
        self._membership, self._positions = membership, positions
        self._exchange = exchange
        self._sequencer = sequencer
        self._activity = activity
        self._interval_s = settings.feed_interval_ms / 1000
        self._subscription_limit = settings.feed_subscriptions
        self.subscribers = Subscribers(settings.feed_queue, settings.feed_queue_bytes)
        self._own_order_rooms = OwnOrderRooms(self.subscribers, authenticator)
        self._symbols_seq = 0  # of the last command since the start that changed the symbols
        self._catch_up_scheduled = False
        self.resyncs = 0  # sent since the start
        self.sources_elsewhere: Sequence[FlowSource] = ()  # flow of clients of the server's other processes
        self._touched: Sequence[LevelKey] = ()  # by the batch that was applied last
        self._published: Event | None = None  # sent when the orders of that batch are published, where anybody follows
        self.on_connected: Callable[[Client, Any], None] = lambda _client, _auth: None  # called for each new client
        self._manager = socketio.Manager()
        self.server = server_in(app, settings, origins, self._manager)
        self._balances = BalanceFeed(exchange, self._interval_s, self._publish_balances)
        self._queues = QueueFeed(exchange, self._has_order_subscribers, self._publish_queue)
        self._market_data = MarketData(
            exchange,
            activity,
            statuses,
            self.subscribers,
            interval_s=self._interval_s,
            send=self._send,
            publish=self._publish_to_room,
            publish_made=self._publish_made,
            clock=sequencer.now_ns,
            always=membership.name is not None,
        )
        self._recent = None if membership.name is None else RecentResults(exchange.seq)
        self._engine = self.server.eio
        self._sessions = EngineSessions(self._engine, settings, self._is_joined)
        self._faults = ClientFaults(injector, self._drop)
        self._events = ClientEvents(self.subscribers, self.charge, self._send_error, self._faults)
        Intake(
            self.server,
            self._sessions,
            self.subscribers,
            self._events,
            settings.feed_queue,
            settings.feed_queue_bytes,
            self._send_error,
        )
        app.wsgi_app = PollingGuard(app.wsgi_app, self._sessions, self._engine.max_http_buffer_size)  # type: ignore[method-assign]
        self.server.on("connect", self._on_connect, NAMESPACE)
        self.server.on("disconnect", self._on_disconnect, NAMESPACE)
        self.on("subscribe", self._on_subscribe)
        self.on("unsubscribe", self._on_unsubscribe)
        self.on("ping", self._on_ping)

    @property
    def events(self) -> list[str]:
        """The events that clients may send."""
        return self._events.names

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self.subscribers.clients)

    @property
    def transports(self) -> dict[str, int]:
        """How many sessions there are, by how they are connected. O(sessions)."""
        return self._sessions.transports()

    @property
    def event_latencies(self) -> list[tuple[str, HistogramReading]]:
        """How long the events of clients took, by name."""
        return self._events.latencies()

    def sources(self) -> list[FlowSource]:
        """The made-up or recorded flow that connected clients say they are sources of, of many the first ones."""
        return known_sources([*self.own_sources(), *self.sources_elsewhere])

    def own_sources(self) -> list[FlowSource]:
        """The same, of the clients of this process."""
        return known_sources(client.source for client in self.subscribers.clients.values())

    def disconnect(self, sid: str) -> None:
        """End a client's connection soon: its session or key has ended."""
        eventlet.spawn(self.server.disconnect, sid, NAMESPACE)

    def _drop(self, client: Client) -> None:
        """End a client's connection soon, without a word."""
        session = self._sessions.get(client.socket.sid)
        if session is not None:
            eventlet.spawn_after(0, session.drop)

    def start(self) -> None:
        """Start to end the sessions of clients that have gone, or never read."""
        self._sessions.start()

    def stop(self) -> None:
        """Say that no orders are taken, and end every connection soon."""
        self.publish_venue_state()
        eventlet.spawn_after(self._interval_s, self._sessions.close_all)

    def _is_joined(self, eio_sid: str) -> bool:
        return self._manager.sid_from_eio_sid(eio_sid, NAMESPACE) is not None

    def on(self, event: str, handler: Handler) -> None:
        """Have `handler` answer `event`; what it returns is the acknowledgement. It may wait, and raise ApiError."""
        self._events.on(event, handler)

    def charge(self, client: Client, units: int) -> None:
        """Count `units` for a client by the rate limits, besides those of its event. Raises ApiError 429."""
        if self._limits is not None:
            self._limits.charge_for(self._authenticator.rate_key_of_client(client.sid), client.address, units)

    def account_of(self, client: Client, scope: Scope = Scope.TRADE) -> AccountId:
        """The account of a client, which may do what needs `scope`. Raises ApiError 401 or 403."""
        return permitted(self._authenticator.of_client(client.sid), scope).account

    def refresh_status(self, symbol: str) -> None:
        """Publish the status of `symbol` soon: its next planned change may be another one."""
        self._market_data.refresh_status(symbol)

    def publish_venue_state(self, symbols_seq: int | None = None) -> None:
        """Publish to all the flows, whether orders are accepted, and `symbols_seq` when the symbols changed by it."""
        if symbols_seq is not None:
            self._symbols_seq = symbols_seq
        clients = list(self.subscribers.clients.values())
        self.subscribers.publish_made(clients, VENUE, [encoded("venue", self._venue_state())], whole=False)

    def _venue_state(self) -> dict[str, Any]:
        sources = self.sources()
        return {
            "flows": flows_of(sources),
            "sources": sources,
            "accepting": self._sequencer.refusal is None,
            "symbols_seq": self._symbols_seq,
            "clock_held": self._clock_held(),
            "node": self._membership.name,
            "stale": self._membership.stale,
        }

    # -- from the sequencer

    def on_applied(self, folded: Folded) -> None:
        """Take note of what a batch came to: market data is published soon, to everybody. O(levels and trades)."""
        self._touched = folded.touched
        if self.subscribers.subscribed(Stream.ORDERS):
            self._published = Event()
        if self._recent is not None:
            self._recent.add(folded.results)
        if self._recent is not None or self.subscribers.subscribed():
            self._market_data.on_batch(folded.touched, folded.trades)
        else:
            self._market_data.on_unfollowed()

    @property
    def follows_levels(self) -> bool:
        """Whether the levels are wanted that a batch touches."""
        return self._recent is not None or self.subscribers.subscribed(Stream.ORDERS, *BOOK_STREAMS)

    def publish(self, batch: list[CommandResult]) -> None:
        """Publish the batch that was applied last: order events to their owners, and statuses. O(events). Cooperative.

        Who subscribes to orders meanwhile waits, so that nobody is told of what was before.
        """
        published = self._published
        if published is not None:
            try:
                for account, messages in order_events(batch, self._exchange, self._is_followed).items():
                    self._publish_order_events(account, messages)
                self._balances.on_batch(batch)
                self._queues.on_batch(batch, self._touched)
            finally:
                self._published = None
                published.send()
        self._market_data.publish_statuses()

    def _is_followed(self, account: AccountId) -> bool:
        """Whether anybody is to be told of an account's orders."""
        return self.subscribers.occupied(OwnOrderRooms.room(account)) or self._has_order_subscribers(account)

    def _publish_order_events(self, account: AccountId, events: list[OrderEvent]) -> None:
        single_room, batch_room = order_rooms(account)
        texts = [msgspec.json.encode(event) for event in in_turns(events)]
        singles = [room for room in (single_room, OwnOrderRooms.room(account)) if self.subscribers.occupied(room)]
        if singles:
            messages = [encoded_json("order_event", text) for text in in_turns(texts)]
            for room in singles:
                for part in in_turns(pieces(messages, ORDER_EVENTS_AT_ONCE), every=1):
                    self._publish_made(room, part, whole=True)
        if self.subscribers.occupied(batch_room):
            parts = (b",".join(part) for part in pieces(texts, EVENTS_MAX))
            batches = [encoded_json("order_events", b'{"events":[%b]}' % part) for part in parts]
            self._publish_made(batch_room, batches, whole=True)

    def _publish_balances(self, account: AccountId, balances: BalancesView) -> None:
        for room in order_rooms(account):
            self._publish_to_room(room, "balances", [balances], whole=False)

    def _has_order_subscribers(self, account: AccountId) -> bool:
        return any(self.subscribers.occupied(room) for room in order_rooms(account))

    def _publish_queue(self, account: AccountId, queue: QueueView) -> None:
        for room in order_rooms(account):
            self._publish_to_room(room, "queue", [queue], whole=False)

    def _publish_to_room(self, room: str, event: str, messages: Sequence[Any], *, whole: bool) -> None:
        """Publish to all in `room`, see `Subscribers.publish`; then have slow clients looked after."""
        self.subscribers.publish(room, event, messages, whole=whole)
        self._schedule_catch_up()

    def _publish_made(self, room: str, messages: Sequence[Message], *, whole: bool) -> None:
        """As `_publish_to_room`."""
        self.subscribers.publish_made(self.subscribers.members(room), room, messages, whole=whole)
        self._schedule_catch_up()

    # -- clients that read slowly

    def _schedule_catch_up(self) -> None:
        """Have the clients that missed something catch up soon, when there are any."""
        if self.subscribers.behind and not self._catch_up_scheduled:
            self._catch_up_scheduled = True
            eventlet.spawn_after(self._interval_s, self._catch_up_all)

    def _catch_up_all(self) -> None:
        self._catch_up_scheduled = False
        for client in list(self.subscribers.behind.values()):
            if client.waiting == 0 and self._published is None:
                try:
                    self._catch_up(client)
                except Exception:
                    log.exception("feed client %s could not be helped", client.sid)
        self._schedule_catch_up()

    def _catch_up(self, client: Client) -> None:
        """Send a client that has read all that waited the latest states, and which streams have ended for it."""
        self.subscribers.behind.pop(client.sid, None)
        missed, client.missed = client.missed, {}
        stale, client.stale = client.stale, {}
        for subscription in missed.values():
            self._send(client, "resync", named(subscription))
            self.resyncs += 1
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
        log_refusal_of(error, client.environ)
        body = msgspec.structs.asdict(error.body())
        self._send(client, "error", {"message": body["error"], "event": event, **body})
        return body

    def _on_connect(self, sid: str, environ: Environ, auth: Any) -> None:
        connection = self._engine.sockets.get(self._manager.eio_sid_from_sid(sid, NAMESPACE))
        if connection is None:  # disconnected already
            return
        client = Client(sid, connection, None, environ)
        try:
            shown = self._authenticator.connect(sid, auth, client.address)
            if shown.flow is not None:
                client.source = FlowSource(shown.flow, shown.seed, shown.strategy)
        except ApiError as refusal:
            self._send_error(client, "connect", refusal)
            raise ConnectionRefusedError(refusal.sentence) from refusal
        self.subscribers.add(client)
        self.on_connected(client, auth)
        self._send(
            client,
            "connected",
            {
                "status": "connected",
                "session_id": sid,
                "timestamp": seconds(self._sequencer.now_ns()),
                "symbols": list(self._exchange.books),
                "seq": self._exchange.seq,
            },
        )
        if client.source is not None:
            self.publish_venue_state()
        else:
            self._send(client, "venue", self._venue_state())
        self._faults.add(client, self._authenticator.account_of_client(sid))

    def _on_disconnect(self, sid: str, _reason: Any) -> None:
        self._authenticator.forget(sid)
        client = self.subscribers.remove(sid)
        if client is None:
            return
        self._faults.remove(client)
        if client.source is not None:
            self.publish_venue_state()
        if client.on_disconnected is not None:
            client.on_disconnected()

    def _on_ping(self, event: ClientEvent) -> dict[str, float]:
        pong = {"timestamp": seconds(self._sequencer.now_ns())}
        self._send(event.client, "pong", pong)
        return pong

    def _on_subscribe(self, event: ClientEvent) -> dict[str, Any] | None:
        client, wanted = event.client, subscription_of(event.data, self._exchange)
        room = self._room_of(client, wanted)
        if wanted.since is not None:
            self._positions.wait(wanted.since, RESUME_PATIENCE_S)
        if not self._await_published(client, wanted):
            return None
        if len(client.subscriptions) >= self._subscription_limit and room not in client.subscriptions:
            raise Malformed("TOO_MANY_SUBSCRIPTIONS", f"At most {self._subscription_limit} subscriptions a connection.")
        self._market_data.flush(wanted)
        subscribed = {**named(wanted), "timestamp": seconds(self._sequencer.now_ns()), "seq": self._exchange.seq}
        loaded = self.subscribers.loaded(client)
        missed = None if wanted.since is None or loaded else self._missed(client, wanted)
        if wanted.since is not None:
            subscribed["resumed"] = missed is not None
        self._send(client, "subscribed", subscribed)
        if wanted.type is Stream.L2_DELTAS and not loaded and missed is None:
            self.subscribers.leave(client, room)
            self._market_data.send_book(client, room, wanted)
        else:
            self.subscribers.join(client, room, wanted)
            for message in missed or ():
                client.send(message)
        self._own_order_rooms.update(client)
        if wanted.type is not Stream.L2_DELTAS:
            self._send_state(client, room, wanted)
        elif loaded:
            self.subscribers.drop(client, room)
        self._schedule_catch_up()
        return subscribed

    def _missed(self, client: Client, wanted: Subscription) -> list[Message] | None:
        """What a client that has all up to `wanted.since` is sent to go on from there; None where that is not known."""
        if wanted.type is not Stream.ORDERS:
            return self._market_data.changes_since(wanted)
        results = None if self._recent is None or wanted.since is None else self._recent.since(wanted.since)
        if results is None:
            return None
        self.charge(client, len(results) // RESULTS_A_UNIT)
        events = missed_order_events(results, self._exchange, self._authenticator.of_client(client.sid).account)
        if not wanted.batch or not events:
            return None if events is None else [encoded("order_event", event) for event in events]
        return [encoded("order_events", {"events": events})]

    def _send_state(self, client: Client, room: str, wanted: Subscription) -> None:
        """Send the state that the stream goes on from, or have it sent later. Does not switch."""
        if self.subscribers.loaded(client):
            self.subscribers.postpone(client, room)
        elif wanted.type is Stream.ORDERS:
            account = self._authenticator.of_client(client.sid).account
            self._send(client, "balances", balances_view(self._exchange, account))
            self._queues.watch(account)
        elif not self._market_data.send_state(client, room, wanted):
            self.subscribers.postpone(client, room)

    def _room_of(self, client: Client, wanted: Subscription) -> str:
        return room_of(wanted, self._exchange, partial(self.account_of, client))

    def _await_published(self, client: Client, wanted: Subscription) -> bool:
        """Wait until all is told of orders that was before, where it depends on `wanted` who is told of them.

        False when the client has gone meanwhile.
        """
        while self._published is not None and wanted.type in (Stream.ORDERS, Stream.L2_UPDATES):
            self._published.wait()
        return self.subscribers.clients.get(client.sid) is client

    def _on_unsubscribe(self, event: ClientEvent) -> dict[str, Any] | None:
        client, wanted = event.client, subscription_of(event.data, self._exchange)
        room = self._room_of(client, wanted)
        if not self._await_published(client, wanted):
            return None
        self.subscribers.leave(client, room)
        self._own_order_rooms.update(client)
        unsubscribed = {**named(wanted), "timestamp": seconds(self._sequencer.now_ns())}
        self._send(client, "unsubscribed", unsubscribed)
        return unsubscribed
