"""Failures -> HTTP answers, in the one error shape of `api.json.errors`.

Layer: api.http.
"""

from __future__ import annotations

import logging

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from api.http.bodies import HEADERS, body_of
from api.http.error_answers import error_answer
from api.http.older_paths import suggestion_for
from api.http.refusals import log_refusal
from api.json.errors import ApiError, as_error, busy_now, identity_away, internal_error, not_accepting
from identity.errors import IdentityAway
from logs.limit import limited
from loop.errors import Busy, StoreAway, StoreClosed
from sequencer.sequencer import NotAccepting

failures = limited(logging.getLogger(__name__))  # clients can repeat what fails


def respond(error: ApiError) -> Response:
    """`error` as an HTTP answer; noted where it is a matter of security."""
    log_refusal(error)
    status, headers, body = error_answer(error)
    return Response(body, status, list(headers))


def install(app: Flask) -> None:
    """Have every failure of `app` answered in the one shape; no traceback ever reaches a client."""
    app.register_error_handler(ApiError, respond)
    app.register_error_handler(Busy, lambda _busy: respond(busy_now()))
    app.register_error_handler(IdentityAway, lambda _away: respond(identity_away()))
    for refusal in (StoreClosed, StoreAway):
        app.register_error_handler(refusal, lambda problem: respond(as_error(problem)))
    app.register_error_handler(NotAccepting, lambda refusal: respond(not_accepting(refusal)))

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
            sentence = f"Too many requests: at most {error.description} are answered."
        suggestion = suggestion_for(request.method, request.path) if status in (404, 405) else None
        if suggestion is not None:
            sentence = f"{sentence} {suggestion}"
        answer = respond(ApiError(status, code, sentence, None, int(retry_after) if retry_after else None))
        for name, value in error.get_headers():
            if name.lower() in ("allow", "retry-after"):
                answer.headers[name] = value
        return answer

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> Response:
        body = internal_error().body()
        failures.error("request %s failed", body.request_id, exc_info=error)
        return Response(body_of(body), 500, HEADERS)
