"""The shape of an explanation on the wire.

Decimals are strings as everywhere. Of other accounts an explanation holds only what everybody could
see: what an order showed, and what was taken from it. The account's own orders are marked as own.
Layer: explain.
"""

from __future__ import annotations

import msgspec

from engine.types import OrderType, PostOnly, SelfTradePrevention, Side, TimeInForce, TradingStatus
from listings.texts import DecimalText, IdText, NanosText


class LevelShown(msgspec.Struct, frozen=True):
    """One price of the book as everybody saw it."""

    price: DecimalText
    quantity: DecimalText
    orders: int


class BookMet(msgspec.Struct, frozen=True):
    """The market at the moment at which an order met it, and the limits that then held."""

    session: TradingStatus
    best_bid: DecimalText | None
    bid_size: DecimalText
    best_ask: DecimalText | None
    ask_size: DecimalText
    last_price: DecimalText | None
    reference_price: DecimalText | None  # what the collar is measured from
    collar_limit: DecimalText | None  # the worst price at which an order of this side may trade
    band_low: DecimalText | None
    band_high: DecimalText | None
    limit_state: Side | None
    opposite: list[LevelShown]  # best first, down to the worst touched and a few more


class QueuedOrder(msgspec.Struct, frozen=True):
    """One order of a level that was walked, in queue order."""

    shown: DecimalText  # when the level was reached
    taken: DecimalText
    own: bool
    order_id: IdText | None  # of one's own


class LevelWalked(msgspec.Struct, frozen=True):
    """One price at which the order took something, or met an order of its own account."""

    price: DecimalText
    shown: DecimalText  # when it was reached
    orders: int
    taken: DecimalText
    cumulative: DecimalText  # taken so far, this level included
    queue: list[QueuedOrder]
    more_orders: int  # behind those listed, untouched or too many to list


class Protection(msgspec.Struct, frozen=True):
    """What a protection decided."""

    protection: str
    decision: str
    sentence: str


class RuleCheck(msgspec.Struct, frozen=True):
    """One rule, in the order in which they are checked."""

    rule: str  # the reject reason it would give
    passed: bool
    sentence: str | None


class FundsSeen(msgspec.Struct, frozen=True):
    """What the order needed, and what there was."""

    asset: str
    available: DecimalText
    needed: DecimalText | None  # None: more than was available, for what others hid


class Place(msgspec.Struct, frozen=True):
    """A place in the queue at a price: what trades before, as everybody sees it."""

    price: DecimalText
    orders_ahead: int
    quantity_ahead: DecimalText


class FillTold(msgspec.Struct, frozen=True):
    """One fill of the order, from its side, with its fee."""

    trade_id: IdText
    price: DecimalText
    quantity: DecimalText
    notional: DecimalText
    role: str  # maker or taker
    aggressor_side: Side
    auction: bool
    fee_percent: str  # the rate
    fee: DecimalText
    remaining: DecimalText


class AuctionRow(msgspec.Struct, frozen=True):
    """One price of an auction: who would trade there."""

    price: DecimalText
    demand: DecimalText
    supply: DecimalText
    volume: DecimalText
    imbalance: DecimalText
    chosen: bool


class Asked(msgspec.Struct, frozen=True, kw_only=True):
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


class Chapter(msgspec.Struct, frozen=True, kw_only=True):
    """What one command meant for the order."""

    order_id: IdText | None  # None: nothing was entered
    side: Side | None
    seq: int
    ts_ns: int
    ts_ns_text: NanosText
    timestamp: float
    happened: list[str]
    words: list[str]
    asked: Asked | None  # of the command that entered or amended the order
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


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why an order, a trade or a refused command went as it did."""

    order_id: IdText | None
    trade_id: IdText | None
    symbol: str | None
    seq: int  # of the first chapter
    as_of_seq: int  # how far the journal was read
    words: list[str]
    filled: DecimalText
    notional: DecimalText
    fees: DecimalText
    average_price: DecimalText | None
    chapters: list[Chapter]
    chapters_left_out: int  # in the middle, of an order that very much happened to
