"""The waiting orders of one symbol, stops and take-profits, and which of them a trade price triggers.

Some trigger at or above their stop price, the others at or below (`rises_to_trigger`); the nearest
first, then the oldest, of whatever type. A trailing stop follows the best price since it waits, at its distance.
Prices in ticks. Costs: O(log waiting) to add, remove and trigger one; a price beyond every
high-water mark moves each trailing stop it concerns, O(those).
Layer: engine.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from sortedcontainers import SortedDict

from engine.instrument import FEE_UNIT
from engine.order import Order
from engine.rejects import InvariantViolation
from engine.terms import Terms
from engine.types import OrderType, Side, Ticks

_BUY = Side.BUY
_TAKE_PROFITS = (OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT)
Key = tuple[int, int]


class StopOrders:
    """Every order of a symbol that waits for its trigger."""

    __slots__ = ("_above", "_below", "_falling", "_rising", "_turns", "waiting")

    def __init__(self) -> None:
        self._above: SortedDict[Key, Order] = SortedDict()  # those a rising price triggers, by stop price and turn
        self._below: SortedDict[Key, Order] = SortedDict()  # those a falling one does, by negated stop price and turn
        self._rising: SortedDict[Key, Order] = SortedDict()  # trailing sells by high-water mark and turn
        self._falling: SortedDict[Key, Order] = SortedDict()  # trailing buys by negated high-water mark and turn
        self._turns = 0
        self.waiting = 0  # number of orders

    def __iter__(self) -> Iterator[Order]:
        """Those that a rising price triggers, then the others, each in the order in which it would."""
        yield from self._above.values()
        yield from self._below.values()

    def add(self, order: Order) -> None:
        """Let `order` wait at its stop price, behind those that wait there already."""
        self._turns += 1
        order.turn = self._turns
        order.waiting = True
        self.waiting += 1
        self._by_stop(order)[_stop_key(order)] = order
        if order.high_water is not None:
            self._by_high_water(order)[_high_water_key(order)] = order

    @property
    def turns(self) -> int:
        """How many times an order began to wait here."""
        return self._turns

    def restore(self, waiting: list[tuple[int, Order]], turns: int) -> None:
        """Let orders wait again, each in the turn that it had, after `turns` turns."""
        for turn, order in waiting:
            self._turns = turn - 1
            self.add(order)
        self._turns = turns

    def remove(self, order: Order) -> None:
        """Let `order` wait no longer. Raises InvariantViolation when it does not wait."""
        if self._by_stop(order).pop(_stop_key(order), None) is not order:
            raise InvariantViolation(f"order {order.order_id} does not wait")
        if order.high_water is not None:
            del self._by_high_water(order)[_high_water_key(order)]
        order.waiting = False
        self.waiting -= 1

    def reached(self, price: Ticks) -> list[Order]:
        """The orders that a trade at `price` triggers, in order; they wait no longer."""
        triggered = [*self._reached(self._above, price), *self._reached(self._below, -price)]
        for order in triggered:
            self.remove(order)
        return triggered

    def follow(self, price: Ticks) -> list[Order]:
        """Move the trailing stops that a trade at `price` takes along; return those whose stop price changed.

        Sells first, each side in the order of entry.
        """
        moved: list[Order] = []
        for orders, key in ((self._rising, price), (self._falling, -price)):
            passed = [orders[high_water] for high_water in orders.irange(maximum=(key, 0), inclusive=(True, False))]
            for order in sorted(passed, key=_entry):
                if self._move(order, price):
                    moved.append(order)
        return moved

    def check_invariants(self, symbol: str) -> None:
        """Raise InvariantViolation where what waits contradicts itself. O(waiting): for tests and audits."""
        for orders in (self._above, self._below):
            for key, order in orders.items():
                trails = (
                    order.high_water is not None and self._by_high_water(order).get(_high_water_key(order)) is not order
                )
                if key != _stop_key(order) or not order.waiting or order.level is not None or trails:
                    raise InvariantViolation(f"{symbol}: waiting order {order.order_id} misplaced")
        if self.waiting != len(self._above) + len(self._below):
            raise InvariantViolation(f"{symbol}: the count of waiting orders")
        trailing = sum(order.high_water is not None for order in self)
        if trailing != len(self._rising) + len(self._falling):
            raise InvariantViolation(f"{symbol}: trailing stops that do not wait")

    def _by_stop(self, order: Order) -> SortedDict[Key, Order]:
        return self._above if rises_to_trigger(order.side, order.order_type) else self._below

    def _by_high_water(self, order: Order) -> SortedDict[Key, Order]:
        return self._falling if order.side is _BUY else self._rising

    @staticmethod
    def _reached(orders: SortedDict[Key, Order], key: int) -> list[Order]:
        return [orders[stop] for stop in orders.irange(maximum=(key + 1, 0), inclusive=(True, False))]

    def _move(self, order: Order, high_water: Ticks) -> bool:
        """Give a trailing stop another high-water mark; whether its stop price changed."""
        del self._by_high_water(order)[_high_water_key(order)]
        del self._by_stop(order)[_stop_key(order)]
        terms = terms_of(order)
        order.high_water = high_water
        stop_price = trailing_stop_price(order.side, terms, high_water)
        changed = stop_price != terms.stop_price
        if changed:
            order.terms = msgspec.structs.replace(terms, stop_price=stop_price)
        self._by_high_water(order)[_high_water_key(order)] = order
        self._by_stop(order)[_stop_key(order)] = order
        return changed


def rises_to_trigger(side: Side, order_type: OrderType) -> bool:
    """Whether an order triggers once the price is at or above its stop price; else once it is at or below.

    A stop to buy and a take-profit to sell wait for a rise.
    """
    return (side is _BUY) is not (order_type in _TAKE_PROFITS)


def is_reached(order: Order, price: Ticks) -> bool:
    """Whether a trade at `price` triggers a waiting order. O(1)."""
    stop_price = terms_of(order).stop_price or 0
    return price >= stop_price if rises_to_trigger(order.side, order.order_type) else price <= stop_price


def terms_of(order: Order) -> Terms:
    """The terms of an order that cannot be without."""
    if order.terms is None:
        raise InvariantViolation(f"order {order.order_id} has no terms")
    return order.terms


def trailing_stop_price(side: Side, terms: Terms, high_water: Ticks) -> Ticks:
    """Where a trailing stop stands that follows `high_water`: above it to buy, below it to sell, at 1 at least."""
    trail = trail_of(terms.trail_amount, terms.trail_percent, high_water)
    return Ticks(high_water + trail) if side is _BUY else Ticks(max(high_water - trail, 1))


def trail_of(amount: Ticks | str | None, percent: int | str | None, high_water: Ticks) -> int:
    """How far behind `high_water` a trailing stop stands: so many ticks, or millionths of it and at least one."""
    return int(amount) if amount is not None else max(1, high_water * int(percent or 0) // FEE_UNIT)


def _stop_key(order: Order) -> Key:
    stop_price = terms_of(order).stop_price or 0
    return (stop_price if rises_to_trigger(order.side, order.order_type) else -stop_price), order.turn


def _high_water_key(order: Order) -> Key:
    high_water = order.high_water or 0
    return (-high_water if order.side is _BUY else high_water), order.turn


def _entry(order: Order) -> int:
    return order.order_id
