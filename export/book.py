"""The table of book changes: a row for each price level that a command changed, as it was left.

Layer: export. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine import events as ev
from engine.exchange import Exchange
from engine.types import OrderId, Side, Ticks
from export.schema import Row
from listings.grid import grid_of

_Level = tuple[str, Side, Ticks]  # symbol, side, price


class BookRows:
    """Follows the levels that everybody sees. Memory: an entry for each level and for each open order.

    A command can change only levels at which an order rests, or rested, that its events name.
    """

    def __init__(self, exchange: Exchange) -> None:
        """Begin with the books of `exchange`."""
        self._exchange = exchange
        self._levels: dict[_Level, tuple[int, int]] = {}  # what rests there: lots on show, orders
        self._orders: dict[OrderId, _Level] = {
            order_id: (order.symbol, order.side, order.price)
            for order_id, order in exchange.orders.items()
            if order.price is not None
        }

    def initial(self) -> Iterator[Row]:
        """A row for each level that there is, marked as such."""
        seq, ts_ns = self._exchange.seq, self._exchange.ts_ns
        for symbol, book in self._exchange.books.items():
            for side in (book.bids, book.asks):
                for level in side:
                    place = symbol, side.side, level.price
                    self._levels[place] = level.quantity, level.count
                    yield self._row(place, level.quantity, level.count, seq, ts_ns, initial=True)

    def rows(self, result: ev.CommandResult) -> Iterator[Row]:
        """The rows of the levels that a command changed."""
        touched: dict[_Level, None] = {}  # in order
        for event in result.events:
            for order_id in _orders_of(event):
                known = self._orders.get(order_id)
                if known is not None:
                    touched[known] = None
                order = self._exchange.order(order_id)
                if order is None:
                    self._orders.pop(order_id, None)
                elif order.price is not None:
                    place = self._orders[order_id] = order.symbol, order.side, order.price
                    touched[place] = None
        for place in touched:
            symbol, side, price = place
            level = self._exchange.books[symbol].own_side(side).level(price)
            now = (0, 0) if level is None else (level.quantity, level.count)
            if now == self._levels.get(place, (0, 0)):
                continue
            if level is None:
                del self._levels[place]
            else:
                self._levels[place] = now
            yield self._row(place, *now, result.seq, result.ts_ns, initial=False)

    def rest(self) -> Iterator[Row]:
        """Nothing."""
        return iter(())

    def _row(self, place: _Level, lots: int, orders: int, seq: int, ts_ns: int, *, initial: bool) -> Row:
        symbol, side, price = place
        grid = grid_of(self._exchange.books[symbol].instrument)
        return seq, ts_ns, ts_ns, symbol, side, grid.price(price), price, grid.quantity(lots), lots, orders, initial


def _orders_of(event: ev.Event) -> tuple[OrderId, ...]:
    """The orders that an event names."""
    if isinstance(event, ev.Filled):
        return event.maker_order_id, event.taker_order_id
    order_id: OrderId | None = getattr(event, "order_id", None)
    return () if order_id is None else (order_id,)
