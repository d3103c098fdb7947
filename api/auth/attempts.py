"""How often one may sign up or in.

Layer: api.auth.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from flask import request
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from api.json.errors import ApiError
from api.settings import Settings, is_loopback


class Attempts:
    """How often one may sign up or in: by address each attempt counts, by name those that fail.

    An attacker can so keep a user from signing in, for as long as they go on; not one who is signed in.
    """

    def __init__(self, settings: Settings) -> None:
        self._rate: RateLimitItem | None = None if settings.login_rate == "off" else parse(settings.login_rate)
        self._spares_loopback = settings.sandbox
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
        # counted before the password is checked, so that many attempts at once all count
        if not self._window.hit(rate, "name", folded):
            raise self._refusal(rate, "name", folded)
        yield
        self._window.clear(rate, "name", folded)

    def _refusal(self, rate: RateLimitItem, *of: str) -> ApiError:
        reset = self._window.get_window_stats(rate, *of).reset_time
        return ApiError(
            429, "TOO_MANY_REQUESTS", "Too many attempts; try again later.", None, max(1, int(reset - time.time()) + 1)
        )
