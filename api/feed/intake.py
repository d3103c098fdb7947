"""What comes from feed clients: taken no faster than they read the answers, so that no client can flood us.

Layer: api.feed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import eventlet
from socketio import Server
from socketio.packet import EVENT

from api.feed.clients import Client, Subscribers
from api.feed.engine_sessions import EngineSession, EngineSessions
from api.feed.events import ClientEvents
from api.feed.packets import NAMESPACE, event_of
from api.json.errors import ApiError, Malformed

PATIENCE_S: Final = 5.0  # that a client may send without reading
PAUSE_S: Final = 0.02  # between two checks whether it has read
STRAYS_FREE: Final = 16  # messages of one session that are no events; it waits for each further one
STRAY_S: Final = 0.05
LARGE_BYTES: Final = 4_096  # of a message: its answer may be as many times as large as it
LARGE_ASKING: Final = 8  # such messages of one client that are worked on at once

SendError = Callable[[Client, str | None, ApiError], Any]


class Intake:
    """Takes messages from the sessions of engine.io: events of our clients for their handlers, others for Socket.IO."""

    def __init__(
        self,
        server: Server,
        sessions: EngineSessions,
        subscribers: Subscribers,
        events: ClientEvents,
        queue_limit: int,
        bytes_limit: int,
        send_error: SendError,
    ) -> None:
        """Take the place of Socket.IO's own reception of messages."""
        self._sessions = sessions
        self._subscribers = subscribers
        self._events = events
        self._queue_limit = queue_limit
        self._bytes_limit = bytes_limit
        self._send_error = send_error
        self._manager = server.manager
        engine = server.eio
        self._handle: Callable[[str, Any], None] = engine.handlers["message"]
        engine.on("message", self._receive)

    def _receive(self, eio_sid: str, data: Any) -> None:
        """Hand on one message as soon as its sender has room for the answer. Cooperative.

        Meanwhile nothing more is read from it, so a client that sends faster than it is
        answered is slowed down; one that never reads its answers is cut off.
        """
        session = self._sessions.get(eio_sid)
        if session is None:
            return
        received_at = session.received_at
        client, text = self._client_of(eio_sid), data if isinstance(data, str) else ""  # engine.io reads JSON, too
        if client is None or not text.startswith(str(EVENT)):
            self._slow_down(session)
        elif session.posting:
            eventlet.sleep(0)  # a POST brings many messages
        if not self._await_room(session, client, len(text)):
            return
        try:
            if not text:
                raise ValueError("an empty message, or none that is text")
            event = None if client is None else event_of(text)
            if client is None or event is None:
                self._handle(eio_sid, text)
            else:
                self._events.take(client, *event, received_at)
        except ValueError:
            self._slow_down(session)
            client = self._client_of(eio_sid)
            if client is not None:
                self._send_error(client, None, Malformed("MALFORMED_JSON", "This is no Socket.IO event."))

    def _slow_down(self, session: EngineSession) -> None:
        """Have a client wait that sends what it should have no need to send often."""
        session.strays += 1
        if session.strays > STRAYS_FREE:
            eventlet.sleep(STRAY_S)

    def _await_room(self, session: EngineSession, client: Client | None, size: int) -> bool:
        """Wait until a client has room for an answer; False when its connection has ended meanwhile."""
        until = time.monotonic() + PATIENCE_S
        while not (session.socket.closed or (session.websocket is not None and session.websocket.ended)):
            asking = 0 if client is None else client.asking
            waiting, waiting_bytes = session.outbox.qsize(), session.outbox.waiting_bytes
            now = time.monotonic()
            if (
                waiting + asking < 2 * self._queue_limit
                and waiting_bytes < self._bytes_limit
                and (size <= LARGE_BYTES or asking < LARGE_ASKING)
                and (client is None or now >= client.paused_until)
            ):
                return True
            if waiting < self._queue_limit and waiting_bytes < self._bytes_limit:
                until = now + PATIENCE_S  # it reads; the slow part is this server
            if now > until:
                session.cut_off("does not read")
                return False
            eventlet.sleep(PAUSE_S)
        return False

    def _client_of(self, eio_sid: str) -> Client | None:
        sid = self._manager.sid_from_eio_sid(eio_sid, NAMESPACE)
        return None if sid is None else self._subscribers.clients.get(sid)
