"""The front of one server: its listening socket, its connections, and the WSGI application behind them.

Layer: api.http.
"""

from __future__ import annotations

from api.http.front.accept import Acceptor
from api.http.front.bounds import bounds_of
from api.http.front.connections import Connections
from api.http.front.descriptors import connections_possible
from api.http.front.forwarded import Forwarded
from api.http.listener import Listening
from api.http.wsgi import WsgiApp
from api.settings import Settings


class Front:
    """Serves HTTP to everybody, fairly. For the event loop's thread."""

    def __init__(self, listening: Listening, app: WsgiApp, settings: Settings) -> None:
        bounds = bounds_of(settings, connections_possible(settings.max_connections))
        self._connections = Connections(app, bounds, Forwarded(settings.trusted_proxies))
        self._acceptor = Acceptor(listening.socket, listening.context, self._connections)

    def start(self) -> None:
        """Begin to serve."""
        self._connections.start()
        self._acceptor.start()

    def stop(self) -> None:
        """Accept nothing more; what is being answered still is, and then its connection ends."""
        self._acceptor.stop()
        self._connections.closing = True

    @property
    def fault(self) -> OSError | None:
        """Why it cannot go on; None while it can."""
        return self._acceptor.fault
