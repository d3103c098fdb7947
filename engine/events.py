"""What happened. Events are derived from commands, never journaled, and are plain values.

An event carries every number its reader needs. The seq and time of the command that
caused it travel beside it. For each order: `Accepted` first, then any `Triggered`, `Filled`
and `Amended`, and exactly one of `Completed`, `Cancelled` and `Expired` when it is done.
Layer: engine.
"""

from __future__ import annotations

import msgspec

from engine.commands import Command
from engine.instrument import Instrument
from engine.rejects import CancelReason, RejectReason
from engine.terms import Terms
from engine.types import (
    AccountId,
    Amount,
    Lots,
    OrderId,
    OrderType,
    SelfTradePrevention,
    Seq,
    Side,
    Ticks,
    TimeInForce,
    TradeId,
    TradingStatus,
)


class Event(msgspec.Struct, frozen=True, gc=False):
    """A fact, in the past tense."""


class InstrumentListed(Event, frozen=True):
    """An instrument was listed, or has other limits and fees than before."""

    instrument: Instrument


class StatusChanged(Event, frozen=True):
    """A symbol has another trading status."""

    symbol: str
    status: TradingStatus


class LimitStateChanged(Event, frozen=True):
    """A trade beyond the price band was prevented, so the symbol is in a limit state; or, without a side, no more."""

    symbol: str
    side: Side | None  # of the orders that the band stopped: buy is limit up, sell is limit down
    price: Ticks | None  # the edge of the band


class Uncrossed(Event, frozen=True):
    """An auction found its price; its trades follow, all at this price."""

    symbol: str
    price: Ticks
    quantity: Lots
    imbalance: Lots  # the quantity bid less the quantity offered at the price, before the trades


class Accepted(Event, frozen=True):
    """An order passed every check. It may match at once, rest, wait for its trigger, or end in the same command."""

    order_id: OrderId
    account: AccountId
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    price: Ticks | None  # effective limit: after post-only slide and price band
    quantity: Lots  # for an order by quote quantity: the lots that its trades fill
    client_order_id: str | None
    terms: Terms | None = None
    waiting: bool = False  # for its trigger
    prevention: SelfTradePrevention = SelfTradePrevention.NONE  # its own mode, or its account's default


class Triggered(Event, frozen=True):
    """The last trade reached a stop price: the order is a market or limit order from now on."""

    order_id: OrderId
    account: AccountId
    symbol: str
    stop_price: Ticks
    price: Ticks | None  # effective limit: after collar and price band; None for a market order


class StopPriceMoved(Event, frozen=True):
    """A trailing stop followed the market."""

    order_id: OrderId
    account: AccountId
    symbol: str
    stop_price: Ticks


class Replenished(Event, frozen=True):
    """An iceberg shows its next slice, at the back of its level."""

    order_id: OrderId
    symbol: str
    price: Ticks
    shown: Lots


class DuplicateRequest(Event, frozen=True):
    """The same order under the same client order id came again; nothing was entered."""

    order_id: OrderId  # of the first order under this id
    account: AccountId
    symbol: str
    client_order_id: str


class Figures(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The numbers that a refusal was decided by, as they were then. None: not needed for this reason."""

    status: TradingStatus | None = None  # of the symbol
    asset: str | None = None  # the asset that the order would pay in
    needed: Amount | None = None  # in minor units of the asset
    available: Amount | None = None
    side: Side | None = None  # of the order
    reference: Ticks | None = None  # of the collar
    limit: Ticks | None = None  # the worst price that the collar allows
    best: Ticks | None = None  # the opposite best


class Rejected(Event, frozen=True):
    """A command was refused; the book is untouched."""

    account: AccountId
    symbol: str | None
    reason: RejectReason
    order_id: OrderId | None  # the order it was about, where there is one
    client_order_id: str | None
    figures: Figures | None = None  # explains the refusal; nothing is decided by it


class Filled(Event, frozen=True):
    """A resting (maker) order traded with the incoming (taker) one, at the maker's price."""

    trade_id: TradeId
    symbol: str
    price: Ticks
    quantity: Lots
    notional: Amount
    taker_side: Side
    maker_order_id: OrderId
    taker_order_id: OrderId
    maker_account: AccountId
    taker_account: AccountId
    maker_fee: Amount  # below zero: a rebate
    taker_fee: Amount
    maker_leaves: Lots  # still open after this fill; 0 means done
    taker_leaves: Lots
    auction: bool = False  # in an uncross: the maker is the older order, the taker the younger
    self_trade: bool = False  # of an account with itself: it sets no last price and no price of the day


class Amended(Event, frozen=True):
    """An open order's price or quantity changed: by its owner, or less by self-trade prevention."""

    order_id: OrderId
    account: AccountId
    symbol: str
    side: Side
    old_price: Ticks | None  # None: a market order
    price: Ticks | None
    quantity: Lots  # the whole quantity, including what is filled
    leaves: Lots
    kept_priority: bool
    terms: Terms | None = None


class Deposited(Event, frozen=True):
    """Money or another asset came into the venue; the amount in minor units of the asset."""

    account: AccountId
    asset: str
    amount: Amount


class Withdrawn(Event, frozen=True):
    """Money or another asset left the venue; the amount in minor units of the asset."""

    account: AccountId
    asset: str
    amount: Amount


class AccountConfigured(Event, frozen=True):
    """An account has another fee tier or other limits; they hold from the next order on."""

    account: AccountId
    tier: str


class AccountStopped(Event, frozen=True):
    """Or, with `stopped` false, let trade again."""

    account: AccountId
    stopped: bool


class Ended(Event, frozen=True):
    """An order is done; its last state, whole. The base of the three ways to end."""

    order_id: OrderId
    account: AccountId
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    price: Ticks | None
    quantity: Lots
    cum: Lots  # filled
    quote_cum: Amount  # the notional of its fills
    fees: Amount  # paid over all fills; below zero: received
    client_order_id: str | None
    entered_ns: int  # epoch nanoseconds
    terms: Terms | None
    prevention: SelfTradePrevention


class Completed(Ended, frozen=True):
    """Filled in full."""


class Cancelled(Ended, frozen=True):
    """Ended with something left."""

    reason: CancelReason
    rested: bool  # whether it stood in the book until now


class Expired(Ended, frozen=True):
    """Ended by the clock, with something left."""

    rested: bool


class CommandResult(msgspec.Struct, frozen=True):
    """One command with its place in the total order, and what it caused."""

    seq: Seq
    ts_ns: int  # epoch nanoseconds
    command: Command
    events: list[Event]
