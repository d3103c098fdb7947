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

SANDBOX_ACCOUNT: Final = AccountId(1)  # stands for everybody who comes without credentials


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"


class TimeInForce(StrEnum):
    GTC = "gtc"  # rests until filled or cancelled
    IOC = "ioc"  # takes what it can now, the rest is cancelled
    FOK = "fok"  # all now, or nothing


class TradingStatus(StrEnum):
    TRADING = "trading"
    HALTED = "halted"
    CLOSED = "closed"


class OrderStatus(StrEnum):
    """Where an order stands. The first two are open, the others are done."""

    RESTING = "resting"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
