"""Rate limits by account, by address where nobody is signed in. Those of signing in: `api.auth.attempts`.

Everything that comes is counted: requests of every path and method, those that the guard refuses, and messages of the
feed. What asks for much counts for more. In a sandbox that only this machine can reach nothing is counted.
Layer: api.http.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from flask import Flask, Response, current_app, g, has_request_context, request
from limits import parse
from limits.strategies import FixedWindowRateLimiter

from api.http.addresses import neighbourhood
from api.http.counts import Counts, SharedCounts
from api.json.errors import ApiError
from api.settings import Settings, is_loopback

BYTES_A_UNIT: Final = 16_384  # of a body: each as many count as one request
ITEMS_A_UNIT: Final = 1_000  # of what is read or cancelled
DIGEST_UNITS: Final = 50  # of what looks at every open order
EXPLANATION_UNITS: Final = 10

_EXTENSION: Final = "openbell-limits"
_NAME: Final = "openbell"


class RateLimits:
    """Counts what each client asks for, and refuses what is too much. None of its methods waits."""

    def __init__(self, settings: Settings, client_key: Callable[[], str | None] | None = None) -> None:
        """`client_key` names whose requests are counted together; where it gives None, they are counted by address."""
        self._rate = parse(settings.rate_limit)
        self._counts = (
            Counts() if settings.rate_limit_storage.startswith("memory:") else SharedCounts(settings.rate_limit_storage)
        )
        self._window = FixedWindowRateLimiter(self._counts)
        self._client_key = client_key
        self._spares_loopback = settings.sandbox

    def charge(self, units: int = 1) -> None:
        """Count the current request or message of the feed, or `units` more of it. Raises ApiError 429."""
        address = request.remote_addr or ""
        if self._spares(address) or units < 1:
            return
        key = None if self._client_key is None else self._client_key()
        key = f"address {neighbourhood(address)}" if key is None else key
        g.openbell_client = key
        refusal = self._refusal(key, units)
        if refusal is not None:
            raise refusal

    def of_address(self, environ: dict[str, Any]) -> ApiError | None:
        """Count a request by its address; its refusal when it is one too many."""
        address = environ.get("REMOTE_ADDR", "")
        return None if self._spares(address) else self._refusal(f"address {neighbourhood(address)}", 1)

    def describe(self, response: Response) -> Response:
        """Add to an answer what is left to its client."""
        key = g.get("openbell_client")
        if key is not None:
            ends_at, left = self._window.get_window_stats(self._rate, _NAME, key)
            response.headers["X-RateLimit-Limit"] = str(self._rate.amount)
            response.headers["X-RateLimit-Remaining"] = str(left)
            response.headers["X-RateLimit-Reset"] = str(int(ends_at))
        return response

    def close(self) -> None:
        """End what counts with other servers."""
        if isinstance(self._counts, SharedCounts):
            self._counts.close()

    def _spares(self, address: str) -> bool:
        """Loopback is never limited in the sandbox profile."""
        return self._spares_loopback and is_loopback(address)

    def _refusal(self, key: str, units: int) -> ApiError | None:
        """Count; a single request never counts for more than a whole window has."""
        if self._window.hit(self._rate, _NAME, key, cost=min(units, self._rate.amount)):
            return None
        ends_at = self._counts.get_expiry(self._rate.key_for(_NAME, key))
        sentence = f"Too many requests: at most {self._rate} are answered."
        return ApiError(429, "TOO_MANY_REQUESTS", sentence, None, max(1, int(ends_at - time.time()) + 1))


def install(app: Flask, settings: Settings, client_key: Callable[[], str | None] | None = None) -> RateLimits | None:
    """Limit `app` as the settings say; None when there is nothing to limit."""
    if settings.rate_limit == "off" or (settings.sandbox and settings.loopback):
        return None
    limits = app.extensions[_EXTENSION] = RateLimits(settings, client_key)

    @app.before_request
    def count() -> None:
        limits.charge(1 + (request.content_length or 0) // BYTES_A_UNIT)

    app.after_request(limits.describe)
    return limits


def charge(units: int) -> None:
    """Count the current request, or message of the feed, for `units` more. Raises ApiError 429."""
    limits: RateLimits | None = current_app.extensions.get(_EXTENSION) if has_request_context() else None
    if limits is not None:
        limits.charge(units)
