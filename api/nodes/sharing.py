"""What lets a page that came from one node ask another: the headers by which browsers share answers (CORS).

Pages of nodes are our own, so they may show cookies, too: a browser shows those of a name to each of its ports.
Layer: api.nodes.
"""

from __future__ import annotations

from typing import Final

from flask import Flask, Response, request

from api.http.origins import Origins

METHODS: Final = "GET, POST, PUT, PATCH, DELETE"
HEADERS: Final = "Authorization, Content-Type, Idempotency-Key"
READABLE: Final = "Date, Retry-After, X-Request-Id"  # besides those that any page may read
ASKED_AGAIN_S: Final = 600  # a browser asks so rarely whether a request of a kind may be sent


def install(app: Flask, origins: Origins) -> None:
    """Have every answer of `app` to a page of another node say that it may be read."""

    @app.after_request
    def share_with_nodes(response: Response) -> Response:
        origin = request.headers.get("Origin")
        if origin is None or not origins.is_node(origin):
            return response
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Credentials"] = "true"
        response.vary.add("Origin")
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = METHODS
            response.headers["Access-Control-Allow-Headers"] = HEADERS
            response.headers["Access-Control-Max-Age"] = str(ASKED_AGAIN_S)
        else:
            response.headers["Access-Control-Expose-Headers"] = READABLE
        return response
