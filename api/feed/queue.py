"""Where one's own orders stand in their queues, on the feed: `queue` to those who subscribed to their orders.

A level of the book that changed is looked at once for all orders of interest in it, from both ends, at
most every 250 ms, and so many steps at a time; what is left over comes next time.
Layer: api.feed.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

import eventlet
import msgspec

from api.feed.levels import Place
from engine.events import Accepted, Amended, CommandResult, Ended, Triggered
from engine.exchange import Exchange
from engine.order import Order, PriceLevel
from engine.types import AccountId, OrderId
from listings.grid import grid_of
from listings.texts import DecimalText, IdText

log = logging.getLogger(__name__)

INTERVAL_S: Final = 0.25
REACH: Final = 2_000  # orders from either end of a level; one in between is told when it is nearer
STEPS: Final = 5_000  # orders looked at in one go: a millisecond or two
PLACES_MAX: Final = 1_000  # in one message

EnteredOrder = tuple[int, int]  # orders and lots ahead

_MOVING = (Accepted, Amended, Ended, Triggered)  # after which an order may rest elsewhere


class QueuePlace(msgspec.Struct, frozen=True):
    """Where one resting order stands among those of its price."""

    order_id: IdText
    symbol: str
    orders_ahead: int
    quantity_ahead: DecimalText


class QueueView(msgspec.Struct, frozen=True):
    """`queue` of the feed: the positions that have changed."""

    positions: list[QueuePlace]
    seq: int


class QueueFeed:
    """Tells accounts where their resting orders stand, when that has changed."""

    def __init__(
        self, exchange: Exchange, is_watching: Callable[[AccountId], bool], tell: Callable[[AccountId, QueueView], None]
    ) -> None:
        """`is_watching`: whether anybody is subscribed to the account's orders; `tell` must not switch."""
        self._exchange = exchange
        self._is_watching = is_watching
        self._tell = tell
        self._watched: dict[AccountId, dict[OrderId, Place]] = {}  # where their orders rest
        self._levels: Counter[Place] = Counter()  # how many of those rest there
        self._told: dict[OrderId, EnteredOrder] = {}
        self._changed: dict[Place, None] = {}  # levels to look at, the longest waiting first
        self._scheduled = False

    def watch(self, account: AccountId) -> None:
        """Tell everything of an account soon, and what changes from then on. O(its open orders)."""
        places = self._watched.setdefault(account, {})
        for order in self._exchange.open_orders(account):
            self._follow(places, order.order_id)
            self._told.pop(order.order_id, None)
        self._changed.update(dict.fromkeys(places.values()))
        self._schedule()

    def publish(self, batch: list[CommandResult], touched: Iterable[Place]) -> None:
        """Take note of a batch and of the levels that it touched. O(events)."""
        if not self._watched:
            return
        for applied in batch:
            for event in applied.events:
                if isinstance(event, _MOVING) and (places := self._watched.get(event.account)) is not None:
                    self._follow(places, event.order_id)
        for place in touched:
            if place in self._levels:
                self._changed[place] = None
        self._schedule()

    def _follow(self, places: dict[OrderId, Place], order_id: OrderId) -> None:
        """Note where an order of an account rests now, if it does."""
        order = self._exchange.order(order_id)
        place = None
        if order is not None and order.level is not None:
            place = Place(order.symbol, order.side, order.level.price)
            self._changed[place] = None
        known = places.get(order_id)
        if place == known:
            return
        if known is not None:
            del places[order_id]
            self._leave(known)
        if place is None:
            self._told.pop(order_id, None)
        else:
            places[order_id] = place
            self._levels[place] += 1

    def _leave(self, place: Place) -> None:
        self._levels[place] -= 1
        if not self._levels[place]:
            del self._levels[place]
            self._changed.pop(place, None)

    def _schedule(self) -> None:
        if self._changed and not self._scheduled:
            self._scheduled = True
            eventlet.spawn_after(INTERVAL_S, self._tick)

    def _tick(self) -> None:
        self._scheduled = False
        try:
            self._flush()
        except Exception:
            log.exception("queue positions could not be told")
        self._schedule()

    def _flush(self) -> None:
        """Look at the levels that changed, as many as the steps suffice for, and tell what is new."""
        for account in [account for account in self._watched if not self._is_watching(account)]:
            self._forget(account)
        news: dict[AccountId, list[QueuePlace]] = {}
        steps = STEPS
        while self._changed and steps > 0:
            place = next(iter(self._changed))
            del self._changed[place]
            level = self._exchange.books[place.symbol].own_side(place.side).level(place.price)
            if level is not None:
                steps -= self._look(level, news)
        for account, places in news.items():
            for at in range(0, len(places), PLACES_MAX):
                self._tell(account, QueueView(places[at : at + PLACES_MAX], self._exchange.seq))

    def _forget(self, account: AccountId) -> None:
        for order_id, place in self._watched.pop(account).items():
            self._told.pop(order_id, None)
            self._leave(place)

    def _look(self, level: PriceLevel, news: dict[AccountId, list[QueuePlace]]) -> int:
        """Walk a level from its head, and when it is long from its tail; return the steps it took."""
        watched, steps, orders, lots = self._watched, 0, 0, 0
        order = level.head
        while order is not None and steps < REACH:
            if order.account in watched:
                self._stands(order, (orders, lots), news)
            orders, lots, steps = orders + 1, lots + order.leaves - order.hidden, steps + 1
            order = order.behind
        if order is None:
            return steps
        first_unseen, order = order, level.tail
        orders, lots = level.count, level.quantity
        while order is not None and steps < 2 * REACH:
            orders, lots, steps = orders - 1, lots - order.leaves + order.hidden, steps + 1
            if order.account in watched:
                self._stands(order, (orders, lots), news)
            if order is first_unseen:
                break
            order = order.ahead
        return steps

    def _stands(self, order: Order, standing: EnteredOrder, news: dict[AccountId, list[QueuePlace]]) -> None:
        """Note where an order of interest stands, if that is new."""
        if self._told.get(order.order_id) != standing:
            self._told[order.order_id] = standing
            quantity = grid_of(self._exchange.books[order.symbol].instrument).quantity(standing[1])
            place = QueuePlace(str(order.order_id), order.symbol, standing[0], quantity)
            news.setdefault(order.account, []).append(place)
