"""How long requests took, from the first byte that came to the last that was written: by method, route and status.

A route is a template, `/book/<symbol>`, and never the path that somebody asked for, so that however many paths are
tried, what is counted here stays as small as the list of routes.
Layer: api.http.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from flask import Flask, request

from api.http.browsers import FEED_PATH
from api.http.processing import processing_of
from api.http.wsgi import Environ
from loop.histogram import Histogram, HistogramReading

BOUNDS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
NO_ROUTE: Final = "none"  # of what no route answered: unknown paths, and what was refused before one was found
OTHER_METHOD: Final = "other"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Requests(NamedTuple):
    """The requests that are counted together."""

    method: str
    route: str
    status: str  # the class of it: 2xx


class RequestLatencies:
    """Counts requests as they end. For the event loop's thread."""

    def __init__(self) -> None:
        self._counted: dict[tuple[str, str, str], Histogram] = {}

    def end(self, environ: Environ, status: str) -> None:
        """The answer to a request is written; one that a fault touched is not counted. `status`: `200 OK`. O(1)."""
        processing = processing_of(environ)
        if processing.is_faulty:
            processing.end()
            return
        key = environ["REQUEST_METHOD"], processing.route, status[:1]
        histogram = self._counted.get(key)
        if histogram is None:
            histogram = self._histogram(environ, *key)
        histogram.add(processing.end())

    def _histogram(self, environ: Environ, method: str, route: str, digit: str) -> Histogram:
        """Where a request is counted that is the first of its kind, or that has no route."""
        if not route:
            route = FEED_PATH if environ.get("PATH_INFO", "").startswith(FEED_PATH) else NO_ROUTE
        key = method if method in _METHODS else OTHER_METHOD, route, digit
        return self._counted.setdefault(key, Histogram(BOUNDS_S))

    def readings(self) -> list[tuple[Requests, HistogramReading]]:
        """What was counted until now, in an order of its own. O(kinds)."""
        return [
            (Requests(method, route, f"{digit}xx"), histogram.reading())
            for (method, route, digit), histogram in sorted(self._counted.items())
        ]


def install(app: Flask) -> None:
    """Have each request of `app` know its route. Before what may refuse one."""

    @app.before_request
    def note_route() -> None:
        rule = request.url_rule
        if rule is not None:
            processing_of(request.environ).route = rule.rule
