"""Refusals that an operator should see, in the log: of credentials, foreign pages and names, floods, what is malformed.

One line a minute of each error code, with its request, and how many more there were.
Layer: api.http.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from flask import g, has_request_context, request

from api.http.request_ids import GIVEN_ID
from api.json.errors import ApiError
from logs.limit import limited

log = logging.getLogger(__name__)

LOGGED: Final = (400, 401, 403, 405, 413, 415, 421, 429)
ELSEWHERE: Final = ("BAD_LOGIN",)  # written by api.auth.login_audit
WARNED_OF: Final = (401, 403, 421, 429)
ORDINARY: Final = ("UNAUTHENTICATED", "TOKEN_EXPIRED", "CODE_NEEDED")  # what happens to everybody
PATH_MAX: Final = 200
WEBSOCKETS: Final = ("ws", "stream")  # of the second wire


def log_refusal(error: ApiError) -> None:
    """Log that the current request of Flask was refused; nothing for what is no matter of security."""
    if has_request_context():
        log_refusal_of(error, request.environ, g.get("openbell_account"))


def log_refusal_of(error: ApiError, environ: dict[str, Any], account: int | None = None) -> None:
    """As `log_refusal`, of a request that did not come to Flask, or of what a client of the feed sent.

    Whether it is logged or not, the error has the id of its request then.
    """
    request_id = error.identify(environ.get(GIVEN_ID))
    if error.status not in LOGGED or error.code in ELSEWHERE:
        return
    who = "" if account is None else f", account {account}"
    origin = environ.get("HTTP_ORIGIN")
    method, path = environ.get("REQUEST_METHOD", ""), _shown(environ.get("PATH_INFO", ""))
    address = environ.get("REMOTE_ADDR", "")
    limited(log, error.code).log(
        logging.WARNING if error.status in WARNED_OF and error.code not in ORDINARY else logging.INFO,
        "refused with %s: %s %s from %s%s%s",
        error.code,
        method,
        path,
        address,
        who,
        "" if origin is None else f", page of {origin[:PATH_MAX]}",
        extra={
            "request_id": request_id,
            "error_code": error.code,
            "method": method,
            "path": path,
            "address": address,
            "account": account,
            "origin": None if origin is None else origin[:PATH_MAX],
        },
    )


def _shown(path: str) -> str:
    """A path as it is logged: behind that of a WebSocket there may be a listen key, which is a secret."""
    first = path.split("/", 2)[1] if path.startswith("/") else ""
    return f"/{first}" if first in WEBSOCKETS else path[:PATH_MAX]
