"""Headers that every answer has, whoever makes it: handlers, the guard, Socket.IO's polling.

Layer: api.http.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from api.http.request_ids import GIVEN_ID, given_back
from api.http.wsgi import Environ, Headers, StartResponse, WsgiApp

# For a year a browser that has seen the venue over TLS does not speak to it otherwise. Hosts below ours are none of our
# business, so they are not named.
TRANSPORT_SECURITY: Final = ("Strict-Transport-Security", "max-age=31536000")
NO_SNIFFING: Final = ("X-Content-Type-Options", "nosniff")
NOT_STORED: Final = ("Cache-Control", "no-store")
# A browser keeps it for every port of a name: on a developer's machine it would lock out what is beside us.
OWN_MACHINE: Final = "localhost"


class AnswerHeaders:
    """Wraps a WSGI application. Adds a microsecond or two to a request."""

    def __init__(self, app: WsgiApp) -> None:
        self._app = app

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        tls = stays_on_tls(environ)

        def start(status: str, headers: Headers, *exc_info: Any) -> Any:
            names = dict(headers)  # as all of ours are written
            if "Cache-Control" not in names:
                headers = [*headers, NOT_STORED]
            if "X-Content-Type-Options" not in names:
                headers = [*headers, NO_SNIFFING]
            if GIVEN_ID in environ:
                headers = [*headers, *given_back(environ, headers)]
            if tls:
                headers = [*headers, TRANSPORT_SECURITY]
            return start_response(status, headers, *exc_info)

        return self._app(environ, start)


def stays_on_tls(environ: Environ) -> bool:
    """Whether a browser is to speak TLS with this name from now on."""
    return environ["wsgi.url_scheme"] == "https" and _name_of(environ) != OWN_MACHINE


def _name_of(environ: Environ) -> str:
    """By which name we were called, without the port."""
    host: str = environ.get("HTTP_HOST", "")
    return host.partition(":")[0].lower()
