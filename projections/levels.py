"""Events -> the levels of the books that they may have changed.

Layer: projections.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from engine.events import (
    Accepted,
    Amended,
    Cancelled,
    Completed,
    Event,
    Expired,
    Filled,
    Triggered,
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


def levels_of(event: Event, exchange: Exchange, *, uncrossed: bool) -> Iterable[LevelKey]:
    """Every level that an event may have changed. `uncrossed`: whether an uncross of the same command came before."""
    if type(event) is Filled:
        if event.auction:  # both stood in the book, each at its own price
            return (*_level_of(exchange, event.maker_order_id), *_level_of(exchange, event.taker_order_id))
        return (LevelKey(event.symbol, _SELL if event.taker_side is _BUY else _BUY, event.price),)
    if type(event) is Accepted:
        if event.price is not None and not event.waiting and event.time_in_force not in _NEVER_RESTS:
            return (LevelKey(event.symbol, event.side, event.price),)
    elif type(event) is Completed:
        if uncrossed and event.price is not None:
            return (LevelKey(event.symbol, event.side, event.price),)
    elif type(event) is Cancelled or type(event) is Expired:
        if event.rested and event.price is not None:
            return (LevelKey(event.symbol, event.side, event.price),)
    elif type(event) is Amended:
        prices = (event.old_price, event.price)
        return [LevelKey(event.symbol, event.side, price) for price in prices if price is not None]
    elif type(event) is Triggered:
        return _level_of(exchange, event.order_id)
    return ()


def _level_of(exchange: Exchange, order_id: OrderId) -> tuple[LevelKey, ...]:
    """The level of an open order. One that has ended meanwhile has an event of its own for that."""
    order = exchange.order(order_id)
    if order is None or order.level is None:
        return ()
    return (LevelKey(order.symbol, order.side, order.level.price),)
