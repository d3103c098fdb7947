"""What orders from the engine and from the history have in common, so that one view is made of either.

Layer: api.orders.
"""

from __future__ import annotations

from typing import Protocol

from engine.terms import Terms
from engine.types import (
    AccountId,
    Amount,
    Lots,
    OrderId,
    OrderType,
    SelfTradePrevention,
    Side,
    Ticks,
    TimeInForce,
)


class OrderState(Protocol):
    """What an open order, a done one from the history and an `Ended` event have in common."""

    @property
    def order_id(self) -> OrderId: ...
    @property
    def account(self) -> AccountId: ...
    @property
    def symbol(self) -> str: ...
    @property
    def side(self) -> Side: ...
    @property
    def order_type(self) -> OrderType: ...
    @property
    def time_in_force(self) -> TimeInForce: ...
    @property
    def price(self) -> Ticks | None: ...
    @property
    def quantity(self) -> Lots: ...
    @property
    def cum(self) -> Lots: ...
    @property
    def quote_cum(self) -> Amount: ...
    @property
    def fees(self) -> Amount: ...
    @property
    def client_order_id(self) -> str | None: ...
    @property
    def entered_ns(self) -> int: ...
    @property
    def terms(self) -> Terms | None: ...
    @property
    def prevention(self) -> SelfTradePrevention: ...
