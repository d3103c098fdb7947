"""What every blueprint of the second wire has in common: where it is, and how its failures are answered.

Layer: api.binance.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException

from api.auth.principals import Principal
from api.binance.errors import BinanceError, BinanceErrorBody, of_api_error, of_failure
from api.http.bodies import HEADERS, body_of
from api.http.browsers import SECOND_WIRE
from api.http.documented import Access, Handler, documented
from api.http.error_answers import shape_errors
from api.http.refusals import log_refusal_of
from api.http.wsgi import Answer, Environ
from api.json.errors import ApiError

_LOGGED: Final = {
    -1003: (429, "TOO_MANY_REQUESTS"),
    -1021: (401, "TIMESTAMP_OUTSIDE_WINDOW"),
    -1022: (401, "BAD_SIGNATURE"),
    -2014: (401, "UNKNOWN_KEY"),
    -2015: (401, "SCOPE_MISSING"),
}


def surface(name: str, url_prefix: str = "") -> Blueprint:
    """A blueprint of the second wire: whatever fails within it is answered in the shape of that wire."""
    routes = Blueprint(name, f"api.binance.{name}", url_prefix=url_prefix)

    @routes.errorhandler(Exception)
    @routes.errorhandler(HTTPException)
    def failed(problem: Exception) -> Response:
        error = of_failure(problem, request.environ)
        note_refusal(error, request.environ, g.get("openbell_principal"))
        return error_response(error)

    return routes


def described(access: Access, answer: Any, **more: Any) -> Callable[[Handler], Handler]:
    """`documented` of a route of the second wire: it ignores what it does not read, and its errors are of its shape."""
    return documented(access, answer, lenient=True, failure=BinanceErrorBody, **more)


def note_refusal(error: BinanceError, environ: Environ, principal: Principal | None) -> None:
    """Log a refusal that operators should see, as those of the first wire are."""
    named = _LOGGED.get(error.code)
    if named is not None:
        account = None if principal is None else principal.account
        log_refusal_of(ApiError(*named, error.message), environ, account)


def error_answer(error: BinanceError) -> Answer:
    """An error as an answer over HTTP, whoever says it."""
    body = body_of(error.body())
    headers = [*HEADERS.items(), ("Content-Length", str(len(body)))]
    if error.retry_after_s is not None:
        headers.append(("Retry-After", str(error.retry_after_s)))
    return Answer(f"{error.status} {HTTPStatus(error.status).phrase}", headers, body)


def error_response(error: BinanceError) -> Response:
    """The same as an answer of Flask."""
    status, headers, body, _ = error_answer(error)
    return Response(body, status, list(headers))


shape_errors((*SECOND_WIRE, "/ws-api"), lambda error: error_answer(of_api_error(error)))
