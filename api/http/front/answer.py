"""What goes back: the head of an answer, and the front's own answers.

Layer: api.http.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from api.http.bodies import HEADERS, body_of
from api.http.front.parser import Request
from api.json.errors import ApiError

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

Headers = Sequence[tuple[str, str]]


def head_of(status: str, headers: Headers, *, close: bool, old: bool) -> bytes:
    """The head of an answer. `old`: the client speaks HTTP/1.0, where connections end unless it is said.

    Raises ValueError for a header with a line break, which would be more than one.
    """
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
    if lines.count("\n") != len(headers) or lines.count("\r") != len(headers):
        raise ValueError("a header of an answer has a line break")
    connection = "Connection: close\r\n" if close else "Connection: keep-alive\r\n" if old else ""
    if not any(name == "Date" for name, _ in headers):
        lines += f"Date: {_date(int(time.time()))}\r\n"
    return f"HTTP/1.1 {status}\r\n{lines}{connection}\r\n".encode("latin-1")


def refusal_of(error: ApiError, request: Request | None = None, *, close: bool = True) -> bytes:
    """An answer of the front's own, in the one error shape."""
    body = body_of(error.body())
    headers = [*HEADERS.items(), ("Content-Length", str(len(body)))]
    if error.retry_after_s is not None:
        headers.append(("Retry-After", str(error.retry_after_s)))
    status = f"{error.status} {HTTPStatus(error.status).phrase}"
    old = request is not None and request.version == "1.0"
    head = head_of(status, headers, close=close, old=old)
    return head if request is not None and request.method == "HEAD" else head + body


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
