"""Answers of the explain calls.

Written by tools/setup/generate_client.py from the server's OpenAPI document: change that, not this.
Layer: openbell_client.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from openbell_client.answers.shared import (
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TradingStatus,
)


class Asked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the command asked for. A value off the grid is told as it came; of an amend what is to change."""

    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: str | None = None
    quote_quantity: str | None = None
    price: str | None = None
    stop_price: str | None = None
    stop_limit_price: str | None = None
    trail_amount: str | None = None
    trail_percent: str | None = None
    post_only: PostOnly | None = None
    display_quantity: str | None = None
    take_profit: str | None = None
    stop_loss: str | None = None
    stop_loss_limit: str | None = None
    self_trade_prevention: SelfTradePrevention | None = None


class AuctionRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One price of an auction: who would trade there."""

    price: Decimal
    demand: Decimal
    supply: Decimal
    volume: Decimal
    imbalance: Decimal
    chosen: bool


class BookMet(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The market at the moment at which an order met it, and the limits that then held."""

    session: TradingStatus
    best_bid: Decimal | None
    bid_size: Decimal
    best_ask: Decimal | None
    ask_size: Decimal
    last_price: Decimal | None
    reference_price: Decimal | None
    collar_limit: Decimal | None
    band_low: Decimal | None
    band_high: Decimal | None
    limit_state: Side | None
    opposite: list[LevelShown]


class Chapter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one command meant for the order."""

    order_id: str | None
    side: Side | None
    seq: int
    ts_ns: int
    ts_ns_text: str  # `ts_ns` as text, for readers whose numbers end at 2^53
    timestamp: float
    happened: list[str]
    words: list[str]
    asked: Asked | None
    book: BookMet | None
    checks: list[RuleCheck]
    funds: FundsSeen | None
    levels: list[LevelWalked]
    stopped_because: str | None
    protections: list[Protection]
    fills: list[FillTold]
    place_before: Place | None
    place_after: Place | None
    auction: list[AuctionRow]


class Explanation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why an order, a trade or a refused command went as it did."""

    order_id: str | None
    trade_id: str | None
    symbol: str | None
    seq: int
    as_of_seq: int
    words: list[str]
    filled: Decimal
    notional: Decimal
    fees: Decimal
    average_price: Decimal | None
    chapters: list[Chapter]
    chapters_left_out: int


class FillTold(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One fill of the order, from its side, with its fee."""

    trade_id: str
    price: Decimal
    quantity: Decimal
    notional: Decimal
    role: str
    aggressor_side: Side
    auction: bool
    fee_percent: str
    fee: Decimal
    remaining: Decimal


class FundsSeen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the order needed, and what there was."""

    asset: str
    available: Decimal
    needed: Decimal | None


class LevelShown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One price of the book as everybody saw it."""

    price: Decimal
    quantity: Decimal
    orders: int


class LevelWalked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One price at which the order took something, or met an order of its own account."""

    price: Decimal
    shown: Decimal
    orders: int
    taken: Decimal
    cumulative: Decimal
    queue: list[QueuedOrder]
    more_orders: int


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A place in the queue at a price: what trades before, as everybody sees it."""

    price: Decimal
    orders_ahead: int
    quantity_ahead: Decimal


# What becomes of an order that must not take when it would.
# reject, slide; there may be more
PostOnly = str


class Protection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a protection decided."""

    protection: str
    decision: str
    sentence: str


class QueuedOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One order of a level that was walked, in queue order."""

    shown: Decimal
    taken: Decimal
    own: bool
    order_id: str | None


class RuleCheck(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One rule, in the order in which they are checked."""

    rule: str
    passed: bool
    sentence: str | None
