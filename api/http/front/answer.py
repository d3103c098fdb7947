"""What goes back: the head of an answer, and the front's own answers.

Layer: api.http.
"""

from __future__ import annotations

import time
from email.utils import formatdate
from functools import lru_cache

from api.http.error_answers import error_answer
from api.http.front.parser import Request
from api.http.wsgi import Headers
from api.json.errors import ApiError

HEADS_KEPT = 4_096  # of answers with the headers of others: those to orders differ in their length alone
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def head_of(status: str, headers: Headers, *, close: bool, old: bool) -> bytes:
    """The head of an answer. `old`: the client speaks HTTP/1.0, where connections end unless it is said.

    The lines of headers that come as a tuple are kept, since such come again.
    Raises ValueError for a header with a line break, which would be more than one.
    """
    lines = _kept_lines(headers) if type(headers) is tuple else _lines(headers)
    date = "" if "\r\nDate: " in lines or lines.startswith("Date: ") else _date(int(time.time()))
    connection = "Connection: close\r\n" if close else "Connection: keep-alive\r\n" if old else ""
    return f"HTTP/1.1 {status}\r\n{lines}{date}{connection}\r\n".encode("latin-1")


def refusal_of(error: ApiError, request: Request | None = None) -> bytes:
    """An answer of the front's own, behind which the connection ends."""
    status, headers, body = error_answer(error)
    head = head_of(status, headers, close=True, old=request is not None and request.version == "1.0")
    return head if request is not None and request.method == "HEAD" else head + body


def _lines(headers: Headers) -> str:
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
    if lines.count("\n") != len(headers) or lines.count("\r") != len(headers):
        raise ValueError("a header of an answer has a line break")
    return lines


_kept_lines = lru_cache(HEADS_KEPT)(_lines)


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return f"Date: {formatdate(second, usegmt=True)}\r\n"
