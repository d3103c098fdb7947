"""Ids of requests: of every error, and of every answer to a request that came with one.

A client or a proxy gives one in `X-Request-Id`; it stands in the answer and in the log's lines about that request. In
place of what is no id, and of two, a fresh one stands in the answer.
Layer: api.http.
"""

from __future__ import annotations

from typing import Final

from api.http.wsgi import Environ, Headers
from api.json.errors import request_id_for

REQUEST_ID: Final = "X-Request-Id"
GIVEN_ID: Final = "HTTP_X_REQUEST_ID"  # in the environ


def given_back(environ: Environ, headers: Headers) -> list[tuple[str, str]]:
    """The id of a request that came with one, as a header of the answer with these `headers`, where it has none yet."""
    if any(name == REQUEST_ID for name, _ in headers):
        return []
    return [(REQUEST_ID, request_id_for(environ.get(GIVEN_ID)))]
