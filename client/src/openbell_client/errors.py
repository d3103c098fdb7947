"""What can go wrong, as exceptions by kind.

    OpenbellError
      Unavailable        no answer came
        NoConnection     and nothing was sent: certainly not carried out
        NoAnswer         the connection was lost, or time ran out: whether it was carried out is unknown
      BadAnswer          an answer that is not what the API promises
      FeedError          the feed refused, or ended
      Refused            the venue said no: `status`, `error_code`, `details`, `request_id`
        Malformed        400: it could not be understood; nothing was done
        Unauthenticated  401: no credentials, or bad ones
        Forbidden        403
        NotFound         404
        Conflict         409: too late, or a client order id that was used for another order
        Rejected         422 (400 for POST /order and /cancel): refused by the rules of the market
        TooManyRequests  429: nothing was done; come back after `retry_after_s`
        ServerError      5xx
          NotAccepting   503: come back after `retry_after_s`

Layer: openbell_client.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec


class OpenbellError(Exception):
    """Whatever the client raises that is not a mistake of its caller."""


class Unavailable(OpenbellError):
    """No answer came."""


class NoConnection(Unavailable):
    """There was no connection to send anything over: certainly not carried out."""


class NoAnswer(Unavailable):
    """The connection was lost, or time ran out. Whether the request was carried out is unknown."""


def caused(error: Unavailable, cause: Exception) -> Unavailable:
    """An error with what brought it about, to be raised later."""
    error.__cause__ = cause
    return error


class BadAnswer(OpenbellError):
    """The answer is not of the promised shape."""


class FeedError(OpenbellError):
    """The feed refused what was asked, or has ended."""

    def __init__(self, message: str, error_code: str = "FEED_ENDED", details: dict[str, Any] | None = None) -> None:
        super().__init__(f"{message} ({error_code})")
        self.message = message
        self.error_code = error_code
        self.details = details or {}


class ErrorBody(msgspec.Struct, frozen=True):
    """The one error shape of the API."""

    error: str
    error_code: str
    details: dict[str, Any] = {}
    request_id: str = ""


class Refused(OpenbellError):
    """The venue said no."""

    def __init__(self, status: int, body: ErrorBody, retry_after_s: float | None = None) -> None:
        super().__init__(f"{body.error} ({status} {body.error_code})")
        self.status = status
        self.message = body.error
        self.error_code = body.error_code
        self.details = body.details
        self.request_id = body.request_id
        self.retry_after_s = retry_after_s
        self.attempts = 1  # how often it was asked; above 1 an earlier attempt may have been carried out

    @property
    def body(self) -> dict[str, Any]:
        """The error's body as it came."""
        return {
            "error": self.message,
            "error_code": self.error_code,
            "details": self.details,
            "request_id": self.request_id,
        }


class Malformed(Refused):
    """400: it could not be understood; nothing was done."""


class Unauthenticated(Refused):
    """401: no credentials, or bad ones."""


class Forbidden(Refused):
    """403: not allowed."""


class NotFound(Refused):
    """404: there is no such thing, or it is not one's own."""


class Conflict(Refused):
    """409: in conflict with what is there: too late, a duplicate with other fields."""


class Rejected(Refused):
    """422, or 400 for POST /order and /cancel: refused by the rules of the market."""


class TooManyRequests(Refused):
    """429: nothing was done."""


class ServerError(Refused):
    """5xx: the server's mistake, or that of what stands before it."""


class NotAccepting(ServerError):
    """503: nothing was promised."""


KINDS: Final[dict[int, type[Refused]]] = {
    400: Malformed,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: Rejected,
    429: TooManyRequests,
    503: NotAccepting,
}


def refusal_of(status: int, content: bytes, retry_after: str | None = None) -> Refused:
    """The exception for an answer with an error's status. One that is not of Openbell's shape has an empty body."""
    try:
        body = msgspec.json.decode(content, type=ErrorBody)
    except msgspec.DecodeError:  # of a proxy, perhaps
        body = ErrorBody(f"status {status}: {content[:200]!r}", f"HTTP_{status}")
    return refusal(status, body, _seconds(retry_after))


def refusal(status: int, body: ErrorBody, retry_after_s: float | None = None) -> Refused:
    """The exception for a status and a body."""
    kind = KINDS.get(status, ServerError if status >= 500 else Refused)
    if status == 400 and "seq" in body.details:  # sequenced, so it was the rules that refused
        kind = Rejected
    return kind(status, body, retry_after_s)


STATUS_BY_CODE: Final = {  # of errors that come without a status: acknowledgements of the feed
    "UNKNOWN_ORDER": 404,
    "TOO_LATE": 409,
    "DUPLICATE_CLIENT_ORDER_ID": 409,
    "TOO_MANY_OPEN_ORDERS": 409,
    "UNAUTHENTICATED": 401,
    "TOKEN_EXPIRED": 401,  # nosec B105 # a code of an error, as the next
    "BAD_TOKEN": 401,  # nosec B105 # a code, too
    "UNKNOWN_KEY": 401,
    "BAD_SIGNATURE": 401,
    "TIMESTAMP_OUTSIDE_WINDOW": 401,
    "SIGNATURE_REPLAYED": 401,
    "SCOPE_MISSING": 403,
    "OPERATOR_NEEDED": 403,
    "ACCOUNT_STOPPED": 403,
    "TOO_MANY_REQUESTS": 429,
    "TOO_MANY_SESSIONS": 429,
    "INTERNAL_ERROR": 500,
    "NOT_ACCEPTING": 503,
    "HISTORY_BEHIND": 503,
    "MAYBE_REPEATED": 503,
    "BUSY": 503,
    "IDENTITY_AWAY": 503,
    "STOPPING": 503,
    "OUTCOME_UNKNOWN": 504,
}


def refusal_on_feed(data: dict[str, Any]) -> Refused | None:
    """The exception for an acknowledgement of the feed, where it is an error's body."""
    if "error_code" not in data or "request_id" not in data:
        return None
    code = data["error_code"]
    body = ErrorBody(data.get("error", code), code, data.get("details") or {}, data["request_id"])
    status = STATUS_BY_CODE.get(code, 422 if "seq" in body.details else 400)
    return refusal(status, body)


def _seconds(text: str | None) -> float | None:
    """A Retry-After in seconds; None where it is none, or a date."""
    return float(text) if text is not None and text.isascii() and text.isdigit() else None
