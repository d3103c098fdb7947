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


class Place(NamedTuple):
    """A level of a book, there or not."""

    symbol: str
    side: Side
    price: Ticks


def places_touched(applied: CommandResult, exchange: Exchange) -> Iterator[Place]:
    """Every level that a command may have changed, some of them more than once. O(events)."""
    uncrossed = False
    for event in applied.events:
        if isinstance(event, Filled):
            if event.auction:  # both stood in the book, each at its own price
                yield from _of_open(exchange, event.maker_order_id)
                yield from _of_open(exchange, event.taker_order_id)
            else:
                yield Place(event.symbol, _SELL if event.taker_side is _BUY else _BUY, event.price)
        elif isinstance(event, Uncrossed):
            uncrossed = True
        elif isinstance(event, Completed):
            if uncrossed and event.price is not None:
                yield Place(event.symbol, event.side, event.price)
        else:
            yield from _of_order(event, exchange)


def _of_order(event: Event, exchange: Exchange) -> Iterator[Place]:
    """What an event about one order touches."""
    if isinstance(event, Accepted):
        if event.price is not None and not event.waiting and event.time_in_force not in _NEVER_RESTS:
            yield Place(event.symbol, event.side, event.price)
    elif isinstance(event, Cancelled | Expired):
        if event.rested and event.price is not None:
            yield Place(event.symbol, event.side, event.price)
    elif isinstance(event, Amended):
        for price in (event.old_price, event.price):
            if price is not None:
                yield Place(event.symbol, event.side, price)
    elif isinstance(event, Triggered):
        yield from _of_open(exchange, event.order_id)


def _of_open(exchange: Exchange, order_id: OrderId) -> Iterator[Place]:
    """Where an order stands. One that has ended since says so in an event of its own."""
    order = exchange.order(order_id)
    if order is not None and order.level is not None:
        yield Place(order.symbol, order.side, order.level.price)
