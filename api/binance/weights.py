"""What a client has used of its limits, as the headers of the second wire say it. The limits are those of the first.

Layer: api.binance.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from api.auth.authenticator import rate_key_of
from api.auth.principals import Principal
from api.http.addresses import neighbourhood
from api.http.counts import Counts
from api.http.limits import RateLimits
from api.http.wsgi import Environ
from engine.exchange import Exchange
from engine.types import AccountId

ORDERS_S: Final = 10  # the interval of which orders are counted
_INTERVALS: Final = {"second": "S", "minute": "M", "hour": "H", "day": "D"}


class OrderLimit(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """GET rateLimit/order: how many orders an account may enter in an interval, and how many it has."""

    rate_limit_type: Literal["ORDERS"] = "ORDERS"
    interval: Literal["SECOND"] = "SECOND"
    interval_num: int = ORDERS_S
    limit: int
    count: int


class Weights:
    """What the clients of one venue have used. Bounded; every method is O(1)."""

    def __init__(self, exchange: Exchange, limits: RateLimits | None) -> None:
        """`limits` are None where nothing is limited: then nothing is used either."""
        self._exchange = exchange
        self._limits = limits
        self._orders = Counts()
        interval = "1M"
        if limits is not None:
            interval = f"{limits.rate.multiples}{_INTERVALS[limits.rate.GRANULARITY.name]}"
        self._used_header = f"X-MBX-USED-WEIGHT-{interval}"
        self._orders_header = f"X-MBX-ORDER-COUNT-{ORDERS_S}S"

    def count_order(self, account: AccountId) -> None:
        """An account enters one more order."""
        self._orders.incr(str(account), ORDERS_S)

    def headers(self, environ: Environ, principal: Principal | None) -> list[tuple[str, str]]:
        """What an answer says of what its client has used; of orders where it is known whose they are."""
        used = 0
        if self._limits is not None:
            key = rate_key_of(principal) or f"address {neighbourhood(environ.get('REMOTE_ADDR', ''))}"
            used = self._limits.rate.amount - self._limits.window(key)[0]
        named = [(self._used_header, str(used))]
        if principal is not None and environ["REQUEST_METHOD"] != "GET":
            named.append((self._orders_header, str(self._orders.get(str(principal.account)))))
        return named

    def order_limits(self, principal: Principal) -> list[OrderLimit]:
        """GET rateLimit/order: nothing where neither the account nor its requests are limited."""
        known = self._exchange.accounts.get(principal.account)
        own = None if known is None else known.configuration.max_orders_per_second
        most = [limit for limit in (own and own * ORDERS_S, self._limits and self._limits.rate.amount) if limit]
        if not most:
            return []
        return [OrderLimit(limit=min(most), count=self._orders.get(str(principal.account)))]
