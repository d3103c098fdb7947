"""All connections that are open: how many there may be, whose deadline has come, and which give way to others.

Layer: api.http.
"""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from eventlet import hubs

from api.http.addresses import address_of, neighbourhood
from api.http.front.bounds import SWEEP_S, Bounds
from api.http.front.connection import Connection, Unused
from api.http.front.environ import Peer
from api.http.front.forwarded import Believed
from api.http.front.shared import Shared
from api.http.front.transport import Transport
from api.http.wsgi import Shortcut, WsgiApp
from api.json.errors import ApiError
from api.settings import is_loopback
from logs.limit import limited

log = logging.getLogger(__name__)

OWN_MACHINE: Final = "127.0.0.1"
SHED_PART: Final = 16  # one in so many gives way at once, so that looking for them costs each new one little


class Connections:
    """The connections of one server, and what they share. For the event loop's thread."""

    def __init__(self, app: WsgiApp, bounds: Bounds, forwarded: Believed, lane: Shortcut | None = None) -> None:
        self.shared = Shared(app, bounds, forwarded, lane)
        self.on_room: Callable[[], None] = lambda: None  # called when one has been closed
        self._bounds = bounds
        self._forwarded = forwarded
        self._open: dict[Connection, None] = {}
        self._of_address: Counter[str] = Counter()
        self._sweeping: Any = None

    def __len__(self) -> int:
        return len(self._open)

    @property
    def handed_over(self) -> int:
        """How many speak another protocol than HTTP. O(connections)."""
        return sum(connection.handed_over for connection in self._open)

    @property
    def full(self) -> bool:
        """Whether there may be no more."""
        return len(self._open) >= self._bounds.connections

    def start(self) -> None:
        """Begin to look after deadlines."""
        self._sweeping = hubs.get_hub().schedule_call_global(SWEEP_S, self._sweep)

    def stop(self) -> None:
        """Look after nothing any more."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None

    def admit(self, accepted: socket.socket, peer: tuple[Any, ...], context: ssl.SSLContext | None) -> None:
        """Take a connection in, or close it where its address has too many. Raises OSError where it is broken."""
        of_door = accepted.family == socket.AF_UNIX  # one of our own processes, on behalf of its clients
        if of_door:
            peer = (OWN_MACHINE, accepted.fileno())
        address = str(address_of(peer[0]))
        # a proxy of ours brings everybody: each of its connections counts alone
        counted = f"{address}:{peer[1]}" if self._forwarded.trusts(address) else neighbourhood(address)
        if self._of_address[counted] >= self._bounds.connections_per_address and self._capped(address):
            limited(log).warning("%s has %d connections, and gets no more", counted, self._of_address[counted])
            accepted.close()
            return
        server = peer if of_door else accepted.getsockname()[:2]
        scheme = "http" if context is None else "https"
        self._add(Unused(Transport(accepted, context), Peer(address, peer[1], scheme, server), counted))

    def adopt(self, unused: Unused) -> None:
        """Go on with a connection that another front let go of."""
        self._add(unused)

    def release(self) -> list[Unused]:
        """Let go of all of which no request has begun to come."""
        released = [each.release() for each in list(self._open)]
        return [unused for unused in released if unused is not None]

    def refuse(self, refusal: ApiError) -> None:
        """Read no further requests: say why where one has begun to come, close where none has. O(connections)."""
        for connection in list(self._open):
            connection.refuse(refusal)

    def close(self) -> None:
        """Close all."""
        for connection in list(self._open):
            connection.shed()

    @property
    def answered(self) -> int:
        """How many have a request that is being answered. O(connections)."""
        return sum(each.is_answered for each in self._open)

    def shed(self) -> int:
        """Close some of those that wait for their client; how many. O(connections log connections).

        First those of the address that has the most, and of these the longest waiting: who floods gives way to others.
        """
        waiting = [each for each in self._open if each.may_be_shed]
        waiting.sort(key=lambda each: (-self._of_address[each.counted_as], each.waiting_since))
        chosen = waiting[: 1 + len(waiting) // SHED_PART]
        for connection in chosen:
            connection.shed()
        return len(chosen)

    def _add(self, unused: Unused) -> None:
        connection = Connection(*unused, self.shared, self._remove)
        self._of_address[unused.counted_as] += 1
        self._open[connection] = None

    def _remove(self, connection: Connection) -> None:
        del self._open[connection]
        self._of_address[connection.counted_as] -= 1
        if not self._of_address[connection.counted_as]:
            del self._of_address[connection.counted_as]
        self.on_room()

    def _capped(self, address: str) -> bool:
        return self._bounds.loopback_capped or not is_loopback(address)

    def _sweep(self) -> None:
        now = time.monotonic()
        for connection in [each for each in self._open if each.deadline <= now]:
            connection.expire(now)
        self.start()
