"""Rate limits by account, by address where nobody is signed in. Those of signing in: `api.auth.attempts`.

In a sandbox that only this machine can reach they are not installed, so nothing is paid.
Layer: api.http.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from flask import Flask, Response, request
from flask_limiter import HeaderNames, Limiter
from flask_limiter.util import get_remote_address
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from api.json.errors import ApiError
from api.settings import Settings, is_loopback

# a Redis server that does not answer is not waited for: the limits are then counted in memory
_PATIENCE: dict[str, Any] = {"socket_timeout": 0.25, "socket_connect_timeout": 0.25}

_WINDOW_HEADER: Final = "X-Openbell-Window"  # internal: removed before the answer leaves

log = logging.getLogger(__name__)

Check = Callable[[], None]


def install(app: Flask, settings: Settings, client_key: Callable[[], str | None] | None = None) -> Check | None:
    """Limit `app` as the settings say; None when there is nothing to limit.

    `client_key` names whose requests are counted together; without it, or where it gives None, they are counted by
    address. Returns what limits a message of the feed: called in its context, it raises ApiError 429.
    """
    if settings.rate_limit == "off" or (settings.sandbox and settings.loopback):
        return None

    def client() -> str:
        key = None if client_key is None else client_key()
        return get_remote_address() if key is None else key

    @app.after_request  # registered before the limiter's own hook, which Flask therefore calls first
    def restore_retry_after(response: Response) -> Response:
        """Only an answer of the limiter itself says to come back when the window ends."""
        window_ends_in = response.headers.pop(_WINDOW_HEADER, None)
        if response.status_code == 429 and window_ends_in is not None:
            response.headers.setdefault("Retry-After", window_ends_in)
        return response

    remote = not settings.rate_limit_storage.startswith("memory:")
    limiter = Limiter(
        client,
        app=app,
        application_limits=[settings.rate_limit],
        storage_uri=settings.rate_limit_storage,
        storage_options=_PATIENCE if remote else {},
        in_memory_fallback=[settings.rate_limit] if remote else [],
        headers_enabled=True,
        # the limiter sets Retry-After to the end of its window on every answer, even on a 503 that is over in a second
        header_name_mapping={HeaderNames.RETRY_AFTER: _WINDOW_HEADER},
    )
    rate = parse(settings.rate_limit)
    spare = MovingWindowRateLimiter(MemoryStorage())

    def within(account: str) -> bool:
        """Count one; in memory where the storage is away, as the limiter itself does for REST."""
        try:
            return bool(limiter.limiter.hit(rate, "feed", account))
        except Exception as problem:  # whatever the storage raises
            log.warning("the rate limits' storage is away, %s: counting in memory", type(problem).__name__)
            return spare.hit(rate, "feed", account)

    def check() -> None:
        if not own_machine() and not within(client()):
            raise ApiError(429, "TOO_MANY_REQUESTS", f"At most {settings.rate_limit} messages.", None, 1)

    @limiter.request_filter
    def own_machine() -> bool:
        """Loopback is never limited in the sandbox profile."""
        return settings.sandbox and is_loopback(request.remote_addr or "")

    return check
