"""Events -> `order_event` messages for the owners of the orders.

Layer: api.
"""

from __future__ import annotations

from typing import Any

from api.answers import OrderEvent, OrderState, fill_view, seconds
from api.grid import Grid, grid_of
from engine.events import Accepted, Amended, Applied, Cancelled, Ended, Event, Filled, Rejected
from engine.exchange import Exchange
from engine.types import AccountId, Lots, OrderId, OrderStatus


def order_events(batch: list[Applied], exchange: Exchange) -> dict[AccountId, list[OrderEvent]]:
    """What each account is told of a batch, in order. O(events)."""
    ended = {event.order_id: event for applied in batch for event in applied.events if isinstance(event, Ended)}
    told: dict[AccountId, list[OrderEvent]] = {}
    for applied in batch:
        for event in applied.events:
            for account, message in _messages(event, applied, exchange, ended):
                told.setdefault(account, []).append(message)
        first = applied.events[0] if applied.events else None
        if isinstance(first, Accepted) and len(applied.events) == 1:
            told[first.account].append(_of_accepted("resting", first, applied, exchange))
    return told


def _messages(
    event: Event, applied: Applied, exchange: Exchange, ended: dict[OrderId, Ended]
) -> list[tuple[AccountId, OrderEvent]]:
    if isinstance(event, Accepted):
        return [(event.account, _of_accepted("accepted", event, applied, exchange))]
    if isinstance(event, Filled):
        return _of_fill(event, applied, exchange, ended)
    if isinstance(event, Cancelled):
        fields = _fields(event, event.quantity, event.quantity - event.cum, exchange)
        message = _message("cancelled", applied, status=OrderStatus.CANCELLED, reason=event.reason.value, **fields)
        return [(event.account, message)]
    if isinstance(event, Amended):
        return _of_amended(event, applied, exchange, ended)
    if isinstance(event, Rejected):
        message = _message(
            "rejected",
            applied,
            order_id=None if event.order_id is None else str(event.order_id),
            client_order_id=event.client_order_id,
            symbol=event.symbol,
            status="rejected",
            reason=event.reason.value,
        )
        return [(event.account, message)]
    return []


def _of_accepted(event_type: str, event: Accepted, applied: Applied, exchange: Exchange) -> OrderEvent:
    grid = grid_of(exchange.books[event.symbol].instrument)
    return _message(
        event_type,
        applied,
        order_id=str(event.order_id),
        client_order_id=event.client_order_id,
        symbol=event.symbol,
        side=event.side,
        order_type=event.order_type,
        time_in_force=event.time_in_force,
        quantity=grid.quantity(event.quantity),
        price=None if event.price is None else grid.price(event.price),
        remaining=grid.quantity(event.quantity),
        filled=grid.quantity(0),
        status=OrderStatus.RESTING,
    )


def _of_fill(
    event: Filled, applied: Applied, exchange: Exchange, ended: dict[OrderId, Ended]
) -> list[tuple[AccountId, OrderEvent]]:
    grid = grid_of(exchange.books[event.symbol].instrument)
    messages = []
    for maker, order_id, account, leaves in (
        (True, event.maker_order_id, event.maker_account, event.maker_leaves),
        (False, event.taker_order_id, event.taker_account, event.taker_leaves),
    ):
        order: OrderState | None = exchange.order(order_id) or ended.get(order_id)
        if order is None:  # nobody forgets an order before its last event is told
            continue
        status = OrderStatus.PARTIALLY_FILLED if leaves else OrderStatus.FILLED
        message = _message(
            status.value,
            applied,
            status=status,
            fill=fill_view(event, maker=maker, grid=grid, ts_ns=applied.ts_ns),
            **_fields(order, order.quantity, leaves, exchange),
        )
        messages.append((account, message))
    return messages


def _of_amended(
    event: Amended, applied: Applied, exchange: Exchange, ended: dict[OrderId, Ended]
) -> list[tuple[AccountId, OrderEvent]]:
    order: OrderState | None = exchange.order(event.order_id) or ended.get(event.order_id)
    if order is None:
        return []
    filled = event.quantity - event.leaves
    status = OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.RESTING
    fields = _fields(order, event.quantity, event.leaves, exchange)
    fields["price"] = _grid(exchange, event.symbol).price(event.price)
    return [(event.account, _message("amended", applied, status=status, **fields))]


def _fields(order: OrderState, quantity: Lots, leaves: int, exchange: Exchange) -> dict[str, Any]:
    grid = _grid(exchange, order.symbol)
    return {
        "order_id": str(order.order_id),
        "client_order_id": order.client_order_id,
        "symbol": order.symbol,
        "side": order.side,
        "order_type": order.order_type,
        "time_in_force": order.time_in_force,
        "quantity": grid.quantity(quantity),
        "price": None if order.price is None else grid.price(order.price),
        "remaining": grid.quantity(leaves),
        "filled": grid.quantity(quantity - leaves),
    }


def _grid(exchange: Exchange, symbol: str) -> Grid:
    return grid_of(exchange.books[symbol].instrument)


def _message(event_type: Any, applied: Applied, **fields: Any) -> OrderEvent:
    return OrderEvent(
        event_type=event_type, timestamp=seconds(applied.ts_ns), ts_ns=applied.ts_ns, seq=applied.seq, **fields
    )
