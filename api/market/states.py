"""What trades from the engine and from the history have in common, so that one view is made of either.

Layer: api.market.
"""

from __future__ import annotations

from typing import Protocol

from engine.types import (
    Amount,
    Lots,
    OrderId,
    Side,
    Ticks,
    TradeId,
)


class TradeState(Protocol):
    """What a `Filled` event and a trade from the history have in common."""

    @property
    def trade_id(self) -> TradeId: ...
    @property
    def symbol(self) -> str: ...
    @property
    def price(self) -> Ticks: ...
    @property
    def quantity(self) -> Lots: ...
    @property
    def notional(self) -> Amount: ...
    @property
    def taker_side(self) -> Side: ...
    @property
    def maker_order_id(self) -> OrderId: ...
    @property
    def taker_order_id(self) -> OrderId: ...
    @property
    def maker_fee(self) -> Amount: ...
    @property
    def taker_fee(self) -> Amount: ...
    @property
    def auction(self) -> int: ...
    @property
    def self_trade(self) -> int: ...
