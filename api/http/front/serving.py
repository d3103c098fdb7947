"""A request -> the WSGI application -> its answer, written whole before the next request of its connection is begun.

Layer: api.http.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from api.http.front.answer import head_of, refusal_of
from api.http.front.parser import Request
from api.http.front.stream import Stream
from api.http.wsgi import Environ, Headers, WsgiApp
from api.json.errors import internal_error
from logs.limit import limited

log = limited(logging.getLogger(__name__))  # clients can repeat what they cause

Write = Callable[[bytes], None]  # cooperative; raises ClientGone

_BODILESS = ("1", "204", "304")  # statuses whose answers have none


class ClientGone(Exception):
    """The client takes no answer any more, or too slowly."""


class Answering:
    """One answer of a WSGI application. `close`: the connection ends behind it."""

    __slots__ = (
        "_begun",
        "_chunked",
        "_hand_over",
        "_headers",
        "_request",
        "_write",
        "close",
        "handed_over",
        "status",
    )

    def __init__(self, request: Request, write: Write, hand_over: Callable[[], Stream], *, close: bool) -> None:
        """`hand_over` gives the connection to a handler of another protocol."""
        self._request = request
        self._write = write
        self._hand_over = hand_over
        self.handed_over = False  # what the application answers is ignored then
        self.close = close
        self.status = ""  # the line of it, once the application has said it
        self._headers: Headers = ()
        self._begun = self._chunked = False

    def run(self, app: WsgiApp, environ: Environ) -> None:
        """Call the application and write what it answers. Cooperative.

        Raises ClientGone. A failure of the application is logged, and answered where nothing has been.
        """
        try:
            pieces = app(environ, self._start)
            try:
                if not self.handed_over:
                    self._write_all(pieces)
            finally:
                close = getattr(pieces, "close", None)
                if close is not None:
                    close()
        except ClientGone:
            raise
        except Exception:
            log.exception("an answer could not be made")
            self.close = True
            if not self._begun and not self.handed_over:
                self.status = "500 INTERNAL SERVER ERROR"
                self._write(refusal_of(internal_error(), self._request))

    def upgrade(self) -> Stream:
        """The connection, for another protocol than HTTP."""
        self.handed_over = self.close = True
        return self._hand_over()

    def _start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        """`start_response` of WSGI."""
        if exc_info is not None and self._begun:
            raise exc_info[1].with_traceback(exc_info[2])
        if self.status and exc_info is None:
            raise RuntimeError("start_response was called twice")
        self.status, self._headers = status, headers
        return self._write_piece

    def _write_all(self, pieces: Iterable[bytes]) -> None:
        if isinstance(pieces, list | tuple) and not self._begun:
            body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            self._begin(len(body), body)
            return
        for piece in pieces:
            self._write_piece(piece)
        if not self._begun:
            self._begin(0, b"")
        elif self._chunked and not self._without_body():
            self._write(b"0\r\n\r\n")

    def _write_piece(self, piece: bytes) -> None:
        """One piece of an answer whose length nobody knows yet."""
        if not piece:
            return
        if not self._begun:
            self._begin(None, piece)
        elif not self._without_body():
            self._write(self._framed(piece))

    def _begin(self, length: int | None, body: bytes) -> None:
        """Write the head, and what there is of the body in one go. `length`: of all of it, where it is known."""
        if not self.status:
            raise RuntimeError("an answer without start_response")
        headers, old = list(self._headers), self._request.version == "1.0"
        if not any(name.lower() == "content-length" for name, _ in headers) and not self.status.startswith(_BODILESS):
            if length is not None:
                headers.append(("Content-Length", str(length)))
            elif old:
                self.close = True  # the end of the connection is the end of the body
            else:
                self._chunked = True
                headers.append(("Transfer-Encoding", "chunked"))
        head = head_of(self.status, headers, close=self.close, old=old)
        self._begun = True
        self._write(head if self._without_body() else head + self._framed(body))

    def _framed(self, piece: bytes) -> bytes:
        """A piece of the body as it is sent."""
        return b"%x\r\n%b\r\n" % (len(piece), piece) if self._chunked and piece else piece

    def _without_body(self) -> bool:
        return self._request.method == "HEAD" or self.status.startswith(_BODILESS)
