"""HTTP as eventlet speaks it, and the target of each request as the client sent it: that is what was signed.

Python's server makes one of several slashes at the beginning, and cuts off the `?` of an empty query.
Layer: api.
"""

from __future__ import annotations

from typing import Any, Final

from eventlet.wsgi import HttpProtocol as EventletProtocol

TARGET: Final = "openbell.target"  # in the environ: path and query, byte for byte, as text with surrogate escapes


class HttpProtocol(EventletProtocol):  # type: ignore[misc]
    """One connection."""

    def get_environ(self) -> dict[str, Any]:
        """The environ of the request that was read."""
        environ: dict[str, Any] = super().get_environ()
        sent: str = self.requestline.split()[1]
        environ[TARGET] = sent.encode("latin-1").decode("utf-8", "surrogateescape")
        return environ
