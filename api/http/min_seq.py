"""`min_seq` of any GET: an answer that is no older than what the client has seen already, by whichever node.

It belongs to no route, so it is taken out of the query before the route reads that.
Layer: api.http.
"""

from __future__ import annotations

from typing import Final

from flask import Flask, request
from werkzeug.datastructures import ImmutableMultiDict

from api.http.documented import documented_by
from api.http.positions import Positions
from api.json.errors import ApiError, Malformed
from api.json.requests import repeated

NAME: Final = "min_seq"
DIGITS_MAX: Final = 19
RETRY_AFTER_S: Final = 1


def install(app: Flask, positions: Positions) -> None:
    """Have requests wait behind their credentials and limits; to be installed before what refuses unread parameters."""

    @app.before_request
    def wait_for_position() -> None:
        if "min_seq" not in request.environ.get("QUERY_STRING", "") or not _takes_it(app):
            return
        asked = request.args.getlist(NAME)
        if not asked:
            return
        if len(asked) > 1:
            raise repeated(NAME)
        if not (asked[0].isascii() and asked[0].isdigit() and len(asked[0]) <= DIGITS_MAX):
            raise Malformed("INVALID_VALUE", f"{NAME} is a whole number: the seq of an answer.", field=NAME)
        others = [(name, value) for name, value in request.args.items(multi=True) if name != NAME]
        request.args = ImmutableMultiDict(others)
        if not positions.wait(int(asked[0])):
            sentence = f"This node has not come to command {asked[0]} yet; ask again, or another node."
            raise ApiError(503, "BEHIND", sentence, {"seq": positions.seq}, RETRY_AFTER_S)


def _takes_it(app: Flask) -> bool:
    """Whether a request is of a route that answers with what the exchange is like."""
    if request.method != "GET" or request.endpoint is None:
        return False
    about = documented_by(app.view_functions[request.endpoint])
    return about is not None and not about.lenient and not isinstance(about.answer, str)
