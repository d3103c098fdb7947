"""The shapes of requests and answers of the public API, as its users see them.

Decimals are exact; ids are decimal texts; `timestamp` is epoch seconds, `ts_ns` epoch
nanoseconds. Fields the tools do not use are ignored when they come.
Layer: tools.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

Side = Literal["buy", "sell"]
Status = Literal["new", "resting", "partially_filled", "filled", "cancelled", "rejected", "expired", "pending_trigger"]


class NewOrder(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of POST /order."""

    symbol: str
    side: Side
    order_type: str
    quantity: str
    price: str | None = None
    time_in_force: str | None = None
    client_order_id: str | None = None
    self_trade_prevention: str | None = None
    post_only: bool | Literal["slide"] = False
    display_quantity: str | None = None
    stop_price: str | None = None
    stop_limit_price: str | None = None
    trail_amount: str | None = None
    trail_percent: str | None = None
    expire_time: str | None = None  # epoch seconds
    take_profit: str | None = None
    stop_loss: str | None = None
    stop_loss_limit: str | None = None


class Refusal(msgspec.Struct, frozen=True):
    """The one error shape, with the HTTP status it came with."""

    error: str
    error_code: str
    request_id: str = ""
    status: int = 0


class Trade(msgspec.Struct, frozen=True):
    """One match."""

    timestamp: float
    symbol: str
    trade_id: str
    price: Decimal
    quantity: Decimal
    aggressor_side: Side
    maker_order_id: str
    taker_order_id: str
    maker_fee: Decimal
    taker_fee: Decimal
    trade_value: Decimal


class Bbo(msgspec.Struct, frozen=True):
    """Best bid and offer; None on an empty side."""

    best_bid: Decimal | None
    best_ask: Decimal | None
    spread: Decimal | None = None
    mid_price: Decimal | None = None


class OrderAnswer(msgspec.Struct, frozen=True):
    """What became of an order that was entered."""

    order_id: str
    client_order_id: str | None
    status: Status
    filled_quantity: Decimal
    remaining_quantity: Decimal
    average_price: Decimal | None
    trades: list[Trade]
    total_maker_fees: Decimal
    total_taker_fees: Decimal
    bbo: Bbo
    processing_time_ms: float
    seq: int
    linked_order_id: str | None = None  # the other leg of one-cancels-other
    repeated: bool = False  # the order was entered before under this client order id


class CancelAnswer(msgspec.Struct, frozen=True):
    """A cancel that was carried out."""

    success: bool
    order_id: str
    client_order_id: str | None
    bbo: Bbo
    processing_time_ms: float


class Fill(msgspec.Struct, frozen=True):
    """One trade as one of its orders sees it."""

    trade_id: str
    price: Decimal
    quantity: Decimal
    liquidity: Literal["maker", "taker"]


class OrderState(msgspec.Struct, frozen=True):
    """One order as GET /order shows it."""

    order_id: str
    client_order_id: str | None
    symbol: str
    side: Side
    order_type: str
    quantity: Decimal
    price: Decimal | None
    remaining: Decimal
    filled: Decimal
    status: Status
    timestamp: float
    stop_price: Decimal | None = None  # as it stands
    shown_quantity: Decimal | None = None  # of an iceberg that rests
    linked_order_id: str | None = None  # the other leg of one-cancels-other
    parent_order_id: str | None = None  # the entry whose exit it is
    priority: Literal["kept", "lost"] | None = None  # after an amend
    fills: list[Fill] | None = None  # by GET /order/{id}


class OrderPage(msgspec.Struct, frozen=True):
    """One page of GET /orders."""

    orders: list[OrderState]
    next_cursor: str | None = None


class TradePage(msgspec.Struct, frozen=True):
    """One page of GET /trades."""

    trades: list[Trade]


class Health(msgspec.Struct, frozen=True):
    """GET /health."""

    status: str
    timestamp: float
    uptime: float
    version: str
    connections: int
    seq: int
    accepting: bool
    flows: list[str] = []


class Statistics(msgspec.Struct, frozen=True):
    """GET /statistics, as far as it is watched. Latencies are the server's own, since its start."""

    orders_processed: int
    trades_executed: int
    orders_per_second: float
    latency_ms: dict[str, float]


class Fees(msgspec.Struct, frozen=True):
    """Fee rates of one symbol, in percent of the notional; below zero a rebate."""

    maker_percent: Decimal
    taker_percent: Decimal


class SymbolInfo(msgspec.Struct, frozen=True):
    """What GET /symbols says of one symbol."""

    tick_size: Decimal
    lot_size: Decimal
    status: str
    fees: Fees
    bbo: Bbo
    active_orders: int
    total_trades: int


class Symbols(msgspec.Struct, frozen=True):
    """GET /symbols."""

    symbols: list[str]
    symbol_info: dict[str, SymbolInfo]
    count: int


class Book(msgspec.Struct, frozen=True):
    """Depth by price, best first: price and quantity, and beside them how many orders."""

    timestamp: float
    symbol: str
    bids: list[tuple[Decimal, Decimal]]
    asks: list[tuple[Decimal, Decimal]]
    bid_orders: list[int]
    ask_orders: list[int]
    seq: int
