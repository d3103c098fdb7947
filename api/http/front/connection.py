"""One connection: what comes is read without waiting and parsed, and its requests are answered one after the other.

All of it is driven by the hub: a callback when bytes have come, a greenlet while a request is answered. Every other
connection has its turn after each read and after each request. Who answers a request owns the end of the connection;
between requests the hub's callbacks do.
Layer: api.http.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from functools import partial
from typing import Any, NamedTuple

from eventlet import hubs

from api.http.front.answer import CONTINUE, head_of, refusal_of
from api.http.front.bounds import DISCARD_BYTES_MAX, DISCARD_S, RATE_CHECK_S, READ_BODY_BYTES, READ_BYTES
from api.http.front.environ import UPGRADE, Peer
from api.http.front.parser import Request, RequestParser
from api.http.front.serving import Answering, ClientGone
from api.http.front.shared import Shared
from api.http.front.stream import Stream
from api.http.front.transport import Transport
from api.http.wsgi import Environ
from api.json.errors import ApiError
from logs.limit import limited

log = limited(logging.getLogger(__name__))  # clients can repeat what they cause


class State(Enum):
    """What is waited for."""

    HANDSHAKE = auto()  # of TLS
    IDLE = auto()  # the first byte of a request
    RECEIVING = auto()  # the rest of it
    ANSWERING = auto()  # the application, or the client that takes its answer
    DISCARDING = auto()  # the end of what comes behind a refusal
    CLOSED = auto()


class Unused(NamedTuple):
    """A connection that was let go of: its bytes, whose it is, and as whose it counts."""

    transport: Transport
    peer: Peer
    counted_as: str


class Connection:
    """One connection, from accept to close. For the event loop's thread."""

    __slots__ = (
        "_discarded",
        "_listener",
        "_on_end",
        "_parser",
        "_peer",
        "_peer_ended",
        "_received",
        "_refusal",
        "_refused",
        "_shared",
        "_stream",
        "_transport",
        "counted_as",
        "deadline",
        "state",
        "waiting_since",
    )

    def __init__(
        self, transport: Transport, peer: Peer, counted_as: str, shared: Shared, on_end: Callable[[Connection], None]
    ) -> None:
        """`counted_as`: the name of its client, where connections, bodies and turns are counted.

        `on_end`: called once, when it is closed or was let go of.
        """
        self._shared = shared
        self._on_end = on_end
        self._transport = transport
        self._peer = peer
        self.counted_as = counted_as
        bounds = shared.bounds
        self._parser = RequestParser(bounds.body_bytes, shared.large_bodies, counted_as)
        self._refusal: ApiError | None = None  # what follows the answers to the requests before it
        self._refused: Request | None = None  # what that is about, where it was read
        self._peer_ended = False
        self._listener: Any = None
        self._stream: Stream | None = None  # what it was given to, when it speaks another protocol
        self.waiting_since = time.monotonic()  # for its client: for a request, or for the rest of one
        self._received = 0  # bytes of it
        self._discarded = 0
        self.state = State.IDLE if transport.shaken else State.HANDSHAKE
        self.deadline = self.waiting_since + bounds.head_s
        self._listen()

    # -- what has come

    def _listen(self) -> None:
        if self._listener is None:
            hub = hubs.get_hub()
            self._listener = hub.add(hub.READ, self._transport.fd, self._on_readable, _ignore, _ignore)
            self._read_what_tls_holds()

    def _read_what_tls_holds(self) -> None:
        if self._listener is not None and self._transport.has_more():
            hubs.get_hub().schedule_call_global(0, self._on_readable, self._transport.fd)

    def _pause(self) -> None:
        if self._listener is not None:
            hubs.get_hub().remove(self._listener)
            self._listener = None

    def _on_readable(self, _fd: int) -> None:
        """The hub's callback. Nothing may leave it: the hub would drop the descriptor."""
        if self._listener is None or self.state is State.CLOSED:  # paused or closed in this turn of the hub
            return
        turns, shaking = self._shared.turns, self.state is State.HANDSHAKE  # which may take as long as a request
        if turns.crowded(self.counted_as) or (shaking and not turns.is_free(id(self))):
            self._pause()
            turns.ask(self.counted_as, self._read_in_turn)
            return
        self._read_safely()
        if shaking:
            turns.note_end()

    def _read_in_turn(self) -> None:
        """Read what was left where it is, as it was not its turn."""
        if self.state is not State.CLOSED and not self._peer_ended:
            self._listen()
            self._read_safely()

    def _read_safely(self) -> None:
        try:
            self._read()
        except OSError:  # it is broken
            self._end_of_input()
        except Exception:
            log.exception("a connection failed")
            self._end_of_input()

    def _read(self) -> None:
        if self.state is State.HANDSHAKE:
            if not self._transport.shake_hands():
                return
            self.state = State.IDLE
        if self.state is State.ANSWERING and (self._parser.requests or self._refusal is not None):
            self._pause()  # there is enough to do; the rest waits at the client's
            return
        in_body = self._parser.in_body and self._parser.known_length
        data = self._transport.read(READ_BODY_BYTES if in_body else READ_BYTES)
        if data is None:
            return
        if not data:
            self._end_of_input()
        elif self.state is State.DISCARDING:
            self._discarded += len(data)
            if self._discarded > DISCARD_BYTES_MAX:
                self._close()
        elif self._refusal is None:
            self._take(data)
        if self._transport.secure:
            self._read_what_tls_holds()

    def _end_of_input(self) -> None:
        """The client sends nothing more; an answer that it waits for, it still gets."""
        self._pause()
        self._peer_ended = True
        if self.state is not State.ANSWERING:
            self._close()

    def _take(self, data: memoryview) -> None:
        if self.state is State.IDLE:
            self._begin_receiving(time.monotonic())
        self._received += len(data)
        try:
            self._parser.feed(data)
        except ApiError as refusal:
            self._refusal, self._refused = refusal.without_frames(), self._parser.current
        if self.state is State.ANSWERING:
            return
        if self._parser.requests and self._shared.turns.is_free(id(self)):
            self._answer_next()
            self._shared.turns.note_end()
        elif self._parser.requests:
            self._await_turn(len(data))
        elif self._refusal is not None:
            self._refuse(self._refusal, self._refused)
        elif self._parser.in_body:
            self.deadline = min(self.deadline, self.waiting_since + self._shared.bounds.grace_s)
            self._continue()

    def _continue(self) -> None:
        """Have a body sent whose client waits to be told so. Raises OSError."""
        if self._parser.asks_to_continue:
            self._parser.asks_to_continue = False
            self._transport.write(memoryview(CONTINUE))

    def _begin_receiving(self, now: float) -> None:
        self.state = State.RECEIVING
        self.waiting_since, self._received = now, 0
        self.deadline = now + self._shared.bounds.head_s

    # -- answers

    def _await_turn(self, size: int = 0) -> None:
        """Others first. `size`: bytes that were read for it."""
        self.state = State.ANSWERING
        self._shared.turns.ask(self.counted_as, self._answer_next, size)

    def _answer_next(self) -> None:
        """Answer the first of the requests that wait, in a greenlet."""
        if self.state is State.CLOSED:
            return
        self.state = State.ANSWERING
        self._shared.greenlets.run(self._answer, self._parser.requests.popleft())

    def _answer(self, request: Request) -> None:
        """Answer one request. Cooperative. Nothing leaves it, as behind it is the hub."""
        shared, close = self._shared, not request.keep_alive or request.upgrade or self._shared.closing
        try:
            environ = shared.environs.of(request, self._peer)
            lane = shared.lane
            direct = None if lane is None else lane.answer(environ, request.body)
            if direct is not None:
                status, headers, body, further = direct
                old = request.version == "1.0"
                self._write(head_of(status, headers, close=close, old=old, further=further) + body)
                shared.latencies.end(environ, status)
            else:
                close = self._answer_by_wsgi(request, environ, close)
        except ApiError as refusal:
            self._refusal, self._refused, close = refusal.without_frames(), request, False
            request.body = b""  # nobody reads it any more
            self._drop_requests()
        except ClientGone:
            self._peer_ended = True
            self._drop_requests()
        except Exception:
            log.exception("a request could not be answered")
            close = True
        if request.large is not None:
            self._parser.release(request)
        if self._peer_ended and not self._parser.requests:
            self._close()
        elif close:
            self._drop_requests()
            self._discard()
        else:
            self._after_answer()

    def _answer_by_wsgi(self, request: Request, environ: Environ, close: bool) -> bool:
        """Have the application answer; return whether the connection ends behind it. Raises ClientGone."""
        answering = Answering(request, self._write, self._hand_over, close=close)
        if request.upgrade:
            environ[UPGRADE] = answering.upgrade
        answering.run(self._shared.app, environ)
        environ.pop("werkzeug.request", None)  # which refers to it in turn: what it holds is freed now
        if not answering.handed_over:
            self._shared.latencies.end(environ, answering.status)
        return answering.close

    def _after_answer(self) -> None:
        if self._parser.requests:
            self._await_turn()
        elif self._refusal is not None:
            self._refuse(self._refusal, self._refused)
        else:
            now = self.waiting_since = time.monotonic()
            self.state = State.IDLE
            self.deadline = now + self._shared.bounds.idle_s
            if self._parser.begun:
                self._begin_receiving(now)
                with suppress(OSError):  # it is broken, as reading will tell
                    self._continue()
            if self._listener is None:
                self._listen()

    def _write(self, data: bytes) -> None:
        """Write all of `data` in a greenlet. Raises ClientGone."""
        began = 0.0
        try:
            taken = self._transport.write(data)
            if taken == len(data):
                return
            view = memoryview(data)[taken:]
            while True:
                view = view[self._transport.write(view) :]
                if not view:
                    return
                now = time.monotonic()
                began = began or now
                bounds = self._shared.bounds
                patience = bounds.grace_s + (len(data) - len(view)) / bounds.bytes_per_s
                left = min(bounds.answer_s, patience) - (now - began)
                if left <= 0:
                    raise ClientGone("too slow")
                hubs.trampoline(self._transport.fd, write=True, timeout=left, timeout_exc=TimeoutError)
        except OSError as problem:  # TimeoutError is one
            raise ClientGone from problem

    def _drop_requests(self) -> None:
        while self._parser.requests:
            self._parser.release(self._parser.requests.popleft())

    def _hand_over(self) -> Stream:
        """Give the connection to the handler of the present request, until it returns."""
        self._pause()
        self._peer_ended = True  # for us: the handler reads what comes
        self.deadline = math.inf  # the handler has its own
        rest, self._parser.rest = self._parser.rest or b"", None
        self._stream = Stream(self._transport, rest, partial(self._shared.turns.wait, self.counted_as))
        return self._stream

    # -- the end

    def _refuse(self, refusal: ApiError, request: Request | None) -> None:
        """Say why, and read for a moment what still comes: a connection closed at once would take the answer along.

        `request`: what it is about, where its target has come.
        """
        self._refusal = refusal
        self._shared.note_refusal(self._peer.address, refusal)
        with suppress(OSError):
            self._transport.write(memoryview(refusal_of(refusal, request)))
        self._discard()

    def _discard(self) -> None:
        self._transport.end_writing()
        self.state = State.DISCARDING
        self.deadline = time.monotonic() + DISCARD_S
        if self._peer_ended:
            self._close()
        else:
            self._listen()

    def _close(self) -> None:
        if self.state is State.CLOSED:
            return
        self.state = State.CLOSED
        self._pause()
        if self._stream is not None:
            self._stream.close()
        self._transport.close()
        self._parser.close()
        self._refused = None
        self._refusal = None  # its traceback refers to us in turn
        self._on_end(self)

    def expire(self, now: float) -> None:
        """Its deadline has come, or it is asked whether its client is too slow. In the hub's greenlet."""
        if self.state in (State.HANDSHAKE, State.IDLE, State.DISCARDING):
            self._close()
        elif self.state is State.RECEIVING:
            if self._parser.in_body and now < self.waiting_since + self._shared.bounds.request_s:
                self._check_rate(now)
            else:
                self._refuse(_too_slow(), self._parser.current)

    def _check_rate(self, now: float) -> None:
        """Inside a body: the whole request has its deadline, and a rate that it must keep."""
        bounds = self._shared.bounds
        if self._received < bounds.bytes_per_s * (now - self.waiting_since - bounds.grace_s):
            self._refuse(_too_slow(), self._parser.current)
        else:
            self.deadline = min(self.waiting_since + bounds.request_s, now + RATE_CHECK_S)

    def release(self) -> Unused | None:
        """Let go of it without closing it, where nothing has come of a request yet; None where something has."""
        if self.state not in (State.HANDSHAKE, State.IDLE) or self._peer_ended:
            return None
        self._pause()
        self.state = State.CLOSED
        self._parser.close()
        self._on_end(self)
        return Unused(self._transport, self._peer, self.counted_as)

    def refuse(self, refusal: ApiError) -> None:
        """Say why no more is read, where a request has begun to come; close it where none has."""
        if self.state is State.RECEIVING:
            self._refuse(refusal, self._parser.current)
        elif self.state in (State.HANDSHAKE, State.IDLE):
            self._close()

    @property
    def is_answered(self) -> bool:
        """Whether a request of it is being answered, over HTTP."""
        return self.state is State.ANSWERING and self._stream is None

    @property
    def handed_over(self) -> bool:
        """Whether it speaks another protocol than HTTP by now."""
        return self._stream is not None

    @property
    def may_be_shed(self) -> bool:
        """Whether closing it costs its client nothing but a new connection."""
        return self.state in (State.HANDSHAKE, State.IDLE, State.RECEIVING, State.DISCARDING)

    def shed(self) -> None:
        """Close it: its place is needed."""
        self._close()


def _too_slow() -> ApiError:
    return ApiError(408, "REQUEST_TIMEOUT", "The request took too long to come.")


def _ignore(*_: object) -> None:
    """The hub's callbacks for a closed descriptor: ours is removed before it is closed."""
