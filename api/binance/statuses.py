"""The words of the second wire for what orders are, and ours for what is asked: types, times in force, statuses, modes.

Layer: api.binance.
"""

from __future__ import annotations

from typing import Final, Literal

from engine.rejects import CancelReason
from engine.terms import Terms
from engine.types import OrderStatus, OrderType, SelfTradePrevention, Side, TimeInForce

OrderWord = Literal[
    "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"
]
StatusWord = Literal[
    "NEW",
    "PARTIALLY_FILLED",
    "FILLED",
    "CANCELED",
    "PENDING_CANCEL",
    "REJECTED",
    "EXPIRED",
    "EXPIRED_IN_MATCH",
]
TimeInForceWord = Literal["GTC", "IOC", "FOK", "GTD"]
PreventionWord = Literal["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"]
SideWord = Literal["BUY", "SELL"]

BIP: Final = 100  # millionths: what a `trailingDelta` counts

SIDES: Final[dict[str, Side]] = {"BUY": Side.BUY, "SELL": Side.SELL}
SIDE_WORDS: Final[dict[Side, SideWord]] = {Side.BUY: "BUY", Side.SELL: "SELL"}
TIMES_IN_FORCE: Final[dict[str, TimeInForce]] = {
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
}
PREVENTIONS: Final[dict[str, SelfTradePrevention]] = {
    "NONE": SelfTradePrevention.NONE,
    "EXPIRE_TAKER": SelfTradePrevention.CANCEL_NEWEST,
    "EXPIRE_MAKER": SelfTradePrevention.CANCEL_OLDEST,
    "EXPIRE_BOTH": SelfTradePrevention.CANCEL_BOTH,
    "DECREMENT": SelfTradePrevention.DECREMENT,
}
PREVENTION_WORDS: Final[dict[SelfTradePrevention, PreventionWord]] = {
    SelfTradePrevention.NONE: "NONE",
    SelfTradePrevention.CANCEL_NEWEST: "EXPIRE_TAKER",
    SelfTradePrevention.CANCEL_OLDEST: "EXPIRE_MAKER",
    SelfTradePrevention.CANCEL_BOTH: "EXPIRE_BOTH",
    SelfTradePrevention.DECREMENT: "DECREMENT",
}

_TYPE_WORDS: Final[dict[OrderType, OrderWord]] = {
    OrderType.LIMIT: "LIMIT",
    OrderType.MARKET: "MARKET",
    OrderType.STOP: "STOP_LOSS",
    OrderType.STOP_LIMIT: "STOP_LOSS_LIMIT",
    OrderType.TAKE_PROFIT: "TAKE_PROFIT",
    OrderType.TAKE_PROFIT_LIMIT: "TAKE_PROFIT_LIMIT",
    OrderType.TRAILING_STOP: "STOP_LOSS",  # with a trailingDelta
}
TRIGGERED: Final = (
    OrderType.STOP,
    OrderType.STOP_LIMIT,
    OrderType.TAKE_PROFIT,
    OrderType.TAKE_PROFIT_LIMIT,
    OrderType.TRAILING_STOP,
)
# how the market, not a person, ended an order that was left over
_BY_THE_MARKET: Final = frozenset(
    {
        CancelReason.NO_LIQUIDITY,
        CancelReason.IMMEDIATE_OR_CANCEL,
        CancelReason.FILL_OR_KILL,
        CancelReason.PRICE_BAND,
        CancelReason.ONE_CANCELS_OTHER,
    }
)
_TIME_WORDS: Final[dict[TimeInForce, TimeInForceWord]] = {
    TimeInForce.GTC: "GTC",
    TimeInForce.IOC: "IOC",
    TimeInForce.FOK: "FOK",
    TimeInForce.DAY: "GTD",  # of the first wire alone
    TimeInForce.GTD: "GTD",
}


def type_word(order_type: OrderType, terms: Terms | None) -> OrderWord:
    """What type an order has there. The limit leg of one-cancels-other is a LIMIT_MAKER there, as their pairs have."""
    if order_type is OrderType.LIMIT and terms is not None and (terms.post_only is not None or is_of_pair(terms)):
        return "LIMIT_MAKER"
    return _TYPE_WORDS[order_type]


def time_word(time_in_force: TimeInForce, order_type: OrderType) -> TimeInForceWord:
    """How long an order is good for; of a market order they say GTC."""
    return "GTC" if order_type is OrderType.MARKET else _TIME_WORDS[time_in_force]


def status_word(status: OrderStatus, reason: str | None = None) -> StatusWord:
    """Where an order stands; `reason`: why it was cancelled. One that waits for its trigger is NEW."""
    if status is OrderStatus.CANCELLED:
        if reason == CancelReason.SELF_TRADE:
            return "EXPIRED_IN_MATCH"
        return "EXPIRED" if reason in _BY_THE_MARKET else "CANCELED"
    if status is OrderStatus.FILLED:
        return "FILLED"
    if status is OrderStatus.EXPIRED:
        return "EXPIRED"
    return "PARTIALLY_FILLED" if status is OrderStatus.PARTIALLY_FILLED else "NEW"


def is_of_pair(terms: Terms | None) -> bool:
    """Whether an order is or was a leg of one-cancels-other."""
    return terms is not None and terms.linked_to is not None
