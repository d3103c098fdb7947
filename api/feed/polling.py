"""What a request to /socket.io/ may ask of engine.io: one that it would fail for, or wait for without end, is refused.

Layer: api.feed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Final
from urllib.parse import parse_qs

from engineio.payload import Payload

from api.feed.engine_sessions import EngineSession, EngineSessions
from api.feed.transport import may_be_polled
from api.http.browsers import FEED_PATH
from api.http.error_answers import refuse
from api.http.guard import own_origin
from api.http.origins import Origins
from api.http.wsgi import Environ, StartResponse, WsgiApp
from api.json.errors import ApiError, Malformed

PACKETS_MAX: Final = 256  # in one POST
SEPARATOR: Final = "\x1e"  # between packets


class PollingGuard:
    """Wraps the WSGI application of engine.io. Cooperative: a GET waits for messages."""

    def __init__(self, app: WsgiApp, sessions: EngineSessions, body_bytes_max: int) -> None:
        self._app = app
        self._sessions = sessions
        self._body_bytes_max = body_bytes_max
        Payload.max_decode_packets = PACKETS_MAX  # JavaScript's client sends whatever has gathered

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if not environ["PATH_INFO"].startswith(FEED_PATH):
            return self._app(environ, start_response)

        try:
            return self._serve(environ, start_response)
        except ApiError as refusal:
            return refuse(refusal, environ, start_response)

    def _serve(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        query = parse_qs(environ.get("QUERY_STRING", ""))  # as engine.io reads it: a sid that is empty is none
        if "sid" not in query:
            self._sessions.check_room(environ["REMOTE_ADDR"])
            return self._app(environ, start_response)
        session = self._sessions.get(query["sid"][0])
        if session is None or session.closed_at is not None:
            return self._app(environ, start_response)  # engine.io knows no such session either
        with _one_at_a_time(session, _kind_of(environ)):
            if environ["REQUEST_METHOD"] == "POST":
                try:
                    self._check_packets(environ)
                except ApiError:
                    session.cut_off("sent what cannot be read")
                    raise
            return self._app(environ, start_response)

    def _check_packets(self, environ: Environ) -> None:
        """Read the body of a POST, and put it back. Raises Malformed or ApiError for one that engine.io fails for."""
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length > self._body_bytes_max:
            raise ApiError(413, "REQUEST_ENTITY_TOO_LARGE", f"A message has at most {self._body_bytes_max} bytes.")
        body = environ["wsgi.input"].read(length)
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = BytesIO(body), str(len(body))
        try:
            packets = body.decode().split(SEPARATOR, PACKETS_MAX) if body else []
        except UnicodeDecodeError:
            raise Malformed("MALFORMED_REQUEST", "Messages of the feed are text in UTF-8.") from None
        if len(packets) > PACKETS_MAX:
            raise Malformed("MALFORMED_REQUEST", f"At most {PACKETS_MAX} packets in one request.")
        if not all(map(may_be_polled, packets)):
            raise Malformed("MALFORMED_REQUEST", "The body must be packets of Engine.IO that a client may send.")


def origin_check(origins: Origins) -> Callable[[str | None, Environ], bool]:
    """Whether a page of `origin` may connect: our own pages, and those of others that are let in."""

    def check(origin: str | None, environ: Environ) -> bool:
        return origin is None or origin == own_origin(environ) or origins.has(origin)

    return check


def _kind_of(environ: Environ) -> str:
    if environ["REQUEST_METHOD"] == "POST":
        return "posting"
    return "upgrading" if "HTTP_UPGRADE" in environ else "polling"


@contextmanager
def _one_at_a_time(session: EngineSession, kind: str) -> Iterator[None]:
    """Note that a request is worked on; end the session of a client that has two of a kind at once, as others do."""
    if getattr(session, kind):
        session.cut_off("sent two requests at once")
        raise Malformed("MALFORMED_REQUEST", "There is another request of this session; wait for its answer.")
    setattr(session, kind, True)
    try:
        yield
    finally:
        setattr(session, kind, False)
