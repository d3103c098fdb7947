"""What a route does not read, it does not ignore: one rule, from what each route says that it takes.

An unknown query parameter, one that is given twice, or a body where none is read is 400 and named, before the handler
runs, so that nothing is done. (Unknown and repeated fields of a body are refused in `api.json.requests`.) The page
and its files take any query: whoever shares a link decorates it, and nothing is asked of them by it. The second wire
takes any, too, as its clients send what only the venue that they were written for reads.
Layer: api.http.
"""

from __future__ import annotations

from typing import Final

import msgspec
from flask import Flask, request
from werkzeug.routing import IntegerConverter

from api.http.documented import Documented, documented_by
from api.json.errors import Malformed
from api.json.exact import RepeatedKey, decode_exactly
from api.json.malformed import MAX_ECHO, joined
from api.json.requests import PLAIN_BODY_BYTES, repeated

NAMED_MAX: Final = 10  # keys of an unread body that an error names


class WholeNumberConverter(IntegerConverter):
    """A whole number in a path: Flask's own takes the digits of every script."""

    regex = r"[0-9]{1,100}"


def install_body_limits(app: Flask) -> None:
    """Have no body of `app` read that is longer than its route takes. To be installed before who reads bodies."""

    @app.before_request
    def bound_body() -> None:
        if "CONTENT_LENGTH" not in request.environ:
            return
        about = documented_by(app.view_functions[request.endpoint]) if request.endpoint else None
        if about is None or not about.long_body:
            request.max_content_length = min(app.config["MAX_CONTENT_LENGTH"], PLAIN_BODY_BYTES)


def install(app: Flask) -> None:
    """Have every request of `app` judged behind its credentials and before its handler."""

    @app.before_request
    def refuse_what_is_not_read() -> None:
        environ = request.environ
        if not environ.get("QUERY_STRING") and "CONTENT_LENGTH" not in environ:
            return
        about = documented_by(app.view_functions[request.endpoint]) if request.endpoint else None
        if about is None or about.lenient or request.method == "OPTIONS":
            return
        if environ.get("QUERY_STRING") and not isinstance(about.answer, str):
            _check_query(about)
        if about.body is None and request.content_length:
            _check_unread_body(about)


def _check_query(about: Documented) -> None:
    """Raise Malformed for a parameter that the route does not have, or that is given twice."""
    known = () if about.query is None else about.query.__struct_fields__
    for name, values in request.args.lists():
        field = name[:MAX_ECHO]
        if name not in known:
            there = f"there are {', '.join(known)}" if len(known) > 1 else f"there is {known[0]}" if known else ""
            has = f"; {there}" if there else ""
            raise Malformed("UNKNOWN_FIELD", f"{_route()} has no parameter {field!r}{has}.", field=field)
        if len(values) > 1:
            raise repeated(name)


def _check_unread_body(about: Documented) -> None:
    """Raise Malformed for a body that says anything: an empty object does not."""
    body = request.get_data()
    if not body.strip():
        return
    try:
        value = decode_exactly(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        value = None
    if value == {}:
        return
    if isinstance(value, RepeatedKey):
        value = {value.name: None}
    names = [name[:MAX_ECHO] for name in value][:NAMED_MAX] if isinstance(value, dict) else []
    known = () if about.query is None else about.query.__struct_fields__
    query = [name for name in names if name in known]
    advice = f"{joined(query)} goes into the query: {_route()}?{query[0]}=..." if query else "leave it out"
    said = f", which has {' and '.join(names)}" if names else ""
    raise Malformed(
        "UNREAD_BODY",
        f"{_route()} reads no body{said}; {advice}.",
        field=names[0] if names else "body",
        **({"fields": names} if names else {}),
    )


def _route() -> str:
    return f"{request.method} {request.path[:MAX_ECHO]}"
