"""What may be asked of the exchange. Commands are journaled; everything else follows from them.

The encoding is the journal's: a tagged array, so fields are only ever added at the end,
with a default, and a tag is never given a new meaning.

A price or quantity that is no whole number of ticks or lots travels as its decimal text
instead of an int, so that the engine can refuse it in its place in the order of checks.

The garbage collector leaves commands alone (`gc=False`): a value of values is in no cycle, and hundreds of thousands
are remembered for their client order ids.
Layer: engine.
"""

from __future__ import annotations

import msgspec

from engine.instrument import Instrument
from engine.types import (
    AccountId,
    Amount,
    Lots,
    OrderId,
    OrderType,
    PostOnly,
    SelfTradePrevention,
    Seq,
    Side,
    Ticks,
    TimeInForce,
    TradingStatus,
)


class ListInstrument(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="L"):
    """List a symbol, or change the limits and fees of one that is listed."""

    instrument: Instrument


class SetStatus(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="S"):
    """Open, halt or close trading in a symbol, or let orders gather for an auction."""

    symbol: str
    status: TradingStatus
    until_ns: int | None = None  # when an auction ends by itself; None: with the next SetStatus


class OrderOptions(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What an order may ask for beyond side, price and quantity. At least one field is given.

    Which go with which order type is a rule (`engine.rules`), not a shape.
    """

    post_only: PostOnly | None = None
    display_quantity: Lots | str | None = None  # of an iceberg
    stop_price: Ticks | str | None = None
    stop_limit_price: Ticks | str | None = None  # of a one-cancels-other's stop leg; None: a market order
    trail_amount: Ticks | str | None = None
    trail_percent: int | str | None = None  # millionths of the best price since it waits
    expire_ns: int | None = None  # epoch nanoseconds, with gtd
    # the exits of a bracket; they are entered when this order ends with something filled
    take_profit: Ticks | str | None = None
    stop_loss: Ticks | str | None = None
    stop_loss_limit: Ticks | str | None = None


class EnterOrder(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="E"):
    """Enter one order. Exactly one of `quantity` and `quote_quantity` is given."""

    account: AccountId
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: Lots | str | None
    price: Ticks | str | None = None  # None for a market order
    client_order_id: str | None = None
    quote_quantity: Amount | str | None = None  # market orders: how much quote asset to spend or receive
    # None: the account's mode. Commands written before this field existed decode to NONE: they had no prevention.
    self_trade_prevention: SelfTradePrevention | None = SelfTradePrevention.NONE
    options: OrderOptions | None = None  # most orders have none
    # The seq up to which memory and history were searched for this client order id, without finding it; None: they
    # were not searched.
    looked_until: Seq | None = None


class CancelOrder(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="C"):
    """Cancel one order of `account`, by our id or by the trader's."""

    account: AccountId
    order_id: OrderId | None = None
    client_order_id: str | None = None
    symbol: str | None = None  # when given, the order must be in it
    by_operator: bool | None = None  # False: by the owner; None: written before this field existed, so not known


class CancelAll(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="A"):
    """Cancel every open order of `account`, of one symbol or one side when given, oldest first."""

    account: AccountId
    symbol: str | None = None
    side: Side | None = None
    by_operator: bool | None = None  # False: by the owner; None: written before this field existed, so not known
    among: tuple[OrderId, ...] | None = None  # of these orders only, in this order: a part of a mass cancel; None: all


class AmendOrder(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="M"):
    """Change the price or the whole quantity (what is filled included) of an open order."""

    account: AccountId
    order_id: OrderId
    price: Ticks | str | None = None  # None: unchanged
    quantity: Lots | str | None = None
    stop_price: Ticks | str | None = None  # only while the order waits for its trigger


class AdvanceTime(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="Z"):
    """Let what is due by the time of this command happen: orders expire, limit states end, auctions open."""

    limit: int | None = None  # orders to expire; while more are due nothing else happens. None: no limit


class Deposit(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="D"):
    """Credit an account from outside. Amounts are decimal texts: they may exceed 64 bits in minor units."""

    account: AccountId
    asset: str
    amount: str
    limit: str | None = None  # refuse what would bring the account's deposits of the asset above this


class Withdraw(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="W"):
    """Take what is available out of the venue."""

    account: AccountId
    asset: str
    amount: str


class ConfigureAccount(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="T"):
    """Set an account's fee tier and limits, all of them; None leaves it to the instrument."""

    account: AccountId
    tier: str
    maker_fee: int | None = None  # millionths; below zero a rebate
    taker_fee: int | None = None
    max_open_orders: int | None = None  # over all symbols
    max_orders_per_second: int | None = None
    max_notional: str | None = None  # of one order, a decimal in its quote asset
    self_trade_prevention: SelfTradePrevention | None = None  # None: the venue's default


class StopAccount(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="K"):
    """The kill switch: cancel every order of an account and take no more from it; or let it trade again."""

    account: AccountId
    stopped: bool
    # cancel of these orders only, as in CancelAll; none, of one that may trade again: its profit counts from here
    among: tuple[OrderId, ...] | None = None


class AdoptRulebook(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="R"):
    """Go by this edition of the rules from the next command on (`engine.rulebook`). Never back."""

    edition: int


class WriterChanged(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="N"):
    """Another node sequences from here on. Dates the change, and changes nothing."""

    node: str
    epoch: int  # of the node's ownership of the log: higher than that of any before


Command = (
    ListInstrument
    | SetStatus
    | EnterOrder
    | CancelOrder
    | CancelAll
    | AmendOrder
    | AdvanceTime
    | Deposit
    | Withdraw
    | ConfigureAccount
    | StopAccount
    | AdoptRulebook
    | WriterChanged
)
