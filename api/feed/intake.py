"""What comes from feed clients: taken no faster than they read the answers, so that no client can flood us.

Layer: api.feed.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable
from typing import Any

import eventlet
from flask_socketio import SocketIO

from api.feed.clients import NAMESPACE, Client, FairWebSocket, Subscribers
from api.json.errors import ApiError, Malformed

log = logging.getLogger(__name__)

PATIENCE_S = 5.0  # that a client may send without reading
PAUSE_S = 0.02  # between two checks whether it has read
SWEEP_S = 1.0

SendError = Callable[[Client, str | None, ApiError], Any]


class Intake:
    """Takes messages from the connections, and hands them to the handlers of one feed."""

    def __init__(self, socketio: SocketIO, subscribers: Subscribers, queue_limit: int, send_error: SendError) -> None:
        """Take the place of Socket.IO's own reception of messages."""
        self._socketio = socketio
        self._subscribers = subscribers
        self._queue_limit = queue_limit
        self._send_error = send_error
        self._manager = socketio.server.manager
        self._engine = socketio.server.eio
        self._engine._async = {**self._engine._async, "websocket": FairWebSocket}
        self._handle: Callable[[str, Any], None] = self._engine.handlers["message"]
        self._engine.on("message", self._receive)

    def start(self) -> None:
        """Start the sweep that cuts off clients for which far too much waits."""
        eventlet.spawn(self._sweep)

    def _sweep(self) -> None:
        """Cut off the clients for which far too much waits, whatever they did to cause it."""
        suspects: set[str] = set()
        while True:
            eventlet.sleep(SWEEP_S)
            sockets = list(self._engine.sockets.items())
            flooded = {eio_sid for eio_sid, waits in sockets if waits.queue.qsize() > 4 * self._queue_limit}
            for eio_sid in flooded & suspects:
                self._cut_off(eio_sid)
            suspects = flooded

    def _receive(self, eio_sid: str, data: Any) -> None:
        """Hand on one message as soon as its sender has room for the answer. Cooperative.

        Meanwhile nothing more is read from it, so a client that sends faster than it is
        answered is slowed down; one that never reads its answers is cut off.
        """
        until = time.monotonic() + PATIENCE_S
        while (waiting := self._unread(eio_sid)) + self._asking(eio_sid) >= 2 * self._queue_limit:
            if waiting < self._queue_limit:  # it reads; the slow part is this server
                until = time.monotonic() + PATIENCE_S
            if time.monotonic() > until:
                self._cut_off(eio_sid)
                return
            eventlet.sleep(PAUSE_S)
        connection = self._engine.sockets.get(eio_sid)
        if connection is None or connection.closed:
            return
        try:
            self._handle(eio_sid, data)
        except ValueError:
            client = self._client_of(eio_sid)
            if client is not None:
                self._send_error(client, None, Malformed("MALFORMED_JSON", "This is no Socket.IO event."))

    def _client_of(self, eio_sid: str) -> Client | None:
        sid = self._manager.sid_from_eio_sid(eio_sid, NAMESPACE)
        return None if sid is None else self._subscribers.clients.get(sid)

    def _asking(self, eio_sid: str) -> int:
        client = self._client_of(eio_sid)
        return 0 if client is None else client.asking

    def _unread(self, eio_sid: str) -> int:
        connection = self._engine.sockets.get(eio_sid)
        return 0 if connection is None else connection.queue.qsize()

    def _cut_off(self, eio_sid: str) -> None:
        """End a connection and free what waits for it."""
        connection, environ = self._engine.sockets.get(eio_sid), self._socketio.server.environ.get(eio_sid)
        if connection is None or connection.closed:
            return
        log.warning("feed client at %s does not read: cut off", environ and environ.get("REMOTE_ADDR"))
        connection.close(wait=False, abort=True)
        connection.queue.queue.clear()
        connection.queue.put(None)
        if environ and "transport=websocket" in environ.get("QUERY_STRING", ""):
            try:
                environ["eventlet.input"].get_socket().shutdown(socket.SHUT_RDWR)
            except OSError as problem:  # the client has closed it
                log.debug("shutdown: %s", problem)


def origin_check(allowed: tuple[str, ...]) -> Callable[[str | None, dict[str, Any]], bool]:
    """Whether a page of `origin` may connect: our own pages, and those of the settings."""

    def check(origin: str | None, environ: dict[str, Any]) -> bool:
        own = f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '')}"
        return origin is None or origin == own or origin in allowed

    return check
