"""A line for each request, where the server runs with `--debug`. Without the query, which may name a polling session.

Layer: api.http.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from api.http.processing import processing_of
from api.http.wsgi import Environ, StartResponse, WsgiApp

log = logging.getLogger(__name__)


class RequestLog:
    """Wraps a WSGI application."""

    def __init__(self, app: WsgiApp) -> None:
        self._app = app

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, *further: Any) -> Any:
            asked = environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("REMOTE_ADDR", "")
            faults = processing_of(environ).faults
            touched = None if faults is None else faults.header
            log.debug("%s %s from %s: %s%s", *asked, status, "" if touched is None else f", injected {touched[1]}")
            return start_response(status, *further)

        return self._app(environ, start)
