"""Where symbols stand, on the feed: `status` to those who subscribed, the latest state each time.

A new status leaves at once. Everything else, the indicative price of an auction above all, at most every
250 ms, and only then is it worked out: orders do not wait for it.
Layer: api.feed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import eventlet

from api.market.status_views import GATHERING, StatusService, StatusView
from engine.book import OrderBook
from engine.exchange import Exchange
from engine.types import TradingStatus

log = logging.getLogger(__name__)

INTERVAL_S = 0.25


class _Told:
    """What the subscribers of one symbol know."""

    __slots__ = ("due", "quick", "scheduled", "status", "view")

    def __init__(self) -> None:
        self.status: TradingStatus | None = None
        self.quick: Any = None  # see `_quick_look`
        self.view: StatusView | None = None
        self.due = 0.0  # monotonic seconds: nothing but a new status before
        self.scheduled = False


class StatusFeed:
    """Tells each symbol's subscribers of its status."""

    def __init__(
        self,
        exchange: Exchange,
        statuses: StatusService,
        has_listeners: Callable[[str], bool],
        tell: Callable[[str, StatusView], None],
    ) -> None:
        """`has_listeners(symbol)`: whether anybody subscribed; `tell(symbol, view)` must not switch."""
        self._exchange = exchange
        self._statuses = statuses
        self._has_listeners = has_listeners
        self._tell = tell
        self._symbols: dict[str, _Told] = {}  # of those that have subscribers, or had

    def publish(self) -> None:
        """See what a batch has changed. O(symbols with subscribers), whatever the batch."""
        for symbol, told in self._symbols.items():
            book = self._exchange.books[symbol]
            if told.quick == _quick_look(book):
                continue
            if book.status is not told.status:
                self._flush(symbol, told)
            else:
                self._later(symbol, told)

    def look(self, symbol: str) -> None:
        """Look again soon: what is planned next has changed."""
        told = self._symbols.get(symbol)
        if told is not None:
            self._later(symbol, told)

    def state(self, symbol: str) -> StatusView:
        """What a new subscriber is told; from now on there is one."""
        told = self._symbols.get(symbol)
        if told is None:
            told = self._symbols[symbol] = _Told()
        self._look(symbol, told)
        return self._now(symbol)

    def _later(self, symbol: str, told: _Told) -> None:
        if not told.scheduled:
            told.scheduled = True
            eventlet.spawn_after(max(0.0, told.due - time.monotonic()), self._tick, symbol, told)

    def _now(self, symbol: str) -> StatusView:
        return self._statuses.view(self._exchange.books[symbol], self._exchange.seq, time.time_ns())

    def _look(self, symbol: str, told: _Told) -> None:
        book = self._exchange.books[symbol]
        told.status, told.quick = book.status, _quick_look(book)

    def _tick(self, symbol: str, told: _Told) -> None:
        told.scheduled = False
        try:
            self._flush(symbol, told)
        except Exception:
            log.exception("the status of %s could not be told", symbol)

    def _flush(self, symbol: str, told: _Told) -> None:
        """Tell what is new, if anything is and anybody listens."""
        self._look(symbol, told)
        if not self._has_listeners(symbol):
            return
        told.due = time.monotonic() + INTERVAL_S
        view = self._now(symbol)
        if told.view is None or _substance(view) != _substance(told.view):
            told.view = view
            self._tell(symbol, view)


def _quick_look(book: OrderBook) -> Any:
    """What cannot change without the status view changing, or its price being worth a new look. O(1)."""
    gathers = book.status in GATHERING
    return book.status, book.band.limit_side, book.band_limits, book.changed_seq if gathers else 0


def _substance(view: StatusView) -> Any:
    """All of a view but when it was made."""
    return view.status, view.limit_state, view.limit_price, view.band, view.next_change, view.indicative
