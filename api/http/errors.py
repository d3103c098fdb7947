"""Failures -> HTTP answers, in the error shape of the wire that was asked.

Layer: api.http.
"""

from __future__ import annotations

import logging

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from api.http.error_answers import error_answer_at
from api.http.limits import too_many
from api.http.older_paths import suggestion_for
from api.http.refusals import log_refusal
from api.http.request_ids import GIVEN_ID
from api.http.wsgi import Environ
from api.json.errors import ApiError, as_error, busy_now, identity_away, internal_error
from identity.errors import IdentityAway
from logs.limit import limited
from loop.errors import Busy, StoreAway, StoreClosed
from sequencer.port import NotAccepting, OutcomeUnknown

failures = limited(logging.getLogger(__name__))  # clients can repeat what fails


def respond(error: ApiError) -> Response:
    """`error` as an HTTP answer; noted where it is a matter of security."""
    log_refusal(error)
    status, headers, body, _ = error_answer_at(request.path, error)
    return Response(body, status, list(headers))


def expected_error(problem: Exception) -> ApiError | None:
    """The answer that a failure of a handler becomes; None for one that nobody foresaw."""
    if isinstance(problem, ApiError | NotAccepting | OutcomeUnknown | StoreClosed | StoreAway):
        return as_error(problem)
    if isinstance(problem, Busy):
        return busy_now()
    return identity_away() if isinstance(problem, IdentityAway) else None


def unforeseen(problem: Exception, environ: Environ) -> ApiError:
    """The answer to a failure that nobody foresaw; the failure is logged under its request id."""
    error = internal_error()
    request_id = error.identify(environ.get(GIVEN_ID))
    failures.error("request %s failed", request_id, exc_info=problem, extra={"request_id": request_id})
    return error


def install(app: Flask) -> None:
    """Have every failure of `app` answered in the one shape; no traceback ever reaches a client."""

    @app.errorhandler(ApiError)
    @app.errorhandler(Busy)
    @app.errorhandler(IdentityAway)
    @app.errorhandler(StoreClosed)
    @app.errorhandler(StoreAway)
    @app.errorhandler(NotAccepting)
    @app.errorhandler(OutcomeUnknown)
    def expected(problem: Exception) -> Response:
        return respond(expected_error(problem) or internal_error())

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        status = error.code or 500
        retry_after = getattr(error, "retry_after", None)
        code = (error.name or "error").upper().replace(" ", "_").replace("'", "")
        sentence = error.description or error.name
        if status == 404:
            sentence = f"There is nothing at {request.path}."
        elif status == 405:
            there = sorted(set(getattr(error, "valid_methods", None) or ()) - {"HEAD", "OPTIONS"})
            sentence = f"There is no {request.method} {request.path}, only {' and '.join(there)}."
        elif status == 413:
            sentence = f"The body is too long: at most {request.max_content_length} bytes are read here."
        elif status == 429:
            sentence = too_many(error.description)
        suggestion = suggestion_for(request.method, request.path) if status in (404, 405) else None
        if suggestion is not None:
            sentence = f"{sentence} {suggestion}"
        answer = respond(ApiError(status, code, sentence, None, int(retry_after) if retry_after else None))
        for name, value in error.get_headers():
            if name.lower() in ("allow", "retry-after"):
                answer.headers[name] = value
        return answer

    @app.errorhandler(Exception)
    def mistake(error: Exception) -> Response:
        return respond(unforeseen(error, request.environ))
