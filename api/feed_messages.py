"""Events -> `order_event` messages for the owners of the orders.

Layer: api.
"""

from __future__ import annotations

from typing import Any

from api.answers import OrderEvent, fill_view, seconds
from api.grid import Grid, grid_of
from api.states import OrderState
from engine.events import Accepted, Amended, Applied, Cancelled, Ended, Event, Filled, Rejected
from engine.exchange import Exchange
from engine.types import AccountId, Lots, OrderId, OrderStatus, Ticks


def order_events(batch: list[Applied], exchange: Exchange) -> dict[AccountId, list[OrderEvent]]:
    """What each account is told of a batch, in order. O(events)."""
    orders = _Orders(batch, exchange)
    told: dict[AccountId, list[OrderEvent]] = {}
    for applied in batch:
        for event in applied.events:
            for account, message in _messages(event, applied, orders):
                told.setdefault(account, []).append(message)
        first = applied.events[0] if applied.events else None
        if isinstance(first, Accepted) and len(applied.events) == 1:
            told[first.account].append(_of_accepted("resting", first, applied, exchange))
    return told


class _Orders:
    """The orders of a batch as each event left them; the exchange shows them as the whole batch did."""

    def __init__(self, batch: list[Applied], exchange: Exchange) -> None:
        self.exchange = exchange
        self._ended: dict[OrderId, Ended] = {}
        self._to_come: dict[OrderId, int] = {}  # lots that the rest of the batch fills
        self._prices: dict[OrderId, Ticks] = {}  # of the orders that the batch amends
        for applied in reversed(batch):
            for event in reversed(applied.events):
                if isinstance(event, Filled):
                    for order_id in (event.maker_order_id, event.taker_order_id):
                        self._to_come[order_id] = self._to_come.get(order_id, 0) + event.quantity
                elif isinstance(event, Ended):
                    self._ended[event.order_id] = event
                elif isinstance(event, Amended):
                    self._prices[event.order_id] = event.old_price

    def get(self, order_id: OrderId) -> OrderState | None:
        """The order, open or ended in this batch; only what never changes is right at every event."""
        return self.exchange.order(order_id) or self._ended.get(order_id)

    def price(self, order: OrderState) -> Ticks | None:
        """The limit price of `order` at the event that is being told."""
        return self._prices.get(order.order_id, order.price)

    def amended(self, event: Amended) -> None:
        """Note that an amend is being told."""
        self._prices[event.order_id] = event.price

    def filled(self, order: OrderState, quantity: Lots) -> int:
        """Note that a fill of `quantity` is being told; return what was filled of `order` with it."""
        self._to_come[order.order_id] -= quantity
        return order.cum - self._to_come[order.order_id]


def _messages(event: Event, applied: Applied, orders: _Orders) -> list[tuple[AccountId, OrderEvent]]:
    if isinstance(event, Accepted):
        return [(event.account, _of_accepted("accepted", event, applied, orders.exchange))]
    if isinstance(event, Filled):
        return _of_fill(event, applied, orders)
    if isinstance(event, Cancelled):
        fields = _fields(event, event.price, event.cum, event.quantity - event.cum, orders.exchange)
        message = _message("cancelled", applied, status=OrderStatus.CANCELLED, reason=event.reason.value, **fields)
        return [(event.account, message)]
    if isinstance(event, Amended):
        return _of_amended(event, applied, orders)
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
        status=OrderStatus.RESTING if event_type == "resting" else "new",
    )


def _of_fill(event: Filled, applied: Applied, orders: _Orders) -> list[tuple[AccountId, OrderEvent]]:
    grid = _grid(orders.exchange, event.symbol)
    messages = []
    for maker, order_id, account, leaves in (
        (True, event.maker_order_id, event.maker_account, event.maker_leaves),
        (False, event.taker_order_id, event.taker_account, event.taker_leaves),
    ):
        order = orders.get(order_id)
        if order is None:  # nobody forgets an order before its last event is told
            continue
        status = OrderStatus.PARTIALLY_FILLED if leaves else OrderStatus.FILLED
        filled = orders.filled(order, event.quantity)
        message = _message(
            status.value,
            applied,
            status=status,
            fill=fill_view(event, maker=maker, grid=grid, ts_ns=applied.ts_ns),
            **_fields(order, orders.price(order), filled, leaves, orders.exchange),
        )
        messages.append((account, message))
    return messages


def _of_amended(event: Amended, applied: Applied, orders: _Orders) -> list[tuple[AccountId, OrderEvent]]:
    orders.amended(event)
    order = orders.get(event.order_id)
    if order is None:
        return []
    filled = event.quantity - event.leaves
    status = OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.RESTING
    fields = _fields(order, event.price, filled, event.leaves, orders.exchange)
    return [(event.account, _message("amended", applied, status=status, **fields))]


def _fields(order: OrderState, price: Ticks | None, filled: int, leaves: int, exchange: Exchange) -> dict[str, Any]:
    grid = _grid(exchange, order.symbol)
    return {
        "order_id": str(order.order_id),
        "client_order_id": order.client_order_id,
        "symbol": order.symbol,
        "side": order.side,
        "order_type": order.order_type,
        "time_in_force": order.time_in_force,
        "quantity": grid.quantity(filled + leaves),
        "price": None if price is None else grid.price(price),
        "remaining": grid.quantity(leaves),
        "filled": grid.quantity(filled),
    }


def _grid(exchange: Exchange, symbol: str) -> Grid:
    return grid_of(exchange.books[symbol].instrument)


def _message(event_type: Any, applied: Applied, **fields: Any) -> OrderEvent:
    return OrderEvent(
        event_type=event_type, timestamp=seconds(applied.ts_ns), ts_ns=applied.ts_ns, seq=applied.seq, **fields
    )
