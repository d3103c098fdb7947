"""Which requests a front door passes on to the writer, and which it answers by itself.

By itself: everything that its own replica, the history and the link of commands suffice for. To the writer goes what
changes something that is no command of an account's own orders, and what only one process can know.
Layer: api.doors.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qs

from api.http.browsers import FEED_PATH
from api.http.error_answers import refuse
from api.http.wsgi import Environ, StartResponse, WsgiApp
from api.json.errors import ApiError

BELOW: Final = ("/auth", "/admin", "/account/faults")  # these paths, and all below them
EXACTLY: Final = ("/health", "/metrics", "/node", "/openapi.json", "/docs", "/account/ranking")
ENDING: Final = ("/explain", "/userDataStream")
CHANGING: Final = "/account/"  # money in and out, and a fresh start: where they change something
_SAFE: Final = ("GET", "HEAD", "OPTIONS")


def is_forwarded(method: str, path: str) -> bool:
    """Whether the writer answers a request."""
    if path in EXACTLY or path.endswith(ENDING):
        return True
    if path.startswith(CHANGING) and method not in _SAFE:
        return True
    return any(path == below or path.startswith(f"{below}/") for below in BELOW)


class OneProcessOnly:
    """Wraps the WSGI application behind a port that several processes share: refuses long polling of Socket.IO.

    A session of long polling is many requests, which would come to one process or another.
    """

    def __init__(self, app: WsgiApp) -> None:
        self._app = app

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith(FEED_PATH):
            query = parse_qs(environ.get("QUERY_STRING", ""))
            if query.get("transport", [""])[0] != "websocket":
                return refuse(_polled(), environ, start_response)
        return self._app(environ, start_response)


def _polled() -> ApiError:
    sentence = (
        "Several front doors share this port, and a session of long polling needs one: connect by a WebSocket only "
        "(transports: websocket, in Python transports=['websocket']), or through a proxy that keeps each client at one "
        "door, as deploy/haproxy-doors.cfg does."
    )
    return ApiError(400, "POLLING_NEEDS_ONE_DOOR", sentence, {"transports": ["websocket"]})
