"""What goes back: the head of an answer, and the front's own answers.

Layer: api.http.
"""

from __future__ import annotations

import time
from email.utils import formatdate
from functools import lru_cache

from api.http.error_answers import error_answer_at
from api.http.front.environ import path_in
from api.http.front.parser import Request
from api.http.wsgi import Headers
from api.json.errors import ApiError

HEADS_KEPT = 4_096  # of answers with the headers of others: those to orders differ in their length alone
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def head_of(status: str, headers: Headers, *, close: bool, old: bool, further: Headers = ()) -> bytes:
    """The head of an answer. `old`: the client speaks HTTP/1.0, where connections end unless it is said.

    What is made of headers that come as a tuple is kept, since such come again. `further` ones stand behind them, and
    none of these is a date.
    Raises ValueError for a header with a line break, which would be more than one.
    """
    parts = _kept_parts if type(headers) is tuple else _parts
    before, after = parts(status, headers, close, old)
    if not after:
        return _parts(status, [*headers, *further], close, old)[0] if further else before
    return b"%b%b%b%b" % (before, _lines(further) if further else b"", _date(int(time.time())), after)


def refusal_of(error: ApiError, request: Request | None = None) -> bytes:
    """An answer of the front's own, behind which the connection ends: in the shape of the path, as far as it is read.

    `request`: what is refused, where its target has come.
    """
    status, headers, body, _ = error_answer_at("" if request is None else path_in(request.target), error)
    head = head_of(status, headers, close=True, old=request is not None and request.version == "1.0")
    return head if request is not None and request.method == "HEAD" else head + body


def _parts(status: str, headers: Headers, close: bool, old: bool) -> tuple[bytes, bytes]:
    """What stands before the date and what behind it; nothing behind it where the headers have one."""
    lines = _lines(headers)
    before = f"HTTP/1.1 {status}\r\n".encode("latin-1") + lines
    after = b"Connection: close\r\n\r\n" if close else b"Connection: keep-alive\r\n\r\n" if old else b"\r\n"
    return (before + after, b"") if b"\r\nDate: " in lines or lines.startswith(b"Date: ") else (before, after)


def _lines(headers: Headers) -> bytes:
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers]).encode("latin-1")
    if lines.count(b"\n") != len(headers) or lines.count(b"\r") != len(headers):
        raise ValueError("a header of an answer has a line break")
    return lines


_kept_parts = lru_cache(HEADS_KEPT)(_parts)


@lru_cache(maxsize=2)
def _date(second: int) -> bytes:
    return f"Date: {formatdate(second, usegmt=True)}\r\n".encode("ascii")
