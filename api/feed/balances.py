"""Balances on the feed: `balances` to those who subscribed to their orders, the latest state each time.

Layer: api.feed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import eventlet

from api.accounts.views import BalancesView, balances_view
from engine.events import Accepted, Amended, CommandResult, Deposited, Ended, Event, Filled, Withdrawn
from engine.exchange import Exchange
from engine.types import AccountId


class BalanceFeed:
    """Publishes the balances of each account whose money moved, at most once in an interval."""

    def __init__(
        self, exchange: Exchange, interval_s: float, publish: Callable[[AccountId, BalancesView], None]
    ) -> None:
        self._exchange = exchange
        self._interval_s = interval_s
        self._publish = publish
        self._moved: dict[AccountId, None] = {}

    def on_batch(self, batch: list[CommandResult]) -> None:
        """Take note of a batch. O(events)."""
        idle = not self._moved
        for applied in batch:
            for event in applied.events:
                for account in _accounts_of(event):
                    self._moved[account] = None
        if idle and self._moved:
            eventlet.spawn_after(self._interval_s, self._flush)

    def _flush(self) -> None:
        moved, self._moved = self._moved, {}
        for account in moved:
            self._publish(account, balances_view(self._exchange, account))


def _accounts_of(event: Event) -> Iterable[AccountId]:
    """Whose balance an event moves: available, held, or both."""
    if isinstance(event, Filled):
        return (event.maker_account, event.taker_account)
    if isinstance(event, Accepted | Ended | Amended | Deposited | Withdrawn):
        return (event.account,)
    return ()
