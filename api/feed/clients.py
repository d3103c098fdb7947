"""The clients of the feed, the rooms they are in, and the messages that wait for them.

Each message is made once for all who get it, and written at once where they read. What waits
for one client is bounded: of states (the book, the ticker) a slow client misses some and gets
the latest when it has caught up; a stream that must be whole ends for it, and it gets a
`resync` that says so.
Layer: api.feed.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from engineio.socket import Socket

from api.faults.feed_faults import FeedFaults
from api.feed.outbox import Outbox
from api.feed.packets import Message, encoded
from api.feed.requests import Stream, Subscription
from api.http.addresses import neighbourhood
from api.http.wsgi import Environ
from api.market.flow_sources import FlowSource
from logs.limit import limited

client_log = limited(logging.getLogger(__name__))

BURST_S = 1.0  # how long a client may have more waiting than the limit, when one order made many messages
BURST_FACTOR = 8  # and how many times the limit may then wait
STATE_RATE = 1_000_000  # bytes a second of first states, for one client that asks for them again and again
STATE_BURST_S = 8.0  # so many seconds' worth it is sent without a pause
STATE_QUEUE = 16  # a client with this many waiting is sent no state; it gets the latest when it has caught up


class Client:
    """One connected feed client."""

    __slots__ = (
        "asking",
        "awaited",
        "counted_as",
        "environ",
        "faults",
        "full_since",
        "missed",
        "on_disconnected",
        "outbox",
        "own_orders_room",
        "paused_until",
        "rooms",
        "sid",
        "socket",
        "source",
        "stale",
        "state_due",
    )

    def __init__(self, sid: str, socket: Socket, source: FlowSource | None, environ: Environ) -> None:
        """`source`: of flow, which it says that it is. `environ`: of the request that it connected with."""
        self.sid = sid
        self.socket = socket
        self.outbox: Outbox = socket.queue
        self.environ = environ
        self.faults: FeedFaults | None = None  # that were asked for and concern it
        self.counted_as = neighbourhood(self.address)  # with others who take turns with it
        self.source = source
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
        return self.outbox.qsize()

    @property
    def waiting_bytes(self) -> int:
        """How many bytes wait for it to read, about."""
        return self.outbox.waiting_bytes

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
            return True
        if self.waiting_bytes >= bytes_limit:
            return False
        if waiting < limit:
            return True
        now = time.monotonic()
        if self.full_since is None:
            self.full_since = now
        return now - self.full_since < BURST_S and waiting < BURST_FACTOR * limit

    @property
    def address(self) -> str:
        """Where it connected from."""
        address: str = self.environ.get("REMOTE_ADDR", "")
        return address

    def send(self, message: Message) -> None:
        """Have one message sent, however many wait. Does not switch."""
        if not self.socket.closed:
            self.outbox.put(message)

    def send_state(self, message: Message) -> None:
        """Have the first state of a stream sent; the larger it is, the later the next one may come."""
        self.state_due = max(self.state_due, time.monotonic() - STATE_BURST_S) + message.size / STATE_RATE
        self.send(message)


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
        self.states_skipped = 0  # that were not sent to a client that reads slowly: it gets the latest instead
        self.streams_ended = 0  # for a client that reads too slowly: a gap, of which it is informed by a `resync`

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
        if not streams or not self._rooms:
            return bool(self._rooms)
        return any(self._subscriptions[stream] for stream in streams)

    def publish(self, room: str, event: str, messages: Sequence[Any], *, whole: bool) -> None:
        """Have `messages` sent, all of them or none, to each client in `room`. O(clients x messages).

        A client that has too much waiting gets none: a stream that must be `whole` then
        ends for it; of a state it is sent the latest when it has caught up.
        """
        members = self._rooms.get(room)
        if members:
            self.publish_made(members.values(), room, [encoded(event, data) for data in messages], whole=whole)

    def publish_made(self, clients: Iterable[Client], room: str, messages: Sequence[Message], *, whole: bool) -> None:
        """As `publish`, to these clients, in the room or not."""
        late: list[Client] = []
        size = sum(message.size for message in messages)
        for client in clients:
            if client.socket.closed:
                continue
            outbox = client.outbox
            if not outbox.waiting_bytes:
                client.full_since = None
            elif whole and not client.keeps_up(self._queue_limit, self._bytes_limit):
                late.append(client)
                continue
            elif not whole and (client.waiting >= STATE_QUEUE or outbox.waiting_bytes > self._bytes_limit // 4):
                self.postpone(client, room)
                continue
            if client.faults is None:
                outbox.put_all(messages, size)
            elif passed := client.faults.pass_on(room, messages, size):
                outbox.put_all(passed, sum(message.size for message in passed))
            if client.stale:
                client.stale.pop(room, None)
        for client in late:
            self.drop(client, room)

    def loaded(self, client: Client) -> bool:
        """Whether too much waits for a client for a state of any size to be added."""
        return client.waiting > self._queue_limit // 4 or client.waiting_bytes > self._bytes_limit // 4

    def drop(self, client: Client, room: str) -> None:
        """End a stream for a client that has missed some of it."""
        subscription = client.rooms.get(room) or client.awaited.get(room)
        if subscription is not None:
            self.leave(client, room)
            client.missed[room] = subscription
            self.streams_ended += 1
            self.behind[client.sid] = client
            client_log.info("feed client %s reads too slowly: out of %s", client.sid, room)

    def postpone(self, client: Client, room: str) -> None:
        """Have the latest state of `room` sent to a client when it has caught up."""
        client.stale[room] = None
        self.states_skipped += 1
        self.behind[client.sid] = client
