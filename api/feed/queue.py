"""Queue positions on the feed: `queue`, to those who subscribed to their orders, says where these stand.

A level that changed is walked once for all watched orders in it, from both ends, at most every 250 ms. One turn takes
a limited number of steps; levels that it does not reach wait for the next.
Layer: api.feed.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

import eventlet
import msgspec

from engine.events import Accepted, Amended, CommandResult, Ended, Triggered
from engine.exchange import Exchange
from engine.order import Order, PriceLevel
from engine.types import AccountId, OrderId
from listings.grid import grid_of
from listings.texts import DecimalText, IdText
from logs.limit import limited
from loop.turns import in_turns
from projections.levels import LevelKey

log = limited(logging.getLogger(__name__))

INTERVAL_S: Final = 0.25
REACH: Final = 2_000  # orders from either end of a level; one further in is published when it is nearer
STEPS: Final = 5_000  # orders walked in one turn: a millisecond or two
AT_ONCE: Final = 500  # open orders of an account that are taken in without a turn for others
POSITIONS_MAX: Final = 1_000  # in one message

Ahead = tuple[int, int]  # orders and lots ahead

_MOVING = (Accepted, Amended, Ended, Triggered)  # events after which an order may rest elsewhere


class OrderQueuePosition(msgspec.Struct, frozen=True):
    """Where one resting order stands among those of its price."""

    order_id: IdText
    symbol: str
    orders_ahead: int
    quantity_ahead: DecimalText


class QueueView(msgspec.Struct, frozen=True):
    """`queue` of the feed: the positions that have changed."""

    positions: list[OrderQueuePosition]
    seq: int


class QueueFeed:
    """Publishes to accounts where their resting orders stand, when that has changed."""

    def __init__(
        self,
        exchange: Exchange,
        is_watching: Callable[[AccountId], bool],
        publish: Callable[[AccountId, QueueView], None],
    ) -> None:
        """`is_watching`: whether anybody is subscribed to the account's orders; `publish` must not switch."""
        self._exchange = exchange
        self._is_watching = is_watching
        self._publish = publish
        self._watched: dict[AccountId, dict[OrderId, LevelKey]] = {}  # where their orders rest
        self._levels: Counter[LevelKey] = Counter()  # how many of those rest there
        self._last_published: dict[OrderId, Ahead] = {}
        self._changed: dict[LevelKey, None] = {}  # levels to walk, the longest waiting first
        self._scheduled = False

    def watch(self, account: AccountId) -> None:
        """Publish every position of an account soon, and changes from then on. O(its open orders); many in turns."""
        levels = self._watched.setdefault(account, {})
        owner = self._exchange.accounts.get(account)
        order_ids = [] if owner is None else list(owner.open_orders)
        if len(order_ids) <= AT_ONCE:
            self._follow_all(account, levels, order_ids)
        else:
            eventlet.spawn(self._follow_all, account, levels, in_turns(order_ids))

    def _follow_all(self, account: AccountId, levels: dict[OrderId, LevelKey], order_ids: Iterable[OrderId]) -> None:
        for order_id in order_ids:
            if self._watched.get(account) is not levels:  # nobody follows them any more
                return
            self._last_published.pop(order_id, None)
            self._follow(levels, order_id)
        self._schedule()

    def on_batch(self, batch: list[CommandResult], touched: Iterable[LevelKey]) -> None:
        """Take note of a batch and of the levels that it touched. O(events)."""
        if not self._watched:
            return
        for applied in batch:
            for event in applied.events:
                if isinstance(event, _MOVING) and (levels := self._watched.get(event.account)) is not None:
                    self._follow(levels, event.order_id)
        for level_key in touched:
            if level_key in self._levels:
                self._changed[level_key] = None
        self._schedule()

    def _follow(self, levels: dict[OrderId, LevelKey], order_id: OrderId) -> None:
        """Note where an order of an account rests now, if it does."""
        order = self._exchange.order(order_id)
        level_key = None
        if order is not None and order.level is not None:
            level_key = LevelKey(order.symbol, order.side, order.level.price)
            self._changed[level_key] = None
        known = levels.get(order_id)
        if level_key == known:
            return
        if known is not None:
            del levels[order_id]
            self._unwatch_level(known)
        if level_key is None:
            self._last_published.pop(order_id, None)
        else:
            levels[order_id] = level_key
            self._levels[level_key] += 1

    def _unwatch_level(self, level_key: LevelKey) -> None:
        self._levels[level_key] -= 1
        if not self._levels[level_key]:
            del self._levels[level_key]
            self._changed.pop(level_key, None)

    def _schedule(self) -> None:
        if self._changed and not self._scheduled:
            self._scheduled = True
            eventlet.spawn_after(INTERVAL_S, self._tick)

    def _tick(self) -> None:
        self._scheduled = False
        try:
            self._flush()
        except Exception:
            log.exception("queue positions could not be published")
        self._schedule()

    def _flush(self) -> None:
        """Walk the levels that changed, as many as the steps suffice for, and publish what is new."""
        for account in [account for account in self._watched if not self._is_watching(account)]:
            self._forget(account)
        changed: dict[AccountId, list[OrderQueuePosition]] = {}
        steps = STEPS
        while self._changed and steps > 0:
            level_key = next(iter(self._changed))
            del self._changed[level_key]
            level = self._exchange.books[level_key.symbol].own_side(level_key.side).level(level_key.price)
            if level is not None:
                steps -= self._walk(level, changed)
        for account, positions in changed.items():
            for at in range(0, len(positions), POSITIONS_MAX):
                self._publish(account, QueueView(positions[at : at + POSITIONS_MAX], self._exchange.seq))

    def _forget(self, account: AccountId) -> None:
        levels = list(self._watched.pop(account).items())
        if len(levels) <= AT_ONCE:
            self._unfollow_all(levels)
        else:
            eventlet.spawn(self._unfollow_all, in_turns(levels))

    def _unfollow_all(self, levels: Iterable[tuple[OrderId, LevelKey]]) -> None:
        for order_id, level_key in levels:
            self._last_published.pop(order_id, None)
            self._unwatch_level(level_key)

    def _walk(self, level: PriceLevel, changed: dict[AccountId, list[OrderQueuePosition]]) -> int:
        """Walk a level from its head, and when it is long from its tail; return the steps it took."""
        watched, steps, orders, lots = self._watched, 0, 0, 0
        order = level.head
        while order is not None and steps < REACH:
            if order.account in watched:
                self._note_position(order, (orders, lots), changed)
            orders, lots, steps = orders + 1, lots + order.leaves - order.hidden, steps + 1
            order = order.behind
        if order is None:
            return steps
        first_unseen, order = order, level.tail
        orders, lots = level.count, level.quantity
        while order is not None and steps < 2 * REACH:
            orders, lots, steps = orders - 1, lots - order.leaves + order.hidden, steps + 1
            if order.account in watched:
                self._note_position(order, (orders, lots), changed)
            if order is first_unseen:
                break
            order = order.ahead
        return steps

    def _note_position(self, order: Order, ahead: Ahead, changed: dict[AccountId, list[OrderQueuePosition]]) -> None:
        """Add the position of a watched order to `changed`, if it is new."""
        if self._last_published.get(order.order_id) != ahead:
            self._last_published[order.order_id] = ahead
            quantity = grid_of(self._exchange.books[order.symbol].instrument).quantity(ahead[1])
            position = OrderQueuePosition(str(order.order_id), order.symbol, ahead[0], quantity)
            changed.setdefault(order.account, []).append(position)
