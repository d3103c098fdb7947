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
    instrument: Instrument


class StatusChanged(Event, frozen=True):
    symbol: str
    status: TradingStatus


class LimitStateChanged(Event, frozen=True):
    """A trade beyond the price band was prevented, so the symbol is in a limit state; or, without a side, no more."""

    symbol: str
    side: Side | None  # of the orders that wanted more: buy is limit up
    price: Ticks | None  # the edge of the band


class Uncrossed(Event, frozen=True):
    """An auction found its price; its trades follow, all at this price."""

    symbol: str
    price: Ticks
    quantity: Lots
    imbalance: Lots  # bid less offered at the price: what an equal trade there would still want


class Accepted(Event, frozen=True):
    """An order passed every check. It may match at once, rest, wait for its trigger, or end in the same command."""

    order_id: OrderId
    account: AccountId
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    price: Ticks | None  # as it counts: a price that slid or was beyond the band is not as asked
    quantity: Lots  # of an order by quote quantity: what the book could give for it
    client_order_id: str | None
    terms: Terms | None = None
    waiting: bool = False  # for its trigger
    prevention: SelfTradePrevention = SelfTradePrevention.NONE  # what it goes by: its own mode, or its account's


class Triggered(Event, frozen=True):
    """The last trade reached a stop price: the order is a market or limit order from now on."""

    order_id: OrderId
    account: AccountId
    symbol: str
    stop_price: Ticks
    price: Ticks | None  # its limit, as it counts


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

    order_id: OrderId  # of the first
    account: AccountId
    symbol: str
    client_order_id: str


class Figures(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What the rule that refused an order went by, as it was then. None where it has to do with something else."""

    status: TradingStatus | None = None  # of the symbol
    asset: str | None = None  # that it would pay in
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
    figures: Figures | None = None  # of what was entered or amended; no part of what is decided


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
    auction: bool = False  # of an uncross: the maker is the older order, the taker the younger
    self_trade: bool = False  # of an account with itself: no last price, and no price of the day


class Amended(Event, frozen=True):
    """An open order's price or quantity changed: by its owner, or less by self-trade prevention."""

    order_id: OrderId
    account: AccountId
    symbol: str
    side: Side
    old_price: Ticks | None  # None: a market order
    price: Ticks | None
    quantity: Lots  # what is filled included
    leaves: Lots
    kept_priority: bool
    terms: Terms | None = None


class Deposited(Event, frozen=True):
    account: AccountId
    asset: str
    amount: Amount


class Withdrawn(Event, frozen=True):
    account: AccountId
    asset: str
    amount: Amount


class AccountConfigured(Event, frozen=True):
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
