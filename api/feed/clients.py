"""The clients of the feed, the rooms they are in, and the messages that wait for them.

Each message is encoded once for all who get it. What waits for one client is bounded: of
states (the book, the ticker) a slow client misses some and gets the latest when it has
caught up; a stream that must be whole ends for it, and it gets a `resync` that says so.
Layer: api.feed.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import eventlet
import msgspec
from engineio.async_drivers.eventlet import WebSocketWSGI
from engineio.packet import MESSAGE
from engineio.packet import Packet as EnginePacket
from engineio.socket import Socket
from eventlet.websocket import ConnectionClosedError
from socketio.packet import BINARY_ACK, BINARY_EVENT, DISCONNECT, EVENT, Packet

from api.feed.requests import Stream, Subscription
from api.json.exact import decode_exactly

log = logging.getLogger(__name__)

NAMESPACE = "/market"
BURST_S = 1.0  # how long a client may have more waiting than the limit, when one order made many messages
BURST_FACTOR = 8  # and how many times the limit may then wait
STATE_QUEUE = 16  # a client with this many waiting is sent no state; it gets the latest when it has caught up


class FeedJson:
    """JSON for Socket.IO by msgspec, which knows our structs and reads decimals exactly."""

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        """`value` as JSON text."""
        return msgspec.json.encode(value).decode()

    @staticmethod
    def loads(text: str | bytes, **_: Any) -> Any:
        """JSON text as plain values, its fractions as Decimal, no key given twice. Raises ValueError."""
        return decode_exactly(text.encode() if isinstance(text, str) else text)


class FeedPacket(Packet):  # type: ignore[misc]
    """A Socket.IO packet that is text, and whose event has a name; the feed knows no others."""

    uses_binary_events = False
    json = FeedJson
    data: Any

    def encode(self) -> Any:
        """What is sent. A DISCONNECT carries nothing: JavaScript's client takes one that does for a broken packet."""
        if self.packet_type == DISCONNECT:
            self.data = None
        return super().encode()

    def decode(self, encoded_packet: Any) -> int:
        """Read what a client sent. Raises ValueError."""
        if not isinstance(encoded_packet, str):
            raise ValueError("the feed takes no binary messages")
        super().decode(encoded_packet)
        if self.packet_type in (BINARY_EVENT, BINARY_ACK):
            raise ValueError("the feed takes no binary messages")
        if self.packet_type == EVENT:
            named = isinstance(self.data, list) and bool(self.data) and isinstance(self.data[0], str)
            if not named:
                raise ValueError("an event is a list that begins with its name")
            if self.data[0] == "*":  # the name under which the handler of all other events is registered
                raise ValueError("no event is named *")
        return 0


class FairWebSocket(WebSocketWSGI):  # type: ignore[misc]
    """A WebSocket that lets the others have their turn before each frame that it reads.

    Reading goes on without a switch for as long as data is there, so that one client that
    never pauses could stop the whole server. And of a client that was cut off nothing more is
    read: what it goes on to send would keep its connection open.
    """

    def __init__(self, handler: Callable[[Any], Any], server: Any) -> None:
        def handle(websocket: Any) -> Any:
            receive, connection = websocket._recv_frame, handler.__self__  # type: ignore[attr-defined]

            def receive_fairly(message: Any = None) -> Any:
                eventlet.sleep(0)
                if connection.closed:
                    raise ConnectionClosedError
                return receive(message)

            websocket._recv_frame = receive_fairly
            return handler(websocket)

        super().__init__(handle, server)


class Client:
    """One connected feed client."""

    __slots__ = (
        "asking",
        "flow",
        "full_since",
        "missed",
        "on_disconnected",
        "own_orders_room",
        "rooms",
        "sid",
        "socket",
        "stale",
    )

    def __init__(self, sid: str, socket: Socket, flow: str | None) -> None:
        self.sid = sid
        self.socket = socket
        self.flow = flow
        self.asking = 0  # its requests that are being worked on
        self.full_since: float | None = None  # monotonic seconds; cleared when it has read all
        self.rooms: dict[str, Subscription] = {}
        self.missed: dict[str, Subscription] = {}  # left because it read too slowly
        self.own_orders_room: str | None = None  # one of `rooms`, joined unasked: its own account's orders
        self.on_disconnected: Callable[[], None] | None = None  # called when the connection has ended
        self.stale: dict[str, None] = {}  # rooms whose latest state it has not been sent

    @property
    def waiting(self) -> int:
        """How many messages wait for it to read."""
        waiting: int = self.socket.queue.qsize()
        return waiting

    def keeps_up(self, limit: int) -> bool:
        """Whether it may be sent more of a stream: not when it has had `limit` messages waiting for a while."""
        waiting = self.waiting
        if waiting == 0:
            self.full_since = None
        if waiting < limit:
            return True
        now = time.monotonic()
        if self.full_since is None:
            self.full_since = now
        return now - self.full_since < BURST_S and waiting < BURST_FACTOR * limit

    def send(self, packet: EnginePacket) -> None:
        """Queue one message, however many wait. Does not switch."""
        if not self.socket.closed:
            self.socket.queue.put(packet)


def encoded(event: str, data: Any) -> EnginePacket:
    """One event of the feed, ready for any number of clients."""
    return EnginePacket(MESSAGE, f"{EVENT}{NAMESPACE}," + msgspec.json.encode((event, data)).decode())


class Subscribers:
    """All connected clients, by room. No method switches greenlets, so rooms do not change meanwhile."""

    def __init__(self, queue_limit: int) -> None:
        """`queue_limit`: messages that may wait for one client before streams end for it."""
        self._queue_limit = queue_limit
        self._rooms: dict[str, dict[str, Client]] = {}
        self._subscriptions: Counter[Stream] = Counter()
        self.clients: dict[str, Client] = {}  # by session id
        self.behind: dict[str, Client] = {}  # those that missed something

    def add(self, client: Client) -> None:
        """Add a client that has connected."""
        self.clients[client.sid] = client

    def remove(self, sid: str) -> Client | None:
        """Forget a client that went. O(its subscriptions)."""
        client = self.clients.pop(sid, None)
        if client is not None:
            for room in list(client.rooms):
                self.leave(client, room)
            self.behind.pop(sid, None)
        return client

    def join(self, client: Client, room: str, subscription: Subscription) -> None:
        """Have `client` get what is published to `room` from now on."""
        if room not in client.rooms:
            self._subscriptions[subscription.type] += 1
        client.rooms[room] = subscription
        client.missed.pop(room, None)
        self._rooms.setdefault(room, {})[client.sid] = client

    def leave(self, client: Client, room: str) -> None:
        """The reverse of `join`; nothing happens to one that is not in the room."""
        client.missed.pop(room, None)
        client.stale.pop(room, None)
        subscription = client.rooms.pop(room, None)
        if subscription is None:
            return
        self._subscriptions[subscription.type] -= 1
        members = self._rooms[room]
        del members[client.sid]
        if not members:
            del self._rooms[room]

    def occupied(self, room: str) -> bool:
        """Whether anybody is in `room`."""
        return room in self._rooms

    def subscribed(self, *streams: Stream) -> bool:
        """Whether there is a subscription to one of `streams`; to any, without."""
        return any(self._subscriptions[stream] for stream in streams) if streams else bool(self._rooms)

    def publish(self, room: str, event: str, messages: Sequence[Any], *, whole: bool) -> None:
        """Queue `messages`, all of them or none, for each client in `room`. O(clients x messages).

        A client that has too much waiting gets none: a stream that must be `whole` then
        ends for it; of a state it is sent the latest when it has caught up.
        """
        members = self._rooms.get(room)
        if members:
            self.publish_to(list(members.values()), room, event, messages, whole=whole)

    def publish_to(
        self, clients: Iterable[Client], room: str, event: str, messages: Sequence[Any], *, whole: bool
    ) -> None:
        """As `publish`, to these clients, in the room or not."""
        packets: list[EnginePacket] = []
        for client in clients:
            if client.socket.closed:
                continue
            if whole and not client.keeps_up(self._queue_limit):
                self.drop(client, room)
            elif not whole and client.waiting >= STATE_QUEUE:
                self.postpone(client, room)
            else:
                packets = packets or [encoded(event, message) for message in messages]
                put = client.socket.queue.put
                for packet in packets:
                    put(packet)
                if client.stale:
                    client.stale.pop(room, None)

    def drop(self, client: Client, room: str) -> None:
        """End a stream for a client that has missed some of it."""
        subscription = client.rooms.get(room)
        if subscription is not None:
            self.leave(client, room)
            client.missed[room] = subscription
            self.behind[client.sid] = client
            log.info("feed client %s reads too slowly: out of %s", client.sid, room)

    def postpone(self, client: Client, room: str) -> None:
        """Have the latest state of `room` sent to a client when it has caught up."""
        client.stale[room] = None
        self.behind[client.sid] = client
