"""What became of an order that was entered or cancelled, as JSON: `OrderAnswer` and `CancelAnswer` as they are written.

These are what order entry answers nearly always, so no struct is made of them (`api.json.encoded`).
Layer: api.orders.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import msgspec

from api.json.encoded import Encoded, json_text, moment_text, seconds_text
from api.market.live_texts import bbo_text, quoted, quoted_symbol, trade_text
from api.orders.entered import EnteredOrder, entered_orders, status_of
from api.orders.options import options_of
from api.orders.views import leg_view
from engine.events import Accepted, Cancelled, CommandResult
from engine.exchange import Exchange
from engine.types import OrderId, OrderType, Side, TimeInForce, entry_of
from listings.grid import Grid, grid_of

_REPEATED: Final = ',"repeated":true'
KINDS_KEPT: Final = 1_024  # side, type and time in force of a symbol


def order_answer(
    applied: CommandResult, exchange: Exchange, processing_ms: float, *, repeated: bool = False
) -> Encoded:
    """The `OrderAnswer` to an order that was accepted, now or before, from the events of its command. O(events)."""
    return msgspec.Raw(order_text(applied, exchange, repr(processing_ms), repeated=repeated))


def order_text(applied: CommandResult, exchange: Exchange, processing_ms: str, *, repeated: bool = False) -> str:
    """The same as a part of a larger text."""
    events = applied.events
    accepted = events[0]
    if not isinstance(accepted, Accepted):
        raise TypeError("the first event of an accepted order is Accepted")
    entered = entered_orders(events)
    order = entered.pop(accepted.order_id)
    book = exchange.books[accepted.symbol]
    grid = grid_of(book.instrument)
    quantities, amounts, price, quantity = grid.quantities, grid.amounts, order.price, order.quantity
    cum, ended, name, ts_ns, seq = order.cum, order.ended, accepted.client_order_id, applied.ts_ns, applied.seq
    status, reason = (order.status, None) if ended is None else status_of(ended)
    trades, maker_fees, taker_fees = [], 0, 0
    for trade in order.trades:
        trades.append(trade_text(trade, grid, ts_ns, seq))
        maker_fees += trade.maker_fee
        taker_fees += trade.taker_fee
    average = grid.average_price(order.notional, cum) if trades else None
    kind = _kind(accepted.symbol, accepted.side, accepted.order_type, accepted.time_in_force)
    return (
        f'{{{"" if order.terms is None else _options(order, grid)}"order_id":"{accepted.order_id}",'
        f'"client_order_id":{"null" if name is None else json_text(name)},{kind},'
        f'"price":{"null" if price is None else quoted(grid.prices[price])},'
        f'"quantity":"{quantities[quantity]}","self_trade_prevention":"{accepted.prevention!s}",'
        f'"status":"{status!s}","reason":{"null" if reason is None else quoted(reason)},'
        f'"filled_quantity":"{quantities[cum]}","remaining_quantity":"{quantities[quantity - cum]}",'
        f'"average_price":{quoted(average)},"trades":[{",".join(trades)}],'
        f'"total_maker_fees":"{amounts[maker_fees]}",'
        f'"total_taker_fees":"{amounts[taker_fees]}","bbo":{bbo_text(book, grid, exchange.seq, exchange.ts_ns)},'
        f'"processing_time_ms":{processing_ms},{moment_text(ts_ns)},"seq":{seq},'
        f'{_legs(entered, accepted.order_id, grid) if entered else ""}"repeated":{"true" if repeated else "false"}}}'
    )


def cancel_answer(
    applied: CommandResult, cancelled: Cancelled, exchange: Exchange, processing_ms: float, *, repeated: bool = False
) -> Encoded:
    """The `CancelAnswer` to a cancel that succeeded, now or, where it is `repeated`, before."""
    book, name = exchange.books[cancelled.symbol], cancelled.client_order_id
    grid = grid_of(book.instrument)
    return msgspec.Raw(
        f'{{"success":true,"order_id":"{cancelled.order_id}",'
        f'"client_order_id":{"null" if name is None else json_text(name)},"symbol":{quoted_symbol(cancelled.symbol)},'
        f'"filled_quantity":"{grid.quantities[cancelled.cum]}",'
        f'"bbo":{bbo_text(book, grid, exchange.seq, exchange.ts_ns)},"processing_time_ms":{processing_ms!r},'
        f'"timestamp":{seconds_text(applied.ts_ns)},"seq":{applied.seq}{_REPEATED if repeated else ""}}}'
    )


@lru_cache(KINDS_KEPT)
def _kind(symbol: str, side: Side, order_type: OrderType, time_in_force: TimeInForce) -> str:
    """The fields of an answer that are the same for most orders."""
    words = {"symbol": symbol, "side": side, "order_type": order_type, "time_in_force": time_in_force}
    return json_text(words)[1:-1]


def _options(order: EnteredOrder, grid: Grid) -> str:
    """The options that an order has, before its other fields."""
    options = options_of(order.terms, grid)
    return f"{json_text(options)[1:-1]}," if options else ""


def _legs(others: dict[OrderId, EnteredOrder], order_id: OrderId, grid: Grid) -> str:
    """The orders that came with the order, of all that its command entered."""
    entry = entry_of(order_id)
    legs = [leg_view(leg, grid) for other, leg in others.items() if entry_of(other) == entry]
    return f'"legs":{json_text(legs)},' if legs else ""
