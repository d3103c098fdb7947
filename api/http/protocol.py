"""HTTP as eventlet speaks it, and the target of each request as the client sent it: that is what was signed.

Python's server makes one of several slashes at the beginning, and cuts off the `?` of an empty query. It reads no
header behind a line that is none, and eventlet no body that comes in another coding than `chunked`: a request whose
credentials or body would not be read is marked here, and refused by the guard.
Layer: api.http.
"""

from __future__ import annotations

from email.errors import FirstHeaderLineIsContinuationDefect, InvalidHeaderDefect, MissingHeaderBodySeparatorDefect
from typing import Any, Final

from eventlet.wsgi import HttpProtocol as EventletProtocol

TARGET: Final = "openbell.target"  # in the environ: path and query, byte for byte, as text with surrogate escapes
BROKEN: Final = "openbell.broken"  # in the environ: the header that keeps a request from being read, and why

# The defects that Python's reader notes when it gives up reading headers; defects of a body are others.
_UNREAD = (MissingHeaderBodySeparatorDefect, FirstHeaderLineIsContinuationDefect, InvalidHeaderDefect)


class HttpProtocol(EventletProtocol):  # type: ignore[misc]
    """One connection."""

    def get_environ(self) -> dict[str, Any]:
        """The environ of the request that was read."""
        environ: dict[str, Any] = super().get_environ()
        sent: str = self.requestline.split()[1]
        environ[TARGET] = sent.encode("latin-1").decode("utf-8", "surrogateescape")
        broken = self._broken(environ)
        if broken is not None:
            environ[BROKEN] = broken
            self.close_connection = True  # nobody knows where the next request begins
        return environ

    def _broken(self, environ: dict[str, Any]) -> tuple[str, str] | None:
        """The header by which a part of the request would be left unread, and what is wrong with it."""
        if any(isinstance(defect, _UNREAD) for defect in self.headers.defects):
            return "headers", "Each header must be a line of its own, written as Name: value."
        if environ.get("HTTP_TRANSFER_ENCODING", "chunked").lower() != "chunked":
            return "Transfer-Encoding", "Transfer-Encoding must be chunked, or left out."
        if "CONTENT_LENGTH" in environ:
            lengths = [name for name, _ in environ["headers_raw"] if name.lower() == "content-length"]
            if len(lengths) > 1:
                return "Content-Length", "Content-Length is given more than once; give it once."
        return None
