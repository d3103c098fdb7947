"""The sessions of engine.io below the feed: how many there may be, and that each of them ends.

engine.io trusts its clients: a session that it has once made may stay for as long as its client likes, and who ends one
may have to wait for a client to read. Here each session ends within its deadline, whatever its client does.
Layer: api.feed.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import engineio.base_socket
import engineio.socket
import eventlet
from engineio.server import Server
from engineio.socket import Socket
from websockets.frames import CloseCode

from api.feed.outbox import Outbox, Outgoing
from api.feed.transport import FeedWebSocket, end
from api.http.addresses import neighbourhood
from api.http.front.flusher import Flusher
from api.json.errors import ApiError
from api.settings import Settings
from logs.limit import limited

client_log = limited(logging.getLogger(__name__))


class _SteadyTime:
    """What engine.io takes for the module `time`: its pings must not time out because the machine's clock was set."""

    time = staticmethod(time.monotonic)


engineio.socket.time = engineio.base_socket.time = _SteadyTime

SWEEP_S: Final = 1.0
SWEEP_TURN: Final = 500  # sessions checked before others have a turn
JOIN_S: Final = 10.0  # that a session may be outside the namespace: before its client has joined, or after it left
CLOSING_S: Final = 3.0  # for what waits to be read, when the server has ended a session
FLOODED: Final = 4  # times the limits of the queue may wait, in two checks
RETRY_AFTER_S: Final = 5


class EngineSession:
    """What we note of one session of engine.io."""

    __slots__ = (
        "address",
        "closed_at",
        "flooded",
        "outside_since",
        "polling",
        "posting",
        "socket",
        "strays",
        "upgrading",
        "websocket",
    )

    def __init__(self, socket: Socket, address: str) -> None:
        self.socket = socket
        self.address = address
        self.outside_since: float | None = time.monotonic()  # since when its client is not in the namespace
        self.closed_at: float | None = None  # when it was first found closed
        self.flooded = False  # whether far too much waited at the last check
        self.strays = 0  # messages that were no events of a client that has joined
        self.polling = False  # whether a GET waits
        self.posting = False  # whether a POST is worked on
        self.upgrading = False  # whether it changes from long polling to a WebSocket
        self.websocket: FeedWebSocket | None = None

    @property
    def outbox(self) -> Outbox:
        """What waits for it."""
        outbox: Outbox = self.socket.queue
        return outbox

    @property
    def received_at(self) -> float:
        """When what was read last from its client came, in seconds of `perf_counter`."""
        return (self.websocket.received_at if self.websocket is not None else 0.0) or time.perf_counter()

    def close_for_restart(self) -> None:
        """Tell its client that the server comes back. Waits while the client does not read."""
        if self.websocket is not None:
            self.websocket.close(CloseCode.SERVICE_RESTART, "the server is stopping")
        else:
            end(self.socket)

    def cut_off(self, why: str) -> None:
        """End it now, whatever has not been read."""
        client_log.warning("feed client at %s %s: cut off", self.address, why)
        if self.websocket is not None:
            self.websocket.abort()
        end(self.socket)

    def drop(self) -> None:
        """End it now without a word, as a network that fails: a fault was asked for."""
        if self.websocket is not None:
            self.websocket.abort()
        end(self.socket)


class EngineSessions:
    """All sessions of one engine.io server. For the event loop's thread."""

    def __init__(self, engine: Server, settings: Settings, is_joined: Callable[[str], bool]) -> None:
        """`is_joined`: whether the client of a session, by its id, is in the feed's namespace."""
        self._engine = engine
        self._is_joined = is_joined
        self._sessions_max = settings.feed_sessions
        self._per_address_max = settings.feed_sessions_per_address
        self._capped = settings.reachable_by_others
        self._queue_limit = settings.feed_queue
        self._bytes_limit = settings.feed_queue_bytes
        self._known: dict[str, EngineSession] = {}  # by session id
        self._open: Counter[str] = Counter()  # by address
        self._connect: Callable[[str, Any], Any] = engine.handlers["connect"]
        self._disconnect: Callable[[str, Any], Any] = engine.handlers["disconnect"]
        engine.on("connect", self._opened)
        engine.on("disconnect", self._closed)
        engine._async = {**engine._async, "websocket": self._websocket, "queue": partial(Outbox, Flusher[Outgoing]())}

    def start(self) -> None:
        """Start to look after the sessions."""
        eventlet.spawn(self._sweep)

    def close_all(self) -> None:
        """End every session, since the server stops: each client connects anew by itself. Does not wait for any."""
        for session in list(self._known.values()):
            eventlet.spawn(session.close_for_restart)

    def get(self, eio_sid: str) -> EngineSession | None:
        """A session that has not been forgotten."""
        return self._known.get(eio_sid)

    def transports(self) -> dict[str, int]:
        """How many sessions are connected by a WebSocket, and by long polling. O(sessions)."""
        by_websocket = sum(session.websocket is not None for session in self._known.values())
        return {"websocket": by_websocket, "polling": len(self._known) - by_websocket}

    def check_room(self, address: str) -> None:
        """Raise ApiError 503 or 429 when there are as many sessions as there may be, in all or of one address."""
        if self._open.total() >= self._sessions_max:
            raise ApiError(503, "TOO_MANY_SESSIONS", "The feed has no room for another client.", None, RETRY_AFTER_S)
        if self._capped and self._open[neighbourhood(address)] >= self._per_address_max:
            sentence = f"At most {self._per_address_max} clients of the feed from one address."
            raise ApiError(429, "TOO_MANY_SESSIONS", sentence, None, RETRY_AFTER_S)

    def _opened(self, eio_sid: str, environ: dict[str, Any]) -> Any:
        address = neighbourhood(environ["REMOTE_ADDR"])
        self._known[eio_sid] = EngineSession(self._engine.sockets[eio_sid], address)
        self._open[address] += 1
        return self._connect(eio_sid, environ)

    def _closed(self, eio_sid: str, reason: Any = None) -> Any:
        session = self._known.get(eio_sid)
        if session is not None and session.closed_at is None:
            session.closed_at = time.monotonic()
            self._open[session.address] -= 1
            if not self._open[session.address]:
                del self._open[session.address]
            self._engine.sockets.pop(eio_sid, None)  # engine.io fails for a request to a session that is closed
        return self._disconnect(eio_sid, reason)

    def _websocket(self, handler: Callable[[Any], Any], server: Server) -> FeedWebSocket:
        """What engine.io calls to make a WebSocket."""
        websocket = FeedWebSocket(handler, server)
        session = self._known.get(websocket.eio_sid)
        if session is not None:
            session.websocket = websocket
        return websocket

    def _sweep(self) -> None:
        while True:
            eventlet.sleep(SWEEP_S)
            self._check_all()

    def _check_all(self) -> None:
        for number, (eio_sid, session) in enumerate(list(self._known.items())):
            if number % SWEEP_TURN == SWEEP_TURN - 1:
                eventlet.sleep(0)
            try:
                self._check(eio_sid, session, time.monotonic())
            except Exception:
                client_log.exception("a session of the feed could not be looked after")

    def _check(self, eio_sid: str, session: EngineSession, now: float) -> None:
        """End a session that is over. What ends it may wait for the journal, so it has a greenlet of its own."""
        socket = session.socket
        if session.closed_at is not None:
            websocket = session.websocket
            if websocket is None or websocket.ended or now - session.closed_at > CLOSING_S:
                self._forget(eio_sid, session)
            return
        if socket.last_ping and now - socket.last_ping > self._engine.ping_timeout:
            eventlet.spawn(session.cut_off, "has not answered a ping")
            return
        if self._is_joined(eio_sid):
            session.outside_since = None
        elif session.outside_since is None:
            session.outside_since = now
        elif now - session.outside_since > min(JOIN_S, self._engine.ping_timeout):
            client_log.info("feed client at %s is in no namespace: ended", session.address)
            eventlet.spawn(socket.close, wait=False)
            return
        outbox, was_flooded = session.outbox, session.flooded
        session.flooded = (
            outbox.qsize() > FLOODED * self._queue_limit or outbox.waiting_bytes > FLOODED * self._bytes_limit
        )
        if was_flooded and session.flooded:
            eventlet.spawn(session.cut_off, "does not read")

    def _forget(self, eio_sid: str, session: EngineSession) -> None:
        """Free what a session that has ended still holds."""
        if session.websocket is not None:
            session.websocket.abort()
        session.outbox.clear()
        session.outbox.put(None)  # for who still waits
        self._known.pop(eio_sid, None)
