"""A copy of one symbol's book that follows the events of one command.

Made before a command is applied; folding the command's events one by one gives the book that
each order met in the middle of it. Ticks and lots. O(orders copied), bounded.
Layer: explain. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine import events as ev
from engine.bands import band_edges, collar_edge
from engine.book import OrderBook
from engine.instrument import Instrument
from engine.order import Order
from engine.types import AccountId, Lots, OrderId, OrderType, Side, Ticks, TradingStatus

ORDERS_MAX = 5_000  # copied a side: a walk that goes deeper is explained without its end


@dataclass(slots=True, eq=False)
class RestingOrder:
    """One order of the copy. Quantities in lots."""

    order_id: OrderId
    account: AccountId
    side: Side
    price: Ticks | None
    shown: int
    leaves: int
    display: int | None


class FoldedBook:
    """The resting orders of one symbol by price, with what collar and band are measured from."""

    def __init__(self, book: OrderBook) -> None:
        self.instrument: Instrument = book.instrument
        self.status: TradingStatus = book.status
        self.last_price: Ticks | None = book.last_price
        self._band_reference = book.band.reference
        self.limit_side = book.band.limit_side
        self.levels: dict[Side, dict[Ticks, list[RestingOrder]]] = {Side.BUY: {}, Side.SELL: {}}
        self._known: dict[OrderId, RestingOrder] = {}  # resting, incoming or waiting
        self._incoming: RestingOrder | None = None
        for side in Side:
            for number, order in enumerate(order for level in book.own_side(side) for order in level):
                if number == ORDERS_MAX:
                    break
                self._rest(_resting_order(order))
        for order in book.stops:
            self._known[order.order_id] = _resting_order(order)

    # -- reading

    def best(self, side: Side) -> Ticks | None:
        """The best price of a side. O(levels)."""
        prices = self.levels[side]
        if not prices:
            return None
        return max(prices) if side is Side.BUY else min(prices)

    def depth(self, side: Side) -> Iterator[tuple[Ticks, list[RestingOrder]]]:
        """The levels of a side, best first."""
        for price in sorted(self.levels[side], reverse=side is Side.BUY):
            yield price, self.levels[side][price]

    def order(self, order_id: OrderId) -> RestingOrder | None:
        """An order that rests, waits or is coming in."""
        return self._known.get(order_id)

    def ahead(self, order_id: OrderId) -> tuple[Ticks, int, Lots] | None:
        """The price, and how many orders and lots stand before an order there; None when it does not rest."""
        order = self._known.get(order_id)
        if order is None or order.price is None:
            return None
        queue = self.levels[order.side].get(order.price, [])
        if order not in queue:
            return None
        before = queue[: queue.index(order)]
        return order.price, len(before), Lots(sum(other.shown for other in before))

    def reference(self, side: Side) -> Ticks | None:
        """What the collar is measured from, as `engine.rules.reference_price` has it."""
        last = self.instrument.reference_price if self.last_price is None else self.last_price
        if last is None:
            return self.best(Side.SELL if side is Side.BUY else Side.BUY)
        return self._inside(last)

    @property
    def band(self) -> tuple[Ticks, Ticks] | None:
        """The lowest and the highest price of a trade, as `engine.book.OrderBook.band_limits` has it; while trading."""
        band, reference = self.instrument.band, self._band_reference
        if reference is None and self.instrument.reference_price is not None:
            reference = self._inside(self.instrument.reference_price)
        if band is None or reference is None or self.status is not TradingStatus.TRADING:
            return None
        return band_edges(reference, band)

    def _inside(self, price: Ticks) -> Ticks:
        """A price brought inside the best bid and offer."""
        bid, ask = self.best(Side.BUY), self.best(Side.SELL)
        if bid is not None and price < bid:
            return bid
        return ask if ask is not None and price > ask else price

    def collar(self, side: Side) -> Ticks | None:
        """The worst price at which an order of `side` may trade; None without a collar."""
        reference, collar = self.reference(side), self.instrument.collar
        if reference is None or collar is None or self.status is not TradingStatus.TRADING:
            return None
        return collar_edge(side, reference, collar)

    # -- following

    def fold(self, event: ev.Event) -> None:
        """Follow one event of this symbol."""
        match event:
            case ev.Accepted():
                self._arrive(event)
            case ev.Triggered():
                self._trigger(event)
            case ev.Filled():
                self._take(event.maker_order_id, event.quantity)
                self._take(event.taker_order_id, event.quantity)
                if not event.self_trade:
                    self.last_price = event.price
            case ev.Replenished():
                self._replenish(event)
            case ev.Amended():
                self._amend(event)
            case ev.Ended():
                self._remove(event.order_id)
                self._known.pop(event.order_id, None)
            case ev.StatusChanged():
                self.status = event.status
            case ev.LimitStateChanged():
                self.limit_side = event.side

    def settle(self) -> None:
        """Put the incoming order into its level, unless it has ended."""
        incoming, self._incoming = self._incoming, None
        if incoming is not None and incoming.order_id in self._known and incoming.price is not None:
            incoming.shown = incoming.leaves if incoming.display is None else min(incoming.display, incoming.leaves)
            self._rest(incoming)

    def _arrive(self, event: ev.Accepted) -> None:
        self.settle()
        display = None if event.terms is None else event.terms.display_quantity
        order = RestingOrder(event.order_id, event.account, event.side, event.price, 0, event.quantity, display)
        self._known[event.order_id] = order
        if not event.waiting and event.order_type is not OrderType.MARKET:
            self._incoming = order

    def _trigger(self, event: ev.Triggered) -> None:
        self.settle()
        order = self._known.get(event.order_id)
        if order is not None:
            order.price = event.price
            self._incoming = order

    def _take(self, order_id: OrderId, quantity: int) -> None:
        order = self._known.get(order_id)
        if order is not None:
            order.leaves -= quantity
            order.shown = max(order.shown - quantity, 0)

    def _replenish(self, event: ev.Replenished) -> None:
        order = self._known.get(event.order_id)
        if order is not None:
            self._remove(event.order_id)
            order.shown = event.shown
            self._rest(order)

    def _amend(self, event: ev.Amended) -> None:
        order = self._known.get(event.order_id)
        if order is None:
            return
        order.leaves = event.leaves
        if event.kept_priority or order.shown == 0:
            order.shown, order.price = min(order.shown, event.leaves), event.price
            return
        self._remove(event.order_id)
        self.settle()
        order.price, order.shown = event.price, 0
        self._incoming = order

    def _rest(self, order: RestingOrder) -> None:
        if order.price is not None:
            self._known[order.order_id] = order
            self.levels[order.side].setdefault(order.price, []).append(order)

    def _remove(self, order_id: OrderId) -> None:
        order = self._known.get(order_id)
        if order is None or order.price is None:
            return
        queue = self.levels[order.side].get(order.price, [])
        if order in queue:
            queue.remove(order)
            if not queue:
                del self.levels[order.side][order.price]


def _resting_order(order: Order) -> RestingOrder:
    display = None if order.terms is None else order.terms.display_quantity
    shown = 0 if order.waiting else order.shown
    price = order.price
    return RestingOrder(order.order_id, order.account, order.side, price, shown, order.leaves, display)
