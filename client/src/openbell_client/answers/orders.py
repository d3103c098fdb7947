"""Answers of the orders calls.

Written by tools/setup/generate_client.py from the server's OpenAPI document: change that, not this.
Layer: openbell_client.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from openbell_client.answers.shared import (
    BboView,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TradeView,
)


class AmendAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """PATCH /order/{order_id}: the order as it is after the change, and what the change brought about."""

    post_only: bool | str | None = None
    display_quantity: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    expire_time: Decimal | None = None
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    stop_loss_limit: Decimal | None = None
    linked_order_id: str | None = None
    parent_order_id: str | None = None
    order_id: str
    client_order_id: str | None
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal
    price: Decimal | None
    remaining: Decimal
    filled: Decimal
    average_price: Decimal | None
    fees: Decimal
    self_trade_prevention: SelfTradePrevention
    status: OrderStatus
    reason: str | None
    timestamp: float
    ts_ns: int
    ts_ns_text: str  # `ts_ns` as text, for readers whose numbers end at 2^53
    seq: int
    fills: list[FillView] | None = None
    shown_quantity: Decimal | None = None
    queue_position: QueuePosition | None = None
    priority: str
    trades: list[TradeView]
    bbo: BboView
    repeated: bool = False


class BatchAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /orders/batch: a result for each element, in their order."""

    results: list[BatchResult]
    repeated: bool | None = None


class BatchResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one element: the status and the body of its single call."""

    status: int
    body: dict[str, Any]


class CancelAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /cancel."""

    success: bool
    order_id: str
    client_order_id: str | None
    symbol: str
    filled_quantity: Decimal
    bbo: BboView
    processing_time_ms: float
    timestamp: float
    seq: int
    repeated: bool | None = None


class ExitsPreview(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The exits that a bracket's entry would bring."""

    entered: str
    quantity: Decimal
    held: Decimal
    held_asset: str
    reason: str | None


class FillView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One trade as one of its orders sees it."""

    trade_id: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    liquidity: str
    timestamp: float
    ts_ns: int
    ts_ns_text: str  # `ts_ns` as text, for readers whose numbers end at 2^53


class LegPreview(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Another order that the same command would enter: the stop of one-cancels-other, an exit of a bracket."""

    order_type: OrderType
    side: Side
    quantity: Decimal
    price: Decimal | None
    stop_price: Decimal | None
    status: OrderStatus
    reason: str | None
    filled_quantity: Decimal
    resting_quantity: Decimal
    average_price: Decimal | None
    notional: Decimal
    taker_fee: Decimal
    held: Decimal
    held_asset: str
    protections: list[str]


class LegView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Another order that the same command entered: the stop of one-cancels-other, an exit of a bracket."""

    post_only: bool | str | None = None
    display_quantity: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    expire_time: Decimal | None = None
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    stop_loss_limit: Decimal | None = None
    linked_order_id: str | None = None
    parent_order_id: str | None = None
    order_id: str
    order_type: OrderType
    quantity: Decimal
    price: Decimal | None
    status: OrderStatus
    reason: str | None
    filled_quantity: Decimal
    self_trade_prevention: SelfTradePrevention


class OrderAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /order: what became of it."""

    post_only: bool | str | None = None
    display_quantity: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    expire_time: Decimal | None = None
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    stop_loss_limit: Decimal | None = None
    linked_order_id: str | None = None
    parent_order_id: str | None = None
    order_id: str
    client_order_id: str | None
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    price: Decimal | None
    quantity: Decimal
    self_trade_prevention: SelfTradePrevention
    status: OrderStatus
    reason: str | None
    filled_quantity: Decimal
    remaining_quantity: Decimal
    average_price: Decimal | None
    trades: list[TradeView]
    total_maker_fees: Decimal
    total_taker_fees: Decimal
    bbo: BboView
    processing_time_ms: float
    timestamp: float
    ts_ns: int
    ts_ns_text: str  # `ts_ns` as text, for readers whose numbers end at 2^53
    seq: int
    legs: list[LegView] | None = None
    repeated: bool = False


# Where an order stands. The first three are open, the others are done.
# cancelled, expired, filled, partially_filled, pending_trigger, resting; there may be more
OrderStatus = str


class OrderView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /order/{order_id}."""

    post_only: bool | str | None = None
    display_quantity: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    expire_time: Decimal | None = None
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    stop_loss_limit: Decimal | None = None
    linked_order_id: str | None = None
    parent_order_id: str | None = None
    order_id: str
    client_order_id: str | None
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal
    price: Decimal | None
    remaining: Decimal
    filled: Decimal
    average_price: Decimal | None
    fees: Decimal
    self_trade_prevention: SelfTradePrevention
    status: OrderStatus
    reason: str | None
    timestamp: float
    ts_ns: int
    ts_ns_text: str  # `ts_ns` as text, for readers whose numbers end at 2^53
    seq: int
    fills: list[FillView] | None = None
    shown_quantity: Decimal | None = None
    queue_position: QueuePosition | None = None


class OrdersPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /orders."""

    orders: list[OrderView]
    next_cursor: str | None
    seq: int


class PreviewAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /order/test: what POST /order would do with the same body."""

    accepted: bool
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    timestamp: float
    ts_ns: int
    ts_ns_text: str  # `ts_ns` as text, for readers whose numbers end at 2^53
    seq: int
    error_code: str | None = None
    error: str | None = None
    details: dict[str, Any] | None = None
    repeated: bool | None = None
    order_id: str | None = None
    status: OrderStatus | None = None
    reason: str | None = None
    asked_price: Decimal | None = None
    price: Decimal | None = None
    quantity: Decimal | None = None
    filled_quantity: Decimal | None = None
    resting_quantity: Decimal | None = None
    average_price: Decimal | None = None
    worst_price: Decimal | None = None
    notional: Decimal | None = None
    trades: int | None = None
    mid_price: Decimal | None = None
    slippage: Decimal | None = None
    slippage_percent: Decimal | None = None
    taker_fee: Decimal | None = None
    maker_fee: Decimal | None = None
    held: Decimal | None = None
    held_asset: str | None = None
    held_rounding: Decimal | None = None
    protections: list[str] | None = None
    would_trigger: int | None = None
    sees: str | None = None
    exits: ExitsPreview | None = None
    legs: list[LegPreview] | None = None


class QueuePosition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Part of an answer: QueuePosition."""

    orders_ahead: int
    quantity_ahead: Decimal
