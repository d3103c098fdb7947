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

import msgspec
from engineio.packet import MESSAGE
from engineio.packet import Packet as EnginePacket
from engineio.socket import Socket
from socketio.packet import BINARY_ACK, BINARY_EVENT, DISCONNECT, EVENT, Packet

from api.feed.requests import Stream, Subscription
from api.json.exact import decode_exactly
from logs.limit import limited

client_log = limited(logging.getLogger(__name__))

NAMESPACE = "/market"
BURST_S = 1.0  # how long a client may have more waiting than the limit, when one order made many messages
BURST_FACTOR = 8  # and how many times the limit may then wait
STATE_RATE = 1_000_000  # bytes a second of first states, for one client that asks for them again and again
STATE_BURST_S = 8.0  # so many seconds' worth it is sent without a pause
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
        try:
            return decode_exactly(text.encode() if isinstance(text, str) else text)
        except RecursionError:
            raise ValueError("nested too deeply") from None


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


class Client:
    """One connected feed client."""

    __slots__ = (
        "asking",
        "awaited",
        "flow",
        "full_since",
        "missed",
        "on_disconnected",
        "own_orders_room",
        "paused_until",
        "rooms",
        "sid",
        "socket",
        "stale",
        "state_due",
    )

    def __init__(self, sid: str, socket: Socket, flow: str | None) -> None:
        self.sid = sid
        self.socket = socket
        self.flow = flow
        self.asking = 0  # its requests that are being worked on
        self.paused_until = 0.0  # monotonic seconds: no message is taken from it before
        self.state_due = 0.0  # monotonic seconds: no first state of a stream is sent to it before
        self.full_since: float | None = None  # monotonic seconds; cleared when it has read all
        self.rooms: dict[str, Subscription] = {}
        self.awaited: dict[str, Subscription] = {}  # joined when their first state is ready
        self.missed: dict[str, Subscription] = {}  # left because it read too slowly
        self.own_orders_room: str | None = None  # one of `rooms`, joined unasked: its own account's orders
        self.on_disconnected: Callable[[], None] | None = None  # called when the connection has ended
        self.stale: dict[str, None] = {}  # rooms whose latest state it has not been sent

    @property
    def waiting(self) -> int:
        """How many messages wait for it to read."""
        waiting: int = self.socket.queue.qsize()
        return waiting

    @property
    def waiting_bytes(self) -> int:
        """How many bytes wait for it to read, about."""
        waiting: int = self.socket.queue.waiting_bytes
        return waiting

    @property
    def subscriptions(self) -> set[str]:
        """The rooms that it has asked for."""
        return (self.rooms.keys() | self.missed.keys() | self.awaited.keys()) - {self.own_orders_room}

    def keeps_up(self, limit: int, bytes_limit: int) -> bool:
        """Whether it may be sent more of a stream: not when it has had `limit` messages waiting for a while.

        A message that comes to an empty queue may be as large as it is; behind it nothing waits beyond `bytes_limit`.
        """
        waiting = self.waiting
        if waiting == 0:
            self.full_since = None
        elif self.waiting_bytes >= bytes_limit:
            return False
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

    def send_state(self, packet: EnginePacket) -> None:
        """Queue the first state of a stream; the larger it is, the later the next one may come."""
        self.state_due = max(self.state_due, time.monotonic() - STATE_BURST_S) + len(packet.data) / STATE_RATE
        self.send(packet)


def encoded(event: str, data: Any) -> EnginePacket:
    """One event of the feed, ready for any number of clients."""
    return EnginePacket(MESSAGE, f"{EVENT}{NAMESPACE}," + msgspec.json.encode((event, data)).decode())


def encoded_json(event: str, data: bytes) -> EnginePacket:
    """As `encoded`, of data that is JSON already."""
    return EnginePacket(MESSAGE, f'{EVENT}{NAMESPACE},["{event}",{data.decode()}]')


class Subscribers:
    """All connected clients, by room. No method switches greenlets, so rooms do not change meanwhile."""

    def __init__(self, queue_limit: int, bytes_limit: int) -> None:
        """`queue_limit` messages or `bytes_limit` bytes may wait for one client before streams end for it."""
        self._queue_limit = queue_limit
        self._bytes_limit = bytes_limit
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
            client.awaited.clear()
            self.behind.pop(sid, None)
        return client

    def join(self, client: Client, room: str, subscription: Subscription) -> None:
        """Have `client` get what is published to `room` from now on."""
        if room not in client.rooms:
            self._subscriptions[subscription.type] += 1
        client.rooms[room] = subscription
        client.missed.pop(room, None)
        client.awaited.pop(room, None)
        self._rooms.setdefault(room, {})[client.sid] = client

    def leave(self, client: Client, room: str) -> None:
        """The reverse of `join`; nothing happens to one that is not in the room."""
        client.missed.pop(room, None)
        client.stale.pop(room, None)
        client.awaited.pop(room, None)
        subscription = client.rooms.pop(room, None)
        if subscription is None:
            return
        self._subscriptions[subscription.type] -= 1
        members = self._rooms[room]
        del members[client.sid]
        if not members:
            del self._rooms[room]

    def members(self, room: str) -> list[Client]:
        """All who are in `room`."""
        return list(self._rooms.get(room, {}).values())

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
            self.publish_packets(list(members.values()), room, [encoded(event, data) for data in messages], whole=whole)

    def publish_packets(
        self, clients: Iterable[Client], room: str, packets: Sequence[EnginePacket], *, whole: bool
    ) -> None:
        """As `publish`, to these clients, in the room or not."""
        for client in clients:
            if client.socket.closed:
                continue
            if whole and not client.keeps_up(self._queue_limit, self._bytes_limit):
                self.drop(client, room)
            elif not whole and (client.waiting >= STATE_QUEUE or client.waiting_bytes > self._bytes_limit // 4):
                self.postpone(client, room)
            else:
                put = client.socket.queue.put
                for packet in packets:
                    put(packet)
                if client.stale:
                    client.stale.pop(room, None)

    def loaded(self, client: Client) -> bool:
        """Whether too much waits for a client for a state of any size to be added."""
        return client.waiting > self._queue_limit // 4 or client.waiting_bytes > self._bytes_limit // 4

    def drop(self, client: Client, room: str) -> None:
        """End a stream for a client that has missed some of it."""
        subscription = client.rooms.get(room) or client.awaited.get(room)
        if subscription is not None:
            self.leave(client, room)
            client.missed[room] = subscription
            self.behind[client.sid] = client
            client_log.info("feed client %s reads too slowly: out of %s", client.sid, room)

    def postpone(self, client: Client, room: str) -> None:
        """Have the latest state of `room` sent to a client when it has caught up."""
        client.stale[room] = None
        self.behind[client.sid] = client
