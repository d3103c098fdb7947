"""Attempts to sign up or in, of the current request: whether one may be made, and what becomes known of it.

No greenlet waits: who has to is answered 429 with Retry-After. A request that is signed by an API key is no attempt, so
that operators who have one always get in.
Layer: api.auth.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from flask import request
from limits import parse

from api.auth.login_limits import LoginLimits, Rate
from api.json.errors import ApiError
from api.settings import Settings, is_loopback

FAILURES: Final = ("BAD_LOGIN", "BAD_PASSWORD", "BAD_CODE")  # codes of ApiError

Failed = Callable[[str, str, str], None]  # what happened, the name, the address


class Attempts:
    """The limits of signing in at one server. `login_rate = "off"`: there are none, and failures are still told."""

    def __init__(self, settings: Settings, on_failed: Failed = lambda _action, _name, _address: None) -> None:
        """`on_failed` is called with an action of `login_audit.OUTCOMES`, a name as given or "", and an address."""
        self._limits: LoginLimits | None = None
        if settings.login_rate != "off":
            rate = parse(settings.login_rate)
            self._limits = LoginLimits(Rate(rate.amount, rate.get_expiry()), time.monotonic)
        self._spares_loopback = settings.sandbox
        self._on_failed = on_failed

    def by_address(self) -> None:
        """Count an attempt of the current request's address. Raises ApiError 429."""
        address = _address()
        if self._limits is None or (self._spares_loopback and is_loopback(address)):
            return
        wait_s = self._limits.count_address(address)
        if wait_s:
            self._on_failed("login_delayed", "", address)
            raise _refusal(wait_s)

    @contextmanager
    def by_name(self, name: str) -> Iterator[None]:
        """Count an attempt for `name`, which failed where one of `FAILURES` is raised inside. Raises ApiError 429."""
        address = _address()
        wait_s = 0.0 if self._limits is None else self._limits.count_name(name, address)
        if wait_s:
            self._on_failed("login_delayed", name, address)
            raise _refusal(wait_s)
        try:
            yield
        except ApiError as refusal:
            if refusal.code in FAILURES:
                self._on_failed("login_failed", name, address)
            elif self._limits is not None:
                self._limits.take_back(name, address)
            raise
        except BaseException:
            if self._limits is not None:
                self._limits.take_back(name, address)
            raise
        if self._limits is not None:
            self._limits.succeeded(name, address)

    def add_own(self, name: str, address: str) -> None:
        """The user of this name has signed in from this address, before this server was started."""
        if self._limits is not None:
            self._limits.add_own(name, address)


def _address() -> str:
    return request.remote_addr or ""


def _refusal(wait_s: float) -> ApiError:
    return ApiError(429, "TOO_MANY_REQUESTS", "Too many attempts; try again later.", None, math.ceil(wait_s))
