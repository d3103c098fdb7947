"""Refusals that an operator should see, in the log: of credentials, foreign pages and names, floods, what is malformed.

One line a minute of each error code, with its request, and how many more there were.
Layer: api.http.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from flask import g, has_request_context, request

from api.json.errors import ApiError
from logs.limit import limited

log = logging.getLogger(__name__)

LOGGED: Final = (400, 401, 403, 405, 413, 415, 421, 429)
ELSEWHERE: Final = ("BAD_LOGIN",)  # written by api.auth.login_audit
WARNED_OF: Final = (401, 403, 421, 429)
ORDINARY: Final = ("UNAUTHENTICATED", "TOKEN_EXPIRED", "CODE_NEEDED")  # what happens to everybody
PATH_MAX: Final = 200


def log_refusal(error: ApiError) -> None:
    """Log that the current request, or message of the feed, was refused; nothing for what is no matter of security."""
    if has_request_context():
        log_refusal_of(error, request.environ, g.get("openbell_account"))


def log_refusal_of(error: ApiError, environ: dict[str, Any], account: int | None = None) -> None:
    """As `log_refusal`, for a request that did not reach the application."""
    if error.status not in LOGGED or error.code in ELSEWHERE:
        return
    who = "" if account is None else f", account {account}"
    origin = environ.get("HTTP_ORIGIN")
    limited(log, error.code).log(
        logging.WARNING if error.status in WARNED_OF and error.code not in ORDINARY else logging.INFO,
        "refused with %s: %s %s from %s%s%s",
        error.code,
        environ.get("REQUEST_METHOD", ""),
        environ.get("PATH_INFO", "")[:PATH_MAX],
        environ.get("REMOTE_ADDR", ""),
        who,
        "" if origin is None else f", page of {origin[:PATH_MAX]}",
    )
