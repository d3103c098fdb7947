"""The open WebSockets of the second wire: handshake, messages one after the other, pings, the end.

One greenlet receives for each; nothing else waits for it but what its outbox could not write at once.
Layer: api.binance.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

import eventlet
from eventlet import hubs
from websockets.frames import CloseCode

from api.binance.streams.faults import SocketFaults
from api.binance.streams.outbox import Outbox
from api.faults.feed_faults import FeedFaults
from api.http.error_answers import refuse
from api.http.front.flusher import Flusher
from api.http.front.websocket import BadHandshake, WebSocket, frame_of, ping_of
from api.http.wsgi import Environ, StartResponse
from api.json.errors import ApiError
from api.settings import Settings
from engine.types import AccountId
from logs.limit import limited
from loop.turns import Turn

T = TypeVar("T")

client_log = limited(logging.getLogger(__name__))

MESSAGE_BYTES_MAX: Final = 65_536  # of a client's message
MESSAGES_A_SECOND: Final = 10.0
MESSAGES_AT_ONCE: Final = 100  # of a client that has been quiet: clients subscribe to many streams one by one
RECEIVE_S: Final = 86_400.0  # without any message of the client; pings are asked for much more often
SWEEP_S: Final = 0.5  # between two looks who is to be pinged

Receive = Callable[[str], None]  # takes a message of the client; cooperative


class StreamSocket:
    """One connection after its handshake, until it ends."""

    __slots__ = (
        "_allowed",
        "_allowed_at",
        "_faults",
        "_websocket",
        "account",
        "address",
        "faults",
        "on_ended",
        "outbox",
        "paced",
        "pinged_at",
    )

    def __init__(self, websocket: WebSocket, outbox: Outbox, address: str, faults: SocketFaults) -> None:
        """`faults`: those that were asked for, of all sockets."""
        self._websocket = websocket
        self._faults = faults
        self.faults: FeedFaults | None = None  # those that concern it
        self.account: AccountId | None = None  # whose it is, as far as they are concerned
        self.outbox = outbox
        self.address = address
        self.on_ended: list[Callable[[], None]] = []  # called once, whatever ended it
        self.pinged_at = 0.0  # monotonic seconds: of the first ping that is not answered yet; 0 where there is none
        self.paced = True  # whether its messages are counted
        self._allowed = float(MESSAGES_AT_ONCE)  # messages that it may send now
        self._allowed_at = time.monotonic()

    @property
    def ended(self) -> bool:
        """Whether nothing is sent or received any more."""
        return self._websocket.ended or self.outbox.overflowed

    def send(self, text: bytes) -> None:
        """Have a text message sent, behind those before it. Does not switch."""
        self.outbox.put(frame_of(text))

    def put(self, frame: bytes) -> None:
        """Have a whole frame sent, behind those before it. Does not switch."""
        self.outbox.put(frame)

    def publish(self, room: str, frame: bytes) -> None:
        """Have a frame of a stream sent, as the faults that were asked for leave it. Does not switch."""
        if self.faults is None:
            self.outbox.put(frame)
            return
        for passed in self.faults.pass_on(room, (frame,), len(frame)):
            self.outbox.put(passed)

    def identify(self, account: AccountId) -> None:
        """An account's events go over it from now on."""
        self._faults.identify(self, account)

    def drop(self) -> None:
        """End the connection soon, without a word. Does not switch."""
        eventlet.spawn_after(0, self._websocket.abort)

    def end(self, code: int, why: str) -> None:
        """End the connection soon, with a code for the client. Does not switch."""
        eventlet.spawn(self._websocket.close, code, why)

    def answers_pings(self, now: float, patience_s: float) -> bool:
        """Whether the client has answered a ping that is older than `patience_s`; where it has, it is pinged again."""
        if self.pinged_at and self._websocket.ponged_at < self.pinged_at:
            if now - self.pinged_at >= patience_s:
                return False
        else:
            self.pinged_at = now
        self.outbox.put(ping_of(b"%d" % (now * 1000)))
        return True

    def receive_all(self, receive: Receive) -> None:
        """Hand every message of the client to `receive`, until the connection ends. Cooperative."""
        websocket = self._websocket
        while (message := websocket.receive(RECEIVE_S)) is not None:
            websocket.take_turn()
            if self.ended:
                return
            if not isinstance(message, str):
                websocket.close(CloseCode.UNSUPPORTED_DATA, "messages are text")
            elif self.paced and not self._may_send():
                websocket.close(CloseCode.POLICY_VIOLATION, f"at most {MESSAGES_A_SECOND:.0f} messages a second")
            else:
                receive(message)

    def in_turns(self, items: Iterable[T]) -> Iterator[T]:
        """The same items; whenever going through them has taken a turn, the client's address waits for its next.

        So however many sockets work on something long, others wait for one turn of one of them. Cooperative.
        """
        turn = Turn()
        for item in items:
            yield item
            if turn.over:
                self._websocket.take_turn()
                turn = Turn()

    def count(self, messages: int) -> None:
        """Count so many messages of the client, besides the one that it sent."""
        self._allowed -= messages

    def _may_send(self) -> bool:
        now = time.monotonic()
        self._allowed = min(MESSAGES_AT_ONCE, self._allowed + (now - self._allowed_at) * MESSAGES_A_SECOND)
        self._allowed_at = now
        if self._allowed < 1:
            return False
        self._allowed -= 1
        return True


class Sockets:
    """All that are open. For the event loop's thread."""

    def __init__(self, settings: Settings, faults: SocketFaults) -> None:
        self._faults = faults
        self._flusher = Flusher[bytes]()
        self._bytes_max = settings.feed_queue_bytes
        self._ping_s = settings.feed_ping_interval_s
        self._patience_s = settings.feed_ping_timeout_s
        self._ping_due: dict[StreamSocket, float] = {}  # all that are open; who is due first comes first
        self._sweeping = False

    def serve(
        self, environ: Environ, start_response: StartResponse, begin: Callable[[StreamSocket], Receive]
    ) -> Iterable[bytes]:
        """Serve a connection until it ends; a refused handshake is answered. Cooperative.

        `begin` is given the socket behind its handshake, and returns what takes its messages.
        """
        try:
            websocket = WebSocket.accept(environ, MESSAGE_BYTES_MAX)
        except BadHandshake as refusal:
            bad = ApiError(refusal.status, "BAD_HANDSHAKE", "This is no WebSocket handshake of RFC 6455.")
            return refuse(bad, environ, start_response)
        except OSError:
            return ()
        socket = StreamSocket(
            websocket, Outbox(self._flusher, websocket, self._bytes_max), environ.get("REMOTE_ADDR", ""), self._faults
        )
        self._add(socket)
        self._faults.add(socket)
        try:
            socket.receive_all(begin(socket))
        except Exception:
            client_log.exception("a connection of the second wire failed")
            websocket.close(CloseCode.INTERNAL_ERROR)
        finally:
            del self._ping_due[socket]
            self._faults.remove(socket)
            for on_ended in socket.on_ended:
                on_ended()
            websocket.linger()
        return ()

    def close_all(self) -> None:
        """End every connection soon: the server stops."""
        for socket in list(self._ping_due):
            socket.end(CloseCode.GOING_AWAY, "the server stops")

    def _add(self, socket: StreamSocket) -> None:
        self._ping_due[socket] = time.monotonic() + self._ping_s
        if not self._sweeping:
            self._sweeping = True
            self._sweep_later()

    def _sweep_later(self) -> None:
        hubs.get_hub().schedule_call_global(SWEEP_S, self._sweep)

    def _sweep(self) -> None:
        """Ping those who are due; end those who have not answered. O(of them)."""
        now = time.monotonic()
        due: list[StreamSocket] = []
        for socket, due_at in self._ping_due.items():
            if due_at > now:
                break
            due.append(socket)
        for socket in due:
            del self._ping_due[socket]
            self._ping_due[socket] = now + self._ping_s
            if not socket.answers_pings(now, self._patience_s):
                socket.end(CloseCode.POLICY_VIOLATION, "no pong came in time")
        if self._ping_due:
            self._sweep_later()
        else:
            self._sweeping = False
