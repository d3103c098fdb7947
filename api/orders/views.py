"""Engine values -> JSON: the answers about orders and their fills, with the names of the wire contract.

Decimals are strings: prices and quantities with the precision of tick and lot, amounts as
the shortest exact decimal. Times are epoch seconds with a fraction; `ts_ns` is exact.
Layer: api.orders.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from api.json.views import seconds
from api.market.states import TradeState
from api.market.views import BboView, TradeView
from api.orders.entered import EnteredOrder
from api.orders.options import OrderOptions, options_of
from api.orders.states import OrderState
from engine.depth import queue_position
from engine.events import Cancelled, CommandResult
from engine.instrument import Instrument
from engine.order import Order
from engine.types import (
    OrderStatus,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from listings.grid import Grid, grid_of
from listings.texts import DecimalText, IdText, NanosText, nanos_text
from loop.turns import in_turns


class FillView(msgspec.Struct, frozen=True):
    """One trade as one of its orders sees it."""

    trade_id: IdText
    price: DecimalText
    quantity: DecimalText
    fee: DecimalText
    liquidity: Literal["maker", "taker"]
    timestamp: float
    ts_ns: int
    ts_ns_text: NanosText


class LegView(OrderOptions, frozen=True, kw_only=True):
    """Another order that the same command entered: the stop of one-cancels-other, an exit of a bracket."""

    order_id: IdText
    order_type: OrderType
    quantity: DecimalText
    price: DecimalText | None
    status: OrderStatus
    reason: str | None
    filled_quantity: DecimalText
    self_trade_prevention: SelfTradePrevention


class OrderAnswer(OrderOptions, frozen=True, kw_only=True):
    """POST /order: what became of it."""

    order_id: IdText
    client_order_id: str | None
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    price: DecimalText | None
    quantity: DecimalText
    self_trade_prevention: SelfTradePrevention  # the mode in force: its own, or its account's
    status: OrderStatus
    reason: str | None  # why it ended with something left
    filled_quantity: DecimalText
    remaining_quantity: DecimalText
    average_price: DecimalText | None
    trades: list[TradeView]
    total_maker_fees: DecimalText
    total_taker_fees: DecimalText
    bbo: BboView
    processing_time_ms: float
    timestamp: float
    ts_ns: int
    ts_ns_text: NanosText
    seq: int
    legs: list[LegView] | UnsetType = UNSET
    repeated: bool = False  # the order was entered before under this client_order_id


class CancelAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """POST /cancel."""

    success: bool
    order_id: IdText
    client_order_id: str | None
    symbol: str
    filled_quantity: DecimalText
    bbo: BboView
    processing_time_ms: float
    timestamp: float
    seq: int
    repeated: bool | UnsetType = UNSET  # true: it was cancelled before, under the same Idempotency-Key


class QueuePosition(msgspec.Struct, frozen=True):
    orders_ahead: int
    quantity_ahead: DecimalText


class OrderView(OrderOptions, frozen=True, kw_only=True, omit_defaults=True):
    """GET /order/{order_id}."""

    order_id: IdText
    client_order_id: str | None
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: DecimalText
    price: DecimalText | None
    remaining: DecimalText
    filled: DecimalText
    average_price: DecimalText | None
    fees: DecimalText
    self_trade_prevention: SelfTradePrevention  # the mode in force: its own, or its account's
    status: OrderStatus
    reason: str | None
    timestamp: float
    ts_ns: int
    ts_ns_text: NanosText
    seq: int
    fills: list[FillView] | None = None
    shown_quantity: DecimalText | UnsetType = UNSET  # of an iceberg that rests
    queue_position: QueuePosition | None = None


class OrdersPage(msgspec.Struct, frozen=True):
    """GET /orders."""

    orders: list[OrderView]
    next_cursor: IdText | None  # for the query of the next page
    seq: int


class CancelAllAnswer(msgspec.Struct, frozen=True):
    """DELETE /orders."""

    cancelled: list[IdText]  # order ids
    count: int
    seq: int
    repeated: bool | UnsetType = UNSET  # true: it came before, under the same Idempotency-Key


def fill_view(trade: TradeState, *, maker: bool, grid: Grid, ts_ns: int) -> FillView:
    """A trade for the owner of its maker or taker order."""
    return FillView(
        str(trade.trade_id),
        grid.price(trade.price),
        grid.quantity(trade.quantity),
        grid.amount(trade.maker_fee if maker else trade.taker_fee),
        "maker" if maker else "taker",
        seconds(ts_ns),
        ts_ns,
        nanos_text(ts_ns),
    )


def leg_view(leg: EnteredOrder, grid: Grid) -> LegView:
    """An order that came with another, after the command that entered both."""
    return LegView(
        order_id=str(leg.order_id),
        order_type=leg.accepted.order_type,
        quantity=grid.quantity(leg.quantity),
        price=None if leg.price is None else grid.price(leg.price),
        status=leg.status,
        reason=leg.reason,
        filled_quantity=grid.quantity(leg.cum),
        self_trade_prevention=leg.accepted.prevention,
        **options_of(leg.terms, grid),
    )


def cancel_all_answer(parts: Sequence[CommandResult]) -> CancelAllAnswer:
    """The answer to a mass cancel, which came in one part or several. Cooperative."""
    ids = [str(event.order_id) for part in in_turns(parts) for event in part.events if isinstance(event, Cancelled)]
    return CancelAllAnswer(ids, len(ids), parts[-1].seq)


def order_view(
    order: OrderState,
    instrument: Instrument,
    seq: int,
    status: OrderStatus,
    reason: str | None,
    **further: Any,
) -> OrderView:
    """An order as its owner sees it; `further` are the optional fields of OrderView."""
    grid = grid_of(instrument)
    return OrderView(
        order_id=str(order.order_id),
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        order_type=order.order_type,
        time_in_force=order.time_in_force,
        quantity=grid.quantity(order.quantity),
        price=None if order.price is None else grid.price(order.price),
        remaining=grid.quantity(order.quantity - order.cum),
        filled=grid.quantity(order.cum),
        average_price=grid.average_price(order.quote_cum, order.cum),
        fees=grid.amount(order.fees),
        self_trade_prevention=order.prevention,
        status=status,
        reason=reason,
        timestamp=seconds(order.entered_ns),
        ts_ns=order.entered_ns,
        ts_ns_text=nanos_text(order.entered_ns),
        seq=seq,
        **options_of(order.terms, grid),
        **further,
    )


def queue_view(order: Order, grid: Grid) -> QueuePosition | None:
    """How much trades before a resting order at its price; None for one deep within a long queue."""
    ahead = queue_position(order)
    return None if ahead is None else QueuePosition(ahead[0], grid.quantity(ahead[1]))
