"""What the feed sends, as structs. Messages that are as an answer of REST are the structs of that answer.

Layer: openbell_client.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec

from openbell_client.answers import FillView, Side
from openbell_client.errors import BadAnswer

T = TypeVar("T")

NAMESPACE: Final = "/market"


class OrderEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to one of one's orders; None where the event has no such number."""

    event_type: str  # accepted, resting, partially_filled, filled, cancelled, expired, rejected, amended ...
    order_id: str | None
    client_order_id: str | None
    symbol: str | None
    side: Side | None = None
    order_type: str | None = None
    time_in_force: str | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None
    remaining: Decimal | None = None
    filled: Decimal | None = None
    self_trade_prevention: str | None = None
    status: str
    reason: str | None = None
    fill: FillView | None = None
    priority: str | None = None  # after an amend: kept or lost
    shown: Decimal | None = None  # an iceberg's next slice
    timestamp: float
    ts_ns: int
    ts_ns_text: str
    seq: int
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


class Candle(msgspec.Struct, frozen=True):
    """One candle as it is now; `closed`: its interval is over."""

    timestamp: float
    symbol: str
    interval: str
    candle: tuple[int, Decimal, Decimal, Decimal, Decimal, Decimal]  # time, open, high, low, close, volume
    closed: bool
    seq: int


class QueuePositionOf(msgspec.Struct, frozen=True):
    """What stands before one resting order of one's own, at its price."""

    order_id: str
    symbol: str
    orders_ahead: int
    quantity_ahead: Decimal


class QueuePositions(msgspec.Struct, frozen=True):
    """The queue positions that changed."""

    positions: list[QueuePositionOf]
    seq: int


class VenueState(msgspec.Struct, frozen=True):
    """What everybody who is connected is told of the venue."""

    flows: list[str]
    accepting: bool
    symbols_seq: int = 0
    clock_held: bool = False
    node: str | None = None  # of several the one that this connection is to
    stale: bool = False  # which has heard nothing of the venue for a while


def message_of(data: Any, kind: type[T]) -> T:
    """A message as a struct. Raises BadAnswer."""
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise BadAnswer(f"{kind.__name__}: {error}") from error
