"""Which requests become WebSockets of the second wire: before Flask and Socket.IO, behind the guard.

    /ws, /ws/<stream>[/<stream>...]      messages as they are
    /stream, /stream?streams=a/b         messages in {"stream", "data"}
    /stream/ws, /stream/ws/<stream>      as /ws, for clients that want "/stream" in the path
    /ws-api/v3                           requests and answers
Layer: api.binance.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple, Protocol
from urllib.parse import parse_qs, unquote

from api.binance.streams.sockets import Receive, Sockets, StreamSocket
from api.http.error_answers import refuse
from api.http.front.environ import UPGRADE
from api.http.guard import own_origin
from api.http.limits import RateLimits
from api.http.refusals import log_refusal_of
from api.http.wsgi import Environ, StartResponse, WsgiApp
from api.json.errors import ApiError
from api.settings import Settings

API_PATH: Final = "/ws-api/v3"
NUMBER_MAX: Final = 4  # digits
_FIRST: Final = ("/ws", "/stream")


class Endpoint(NamedTuple):
    """What a path asks for."""

    kind: Literal["plain", "combined", "api"]
    streams: tuple[str, ...] = ()  # names as the client wrote them, not checked


class Opening(Protocol):
    """Begins what a socket is for."""

    def check(self, endpoint: Endpoint) -> None:
        """Raises ApiError 400 where the endpoint cannot be served."""

    def begin(self, socket: StreamSocket, endpoint: Endpoint) -> Receive:
        """Begin; the result takes the client's messages. Cooperative."""
        ...


class StreamGate:
    """Wraps the WSGI application."""

    def __init__(
        self, app: WsgiApp, settings: Settings, limits: RateLimits | None, sockets: Sockets, opening: Opening
    ) -> None:
        self._app = app
        self._origins = settings.cors_origins
        self._limits = limits
        self._sockets = sockets
        self._opening = opening

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        endpoint = endpoint_of(path, environ.get("QUERY_STRING", "")) if path.startswith(_FIRST) else None
        if endpoint is None:
            return self._app(environ, start_response)
        environ["PATH_INFO"] = f"/{path.split('/', 2)[1]}"  # what is logged: behind it may be a listen key
        refusal = self._refusal_of(environ, endpoint)
        if refusal is not None:
            log_refusal_of(refusal, environ)
            return refuse(refusal, environ, start_response)
        return self._sockets.serve(environ, start_response, lambda socket: self._opening.begin(socket, endpoint))

    def _refusal_of(self, environ: Environ, endpoint: Endpoint) -> ApiError | None:
        """Why a handshake goes no further. Counts it."""
        too_many = None if self._limits is None else self._limits.of_address(environ)
        if too_many is not None:
            return too_many
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and origin != own_origin(environ) and origin not in self._origins:
            return ApiError(403, "FOREIGN_ORIGIN", "Pages of that origin may not do this; see --cors-origins.")
        if UPGRADE not in environ:
            return ApiError(426, "BAD_HANDSHAKE", "This is a WebSocket: ask for it with a handshake of RFC 6455.")
        try:
            self._opening.check(endpoint)
        except ApiError as unfit:
            return unfit.without_frames()
        return None


def endpoint_of(path: str, query: str) -> Endpoint | None:
    """What a path asks for; None where it is no WebSocket of ours."""
    if path == API_PATH:
        return Endpoint("api")
    parts = path.strip("/").split("/")
    if parts[0] == "ws":
        return Endpoint("plain", _named(parts[1:]))
    if parts[:2] == ["stream", "ws"]:
        return Endpoint("plain", _named(parts[2:]))
    if parts == ["stream"]:
        return Endpoint("combined", _named(parse_qs(query).get("streams", [""])[0].split("/")))
    return None


def _named(parts: list[str]) -> tuple[str, ...]:
    """The streams in a path. A short number is none: with it ccxt.pro tells its own connections apart."""
    return tuple(unquote(part) for part in parts if part and not (part.isdecimal() and len(part) <= NUMBER_MAX))
