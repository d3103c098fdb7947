"""A WebSocket as engine.io asks for one, and which of a client's packets engine.io is given to read.

engine.io makes one for each connection over a WebSocket, calls it as a WSGI application, and has it wait and send.
Layer: api.feed.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from typing import Any, Final

import eventlet
from engineio.server import Server
from engineio.socket import Socket
from websockets.frames import CloseCode

from api.http.error_answers import refuse
from api.http.front.websocket import BadHandshake, WebSocket, frame_of
from api.http.wsgi import Environ, StartResponse
from api.json.errors import ApiError
from logs.limit import limited

client_log = limited(logging.getLogger(__name__))

PROBE_S: Final = 10.0  # for a client of long polling to finish its change to a WebSocket
STRAY_PONG_S: Final = 0.02  # that one waits who answers pings that nobody sent

PONG: Final = "3"
MESSAGE: Final = "4"
_packet = re.compile(r"[134]|2probe|5").match
_polled = re.compile(r"[134]").match


def may_be_polled(packet: str) -> bool:
    """Whether a packet is one that clients send in a POST; engine.io fails for others."""
    return _polled(packet) is not None


class FeedWebSocket:
    """One connection over a WebSocket, for as long as it lasts."""

    __slots__ = ("_connection", "_handler", "_server", "_websocket")

    def __init__(self, handler: Callable[[Any], Any], server: Server) -> None:
        self._handler = handler
        self._server = server
        self._connection: Socket = handler.__self__  # type: ignore[attr-defined]
        self._websocket: WebSocket | None = None

    @property
    def eio_sid(self) -> str:
        """The id of its session."""
        eio_sid: str = self._connection.sid
        return eio_sid

    @property
    def received_at(self) -> float:
        """When the frame of the last packet came, in seconds of `perf_counter`; 0 before the first."""
        return 0.0 if self._websocket is None else self._websocket.received_at

    @property
    def ended(self) -> bool:
        """Whether its connection has ended."""
        return self._websocket is None or self._websocket.ended

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve the connection until it ends; a refused handshake is answered. Cooperative."""
        connection = self._connection
        try:
            websocket = self._websocket = WebSocket.accept(environ, self._server.max_http_buffer_size)
        except BadHandshake as refusal:
            if not connection.connected:
                end(connection)
            bad = ApiError(refusal.status, "BAD_HANDSHAKE", "This is no WebSocket handshake of RFC 6455.")
            return refuse(bad, environ, start_response)
        except OSError:
            if not connection.connected:
                end(connection)
            return ()
        was_upgrade = connection.connected
        connection.queue.attach(websocket)
        try:
            self._handler(self)
        except Exception:
            client_log.exception("a feed connection failed")
            end(connection)
        finally:
            if connection.upgraded or not was_upgrade:  # else it goes on by long polling
                end(connection)
            connection.queue.attach(None)
            websocket.linger()
            self._websocket = None
        return ()

    def wait(self) -> str | bytes | None:
        """The next packet, when it is its turn; None when the connection has ended. Cooperative."""
        websocket, connection = self._websocket, self._connection
        if websocket is None or (connection.closed and websocket.ended):
            return None
        timeout_s = self._server.ping_timeout
        patience_s = min(PROBE_S, timeout_s) if connection.upgrading else self._server.ping_interval + timeout_s
        packet = websocket.receive(patience_s)
        if packet is not None:
            websocket.take_turn()
        if packet is None or connection.closed:
            websocket.close()  # who still writes goes on
            return None
        if isinstance(packet, str):
            if not _packet(packet) or (packet[0] in "25") != bool(connection.upgrading):
                websocket.close(CloseCode.POLICY_VIOLATION, "no packet of Engine.IO")
                return None
            if packet[0] == PONG and not connection.last_ping:
                eventlet.sleep(STRAY_PONG_S)
        return packet

    def send(self, packet: str | bytes) -> None:
        """Send one packet: its text, or its frame as bytes. Cooperative.

        Raises OSError when the connection has ended, or its client does not read.
        """
        if self._websocket is None:
            raise BrokenPipeError("the WebSocket has ended")
        self._websocket.send(frame_of(packet.encode()) if isinstance(packet, str) else packet)

    def close(self, code: int = CloseCode.NORMAL_CLOSURE, why: str = "") -> None:
        """Send a close frame, behind everything that was sent."""
        if self._websocket is not None:
            self._websocket.close(code, why)

    def abort(self) -> None:
        """End the connection now, whatever has not been sent."""
        if self._websocket is not None:
            self._websocket.abort()


def end(connection: Socket) -> None:
    """End a session of engine.io: its handlers are called, what waits is forgotten, whoever waits for it goes on."""
    connection.close(wait=False, abort=True, reason=connection.server.reason.TRANSPORT_CLOSE)
    connection.queue.clear()
    connection.queue.put(None)
