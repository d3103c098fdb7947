"""Requests that only the writer can answer: passed on whole, and its answer passed back as it is.

    door                                            writer
    POST /auth/login  --- HTTP/1.1, X-Openbell-Door: who asks ---->  as if it had come there
                      <-- its answer, X-Openbell-Applied: a seq ---
    waits until that seq is applied here too, so that what is read next is no older than the answer

What a request that changes something came to is not known where the writer goes before it has answered: that is said
so, and never that it failed.
Layer: api.http.
"""

from __future__ import annotations

import http.client
import logging
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import eventlet
from eventlet.greenio import GreenSocket

from api.http.error_answers import refuse
from api.http.front.environ import TARGET
from api.http.front.serving import ClientGone
from api.http.wsgi import Environ, Headers, StartResponse, WsgiApp
from api.json.errors import RETRY_AFTER_S, ApiError
from logs.limit import limited

log = limited(logging.getLogger(__name__))

CLIENT: Final = "X-Openbell-Door"  # of a request that is passed on: address, port and scheme of who sent it
APPLIED: Final = "X-Openbell-Applied"  # of its answer: the command up to which the writer had applied when it answered
CONNECT_S: Final = 2.0
ANSWER_S: Final = 70.0  # that an answer may take to begin: longer than any request may
APPLIED_S: Final = 2.0  # that the answer is kept for this door to come as far
KEPT_S: Final = 5.0  # that a connection is used again; the other side closes those that idle for long
KEPT_MAX: Final = 16
IN_FLIGHT_MAX: Final = 256  # requests that are passed on at a time
PIECE_BYTES: Final = 65_536
_SAFE: Final = ("GET", "HEAD", "OPTIONS")
_OF_A_CONNECTION: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade", APPLIED.lower()})
_NOT_PASSED_ON: Final = frozenset({
    "HTTP_CONNECTION", "HTTP_KEEP_ALIVE", "HTTP_UPGRADE", "HTTP_EXPECT", "HTTP_TE", "HTTP_TRANSFER_ENCODING",
    f"HTTP_{CLIENT.upper().replace('-', '_')}",
})  # fmt: skip


class Forwarding:
    """Wraps a WSGI application: what `is_forwarded` says goes to the writer. Cooperative."""

    def __init__(
        self,
        app: WsgiApp,
        connect: Callable[[], socket.socket],
        is_forwarded: Callable[[str, str], bool],
        wait_applied: Callable[[int, float], object],
        is_there: Callable[[], bool] = lambda: True,
    ) -> None:
        """`connect` gives a connection to the writer, or raises OSError; it must not block for long.

        `is_forwarded`: of a method and a path. `wait_applied`: waits until a command is applied here, so many seconds
        at most; cooperative. `is_there`: whether the writer is known to live: one that ends a connection without an
        answer has been asked to by a fault, and then this one ends as well.
        """
        self._app = app
        self._connect = connect
        self._is_forwarded = is_forwarded
        self._wait_applied = wait_applied
        self._is_there = is_there
        self._idle: deque[tuple[float, GreenSocket]] = deque()  # with the monotonic second of its last use
        self._in_flight = 0

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if not self._is_forwarded(environ["REQUEST_METHOD"], environ["PATH_INFO"]):
            return self._app(environ, start_response)
        if self._in_flight >= IN_FLIGHT_MAX:
            return refuse(_away("Too many requests wait for the writer."), environ, start_response)
        self._in_flight += 1
        try:
            connection, response = self._ask(environ)
        except ApiError as refusal:
            self._in_flight -= 1
            return refuse(refusal, environ, start_response)
        except BaseException:
            self._in_flight -= 1
            raise
        try:
            applied = response.headers.get(APPLIED)
            if applied is not None and applied.isdecimal():
                self._wait_applied(int(applied), APPLIED_S)
            start_response(f"{response.status} {response.reason}", _headers_back(response))
        except BaseException:
            self._in_flight -= 1
            response.close()
            connection.close()
            raise
        return self._body(connection, response)

    def close(self) -> None:
        """Let go of the connections that wait to be used again. Idempotent."""
        while self._idle:
            self._idle.popleft()[1].close()

    def _ask(self, environ: Environ) -> tuple[GreenSocket, http.client.HTTPResponse]:
        """Send a request, and wait for the head of its answer. Raises ApiError and ClientGone."""
        safe = environ["REQUEST_METHOD"] in _SAFE
        message = _request(environ)
        while True:
            # one that waited may just be closed: of a read no harm comes, of anything else nobody would know
            connection, used_before = self._connection(used=safe)
            response = http.client.HTTPResponse(connection, method=environ["REQUEST_METHOD"])
            try:
                with eventlet.Timeout(ANSWER_S):
                    connection.sendall(message)
                    response.begin()
                return connection, response
            except (OSError, http.client.HTTPException, eventlet.Timeout) as problem:
                response.close()
                connection.close()
                if used_before and safe and not isinstance(problem, eventlet.Timeout):
                    continue  # it had been closed meanwhile
                if isinstance(problem, http.client.RemoteDisconnected) and self._is_there():
                    raise ClientGone("the writer ended it without an answer") from None
                log.warning("the writer did not answer: %s", type(problem).__name__)
                raise _away("The writer does not answer just now.") if safe else _unknown() from None

    def _connection(self, *, used: bool) -> tuple[GreenSocket, bool]:
        """A connection, and whether it was used before, which only `used` ones may be. Raises ApiError."""
        now = time.monotonic()
        while used and self._idle:
            used_at, connection = self._idle.pop()
            if now - used_at < KEPT_S:
                return connection, True
            connection.close()
        try:
            made = self._connect()
            made.settimeout(None)  # how long an answer may take is judged here
            return GreenSocket(made), False
        except OSError:
            raise _away("The writer cannot be reached just now.") from None

    def _body(self, connection: GreenSocket, response: http.client.HTTPResponse) -> Iterator[bytes]:
        """The pieces of an answer, as they come; its connection is used again where it came whole."""
        whole = False
        try:
            with eventlet.Timeout(ANSWER_S):
                while piece := response.read(PIECE_BYTES):
                    yield piece
            whole = not response.will_close
        except (OSError, http.client.HTTPException, eventlet.Timeout) as problem:
            raise ClientGone("the writer's answer ended early") from problem  # its length was said already
        finally:
            self._in_flight -= 1
            response.close()
            if whole and len(self._idle) < KEPT_MAX:
                self._idle.append((time.monotonic(), connection))
            else:
                connection.close()


class FromDoors:
    """Who a request really comes from that a front door passed on. Takes the place of trusted proxies.

    For a listening socket that only doors can reach: what they say is believed.
    """

    def trusts(self, _address: str) -> bool:
        """Each connection counts alone."""
        return True

    def apply(self, environ: dict[str, Any]) -> None:
        """Put the client in the door's place."""
        said = environ.pop(f"HTTP_{CLIENT.upper().replace('-', '_')}", "").split(" ")
        if len(said) == 5:
            environ["REMOTE_ADDR"], environ["REMOTE_PORT"], environ["wsgi.url_scheme"] = said[:3]
            environ["SERVER_NAME"], environ["SERVER_PORT"] = said[3:]


class SaysApplied:
    """Wraps the WSGI application of the writer: each answer says up to which command it has applied.

    `settle` is called before a request that may have changed something is answered: it returns when every door knows.
    """

    def __init__(self, app: WsgiApp, applied: Callable[[], int], settle: Callable[[], object]) -> None:
        self._app = app
        self._applied = applied
        self._settle = settle

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        changes = environ["REQUEST_METHOD"] not in _SAFE

        def start(status: str, headers: Headers, *exc_info: Any) -> Any:
            if changes:
                self._settle()
            return start_response(status, [*headers, (APPLIED, str(self._applied()))], *exc_info)

        return self._app(environ, start)


def _request(environ: Environ) -> bytes:
    """The bytes of a request to be passed on."""
    body: bytes = environ["wsgi.input"].read()
    lines = [f"{environ['REQUEST_METHOD']} {environ[TARGET]} {environ['SERVER_PROTOCOL']}"]
    for key, value in environ.items():
        if key.startswith("HTTP_") and key not in _NOT_PASSED_ON:
            lines.append(f"{key[5:].replace('_', '-').title()}: {value}")
    if "CONTENT_TYPE" in environ:
        lines.append(f"Content-Type: {environ['CONTENT_TYPE']}")
    if body or "CONTENT_LENGTH" in environ:
        lines.append(f"Content-Length: {len(body)}")
    asked = (environ["REMOTE_ADDR"], environ["REMOTE_PORT"], environ["wsgi.url_scheme"])
    lines.append(" ".join((f"{CLIENT}:", *asked, environ["SERVER_NAME"], environ["SERVER_PORT"])))
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def _headers_back(response: http.client.HTTPResponse) -> list[tuple[str, str]]:
    """The headers of an answer as the client gets them: those of the connection are the door's own."""
    return [(name, value) for name, value in response.headers.items() if name.lower() not in _OF_A_CONNECTION]


def _away(sentence: str) -> ApiError:
    return ApiError(503, "WRITER_AWAY", f"{sentence} Nothing was done; try again.", None, RETRY_AFTER_S)


def _unknown() -> ApiError:
    sentence = "The writer has not answered; what became of the request is not known. Look before you send it again."
    return ApiError(504, "OUTCOME_UNKNOWN", sentence)
