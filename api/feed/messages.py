"""Events -> `order_event` messages for the owners of the orders.

Layer: api.feed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, Literal

from msgspec import UNSET, UnsetType

from api.json.views import seconds
from api.orders.batch_orders import BatchOrders
from api.orders.options import OrderOptions, options_of
from api.orders.states import OrderState
from api.orders.views import FillView, fill_view
from engine.events import (
    Accepted,
    Amended,
    Cancelled,
    CommandResult,
    Ended,
    Event,
    Expired,
    Filled,
    Rejected,
    Replenished,
    StopPriceMoved,
    Triggered,
)
from engine.exchange import Exchange
from engine.rejects import CancelReason
from engine.types import AccountId, OrderId, OrderStatus, OrderType, SelfTradePrevention, Side, Ticks, TimeInForce
from listings.grid import Grid, grid_of
from listings.texts import DecimalText, IdText, NanosText, nanos_text
from loop.turns import in_turns

AT_ONCE: Final = 500  # events of one command whose messages are made without a turn for others

AddressedEvent = tuple[AccountId, "OrderEvent"]  # who it is for


class OrderEvent(OrderOptions, frozen=True, kw_only=True):
    """One `order_event` of the feed; null where the event has no such number."""

    event_type: Literal[
        "accepted",
        "resting",
        "triggered",
        "partially_filled",
        "filled",
        "cancelled",
        "expired",
        "rejected",
        "amended",
        "trailed",
        "replenished",
    ]
    order_id: IdText | None
    client_order_id: str | None
    symbol: str | None
    side: Side | None = None
    order_type: OrderType | None = None
    time_in_force: TimeInForce | None = None
    quantity: DecimalText | None = None
    price: DecimalText | None = None
    remaining: DecimalText | None = None
    filled: DecimalText | None = None
    self_trade_prevention: SelfTradePrevention | None = None
    status: OrderStatus | Literal["new", "rejected"]
    reason: str | None = None
    fill: FillView | None = None
    priority: Literal["kept", "lost"] | UnsetType = UNSET  # after an amend
    shown: DecimalText | UnsetType = UNSET  # an iceberg's next slice
    timestamp: float
    ts_ns: int
    ts_ns_text: NanosText
    seq: int


def order_events(
    batch: list[CommandResult], exchange: Exchange, is_followed: Callable[[AccountId], bool]
) -> dict[AccountId, list[OrderEvent]]:
    """The messages of a batch for each account that is told of its orders, in order. O(events).

    Cooperative where one command caused many events, an uncross or a sweep: nothing may be applied meanwhile.
    """
    orders = BatchOrders(batch, exchange, is_followed)
    by_account: dict[AccountId, list[OrderEvent]] = {}
    for applied in batch:
        for event in applied.events if len(applied.events) <= AT_ONCE else in_turns(applied.events):
            for account, message in _messages(event, applied, orders):
                by_account.setdefault(account, []).append(message)
        for account, message in _resting(applied, orders):
            by_account.setdefault(account, []).append(message)
    return by_account


def _messages(event: Event, applied: CommandResult, orders: BatchOrders) -> list[AddressedEvent]:
    if isinstance(event, Accepted):
        if not orders.makes_for(event.account):
            return []
        status = OrderStatus.PENDING_TRIGGER if event.waiting else "new"
        return [(event.account, _of_accepted("accepted", status, event, applied, orders.exchange))]
    if isinstance(event, Filled):
        return _of_fill(event, applied, orders)
    if isinstance(event, Cancelled | Expired):
        return [(event.account, _of_ended(event, applied, orders.exchange))] if orders.makes_for(event.account) else []
    if isinstance(event, Amended):
        return _of_amended(event, applied, orders)
    if isinstance(event, Triggered | StopPriceMoved):
        return _of_stop(event, applied, orders)
    if isinstance(event, Replenished):
        return _of_replenished(event, applied, orders)
    if isinstance(event, Rejected):
        if not orders.makes_for(event.account):
            return []
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


def _resting(applied: CommandResult, orders: BatchOrders) -> Iterator[AddressedEvent]:
    """A `resting` message for each order that the command put into the book, and did nothing else to."""
    fresh: dict[OrderId, Accepted | Triggered] = {}
    for event in applied.events:
        if isinstance(event, Triggered) or (isinstance(event, Accepted) and not event.waiting):
            fresh[event.order_id] = event
        elif not fresh:
            continue
        elif isinstance(event, Filled):
            fresh.pop(event.maker_order_id, None)
            fresh.pop(event.taker_order_id, None)
        elif isinstance(event, Ended | Amended):
            fresh.pop(event.order_id, None)
    for event in fresh.values():
        if not orders.makes_for(event.account):
            continue
        if isinstance(event, Accepted):
            message = _of_accepted("resting", OrderStatus.RESTING, event, applied, orders.exchange)
            yield event.account, message
        elif (order := orders.get(event.order_id)) is not None:
            yield event.account, _message("resting", applied, status=OrderStatus.RESTING, **_now(order, orders))


def _of_accepted(
    event_type: str, status: str, event: Accepted, applied: CommandResult, exchange: Exchange
) -> OrderEvent:
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
        self_trade_prevention=event.prevention,
        status=status,
        **options_of(event.terms, grid),
    )


def _of_fill(event: Filled, applied: CommandResult, orders: BatchOrders) -> list[AddressedEvent]:
    grid = _grid(orders.exchange, event.symbol)
    messages = []
    orders.note_fill(event)
    for maker, order_id, account, leaves in (
        (True, event.maker_order_id, event.maker_account, event.maker_leaves),
        (False, event.taker_order_id, event.taker_account, event.taker_leaves),
    ):
        order = orders.get(order_id)
        if order is None:  # it is known until its last event, so this does not happen
            continue
        status = OrderStatus.PARTIALLY_FILLED if leaves else OrderStatus.FILLED
        filled = orders.filled(order)
        if not orders.makes_for(account):
            continue
        message = _message(
            status.value,
            applied,
            status=status,
            fill=fill_view(event, maker=maker, grid=grid, ts_ns=applied.ts_ns),
            **_fields(order, orders.price(order), filled, leaves, orders.exchange),
        )
        messages.append((account, message))
    return messages


def _of_ended(event: Cancelled | Expired, applied: CommandResult, exchange: Exchange) -> OrderEvent:
    fields = _fields(event, event.price, event.cum, event.quantity - event.cum, exchange)
    if isinstance(event, Expired):
        return _message("expired", applied, status=OrderStatus.EXPIRED, **fields)
    return _message("cancelled", applied, status=OrderStatus.CANCELLED, reason=event.reason.value, **fields)


def _of_amended(event: Amended, applied: CommandResult, orders: BatchOrders) -> list[AddressedEvent]:
    asked = orders.amended(event, applied)
    order = orders.get(event.order_id)
    if order is None or not orders.makes_for(event.account):
        return []
    filled = event.quantity - event.leaves
    status = OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.RESTING
    if orders.waits(event.order_id):
        status = OrderStatus.PENDING_TRIGGER
    fields = _fields(order, event.price, filled, event.leaves, orders.exchange)
    fields |= options_of(event.terms, _grid(orders.exchange, event.symbol))
    message = _message(
        "amended",
        applied,
        status=status,
        reason=None if asked else CancelReason.SELF_TRADE.value,
        priority="kept" if event.kept_priority else "lost",
        **fields,
    )
    return [(event.account, message)]


def _of_stop(event: Triggered | StopPriceMoved, applied: CommandResult, orders: BatchOrders) -> list[AddressedEvent]:
    order = orders.get(event.order_id)
    if isinstance(event, Triggered):
        orders.triggered(event)
    if order is None or not orders.makes_for(event.account):
        return []
    fields = _now(order, orders) | {"stop_price": _grid(orders.exchange, event.symbol).price(event.stop_price)}
    if isinstance(event, Triggered):
        return [(event.account, _message("triggered", applied, status="new", **fields))]
    return [(event.account, _message("trailed", applied, status=OrderStatus.PENDING_TRIGGER, **fields))]


def _of_replenished(event: Replenished, applied: CommandResult, orders: BatchOrders) -> list[AddressedEvent]:
    order = orders.get(event.order_id)
    if order is None or not orders.makes_for(order.account):
        return []
    shown = _grid(orders.exchange, event.symbol).quantity(event.shown)
    fields = _now(order, orders) | {"shown": shown}
    return [(order.account, _message("replenished", applied, status=OrderStatus.PARTIALLY_FILLED, **fields))]


def _now(order: OrderState, orders: BatchOrders) -> dict[str, Any]:
    """The fields of an order at the present event."""
    filled = orders.filled(order)
    return _fields(order, orders.price(order), filled, order.quantity - filled, orders.exchange)


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
        "self_trade_prevention": order.prevention,
        **options_of(order.terms, grid),
    }


def _grid(exchange: Exchange, symbol: str) -> Grid:
    return grid_of(exchange.books[symbol].instrument)


def _message(event_type: Any, applied: CommandResult, **fields: Any) -> OrderEvent:
    ts_ns = applied.ts_ns
    return OrderEvent(
        event_type=event_type,
        timestamp=seconds(ts_ns),
        ts_ns=ts_ns,
        ts_ns_text=nanos_text(ts_ns),
        seq=applied.seq,
        **fields,
    )
