"""Events -> the levels of the books that they may have changed.

Layer: api.feed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from engine.events import (
    Accepted,
    Amended,
    Cancelled,
    CommandResult,
    Completed,
    Event,
    Expired,
    Filled,
    Triggered,
    Uncrossed,
)
from engine.exchange import Exchange
from engine.types import OrderId, Side, Ticks, TimeInForce

_BUY, _SELL = Side.BUY, Side.SELL
_NEVER_RESTS = (TimeInForce.IOC, TimeInForce.FOK)


class LevelKey(NamedTuple):
    """Names a level of a book, which need not exist."""

    symbol: str
    side: Side
    price: Ticks


def touched_levels(applied: CommandResult, exchange: Exchange) -> Iterator[LevelKey]:
    """Every level that a command may have changed, some of them more than once. O(events)."""
    uncrossed = False
    for event in applied.events:
        if isinstance(event, Filled):
            if event.auction:  # both stood in the book, each at its own price
                yield from _level_of(exchange, event.maker_order_id)
                yield from _level_of(exchange, event.taker_order_id)
            else:
                yield LevelKey(event.symbol, _SELL if event.taker_side is _BUY else _BUY, event.price)
        elif isinstance(event, Uncrossed):
            uncrossed = True
        elif isinstance(event, Completed):
            if uncrossed and event.price is not None:
                yield LevelKey(event.symbol, event.side, event.price)
        else:
            yield from _levels_of_event(event, exchange)


def _levels_of_event(event: Event, exchange: Exchange) -> Iterator[LevelKey]:
    """The levels that an event about one order may have changed."""
    if isinstance(event, Accepted):
        if event.price is not None and not event.waiting and event.time_in_force not in _NEVER_RESTS:
            yield LevelKey(event.symbol, event.side, event.price)
    elif isinstance(event, Cancelled | Expired):
        if event.rested and event.price is not None:
            yield LevelKey(event.symbol, event.side, event.price)
    elif isinstance(event, Amended):
        for price in (event.old_price, event.price):
            if price is not None:
                yield LevelKey(event.symbol, event.side, price)
    elif isinstance(event, Triggered):
        yield from _level_of(exchange, event.order_id)


def _level_of(exchange: Exchange, order_id: OrderId) -> Iterator[LevelKey]:
    """The level of an open order. One that has ended meanwhile has an event of its own for that."""
    order = exchange.order(order_id)
    if order is not None and order.level is not None:
        yield LevelKey(order.symbol, order.side, order.level.price)
