"""What no handler should have to think of: who may call us by which name, and from which page.

A page on the web must not be able to trade on a server on this machine: neither by posting
to it (cross-site request forgery) nor by renaming its own site to our address (DNS
rebinding). One thin WSGI layer before Flask and Socket.IO alike.
Layer: api.http.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final

from api.http.browsers import FEED_PATH, refusal_of_body, refusal_of_script
from api.http.error_answers import refuse
from api.http.limits import RateLimits
from api.http.origins import Origins
from api.http.refusals import log_refusal_of
from api.http.wsgi import Environ, StartResponse, WsgiApp
from api.json.errors import ApiError, Malformed
from api.settings import Settings

HOST_MAX: Final = 300  # characters: a name of 253, brackets and a port
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class Guard:
    """Wraps a WSGI application. Adds microseconds to a request."""

    def __init__(
        self, app: WsgiApp, settings: Settings, limits: RateLimits | None = None, origins: Origins | None = None
    ) -> None:
        """`limits` count what does not come to Flask: what is refused here, and what Socket.IO answers.

        `origins`: whose pages may call us besides our own; by default those of the settings.
        """
        self._app = app
        self._limits = limits
        self._origins = origins or Origins(settings.cors_origins)
        self._names = {name.lower() for name in ("localhost", settings.host, *settings.trusted_hosts)}
        self._known_hosts: set[str] = set()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        unfit = self.refusal_of(environ)
        if unfit is not None:
            return self._refuse(unfit, environ, start_response)
        if self._limits is not None and environ.get("PATH_INFO", "").startswith(FEED_PATH):
            refusal = self._limits.of_address(environ)
            if refusal is not None:
                return _answer(refusal, environ, start_response)
        return self._app(environ, start_response)

    def refusal_of(self, environ: Environ) -> ApiError | None:
        """Why a request goes no further; None where it does. Counts nothing."""
        host = environ.get("HTTP_HOST", "")
        if host not in self._known_hosts and not self._may_be_called(host):
            return ApiError(421, "UNKNOWN_HOST", "This server does not go by that name; see --trusted-hosts.")
        changes = environ["REQUEST_METHOD"] not in _SAFE_METHODS
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and changes and not self._may_post(origin, environ):
            return ApiError(403, "FOREIGN_ORIGIN", "Pages of that origin may not do this; see --cors-origins.")
        if environ.get("QUERY_STRING"):
            unfit = _unreadable_query(environ) or refusal_of_script(environ)
            if unfit is not None:
                return unfit
        return refusal_of_body(environ) if changes else None

    def _refuse(self, error: ApiError, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        too_many = None if self._limits is None else self._limits.of_address(environ)
        return _answer(too_many or error, environ, start_response)

    def _may_be_called(self, host: str) -> bool:
        """Names must be known; an address cannot be rebound."""
        if len(host) > HOST_MAX:
            return False
        name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0].lower()
        if self._origins.is_name_of_node(name):
            return True  # as long as it is one
        if name not in self._names and not _is_address(name):
            return False
        if len(self._known_hosts) < 1000:
            self._known_hosts.add(host)
        return True

    def _may_post(self, origin: str, environ: Environ) -> bool:
        return origin == own_origin(environ) or self._origins.has(origin)

    def is_shared(self, environ: Environ) -> bool:
        """Whether a page of another origin that is let in sent a request: its answer has to say so."""
        origin = environ.get("HTTP_ORIGIN")
        return origin is not None and self._origins.has(origin) and origin != own_origin(environ)


def own_origin(environ: Environ) -> str:
    """What browsers write into `Origin` when a page of this server asks, by the name that it was called by."""
    return f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '')}"


def _unreadable_query(environ: Environ) -> ApiError | None:
    """Why a query cannot be read: bytes that are no text, which Flask would take for a mistake of ours."""
    query = environ.get("QUERY_STRING", "")
    if not query.isascii():
        try:
            query.encode("latin-1").decode()
        except UnicodeDecodeError:
            return Malformed("INVALID_VALUE", "The query must be UTF-8, percent-encoded.", field="query")
    return None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _answer(error: ApiError, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    log_refusal_of(error, environ)
    return refuse(error, environ, start_response)
