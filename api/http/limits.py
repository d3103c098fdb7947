"""Rate limits by account, by address where nobody is signed in. Those of signing in: `api.auth.attempts`.

Everything that comes is counted: requests of every path and method, those that the guard refuses, and messages of the
feed. What asks for much counts for more. In a sandbox that only this machine can reach nothing is counted.
Layer: api.http.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Final

from flask import Flask, Response, current_app, has_request_context, request
from flask_limiter import HeaderNames, Limiter
from limits import parse

from api.http import counts
from api.http.addresses import neighbourhood
from api.http.wsgi import Environ
from api.json.errors import ApiError
from api.settings import Settings, is_loopback
from loop.shared_table import SharedTable

BYTES_A_UNIT: Final = 16_384  # of a body: each as many count as one request
# what a read counts besides: a unit is about a millisecond of the event loop, as a short request takes, measured with
# 100,000 open orders and 10,000 symbols
LEVELS_A_UNIT: Final = 400  # of a book
ORDERS_A_UNIT: Final = 350  # of a book, one by one
QUOTED_A_UNIT: Final = 1_000  # levels that a quote walks
OPEN_ORDERS_A_UNIT: Final = 1_500  # of an account, that a page of its orders looks through
ROWS_A_UNIT: Final = 300  # trades or candles
SYMBOLS_A_UNIT: Final = 50  # of all, each with its limits and best prices
TICKERS_A_UNIT: Final = 80
FIGURES_A_UNIT: Final = 150  # symbols in the statistics of all
DIGEST_UNITS: Final = 50  # of what looks at every open order
EXPLANATION_UNITS: Final = 10
WINDOW_NAMES_KEPT: Final = 10_000

_count_read: ContextVar[Callable[[int], None]] = ContextVar("count_read", default=lambda _units: None)

_EXTENSION: Final = "openbell-limits"
_READS: Final = "reads"  # the scope of what anonymous callers read
_SCOPE: Final = "global"  # of Flask-Limiter's limits of a whole application
_NOWHERE: Final = "nowhere"  # the route of a path that we do not have
_HEADERS: Final = "X-RateLimit-"  # of Flask-Limiter, which begin so
_REMAINING: Final = f"{_HEADERS}Remaining"
_RESET: Final = f"{_HEADERS}Reset"
_WINDOW_HEADER: Final = "X-Openbell-Window"  # internal: removed before the answer leaves


class RateLimits:
    """Counts what each client asks for, and refuses what is too much. None of its methods waits."""

    def __init__(
        self,
        app: Flask,
        settings: Settings,
        client_key: Callable[[], str | None] | None = None,
        table: SharedTable | None = None,
    ) -> None:
        """Have Flask-Limiter count every request of `app`, by what it costs.

        `client_key` names whose requests are counted together; where it gives None, they are counted by address.
        `table`: where all processes of this server count, where there are several and no other storage is set.
        """
        self.rate = parse(settings.rate_limit)
        self._window_s = self.rate.get_expiry()
        self.limit_header = f"{_HEADERS}Limit", str(self.rate.amount)
        self._reads = None if settings.read_limit == "off" else parse(settings.read_limit)
        self._client_key = client_key
        self._spares_loopback = settings.sandbox
        app.after_request(_restore_retry_after)  # before the limiter's own hook, which Flask therefore calls first
        storage, options = _storage_of(settings, table)
        self._limiter = Limiter(
            self._client,
            app=app,
            application_limits=[settings.rate_limit],
            application_limits_cost=self._units_of_request,
            application_limits_exempt_when=lambda: self._spares(request.remote_addr or ""),
            request_identifier=lambda: request.endpoint or _NOWHERE,  # it would not count what has no route
            strategy="fixed-window",
            storage_uri=storage,
            storage_options=options,
            headers_enabled=True,
            # it sets Retry-After to the end of its window on every answer, even on a 503 that is over in a second
            header_name_mapping={HeaderNames.RETRY_AFTER: _WINDOW_HEADER},
        )
        self._storage = self._limiter.storage
        self._window_name = lru_cache(WINDOW_NAMES_KEPT)(lambda key: self.rate.key_for(key, _SCOPE))

    def charge(self, units: int) -> None:
        """As the function of this name."""
        self.charge_for(None if self._client_key is None else self._client_key(), request.remote_addr or "", units)

    def charge_for(self, key: str | None, address: str, units: int) -> None:
        """Count `units` for `key`, or where that is None for an address. Raises ApiError 429."""
        if not self._spares(address) and units > 0:
            refusal = self.refusal(_counted(address) if key is None else key, units)
            if refusal is not None:
                raise refusal

    def charge_read(self, units: int) -> None:
        """As the function of this name."""
        key = None if self._client_key is None else self._client_key()
        self.charge_read_for(key, request.remote_addr or "", units)

    def charge_read_for(self, key: str | None, address: str, units: int) -> None:
        """As `charge_for`; of who is not signed in (`key` is None) by the limit of reads as well."""
        self.charge_for(key, address, units)
        if key is None and units > 0 and self._reads is not None and not self._spares(address):
            cost, counted = min(units, self._reads.amount), _counted(address)
            if not self._limiter.limiter.hit(self._reads, counted, _READS, cost=cost):
                ends_at = self._limiter.limiter.get_window_stats(self._reads, counted, _READS).reset_time
                sentence = f"Too many long reads without signing in: at most {self._reads} units; ask for less."
                retry_after_s = max(1, int(ends_at - time.time()) + 1)
                raise ApiError(429, "TOO_MANY_REQUESTS", sentence, None, retry_after_s)

    def counted(self, environ: Environ, key: str | None) -> Counted | None:
        """Count a request that does not come to Flask as if it did; None where nothing is counted.

        `key` names whose it is; where it is None, it is counted by address.
        """
        address = environ.get("REMOTE_ADDR", "")
        if self._spares(address):
            return None
        key = key or _counted(address)
        units = _units_of(int(environ.get("CONTENT_LENGTH") or 0))
        # as the limiter's own `hit`, which makes the name of the window anew each time
        counted = self._storage.incr(self._window_name(key), self._window_s, amount=self._at_most(units))
        return Counted(self, key, exceeded=counted > self.rate.amount)

    def window(self, key: str) -> tuple[int, int]:
        """How much is left in the present window of a client, and the epoch second in which it ends."""
        name = self._window_name(key)
        return max(0, self.rate.amount - self._storage.get(name)), int(self._storage.get_expiry(name) + 1)

    def of_address(self, environ: Environ) -> ApiError | None:
        """Count a request by its address; its refusal when it is one too many."""
        address = environ.get("REMOTE_ADDR", "")
        return None if self._spares(address) else self.refusal(_counted(address), 1)

    def close(self) -> None:
        """End what counts with other servers."""
        if isinstance(self._storage, counts.SharedCounts):
            self._storage.close()

    def _client(self) -> str:
        """Whose the current request of Flask is."""
        key = None if self._client_key is None else self._client_key()
        return _counted(request.remote_addr or "") if key is None else key

    def _units_of_request(self) -> int:
        return self._at_most(_units_of(request.content_length or 0))

    def _at_most(self, units: int) -> int:
        """A single request never counts for more than a whole window has."""
        return min(units, self.rate.amount)

    def _spares(self, address: str) -> bool:
        """Loopback is never limited in the sandbox profile."""
        return self._spares_loopback and is_loopback(address)

    def refusal(self, key: str, units: int) -> ApiError | None:
        """Count for a client; the refusal when it is too much."""
        if self._limiter.limiter.hit(self.rate, key, _SCOPE, cost=self._at_most(units)):
            return None
        ends_at = self._limiter.limiter.get_window_stats(self.rate, key, _SCOPE).reset_time
        sentence = f"Too many requests: at most {self.rate} are answered; what asks for much counts for several."
        return ApiError(429, "TOO_MANY_REQUESTS", sentence, None, max(1, int(ends_at - time.time()) + 1))


class Counted:
    """One request that was counted without Flask-Limiter, and what its answer says of it in the limiter's headers."""

    __slots__ = ("_key", "_limits", "exceeded")

    def __init__(self, limits: RateLimits, key: str, *, exceeded: bool) -> None:
        """`exceeded`: it is one too many."""
        self._limits = limits
        self._key = key
        self.exceeded = exceeded

    def charge(self, units: int) -> None:
        """Count `units` more. Raises ApiError 429."""
        refusal = self._limits.refusal(self._key, units) if units > 0 else None
        if refusal is not None:
            raise refusal

    def headers(self) -> list[tuple[str, str]]:
        """The headers of its answer; of one that is refused, `Retry-After` as well."""
        remaining, ends_at = self._limits.window(self._key)
        named = [
            self._limits.limit_header,
            (_REMAINING, str(remaining)),
            (_RESET, str(ends_at)),
        ]
        return [*named, ("Retry-After", str(int(ends_at - time.time())))] if self.exceeded else named

    def refusal(self) -> ApiError:
        """Its answer where it is one too many."""
        return ApiError(429, "TOO_MANY_REQUESTS", too_many(self._limits.rate))


def too_many(rate: object) -> str:
    """The sentence that a request over the limit is refused with."""
    return f"Too many requests: at most {rate} are answered."


def _storage_of(settings: Settings, table: SharedTable | None) -> tuple[str, dict[str, Any]]:
    """Where is counted, as Flask-Limiter takes it."""
    storage = settings.rate_limit_storage
    if not storage.startswith("memory:"):
        return f"{counts.SCHEME}+{storage}", {}
    return (f"{counts.SCHEME}://", {}) if table is None else (f"{counts.SCHEME}+table://", {"table": table})


def install(
    app: Flask, settings: Settings, client_key: Callable[[], str | None] | None = None, table: SharedTable | None = None
) -> RateLimits | None:
    """Limit `app` as the settings say; None when there is nothing to limit. `table`: as `RateLimits` has it."""
    if settings.rate_limit == "off" or not settings.reachable_by_others:
        return None
    limits = app.extensions[_EXTENSION] = RateLimits(app, settings, client_key, table)
    return limits


def charge(units: int) -> None:
    """Count `units` for the current request, besides the one that it has been counted for.

    Raises ApiError 429.
    """
    limits: RateLimits | None = current_app.extensions.get(_EXTENSION) if has_request_context() else None
    if limits is not None:
        limits.charge(units)


def charge_read(items: int, items_a_unit: int) -> None:
    """Count a read of so many items for the current request; of who is not signed in by the limit of reads as well.

    The request is Flask's, or one that is worked on within `reading`. Raises ApiError 429.
    """
    units = items // items_a_unit
    if not units:
        return
    if not has_request_context():
        _count_read.get()(units)
        return
    limits: RateLimits | None = current_app.extensions.get(_EXTENSION)
    if limits is not None:
        limits.charge_read(units)


@contextmanager
def reading(count: Callable[[int], None]) -> Iterator[None]:
    """Have what is read within the block counted by `count`, in this greenlet: for requests that are not Flask's."""
    before = _count_read.set(count)
    try:
        yield
    finally:
        _count_read.reset(before)


def _units_of(body_bytes: int) -> int:
    return 1 + body_bytes // BYTES_A_UNIT


def _counted(address: str) -> str:
    return f"address {neighbourhood(address)}"


def _restore_retry_after(response: Response) -> Response:
    """Only an answer of the limiter itself says to come back when the window ends."""
    window_ends_in = response.headers.pop(_WINDOW_HEADER, None)
    if response.status_code == 429 and window_ends_in is not None:
        response.headers.setdefault("Retry-After", window_ends_in)
    return response
