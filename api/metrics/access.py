"""Who may read the figures: who shows the token of monitoring, operators, and in a sandbox its own machine.

The token is good for nothing else, so that what collects figures need not be able to trade or to operate.
Layer: api.metrics.
"""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import Final

from flask import request

from api.auth.authenticator import requesting_operator
from api.settings import is_loopback

TOKEN_CHARACTERS_MIN: Final = 32
_SHOWN: Final = ("HTTP_AUTHORIZATION", "HTTP_X_OPENBELL_KEY", "HTTP_X_OPENBELL_SIGNATURE")


class MetricsAccess:
    """Judges requests for figures."""

    def __init__(self, token_file: Path | None, *, sandbox: bool) -> None:
        """Raises OSError where the file cannot be read, or holds no token that nobody guesses."""
        self._token = b"" if token_file is None else _token_in(token_file)
        self._sandbox = sandbox

    def require(self) -> None:
        """Raise ApiError 401 or 403 where who sent the current request of Flask may not read the figures."""
        if self._is_shown(request.environ.get("HTTP_AUTHORIZATION", "")):
            return
        shown = any(name in request.environ for name in _SHOWN)
        if shown or not (self._sandbox and is_loopback(request.remote_addr or "")):
            requesting_operator()

    def _is_shown(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        return bool(self._token) and scheme.lower() == "bearer" and hmac.compare_digest(token.encode(), self._token)


def _token_in(path: Path) -> bytes:
    token = path.read_bytes().strip()
    if len(token) < TOKEN_CHARACTERS_MIN or not token.isascii() or len(token.split()) != 1:
        raise OSError(f"--metrics-token-file {path}: write one word of at least {TOKEN_CHARACTERS_MIN} characters")
    return token
