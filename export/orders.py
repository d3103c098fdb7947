"""The table of orders: a row for each, when it ends, is refused, or the span ends.

Layer: export. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from engine import events as ev
from engine.commands import EnterOrder
from engine.exchange import Exchange
from engine.order import Order
from engine.rejects import CancelReason
from engine.terms import Terms
from engine.types import LEG_UNIT, Amount, Lots, OrderId, Ticks
from export.accounts import AccountNames
from export.schema import Row, Value
from listings.grid import Grid, grid_of


class _Counted(msgspec.Struct, gc=False):
    """What is counted of an open order."""

    seq: int | None  # of the command that entered it; None: before the span, for a leg
    fills: int = 0
    amendments: int = 0


class _Figures(msgspec.Struct, gc=False):
    """What an ended and an open order say alike."""

    price: Ticks | None
    quantity: Lots
    cum: Lots
    notional: Amount
    fees: Amount
    terms: Terms | None


class OrderRows:
    """Follows the orders. Memory: an entry for each open one."""

    def __init__(self, exchange: Exchange, names: AccountNames) -> None:
        """Begin with the orders that are open in `exchange`."""
        self._exchange = exchange
        self._names = names
        self._open = {
            order_id: _Counted(int(order_id) if order_id < LEG_UNIT else None) for order_id in exchange.orders
        }

    def rows(self, result: ev.CommandResult) -> Iterator[Row]:
        """The rows of the orders that a command ended or that it was refused for."""
        for event in result.events:
            if isinstance(event, ev.Accepted):
                self._open[event.order_id] = _Counted(result.seq)
            elif isinstance(event, ev.Filled):
                self._count(event.maker_order_id).fills += 1
                self._count(event.taker_order_id).fills += 1
            elif isinstance(event, ev.Amended):
                self._count(event.order_id).amendments += 1
            elif isinstance(event, ev.Ended):
                yield self._ended(event, self._open.pop(event.order_id, _Counted(None)), result)
            elif isinstance(event, ev.Rejected) and event.order_id is None and isinstance(result.command, EnterOrder):
                yield self._refused(event, result.command, result)

    def rest(self) -> Iterator[Row]:
        """The rows of the orders that are still open."""
        for order_id, counted in self._open.items():
            order = self._exchange.order(order_id)
            if order is not None:
                yield self._still_open(order, counted)

    def _count(self, order_id: OrderId) -> _Counted:
        return self._open[order_id]

    def _ended(self, event: ev.Ended, counted: _Counted, result: ev.CommandResult) -> Row:
        reason: CancelReason | None = getattr(event, "reason", None)
        status = {ev.Completed: "filled", ev.Cancelled: "cancelled", ev.Expired: "expired"}[type(event)]
        return (
            event.order_id, counted.seq, event.entered_ns, event.entered_ns, self._names.account(event.account),
            event.symbol, event.side, event.order_type, event.time_in_force,
            self._names.client_order_id(event.client_order_id),
            *self._figures(
                self._grid(event.symbol),
                _Figures(event.price, event.quantity, event.cum, event.quote_cum, event.fees, event.terms),
                status, None if reason is None else str(reason),
            ),
            counted.fills, counted.amendments, result.seq, result.ts_ns, result.ts_ns,
        )  # fmt: skip

    def _still_open(self, order: Order, counted: _Counted) -> Row:
        return (
            order.order_id, counted.seq, order.entered_ns, order.entered_ns, self._names.account(order.account),
            order.symbol, order.side, order.order_type, order.time_in_force,
            self._names.client_order_id(order.client_order_id),
            *self._figures(
                self._grid(order.symbol),
                _Figures(order.price, order.quantity, order.cum, order.quote_cum, order.fees, order.terms),
                str(order.status), None,
            ),
            counted.fills, counted.amendments, None, None, None,
        )  # fmt: skip

    def _refused(self, event: ev.Rejected, command: EnterOrder, result: ev.CommandResult) -> Row:
        book = self._exchange.book(command.symbol)
        grid = None if book is None else grid_of(book.instrument)
        options = command.options
        ticks, lots = _whole(command.price), _whole(command.quantity)
        return (
            None, result.seq, result.ts_ns, result.ts_ns, self._names.account(command.account), command.symbol,
            command.side, command.order_type, command.time_in_force,
            self._names.client_order_id(command.client_order_id), _price(grid, command.price), ticks,
            None if options is None else _price(grid, options.stop_price), _quantity(grid, command.quantity), lots,
            None if options is None else _quantity(grid, options.display_quantity),
            None if options is None or options.post_only is None else str(options.post_only),
            "rejected", str(event.reason), "0", 0, None, "0", "0", 0, 0, result.seq, result.ts_ns, result.ts_ns,
        )  # fmt: skip

    def _figures(self, grid: Grid, figures: _Figures, status: str, reason: str | None) -> tuple[Value, ...]:
        """From the price to the fees."""
        terms = figures.terms
        stop_price = None if terms is None else terms.stop_price
        display = None if terms is None else terms.display_quantity
        post_only = None if terms is None or terms.post_only is None else str(terms.post_only)
        return (
            None if figures.price is None else grid.price(figures.price), figures.price,
            None if stop_price is None else grid.price(stop_price), grid.quantity(figures.quantity), figures.quantity,
            None if display is None else grid.quantity(display), post_only, status, reason,
            grid.quantity(figures.cum), figures.cum, grid.average_price(figures.notional, figures.cum),
            grid.amount(figures.notional), grid.amount(figures.fees),
        )  # fmt: skip

    def _grid(self, symbol: str) -> Grid:
        return grid_of(self._exchange.books[symbol].instrument)


def _whole(steps: int | str | None) -> int | None:
    """Ticks or lots; None for a number off the grid, which travels as its text."""
    return steps if isinstance(steps, int) else None


def _price(grid: Grid | None, price: Ticks | str | None) -> str | None:
    """None also for a symbol that is not listed: nobody knows its tick."""
    if price is None or isinstance(price, str):
        return price
    return None if grid is None else grid.price(price)


def _quantity(grid: Grid | None, quantity: Lots | str | None) -> str | None:
    if quantity is None or isinstance(quantity, str):
        return quantity
    return None if grid is None else grid.quantity(quantity)
