"""The order book of one symbol: two sides of price levels, each level a FIFO queue.

Costs: best price O(1); cancel O(1), plus O(log levels) when it empties its level; a new
price O(log levels). Nothing grows with the number of orders.
Layer: engine.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Final

from sortedcontainers import SortedList

from engine.bands import PriceBand, band_edges
from engine.instrument import Instrument
from engine.order import Order, PriceLevel
from engine.rejects import InvariantViolation
from engine.stops import StopOrders
from engine.types import CHECKED_A_STEP, Lots, OrderId, Side, Ticks, TradingStatus

NEAR_MAX: Final = 1_000  # levels of a side in one list: going in at its far end costs as much as ten steps of the code

_TRADING = TradingStatus.TRADING
_BUY = Side.BUY  # looking a member up by its class costs more than the whole of `opposite`


class BookSide:
    """The levels of one side, best first. Keys are prices on the sell side, negated on the buy side.

    The negated keys of the levels are kept sorted: of those near the best in a list that ends with the best, where
    most levels come and go, and of those that are further away in a sorted list of many.
    """

    __slots__ = ("_far", "_near", "best", "icebergs", "levels", "side", "sign")

    def __init__(self, side: Side) -> None:
        self.side = side
        self.sign = -1 if side is Side.BUY else 1
        self.levels: dict[int, PriceLevel] = {}  # by key, in no order
        self.best: PriceLevel | None = None
        self.icebergs = 0  # resting orders that were entered to show only a part
        self._near: list[int] = []  # negated keys; empty only where there are no levels
        self._far: SortedList[int] = SortedList()  # negated keys below all of these

    def __iter__(self) -> Iterator[PriceLevel]:
        """The levels, best first. The side must not change while it is walked."""
        levels = self.levels
        return (levels[-negated] for negated in chain(reversed(self._near), reversed(self._far)))

    @property
    def best_price(self) -> Ticks | None:
        """The best price, or None when nobody rests here. O(1)."""
        return None if self.best is None else self.best.price

    def level(self, price: Ticks) -> PriceLevel | None:
        """The level at `price`, or None. O(1)."""
        return self.levels.get(price * self.sign)

    def keys_behind(self, key: int | None) -> Iterator[int]:
        """The keys of the levels worse than `key` (None: of all), best first. O(log levels), then O(1) for each."""
        if key is None:
            return (-negated for negated in chain(reversed(self._near), reversed(self._far)))
        near = self._near[: bisect_left(self._near, -key)]
        far = self._far.irange(maximum=-key, inclusive=(True, False), reverse=True)
        return (-negated for negated in chain(reversed(near), far))

    def rest(self, order: Order, price: Ticks) -> None:
        """Put `order` at the back of the queue at `price`."""
        key = price * self.sign
        level = self.levels.get(key)
        if level is not None:
            level.append(order)
        else:
            hidden, best, near = order.hidden, self.best, self._near
            self.levels[key] = order.level = level = PriceLevel(
                price, key, order.leaves - hidden, hidden, 1, order, order
            )
            if best is None or key < best.key:
                near.append(-key)
                self.best = level
            elif self._far and -key < self._far[-1]:
                self._far.add(-key)
            else:
                insort(near, -key)
            if len(near) > NEAR_MAX:
                self._far.update(near[: NEAR_MAX // 2])
                del near[: NEAR_MAX // 2]
        if order.terms is not None and order.terms.display_quantity is not None:
            self.icebergs += 1

    def restore(self, queue: Iterable[Order]) -> None:
        """Have these orders rest on a side that is empty: the best price first, of one price the oldest first.

        O(orders). Raises ValueError where they are not in this order, or one has no price.
        """
        levels, level = self.levels, None
        for order in queue:
            price, hidden = order.price, order.hidden
            if level is not None and price == level.price:
                level.append(order)
            else:
                if price is None or (level is not None and price * self.sign < level.key):
                    raise ValueError(f"order {order.order_id} rests at no price, or out of turn")
                key = price * self.sign
                level = PriceLevel(price, key, order.leaves - hidden, hidden, 1, order, order)
                levels[key] = order.level = level
            if order.terms is not None and order.terms.display_quantity is not None:
                self.icebergs += 1
        negated = [-key for key in reversed(levels)]
        self._near = negated[-NEAR_MAX // 2 :]
        self._far.update(negated[: -NEAR_MAX // 2])
        self.best = levels[-negated[-1]] if negated else None

    def remove(self, order: Order) -> None:
        """Take a resting `order` out; an emptied level goes with it.

        Raises InvariantViolation when the order does not rest.
        """
        level = order.level
        if level is None:
            raise InvariantViolation(f"order {order.order_id} does not rest")
        if order.terms is not None and order.terms.display_quantity is not None:
            self.icebergs -= 1
        if level.count > 1:
            level.unlink(order)
            return
        order.level = None
        key, near = level.key, self._near
        del self.levels[key]
        if level is self.best:
            near.pop()
            if not near and self._far:
                near.extend(self._far[-NEAR_MAX // 2 :])
                del self._far[-NEAR_MAX // 2 :]
            self.best = self.levels[-near[-1]] if near else None
        elif -key >= near[0]:
            del near[bisect_left(near, -key)]
        else:
            self._far.remove(-key)

    def check_order(self, demand: Callable[[bool, str], None]) -> None:
        """Demand that what says the order of the levels agrees with the levels. O(levels): for tests and audits."""
        walked = list(self.keys_behind(None))
        demand(walked == sorted(self.levels), f"order of the levels of the {self.side} side")
        demand(bool(self._near) or not self.levels, f"nearest levels of the {self.side} side")

    def available(self, limit: Ticks | None, wanted: Lots) -> Lots:
        """How much of `wanted` rests at `limit` or better (anywhere when None), hidden included. O(levels walked)."""
        limit_key = None if limit is None else limit * self.sign
        best = self.best
        if best is not None and best.quantity >= wanted and (limit_key is None or best.key <= limit_key):
            return wanted
        found = 0
        for level in self:
            if limit_key is not None and level.key > limit_key:
                break
            found += level.quantity + level.hidden
            if found >= wanted:
                return wanted
        return Lots(found)


class OrderBook:
    """One symbol's book, its stops, its trading status and the price it last traded at."""

    __slots__ = (
        "asks",
        "band",
        "bids",
        "changed_seq",
        "instrument",
        "last_price",
        "orders",
        "status",
        "stops",
        "trade_count",
    )

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.status = TradingStatus.TRADING
        self.bids = BookSide(Side.BUY)
        self.asks = BookSide(Side.SELL)
        self.orders: dict[OrderId, Order] = {}  # every resting order
        self.stops = StopOrders()  # every waiting order
        self.band = PriceBand()
        self.last_price: Ticks | None = None
        self.trade_count = 0
        self.changed_seq = 0  # the seq of the last command that changed what rests here

    def own_side(self, side: Side) -> BookSide:
        """Where an order of `side` rests."""
        return self.bids if side is _BUY else self.asks

    def opposite(self, side: Side) -> BookSide:
        """What an order of `side` trades against."""
        return self.asks if side is _BUY else self.bids

    def rest(self, order: Order) -> None:
        """Rest an order that has a price, at the back of its level."""
        if order.price is None:
            raise InvariantViolation(f"market order {order.order_id} may not rest")
        (self.bids if order.side is _BUY else self.asks).rest(order, order.price)
        self.orders[order.order_id] = order
        bid, ask = self.bids.best, self.asks.best
        if bid is not None and ask is not None and bid.price >= ask.price and self.status is _TRADING:
            raise InvariantViolation(f"{order.symbol} crossed by order {order.order_id}: {bid.price} >= {ask.price}")

    def remove(self, order: Order) -> None:
        """Take a resting order out of its queue and the index. O(1) unless its level empties."""
        (self.bids if order.side is _BUY else self.asks).remove(order)
        del self.orders[order.order_id]

    @property
    def crossed(self) -> bool:
        """Whether the best bid is at or above the best offer, as it may be while orders gather. O(1)."""
        bid, ask = self.bids.best, self.asks.best
        return bid is not None and ask is not None and bid.price >= ask.price

    def inside_bbo(self, price: Ticks) -> Ticks:
        """`price` brought inside the best bid and offer: not below the one, not above the other. O(1)."""
        bid, ask = self.bids.best, self.asks.best
        if bid is not None and price < bid.price:
            return bid.price
        if ask is not None and price > ask.price:
            return ask.price
        return price

    def renew_band(self, ts_ns: int) -> None:
        """Measure the band from the last price once its reference has served its time. O(1).

        As long as there is no last price, from the instrument's reference price.
        """
        if self.instrument.band is None or self.status is not _TRADING or self.band.serves(self.instrument, ts_ns):
            return
        if self.last_price is not None:
            self.band.refer_to(self.inside_bbo(self.last_price), ts_ns)
        elif self.instrument.reference_price is not None:
            self.band.refer_to(self.inside_bbo(self.instrument.reference_price), None)

    def measure_what_rests(self) -> None:
        """Bring the band's reference inside the best bid and offer where what rests lies beyond its edges. O(1).

        It does when the instrument was listed anew with a narrower band.
        """
        limits, reference = self.band_limits, self.band.reference
        if limits is None or reference is None or self.status is not _TRADING:
            return
        bid, ask = self.bids.best_price, self.asks.best_price
        if (bid is not None and bid > limits[1]) or (ask is not None and ask < limits[0]):
            self.band.refer_to(self.inside_bbo(reference), self.band.set_ns)

    @property
    def band_limits(self) -> tuple[Ticks, Ticks] | None:
        """The lowest and the highest price of a trade; None without a band or a reference to measure it from. O(1)."""
        band, reference = self.instrument.band, self.band.reference
        if band is None:
            return None
        if reference is None:
            if self.instrument.reference_price is None:
                return None
            reference = self.inside_bbo(self.instrument.reference_price)
        return band_edges(reference, band)

    def band_limit(self, side: Side) -> Ticks | None:
        """The worst price at which an order of `side` may trade for the band; None: any. O(1)."""
        limits = self.band_limits
        if limits is None:
            return None
        return limits[1] if side is _BUY else limits[0]

    def reduce(self, order: Order, quantity: Lots) -> None:
        """Take `quantity` lots (fewer than it leaves) off what a resting order shows; it keeps its place. O(1)."""
        if order.level is None or not 0 < quantity < order.leaves:
            raise InvariantViolation(f"cannot take {quantity} lots off order {order.order_id}")
        order.leaves -= quantity  # type: ignore[assignment] # calling Lots() costs more than the subtraction
        order.level.quantity -= quantity

    def consume(self, order: Order, quantity: Lots) -> None:
        """Take `quantity` lots of what a resting order shows, be it all; it stays in its queue. O(1)."""
        if order.level is None or not 0 < quantity <= order.shown:
            raise InvariantViolation(f"cannot take {quantity} lots of order {order.order_id}")
        order.leaves -= quantity  # type: ignore[assignment] # calling Lots() costs more than the subtraction
        order.level.quantity -= quantity

    def shrink(self, order: Order, quantity: Lots) -> None:
        """Take `quantity` lots (fewer than it leaves) off a resting order, what it hides first. O(1)."""
        level = order.level
        if level is None or not 0 < quantity < order.leaves:
            raise InvariantViolation(f"cannot take {quantity} lots off order {order.order_id}")
        order.leaves -= quantity  # type: ignore[assignment] # calling Lots() costs more than the subtraction
        if not order.hidden:
            level.quantity -= quantity
            return
        unseen = min(quantity, order.hidden)
        order.hidden = Lots(order.hidden - unseen)
        level.hidden -= unseen
        level.quantity -= quantity - unseen

    def invariant_steps(self) -> Iterator[None]:
        """Raise InvariantViolation where the book contradicts itself. O(orders): a step is some hundred of them."""

        def demand(holds: bool, what: str) -> None:
            if not holds:
                raise InvariantViolation(f"{self.instrument.symbol}: {what}")

        seen = step = 0
        for side in (self.bids, self.asks):
            side.check_order(demand)
            for level in side:
                orders = list(level)
                seen += len(orders)
                if seen - step >= CHECKED_A_STEP:
                    step = seen
                    yield
                demand(bool(orders), f"empty level {level.price}")
                demand(level.count == len(orders), f"count of level {level.price}")
                demand(level.quantity == sum(o.shown for o in orders), f"quantity of level {level.price}")
                demand(level.hidden == sum(o.hidden for o in orders), f"hidden at level {level.price}")
                demand(level.tail is orders[-1], f"tail of level {level.price}")
                for ahead, order in zip([None, *orders], orders, strict=False):
                    demand(order.ahead is ahead, f"queue at order {order.order_id}")
                    demand(order.level is level and order.price == level.price, f"order {order.order_id} misplaced")
                    demand(order.side is side.side, f"order {order.order_id} on the wrong side")
                    demand(order.shown > 0, f"order {order.order_id} rests and shows nothing")
                    demand(not order.waiting, f"order {order.order_id} rests and waits")
                    demand(order.cum + order.leaves == order.quantity, f"quantity of order {order.order_id}")
                    demand(self.orders.get(order.order_id) is order, f"order {order.order_id} not in the index")
            first = next(iter(side), None)
            demand(side.best is first, f"best of the {side.side} side")
            icebergs = sum(o.terms is not None and o.terms.display_quantity is not None for lv in side for o in lv)
            demand(side.icebergs == icebergs, f"icebergs of the {side.side} side")
        demand(seen == len(self.orders), "the index holds orders that no level does")
        demand(self.status is not _TRADING or not self.crossed, "crossed while it trades")
        self.stops.check_invariants(self.instrument.symbol)
