"""Domain values: sides, order types, times in force, statuses. Every other module speaks in these.

Units: a price is a whole number of ticks and a quantity a whole number of lots of its
instrument; an amount of money is a whole number of minor units of its asset.
Floats never enter the engine.
Layer: engine. No I/O, clock, randomness or logging.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NewType

Ticks = NewType("Ticks", int)  # a price
Lots = NewType("Lots", int)  # a quantity
Amount = NewType("Amount", int)  # money, in minor units of the quote asset
Seq = NewType("Seq", int)  # position of a command in the total order, from 1
OrderId = NewType("OrderId", int)  # the seq of the command that entered the order; never reused
TradeId = NewType("TradeId", int)  # counts matches over the whole venue, from 1
AccountId = NewType("AccountId", int)

# The legs of one command are orders of their own: the leg's number, then the seq of the command.
LEG_UNIT: Final = 10**15
TAKE_PROFIT_LEG: Final = 1
STOP_LEG: Final = 2

CHECKED_A_STEP: Final = 500  # orders, or accounts, that a check of the state looks at before others have their turn

DAY_NS: Final = 86_400_000_000_000

SANDBOX_ACCOUNT: Final = AccountId(1)  # stands for everybody who comes without credentials


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"  # a market order once the last trade reaches the stop price
    STOP_LIMIT = "stop_limit"  # a limit order once the last trade reaches the stop price
    TRAILING_STOP = "trailing_stop"  # a stop whose stop price follows the market at a distance
    TAKE_PROFIT = "take_profit"  # as a stop, but the last trade reaches its stop price from the other side
    TAKE_PROFIT_LIMIT = "take_profit_limit"  # as a stop-limit, likewise
    OCO = "oco"  # one cancels other: a limit leg and a stop leg, entered together


class TimeInForce(StrEnum):
    GTC = "gtc"  # rests until filled or cancelled
    IOC = "ioc"  # takes what it can now, the rest is cancelled
    FOK = "fok"  # all now, or nothing
    DAY = "day"  # until the session closes, or midnight UTC where there are no sessions
    GTD = "gtd"  # until its expire time


class PostOnly(StrEnum):
    """What becomes of an order that must not take when it would."""

    REJECT = "reject"
    SLIDE = "slide"  # repriced one tick behind the opposite best


class SelfTradePrevention(StrEnum):
    """What happens when an incoming order meets one of its own account."""

    NONE = "none"  # they trade
    CANCEL_NEWEST = "cancel_newest"
    CANCEL_OLDEST = "cancel_oldest"
    CANCEL_BOTH = "cancel_both"
    DECREMENT = "decrement"  # the smaller quantity is taken off both


class TradingStatus(StrEnum):
    """What a symbol takes. In the first two orders gather; the uncross begins trading."""

    PRE_OPEN = "pre_open"
    AUCTION = "auction"  # gathers, and the indicative price is published
    TRADING = "trading"
    HALTED = "halted"
    CLOSED = "closed"


class OrderStatus(StrEnum):
    """Where an order stands. The first three are open, the others are done."""

    PENDING_TRIGGER = "pending_trigger"
    RESTING = "resting"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


def leg_id(entry: OrderId, leg: int) -> OrderId:
    """The id of a leg of the order that command `entry` entered."""
    return OrderId(leg * LEG_UNIT + entry)


def entry_of(order_id: OrderId) -> OrderId:
    """The id of the order whose command this one came from; its own when it is no leg."""
    return OrderId(order_id % LEG_UNIT)


def end_of_day_ns(ts_ns: int) -> int:
    """When the UTC day of a moment ends, and with it a day order of a symbol without a schedule. Epoch nanoseconds."""
    return (ts_ns // DAY_NS + 1) * DAY_NS
