"""The front of one server: its listening socket, its connections, and the WSGI application behind them.

Layer: api.http.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Final

import eventlet

from api.http.front.accept import Acceptor
from api.http.front.bounds import bounds_of
from api.http.front.connection import Unused
from api.http.front.connections import Connections
from api.http.front.descriptors import connections_possible
from api.http.front.forwarded import Believed, Forwarded
from api.http.latencies import Requests
from api.http.listener import Listening
from api.http.wsgi import Shortcut, WsgiApp
from api.json.errors import ApiError
from api.settings import Settings
from loop.histogram import HistogramReading

CHECK_S: Final = 0.02  # between two checks whether all is answered
ACCEPTED_TURNS: Final = 2  # of the event loop, in which what waits to be accepted is


class Front:
    """Serves HTTP to everybody, fairly. For the event loop's thread."""

    def __init__(
        self,
        listening: Listening,
        app: WsgiApp,
        settings: Settings,
        lane: Shortcut | None = None,
        believed: Believed | None = None,
    ) -> None:
        """`lane`: asked first; the application answers what it does not.

        `believed`: what peers say of whom they ask for; by default that of the proxies which the settings trust.
        """
        bounds = bounds_of(settings, connections_possible(settings.max_connections))
        self._connections = Connections(app, bounds, believed or Forwarded(settings.trusted_proxies), lane)
        self._acceptor = Acceptor(listening.socket, listening.context, self._connections)

    def start(self) -> None:
        """Begin to serve."""
        self._connections.start()
        self._acceptor.start()

    def adopt(self, unused: Iterable[Unused]) -> None:
        """Go on with connections that another front let go of."""
        for each in unused:
            self._connections.adopt(each)

    def last_requests(self) -> None:
        """From now on each connection ends behind its next answer."""
        self._connections.shared.closing = True

    def finish(self, until: float, refusal: ApiError) -> int:
        """Answer what has come, until the monotonic second `until` at most, and end; how many are not answered.

        Accepts nothing more. `refusal` is said to requests that have not come whole. Cooperative.
        """
        self.last_requests()
        for _ in range(ACCEPTED_TURNS):
            eventlet.sleep(0)
        self._acceptor.stop()
        if self._connections:
            eventlet.sleep(CHECK_S)  # what has come by now is read
        self.wait_answered(until)
        self._connections.refuse(refusal)
        self.wait_answered(until)
        self._connections.stop()
        return self._connections.answered

    def wait_answered(self, until: float) -> None:
        """Wait until no request is being answered, or until the monotonic second `until`. Cooperative."""
        while self._connections.answered and time.monotonic() < until:
            eventlet.sleep(CHECK_S)

    def hand_over(self, until: float, refusal: ApiError) -> list[Unused]:
        """As `finish`; the connections of which no request has begun to come, for another front to go on with."""
        self._acceptor.stop()
        unused = self._connections.release()
        self.finish(until, refusal)
        while self._connections and time.monotonic() < until:
            eventlet.sleep(CHECK_S)  # they read what they were answered
        self._connections.close()
        return unused

    @property
    def connections_by_kind(self) -> dict[str, int]:
        """How many connections are open. O(connections)."""
        websockets = self._connections.handed_over
        return {"http": len(self._connections) - websockets, "websocket": websockets}

    @property
    def connections_max(self) -> int:
        """How many may be open at once."""
        return self._connections.shared.bounds.connections

    @property
    def refused(self) -> Mapping[str, int]:
        """How often something came that was no request, or too large or slow a one, by error code."""
        return self._connections.shared.refused

    @property
    def latencies(self) -> list[tuple[Requests, HistogramReading]]:
        """How long requests took until now."""
        return self._connections.shared.latencies.readings()

    @property
    def fault(self) -> OSError | None:
        """Why it cannot go on; None while it can."""
        return self._acceptor.fault
