"""One order of the naive exchange, and how it is written in events: their fields.

Units: ticks, lots and minor units, as in the engine's events.
Layer: audit. Of the engine it knows only the value modules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine import events as ev
from engine.rejects import CancelReason
from engine.terms import NO_TERMS, Terms
from engine.types import (
    AccountId,
    Amount,
    Lots,
    OrderId,
    OrderType,
    PostOnly,
    SelfTradePrevention,
    Side,
    Ticks,
    TimeInForce,
    TradeId,
)

TAKE_PROFITS = (OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT)
WAIT_FOR_MARKET = (OrderType.STOP, OrderType.TRAILING_STOP, OrderType.TAKE_PROFIT)  # and are market orders then


@dataclass(eq=False, slots=True)
class NaiveOrder:
    """An accepted order, from its acceptance to its end."""

    order_id: int
    account: int
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    price: int | None
    quantity: int
    client_order_id: str | None
    entered_ns: int
    rates: tuple[int, int]  # maker and taker, for as long as it lives
    mode: SelfTradePrevention
    post_only: PostOnly | None = None
    display: int | None = None
    stop_price: int | None = None
    trail_amount: int | None = None
    trail_percent: int | None = None
    expire_ns: int | None = None
    take_profit: int | None = None
    stop_loss: int | None = None
    stop_loss_limit: int | None = None
    linked_to: int | None = None
    parent: int | None = None
    sibling: NaiveOrder | None = None  # while both legs are open
    cum: int = 0
    quote_cum: int = 0
    fees: int = 0
    turn: int = 0  # when it joined the queue it stands in
    shown: int = 0  # of what it leaves, to everybody
    age: int = 0  # when it began to wait at its stop price
    high_water: int = 0  # of the market, as a trailing stop saw it
    hold_price: int | None = None  # the worst price of a stop buy
    pays: str = ""  # the asset it gives, once that was looked up
    one_lot: int = 0  # what one lot of it holds, left alone
    resting: bool = False
    waiting: bool = False  # for its trigger
    done: bool = False
    ended_turn: int = 0

    @property
    def leaves(self) -> int:
        """What is still open."""
        return self.quantity - self.cum

    @property
    def buys(self) -> bool:
        """Whether it is a buy."""
        return self.side is Side.BUY

    @property
    def rises(self) -> bool:
        """Whether it waits for a price at or above its stop price, and not for one at or below it."""
        return not self.buys if self.order_type in TAKE_PROFITS else self.buys

    @property
    def market_like(self) -> bool:
        """Whether it takes at any price that protection allows, and never rests."""
        return self.order_type in (OrderType.MARKET, *WAIT_FOR_MARKET)

    @property
    def has_exits(self) -> bool:
        """Whether it is the entry of a bracket."""
        return self.take_profit is not None or self.stop_loss is not None

    def slice_of(self, leaves: int) -> int:
        """What a fresh slice shows."""
        return leaves if self.display is None else min(self.display, leaves)

    def terms(self) -> Terms | None:
        """Its options, as events have them."""
        terms = Terms(
            self.post_only,
            _lots(self.display),
            _ticks(self.stop_price),
            _ticks(self.trail_amount),
            self.trail_percent,
            self.expire_ns,
            _ticks(self.take_profit),
            _ticks(self.stop_loss),
            _ticks(self.stop_loss_limit),
            _id(self.linked_to),
            _id(self.parent),
        )
        return None if terms == NO_TERMS else terms

    # -- events about it

    def accepted(self) -> ev.Accepted:
        """It passed every check."""
        return ev.Accepted(
            OrderId(self.order_id),
            AccountId(self.account),
            self.symbol,
            self.side,
            self.order_type,
            self.time_in_force,
            _ticks(self.price),
            Lots(self.quantity),
            self.client_order_id,
            self.terms(),
            self.waiting,
            self.mode,
        )

    def amended(self, old_price: int | None, *, kept: bool) -> ev.Amended:
        """It is as it is now; before, it had another price or quantity."""
        return ev.Amended(
            OrderId(self.order_id),
            AccountId(self.account),
            self.symbol,
            self.side,
            _ticks(old_price),
            _ticks(self.price),
            Lots(self.quantity),
            Lots(self.leaves),
            kept,
            self.terms(),
        )

    def triggered(self) -> ev.Triggered:
        """Its stop price was reached."""
        return ev.Triggered(
            OrderId(self.order_id),
            AccountId(self.account),
            self.symbol,
            Ticks(self.stop_price or 0),
            _ticks(self.price),
        )

    def trailed(self) -> ev.StopPriceMoved:
        """Its stop price followed the market."""
        return ev.StopPriceMoved(
            OrderId(self.order_id), AccountId(self.account), self.symbol, Ticks(self.stop_price or 0)
        )

    def replenished(self) -> ev.Replenished:
        """It shows its next slice."""
        return ev.Replenished(OrderId(self.order_id), self.symbol, Ticks(self.price or 0), Lots(self.shown))

    def completed(self) -> ev.Completed:
        """It is filled in full."""
        return ev.Completed(*self._ended())

    def cancelled(self, reason: CancelReason, *, rested: bool) -> ev.Cancelled:
        """It ended with something left."""
        return ev.Cancelled(*(*self._ended(), reason, rested))

    def expired(self, *, rested: bool) -> ev.Expired:
        """Its time has come."""
        return ev.Expired(*(*self._ended(), rested))

    def _ended(self) -> tuple[Any, ...]:
        return (
            self.order_id,
            self.account,
            self.symbol,
            self.side,
            self.order_type,
            self.time_in_force,
            self.price,
            self.quantity,
            self.cum,
            self.quote_cum,
            self.fees,
            self.client_order_id,
            self.entered_ns,
            self.terms(),
            self.mode,
        )


def filled(
    trade_id: int,
    maker: NaiveOrder,
    taker: NaiveOrder,
    price: int,
    quantity: int,
    notional: int,
    fees: tuple[int, int],
    *,
    auction: bool,
    self_trade: bool,
) -> ev.Filled:
    """The event of a trade, once both orders know of it."""
    return ev.Filled(
        TradeId(trade_id),
        maker.symbol,
        Ticks(price),
        Lots(quantity),
        Amount(notional),
        taker.side,
        OrderId(maker.order_id),
        OrderId(taker.order_id),
        AccountId(maker.account),
        AccountId(taker.account),
        Amount(fees[0]),
        Amount(fees[1]),
        Lots(maker.leaves),
        Lots(taker.leaves),
        auction,
        self_trade,
    )


def _ticks(price: int | None) -> Ticks | None:
    return None if price is None else Ticks(price)


def _lots(quantity: int | None) -> Lots | None:
    return None if quantity is None else Lots(quantity)


def _id(order_id: int | None) -> OrderId | None:
    return None if order_id is None else OrderId(order_id)
