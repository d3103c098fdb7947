"""JSON answers and queries of Flask handlers.

Layer: api.
"""

from __future__ import annotations

from typing import Any, TypeVar

from flask import Response, request

from api import wire
from api.bodies import HEADERS, body_of

T = TypeVar("T")


def answer(body: Any, status: int = 200) -> Response:
    """`body`, a struct or plain values, as a JSON answer."""
    return Response(body_of(body), status, HEADERS)


def query(kind: type[T]) -> T:
    """The query string as a `kind` of `api.wire`. Raises Malformed."""
    return wire.converted(request.args.to_dict(), kind, lax=True)
