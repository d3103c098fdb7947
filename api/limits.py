"""Rate limits per client address, where they can matter at all, and harder ones for signing in.

In a sandbox that only this machine can reach the first are not installed, so nothing is paid.
Layer: api.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from api.errors import ApiError
from api.settings import Settings, is_loopback


def install(app: Flask, settings: Settings) -> Limiter | None:
    """Limit `app` as the settings say; None when there is nothing to limit."""
    if settings.rate_limit == "off" or (settings.profile == "sandbox" and settings.loopback):
        return None
    limiter = Limiter(
        get_remote_address,
        app=app,
        application_limits=[settings.rate_limit],
        storage_uri="memory://",
        headers_enabled=True,
    )

    @limiter.request_filter
    def own_machine() -> bool:
        """Loopback is never limited in the sandbox profile."""
        return settings.profile == "sandbox" and is_loopback(request.remote_addr or "")

    return limiter


class Attempts:
    """How often one may sign up or in: by address each attempt counts, by name those that fail.

    An attacker can so keep a user from signing in, for as long as they go on; not one who is signed in.
    """

    def __init__(self, settings: Settings) -> None:
        self._rate: RateLimitItem | None = None if settings.login_rate == "off" else parse(settings.login_rate)
        self._spares_loopback = settings.profile == "sandbox"
        self._window = MovingWindowRateLimiter(MemoryStorage())

    def by_address(self) -> None:
        """Count an attempt of the current request's address. Raises ApiError 429."""
        address = request.remote_addr or ""
        if self._rate is None or (self._spares_loopback and is_loopback(address)):
            return
        if not self._window.hit(self._rate, "address", address):
            raise self._refusal(self._rate, "address", address)

    @contextmanager
    def by_name(self, name: str) -> Iterator[None]:
        """Count an attempt for `name`; taken back when it succeeds. Raises ApiError 429."""
        rate, folded = self._rate, name.lower()
        if rate is None:
            yield
            return
        # counted before the password is looked at: many attempts at once are many
        if not self._window.hit(rate, "name", folded):
            raise self._refusal(rate, "name", folded)
        yield
        self._window.clear(rate, "name", folded)

    def _refusal(self, rate: RateLimitItem, *of: str) -> ApiError:
        reset = self._window.get_window_stats(rate, *of).reset_time
        return ApiError(
            429, "TOO_MANY_REQUESTS", "Too many attempts; try again later.", None, max(1, int(reset - time.time()) + 1)
        )
