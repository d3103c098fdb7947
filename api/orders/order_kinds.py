"""`order_type` and `time_in_force` as they are written -> the engine's order type and time in force.

Layer: api.orders.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from api.json.errors import Malformed
from engine.types import OrderType, TimeInForce


class WireOrderType(StrEnum):
    """What may be written as order_type: `ioc` and `fok` are limit orders with that time in force."""

    MARKET = "market"
    LIMIT = "limit"
    IOC = "ioc"
    FOK = "fok"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"
    TAKE_PROFIT = "take_profit"
    TAKE_PROFIT_LIMIT = "take_profit_limit"
    OCO = "oco"


_AT_ONCE: Final = (TimeInForce.IOC, TimeInForce.FOK)


def kind_of(
    wire_type: WireOrderType, time_in_force: TimeInForce | None, *, priced: bool
) -> tuple[OrderType, TimeInForce]:
    """What is asked for; `priced`: whether a price is given. Raises Malformed where the two words contradict."""
    if wire_type is WireOrderType.LIMIT:
        return OrderType.LIMIT, time_in_force or TimeInForce.GTC
    if wire_type is WireOrderType.MARKET:
        time_in_force = time_in_force or TimeInForce.IOC
        if not priced or time_in_force not in _AT_ONCE:  # the latter is refused: it never rests
            return OrderType.MARKET, time_in_force
        return OrderType.LIMIT, time_in_force  # with a price, as older clients send it, it trades at that or better
    if wire_type not in (WireOrderType.IOC, WireOrderType.FOK):
        return OrderType(wire_type.value), time_in_force or TimeInForce.GTC
    implied = TimeInForce(wire_type.value)
    if time_in_force not in (None, implied):
        raise Malformed(
            "UNSUPPORTED_COMBINATION",
            f"order_type {wire_type} means time_in_force {implied}; leave one of them out.",
            field="time_in_force",
        )
    return OrderType.LIMIT, implied
