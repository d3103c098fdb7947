"""The trading status of symbols on the feed: `status` to those who subscribed, the latest state each time.

A new status is published at once. All other changes, above all of an auction's indicative price, are published at
most every 250 ms, and are computed only then: orders do not wait for it.
Layer: api.feed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import eventlet

from api.market.status_views import StatusService, StatusView
from engine.book import OrderBook
from engine.exchange import Exchange
from engine.rules import gathers
from engine.types import TradingStatus
from logs.limit import limited

log = limited(logging.getLogger(__name__))

INTERVAL_S = 0.25


class _Published:
    """What was last published of one symbol."""

    __slots__ = ("due", "fingerprint", "scheduled", "status", "view")

    def __init__(self) -> None:
        self.status: TradingStatus | None = None
        self.fingerprint: Any = None  # see `_fingerprint`
        self.view: StatusView | None = None
        self.due = 0.0  # monotonic seconds: before it only a new status is published
        self.scheduled = False


class StatusFeed:
    """Publishes the status of each symbol that has subscribers."""

    def __init__(
        self,
        exchange: Exchange,
        statuses: StatusService,
        has_listeners: Callable[[str], bool],
        publish: Callable[[str, StatusView], None],
        clock: Callable[[], int],
    ) -> None:
        """`clock` gives the venue's time in epoch nanoseconds.

        `has_listeners(symbol)`: whether anybody subscribed; `publish(symbol, view)` must not switch."""
        self._exchange = exchange
        self._statuses = statuses
        self._clock = clock
        self._has_listeners = has_listeners
        self._publish = publish
        self._symbols: dict[str, _Published] = {}  # each that has subscribers, or had some

    def on_batch(self) -> None:
        """Publish, now or soon, what a batch has changed. O(symbols with subscribers), whatever the batch."""
        for symbol, published in self._symbols.items():
            book = self._exchange.books[symbol]
            if published.fingerprint == _fingerprint(book):
                continue
            if book.status is not published.status:
                self._flush(symbol, published)
            else:
                self._schedule(symbol, published)

    def refresh(self, symbol: str) -> None:
        """Publish the status of `symbol` soon: its next planned change is another one."""
        published = self._symbols.get(symbol)
        if published is not None:
            self._schedule(symbol, published)

    def subscribe_state(self, symbol: str) -> StatusView:
        """The state that a new subscriber is sent; changes are published from now on."""
        published = self._symbols.get(symbol)
        if published is None:
            published = self._symbols[symbol] = _Published()
        self._note_state(symbol, published)
        return self._view(symbol)

    def _schedule(self, symbol: str, published: _Published) -> None:
        if not published.scheduled:
            published.scheduled = True
            eventlet.spawn_after(max(0.0, published.due - time.monotonic()), self._tick, symbol, published)

    def _view(self, symbol: str) -> StatusView:
        return self._statuses.view(self._exchange.books[symbol], self._exchange.seq, self._clock())

    def _note_state(self, symbol: str, published: _Published) -> None:
        book = self._exchange.books[symbol]
        published.status, published.fingerprint = book.status, _fingerprint(book)

    def _tick(self, symbol: str, published: _Published) -> None:
        published.scheduled = False
        try:
            self._flush(symbol, published)
        except Exception:
            log.exception("the status of %s could not be published", symbol)

    def _flush(self, symbol: str, published: _Published) -> None:
        """Publish what is new, if anything is and anybody is subscribed."""
        self._note_state(symbol, published)
        if not self._has_listeners(symbol):
            return
        published.due = time.monotonic() + INTERVAL_S
        view = self._view(symbol)
        if published.view is None or _content(view) != _content(published.view):
            published.view = view
            self._publish(symbol, view)


def _fingerprint(book: OrderBook) -> Any:
    """The parts of a book whose change is a reason to publish its status again. O(1)."""
    changed_seq = book.changed_seq if gathers(book.status) else 0
    return book.status, book.band.limit_side, book.band_limits, changed_seq


def _content(view: StatusView) -> Any:
    """A view without its time and seq."""
    return view.status, view.limit_state, view.limit_price, view.band, view.next_change, view.indicative
