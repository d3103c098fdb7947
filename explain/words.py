"""Sentences a trader understands, of orders, ends and queues.

Layer: explain. Pure.
"""

from __future__ import annotations

from datetime import UTC, datetime

from engine.commands import (
    AdoptRulebook,
    AdvanceTime,
    AmendOrder,
    CancelAll,
    CancelOrder,
    Command,
    EnterOrder,
    OrderOptions,
    SetStatus,
    StopAccount,
    WriterChanged,
)
from engine.rejects import CancelReason, RejectReason
from engine.stops import rises_to_trigger
from engine.types import OrderType, Side, Ticks, TimeInForce
from explain.answers import Asked
from explain.reasons import CANCELS, REJECTS
from listings.grid import Grid
from listings.grid import percent as percent_text

_UNTIL = {
    TimeInForce.GTC: "until it is filled or cancelled",
    TimeInForce.IOC: "now, the rest to be cancelled",
    TimeInForce.FOK: "all of it now, or nothing",
    TimeInForce.DAY: "for the day",
    TimeInForce.GTD: "until its expire time",
}


def utc(ts_ns: int) -> str:
    """A time as people write it, to the millisecond: `2026-11-21 12:00:00.123 UTC`."""
    moment = datetime.fromtimestamp(ts_ns // 1_000_000_000, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{ts_ns % 1_000_000_000 // 1_000_000:03d} UTC"


def orders(count: int) -> str:
    """`1 order`, `2 orders`."""
    return "1 order" if count == 1 else f"{count} orders"


def asked(command: EnterOrder, grid: Grid) -> str:
    """What an order asked for: `You asked to buy 3 at 101.00 or better.`"""
    options = command.options or OrderOptions()
    text = f"You asked to {command.side} {_how_much(command, grid)}"
    price, stop_price = _price(command.price, grid), _price(options.stop_price, grid)
    reaches = "rises to" if rises_to_trigger(command.side, command.order_type) else "falls to"
    match command.order_type:
        case OrderType.MARKET:
            text += " at the market"
        case OrderType.LIMIT:
            text += f" at {price} or better"
        case OrderType.STOP | OrderType.TAKE_PROFIT:
            text += f" at the market once the last price {reaches} {stop_price}"
        case OrderType.STOP_LIMIT | OrderType.TAKE_PROFIT_LIMIT:
            text += f" at {price} or better once the last price {reaches} {stop_price}"
        case OrderType.TRAILING_STOP:
            text += f" at the market once the last price has come back by {_trail(options, grid)} from its best"
        case OrderType.OCO:
            limit = _price(options.stop_limit_price, grid)
            then = "at the market" if options.stop_limit_price is None else f"at {limit} or better"
            text += f" at {price} or better, or {then} once the last price {reaches} {stop_price}"
    text += f", {_UNTIL[command.time_in_force]}"
    text += _options(options, grid)
    return f"{text}."


def _options(options: OrderOptions, grid: Grid) -> str:
    text = ""
    if options.post_only is not None:
        text += f", post-only ({options.post_only})"
    if options.display_quantity is not None:
        text += f", showing {_quantity(options.display_quantity, grid)} at a time"
    if options.take_profit is not None:
        text += f", taking profit at {_price(options.take_profit, grid)}"
    if options.stop_loss is not None:
        text += f", with a stop loss at {_price(options.stop_loss, grid)}"
    return text


def _how_much(command: EnterOrder, grid: Grid) -> str:
    quote = grid.instrument.quote
    if command.quantity is not None:
        return _quantity(command.quantity, grid)
    budget = command.quote_quantity
    return f"for {budget if isinstance(budget, str) else grid.amount(budget or 0)} {quote}"


def _price(value: int | str | None, grid: Grid) -> str:
    return value if isinstance(value, str) else grid.price(Ticks(value or 0))


def _quantity(value: int | str, grid: Grid) -> str:
    return value if isinstance(value, str) else grid.said(value)


def _trail(options: OrderOptions, grid: Grid) -> str:
    if options.trail_amount is not None:
        return _price(options.trail_amount, grid)
    return f"{percent_text(value)} %" if isinstance(value := options.trail_percent, int) else f"{value}"


def entry_asked(command: EnterOrder, grid: Grid) -> Asked:
    """What an order asked for, field by field."""
    options = command.options or OrderOptions()
    percent, budget = options.trail_percent, command.quote_quantity
    prices = {
        name: None if (value := getattr(options, name)) is None else _price(value, grid)
        for name in ("stop_price", "stop_limit_price", "trail_amount", "take_profit", "stop_loss", "stop_loss_limit")
    }
    return Asked(
        side=command.side,
        order_type=command.order_type,
        time_in_force=command.time_in_force,
        quantity=None if command.quantity is None else _quantity(command.quantity, grid),
        quote_quantity=grid.amount(budget) if isinstance(budget, int) else budget,
        price=None if command.price is None else _price(command.price, grid),
        trail_percent=percent_text(percent) if isinstance(percent, int) else percent,
        post_only=options.post_only,
        display_quantity=None if options.display_quantity is None else _quantity(options.display_quantity, grid),
        self_trade_prevention=command.self_trade_prevention,
        **prices,
    )


def amend_asked(
    command: AmendOrder, side: Side, order_type: OrderType, time_in_force: TimeInForce, grid: Grid
) -> Asked:
    """What an amend asked for, field by field; what stays as it is is None."""
    return Asked(
        side=side,
        order_type=order_type,
        time_in_force=time_in_force,
        quantity=None if command.quantity is None else _quantity(command.quantity, grid),
        price=None if command.price is None else _price(command.price, grid),
        stop_price=None if command.stop_price is None else _price(command.stop_price, grid),
    )


def changed(command: AmendOrder, grid: Grid) -> str:
    """What an amend asked for."""
    wishes = []
    if command.quantity is not None:
        wishes.append(f"the quantity to {_quantity(command.quantity, grid)}")
    if command.price is not None:
        wishes.append(f"the price to {_price(command.price, grid)}")
    if command.stop_price is not None:
        wishes.append(f"the stop price to {_price(command.stop_price, grid)}")
    return f"You asked to change {' and '.join(wishes) or 'nothing'}."


def cause(command: Command, *, own: bool) -> str:
    """What set a command's events off, without saying whose it was."""
    match command:
        case EnterOrder():
            return "an order of yours" if own else f"an incoming order to {command.side}"
        case AmendOrder():
            return "an amend of yours" if own else "an amended order"
        case CancelOrder() | CancelAll():
            return _canceller(command.by_operator, own=own)
        case AdvanceTime():
            return "the clock"
        case SetStatus():
            return f"the session becoming {command.status.replace('_', '-')}"
        case StopAccount():
            return "an operator stopping the account"
        case AdoptRulebook():
            return "a new edition of the rules"
        case WriterChanged():
            return "another node taking over"
    return "a change by an operator"


def _canceller(by_operator: bool | None, *, own: bool) -> str:
    if by_operator:
        return "a cancel by the venue's operator"
    if not own:
        return "a cancel"
    return "a cancel of yours" if by_operator is False else "a cancel, by you or by the venue's operator"


def why_cancelled(reason: CancelReason) -> str:
    """The rest of the sentence `What was left was cancelled ...`."""
    return CANCELS[reason].explained


def why_refused(reason: RejectReason) -> str:
    """The rest of the sentence `It was refused: ...`."""
    return REJECTS[reason].explained


def refusal(reason: RejectReason) -> str:
    """That a command was refused, in one sentence."""
    return f"It was refused: {why_refused(reason)}."
