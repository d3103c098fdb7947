"""An error as an answer over HTTP, whoever says no: the front, a layer before Flask, a handler.

Layer: api.http.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

from api.http.bodies import HEADERS, body_of
from api.http.request_ids import REQUEST_ID
from api.http.wsgi import Answer, Environ, StartResponse
from api.json.errors import ApiError


def error_answer(error: ApiError) -> Answer:
    """`error` in the one error shape."""
    body = body_of(error.body())
    headers = [*HEADERS.items(), ("Content-Length", str(len(body))), (REQUEST_ID, error.identify())]
    if error.retry_after_s is not None:
        headers.append(("Retry-After", str(error.retry_after_s)))
    return Answer(f"{error.status} {HTTPStatus(error.status).phrase}", headers, body)


def refuse(error: ApiError, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Answer a request with `error`, as a WSGI application does."""
    status, headers, body, _ = error_answer(error)
    start_response(status, headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
