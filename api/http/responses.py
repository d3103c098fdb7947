"""JSON answers and queries of Flask handlers.

Layer: api.http.
"""

from __future__ import annotations

from typing import Any, TypeVar

from flask import Response, request
from msgspec import Struct

from api.http.bodies import HEADERS, body_of, long_body, long_list_body
from api.http.symbols import symbol_as_listed
from api.json.requests import converted

T = TypeVar("T")


def answer(body: Any, status: int = 200) -> Response:
    """`body`, a struct or plain values, as a JSON answer."""
    return Response(body_of(body), status, HEADERS)


def long_answer(body: Struct) -> Response:
    """`body` as a JSON answer where its lists may be long: encoded in turns. Cooperative."""
    return Response(long_body(body), 200, HEADERS)


def long_list_answer(items: list[Any]) -> Response:
    """A list as a JSON answer, encoded in turns, and emptied on the way. Cooperative."""
    return Response(long_list_body(items), 200, HEADERS)


def query(kind: type[T]) -> T:
    """The query string as a `kind`, of a room's `requests`; its `symbol` as it is listed. Raises Malformed."""
    asked = request.args.to_dict()
    wanted = converted(asked, kind, lax=True)
    if "symbol" in asked and (listed := symbol_as_listed(asked["symbol"])) != asked["symbol"]:
        return converted({**asked, "symbol": listed}, kind, lax=True)
    return wanted
