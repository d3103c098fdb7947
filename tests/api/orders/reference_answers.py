"""The answers to orders and cancels, made slowly: structs whose every number is written by `Decimal` and `Fraction`."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

import msgspec
from msgspec import UNSET

from api.json.views import seconds
from api.market.views import BboView, TradeView
from api.orders.views import CancelAnswer, LegView, OrderAnswer
from engine.depth import bbo
from engine.events import Accepted, Amended, Cancelled, CommandResult, Ended, Event, Filled, StopPriceMoved, Triggered
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.terms import Terms
from engine.types import OrderId, OrderStatus, PostOnly, entry_of

EXACT = Context(prec=200)
AVERAGE_DECIMALS = 6


def steps_text(steps: int, step: str) -> str:
    """So many steps as a decimal with the places of a step."""
    return f"{EXACT.multiply(Decimal(steps), Decimal(step)):f}"


def shortest_text(units: int, decimals: int, least: int = 0) -> str:
    """`units` of the last of `decimals` places, with as few places as hold it, but no fewer than `least`."""
    value = Decimal(units).scaleb(-decimals, EXACT)
    whole, _, fraction = f"{value:f}".partition(".")
    fraction = fraction.rstrip("0").ljust(least, "0")
    return f"{whole}.{fraction}" if fraction else whole


def places(step: str) -> int:
    """The places of a step behind its point."""
    return max(0, -int(Decimal(step).as_tuple().exponent))


def average_text(trades: Iterable[Filled], instrument: Instrument) -> str | None:
    """The mean price of trades, rounded half up to a millionth of the price precision."""
    lots = sum(trade.quantity for trade in trades)
    if not lots:
        return None
    notional = sum(trade.notional for trade in trades)
    decimals = places(instrument.tick_size) + AVERAGE_DECIMALS
    exact = Fraction(notional, lots * instrument.lot_tick_amount) * Fraction(instrument.tick_size)
    return shortest_text((exact * 10**decimals + Fraction(1, 2)).__floor__(), decimals, places(instrument.tick_size))


def bbo_reference(exchange: Exchange, symbol: str) -> BboView:
    """The best prices of a symbol."""
    book = exchange.books[symbol]
    best, instrument = bbo(book), book.instrument
    bid, ask = best.bid, best.ask
    tick, decimals = instrument.tick_size, places(instrument.tick_size)
    spread = middle = None
    if bid is not None and ask is not None:
        spread = steps_text(ask - bid, tick)
        halves = Fraction(bid + ask, 2) * Fraction(tick) * 10 ** (decimals + 1)
        assert halves.denominator == 1
        middle = shortest_text(halves.numerator, decimals + 1, decimals)
    return BboView(
        symbol,
        None if bid is None else steps_text(bid, tick),
        None if ask is None else steps_text(ask, tick),
        spread,
        middle,
        steps_text(best.bid_quantity, instrument.lot_size),
        steps_text(best.ask_quantity, instrument.lot_size),
        seconds(exchange.ts_ns),
        exchange.seq,
        book.status,
        book.band.limit_side,
    )


def trade_reference(trade: Filled, instrument: Instrument, ts_ns: int, seq: int) -> TradeView:
    """A trade for everybody."""
    scale = instrument.quote_scale
    return TradeView(
        seconds(ts_ns),
        ts_ns,
        str(ts_ns),
        trade.symbol,
        str(trade.trade_id),
        steps_text(trade.price, instrument.tick_size),
        steps_text(trade.quantity, instrument.lot_size),
        trade.taker_side,
        str(trade.maker_order_id),
        str(trade.taker_order_id),
        shortest_text(trade.maker_fee, scale),
        shortest_text(trade.taker_fee, scale),
        shortest_text(trade.notional, scale),
        seq,
        trade.auction,
        trade.self_trade,
    )


class Entered:
    """An order after the command that entered it, by looking through its events once for each question."""

    def __init__(self, accepted: Accepted, events: list[Event], instrument: Instrument) -> None:
        self.accepted, self.instrument = accepted, instrument
        own = accepted.order_id
        self.trades = [e for e in events if isinstance(e, Filled) and own in (e.maker_order_id, e.taker_order_id)]
        changes: list[Any] = [
            e for e in events if isinstance(e, Ended | Amended | Triggered | StopPriceMoved) and e.order_id == own
        ]
        self.ended = next((e for e in changes if isinstance(e, Ended)), None)
        self.waiting = accepted.waiting and not any(isinstance(e, Triggered) for e in changes)
        self.price, self.quantity, self.terms = accepted.price, accepted.quantity, accepted.terms
        for change in changes:
            if isinstance(change, StopPriceMoved):
                self.terms = msgspec.structs.replace(self.terms or Terms(), stop_price=change.stop_price)
            else:
                self.price = change.price
            if isinstance(change, Ended | Amended):
                self.quantity, self.terms = change.quantity, change.terms
        self.cum = sum(trade.quantity for trade in self.trades)

    @property
    def status(self) -> OrderStatus:
        """Its status."""
        ends = {"Completed": OrderStatus.FILLED, "Cancelled": OrderStatus.CANCELLED, "Expired": OrderStatus.EXPIRED}
        if self.ended is not None:
            return ends[type(self.ended).__name__]
        if self.waiting:
            return OrderStatus.PENDING_TRIGGER
        return OrderStatus.PARTIALLY_FILLED if self.trades else OrderStatus.RESTING

    def shared(self) -> dict[str, Any]:
        """What the answer to the order and that to its other legs have in common."""
        tick, lot, terms = self.instrument.tick_size, self.instrument.lot_size, self.terms or Terms()

        def price(ticks: int | None) -> Any:
            return UNSET if ticks is None else steps_text(ticks, tick)

        def unset(value: object, text: str) -> Any:
            return UNSET if value is None else text

        post_only = {None: UNSET, PostOnly.SLIDE: "slide", PostOnly.REJECT: True}[terms.post_only]
        return {
            "post_only": post_only,
            "display_quantity": unset(terms.display_quantity, steps_text(terms.display_quantity or 0, lot)),
            "stop_price": price(terms.stop_price),
            "trail_amount": price(terms.trail_amount),
            "trail_percent": unset(terms.trail_percent, shortest_text(terms.trail_percent or 0, 4)),
            "expire_time": unset(terms.expire_ns, shortest_text(terms.expire_ns or 0, 9)),
            "take_profit": price(terms.take_profit),
            "stop_loss": price(terms.stop_loss),
            "stop_loss_limit": price(terms.stop_loss_limit),
            "linked_order_id": unset(terms.linked_to, str(terms.linked_to)),
            "parent_order_id": unset(terms.parent, str(terms.parent)),
            "order_id": str(self.accepted.order_id),
            "order_type": self.accepted.order_type,
            "quantity": steps_text(self.quantity, lot),
            "price": None if self.price is None else steps_text(self.price, tick),
            "status": self.status,
            "reason": self.ended.reason if isinstance(self.ended, Cancelled) else None,
            "filled_quantity": steps_text(self.cum, lot),
            "self_trade_prevention": self.accepted.prevention,
        }


def order_reference(applied: CommandResult, exchange: Exchange, processing_ms: float) -> OrderAnswer:
    """The answer to an order that was accepted."""
    first = applied.events[0]
    assert isinstance(first, Accepted)
    instrument = exchange.books[first.symbol].instrument
    entered: dict[OrderId, Entered] = {
        event.order_id: Entered(event, applied.events, instrument)
        for event in applied.events
        if isinstance(event, Accepted) and entry_of(event.order_id) == entry_of(first.order_id)
    }
    order = entered.pop(first.order_id)
    scale = instrument.quote_scale
    return OrderAnswer(
        **order.shared(),
        client_order_id=first.client_order_id,
        symbol=first.symbol,
        side=first.side,
        time_in_force=first.time_in_force,
        remaining_quantity=steps_text(order.quantity - order.cum, instrument.lot_size),
        average_price=average_text(order.trades, instrument),
        trades=[trade_reference(trade, instrument, applied.ts_ns, applied.seq) for trade in order.trades],
        total_maker_fees=shortest_text(sum(trade.maker_fee for trade in order.trades), scale),
        total_taker_fees=shortest_text(sum(trade.taker_fee for trade in order.trades), scale),
        bbo=bbo_reference(exchange, first.symbol),
        processing_time_ms=processing_ms,
        timestamp=seconds(applied.ts_ns),
        ts_ns=applied.ts_ns,
        ts_ns_text=str(applied.ts_ns),
        seq=applied.seq,
        legs=[LegView(**leg.shared()) for leg in entered.values()] or UNSET,
    )


def cancel_reference(
    applied: CommandResult, cancelled: Cancelled, exchange: Exchange, processing_ms: float
) -> CancelAnswer:
    """The answer to a cancel that succeeded."""
    instrument = exchange.books[cancelled.symbol].instrument
    return CancelAnswer(
        success=True,
        order_id=str(cancelled.order_id),
        client_order_id=cancelled.client_order_id,
        symbol=cancelled.symbol,
        filled_quantity=steps_text(cancelled.cum, instrument.lot_size),
        bbo=bbo_reference(exchange, cancelled.symbol),
        processing_time_ms=processing_ms,
        timestamp=seconds(applied.ts_ns),
        seq=applied.seq,
    )
