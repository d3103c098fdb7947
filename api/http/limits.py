"""Rate limits by account, by address where nobody is signed in. Those of signing in: `api.auth.attempts`.

Everything that comes is counted: requests of every path and method, those that the guard refuses, and messages of the
feed. What asks for much counts for more. In a sandbox that only this machine can reach nothing is counted.
Layer: api.http.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from flask import Flask, Response, current_app, has_request_context, request
from flask_limiter import HeaderNames, Limiter
from limits import parse

from api.http import counts
from api.http.addresses import neighbourhood
from api.json.errors import ApiError
from api.settings import Settings, is_loopback

BYTES_A_UNIT: Final = 16_384  # of a body: each as many count as one request
ITEMS_A_UNIT: Final = 1_000  # levels or orders that are read
DIGEST_UNITS: Final = 50  # of what looks at every open order
EXPLANATION_UNITS: Final = 10

_EXTENSION: Final = "openbell-limits"
_SCOPE: Final = "global"  # of Flask-Limiter's limits of a whole application
_NOWHERE: Final = "nowhere"  # the route of a path that we do not have
_WINDOW_HEADER: Final = "X-Openbell-Window"  # internal: removed before the answer leaves


class RateLimits:
    """Counts what each client asks for, and refuses what is too much. None of its methods waits."""

    def __init__(self, app: Flask, settings: Settings, client_key: Callable[[], str | None] | None = None) -> None:
        """Have Flask-Limiter count every request of `app`, by what it costs.

        `client_key` names whose requests are counted together; where it gives None, they are counted by address.
        """
        self._rate = parse(settings.rate_limit)
        self._client_key = client_key
        self._spares_loopback = settings.sandbox
        app.after_request(_restore_retry_after)  # before the limiter's own hook, which Flask therefore calls first
        storage = settings.rate_limit_storage
        self._limiter = Limiter(
            self._client,
            app=app,
            application_limits=[settings.rate_limit],
            application_limits_cost=self._units_of_request,
            application_limits_exempt_when=lambda: self._spares(request.remote_addr or ""),
            request_identifier=lambda: request.endpoint or _NOWHERE,  # it would not count what has no route
            strategy="fixed-window",
            storage_uri=f"{counts.SCHEME}://" if storage.startswith("memory:") else f"{counts.SCHEME}+{storage}",
            headers_enabled=True,
            # it sets Retry-After to the end of its window on every answer, even on a 503 that is over in a second
            header_name_mapping={HeaderNames.RETRY_AFTER: _WINDOW_HEADER},
        )

    def charge(self, units: int) -> None:
        """As the function of this name."""
        if not self._spares(request.remote_addr or "") and units > 0:
            refusal = self._refusal(self._client(), units)
            if refusal is not None:
                raise refusal

    def of_address(self, environ: dict[str, Any]) -> ApiError | None:
        """Count a request by its address; its refusal when it is one too many."""
        address = environ.get("REMOTE_ADDR", "")
        return None if self._spares(address) else self._refusal(_counted(address), 1)

    def close(self) -> None:
        """End what counts with other servers."""
        storage = self._limiter.storage
        if isinstance(storage, counts.Counts):
            storage.close()

    def _client(self) -> str:
        """Whose the current request or message is."""
        key = None if self._client_key is None else self._client_key()
        return _counted(request.remote_addr or "") if key is None else key

    def _units_of_request(self) -> int:
        return self._at_most(1 + (request.content_length or 0) // BYTES_A_UNIT)

    def _at_most(self, units: int) -> int:
        """A single request never counts for more than a whole window has."""
        return min(units, self._rate.amount)

    def _spares(self, address: str) -> bool:
        """Loopback is never limited in the sandbox profile."""
        return self._spares_loopback and is_loopback(address)

    def _refusal(self, key: str, units: int) -> ApiError | None:
        """Count; the refusal when it is too much."""
        if self._limiter.limiter.hit(self._rate, key, _SCOPE, cost=self._at_most(units)):
            return None
        ends_at = self._limiter.limiter.get_window_stats(self._rate, key, _SCOPE).reset_time
        sentence = f"Too many requests: at most {self._rate} are answered; what asks for much counts for several."
        return ApiError(429, "TOO_MANY_REQUESTS", sentence, None, max(1, int(ends_at - time.time()) + 1))


def install(app: Flask, settings: Settings, client_key: Callable[[], str | None] | None = None) -> RateLimits | None:
    """Limit `app` as the settings say; None when there is nothing to limit."""
    if settings.rate_limit == "off" or not settings.reachable_by_others:
        return None
    limits = app.extensions[_EXTENSION] = RateLimits(app, settings, client_key)
    return limits


def charge(units: int) -> None:
    """Count `units` for the current request, besides the one that it has been counted for, or message of the feed.

    Raises ApiError 429.
    """
    limits: RateLimits | None = current_app.extensions.get(_EXTENSION) if has_request_context() else None
    if limits is not None:
        limits.charge(units)


def _counted(address: str) -> str:
    return f"address {neighbourhood(address)}"


def _restore_retry_after(response: Response) -> Response:
    """Only an answer of the limiter itself says to come back when the window ends."""
    window_ends_in = response.headers.pop(_WINDOW_HEADER, None)
    if response.status_code == 429 and window_ends_in is not None:
        response.headers.setdefault("Retry-After", window_ends_in)
    return response
