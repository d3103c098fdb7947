"""An error as an answer over HTTP, whoever says no: the front, a layer before Flask, a handler.

There is one shape, but below the paths for which `shape_errors` gives another: clients of the second wire read no
other, also where what refuses them knows nothing of it.
Layer: api.http.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus

from api.http.bodies import HEADERS, body_of
from api.http.request_ids import REQUEST_ID
from api.http.wsgi import Answer, Environ, StartResponse
from api.json.errors import ApiError

Shape = Callable[[ApiError], Answer]

_shapes: dict[tuple[str, ...], Shape] = {}  # by the beginnings of paths; filled as modules are imported


def shape_errors(below: tuple[str, ...], shape: Shape) -> None:
    """Have errors of all paths that begin so answered by `shape`."""
    _shapes[below] = shape


def error_answer_at(path: str, error: ApiError) -> Answer:
    """`error` in the shape that clients of that path read. O(shapes)."""
    return next((shape for below, shape in _shapes.items() if path.startswith(below)), error_answer)(error)


def error_answer(error: ApiError) -> Answer:
    """`error` in the first wire's shape."""
    body = body_of(error.body())
    headers = [*HEADERS.items(), ("Content-Length", str(len(body))), (REQUEST_ID, error.identify())]
    if error.retry_after_s is not None:
        headers.append(("Retry-After", str(error.retry_after_s)))
    return Answer(f"{error.status} {HTTPStatus(error.status).phrase}", headers, body)


def refuse(error: ApiError, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Answer a request with `error`, as a WSGI application does."""
    status, headers, body, _ = error_answer_at(environ.get("PATH_INFO", ""), error)
    start_response(status, headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
