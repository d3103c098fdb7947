"""Engine values -> JSON: what an order would do if it were entered now.

Layer: api.orders.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from api.json.errors import ApiError, ErrorCode
from api.json.views import seconds
from engine.book import OrderBook
from engine.commands import EnterOrder
from engine.instrument import Instrument
from engine.preview import DuplicateOf, Exits, Preview
from engine.types import OrderStatus, OrderType, Side, Ticks, TimeInForce
from listings.grid import amount_text, grid_of
from listings.texts import DecimalText, IdText, NanosText, nanos_text

Protection = Literal["post_only_slide", "price_band", "collar", "held_funds", "self_trade"]


class LegPreview(msgspec.Struct, frozen=True):
    """Another order that the same command would enter: the stop of one-cancels-other, an exit of a bracket."""

    order_type: OrderType
    side: Side
    quantity: DecimalText
    price: DecimalText | None  # effective limit: after post-only slide and price band
    stop_price: DecimalText | None
    status: OrderStatus
    reason: str | None
    filled_quantity: DecimalText
    resting_quantity: DecimalText  # or waiting
    average_price: DecimalText | None
    notional: DecimalText
    taker_fee: DecimalText
    held: DecimalText  # 0 where the other leg holds for both
    held_asset: str
    protections: list[Protection]


class ExitsPreview(msgspec.Struct, frozen=True):
    """The exits that a bracket's entry would bring."""

    entered: Literal["at_once", "when_it_ends"]
    quantity: DecimalText  # what would be filled at once; of an entry that would stay open, all of it
    held: DecimalText  # one hold for both exits
    held_asset: str
    reason: Literal["insufficient_funds"] | None  # why they would be refused when they are entered at once


class PreviewAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """POST /order/test: what POST /order would do with the same body."""

    accepted: bool
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    timestamp: float
    ts_ns: int
    ts_ns_text: NanosText
    seq: int
    # when it would be refused
    error_code: ErrorCode | UnsetType = UNSET
    error: str | UnsetType = UNSET
    details: dict[str, Any] | UnsetType = UNSET
    # when not; the rest is there only for an order that is not a repetition
    repeated: bool | UnsetType = UNSET
    order_id: IdText | UnsetType = UNSET  # of the order that it repeats
    status: OrderStatus | UnsetType = UNSET
    reason: str | UnsetType | None = UNSET
    asked_price: DecimalText | UnsetType | None = UNSET
    price: DecimalText | UnsetType | None = UNSET  # effective limit: after post-only slide and price band
    quantity: DecimalText | UnsetType = UNSET
    filled_quantity: DecimalText | UnsetType = UNSET
    resting_quantity: DecimalText | UnsetType = UNSET  # or waiting
    average_price: DecimalText | UnsetType | None = UNSET
    worst_price: DecimalText | UnsetType | None = UNSET
    notional: DecimalText | UnsetType = UNSET
    trades: int | UnsetType = UNSET
    mid_price: DecimalText | UnsetType | None = UNSET
    slippage: DecimalText | UnsetType | None = UNSET  # of the average against the middle; below zero: better
    slippage_percent: DecimalText | UnsetType | None = UNSET
    taker_fee: DecimalText | UnsetType = UNSET
    maker_fee: DecimalText | UnsetType = UNSET
    held: DecimalText | UnsetType = UNSET
    held_asset: str | UnsetType = UNSET
    held_rounding: DecimalText | UnsetType = UNSET  # of `held`: the fee is rounded up for each lot
    protections: list[Protection] | UnsetType = UNSET
    would_trigger: int | UnsetType = UNSET  # your own orders that wait, and whose stop price the trades reach
    sees: Literal["shown_and_own"] | UnsetType = UNSET  # what was counted: hidden quantity of others was not
    exits: ExitsPreview | UnsetType | None = UNSET  # of a bracket
    legs: list[LegPreview] | UnsetType = UNSET  # when it would bring any


def preview_answer(
    command: EnterOrder, result: Preview | DuplicateOf | ApiError, book: OrderBook | None, seq: int, ts_ns: int
) -> PreviewAnswer:
    """The answer to a test of an order: what it would do, which order it repeats, or why it would be refused. O(1)."""
    fields: dict[str, Any] = {}
    if isinstance(result, ApiError):
        fields = {"error_code": result.code, "error": result.sentence, "details": result.details}
    elif isinstance(result, DuplicateOf):
        fields = {"repeated": True, "order_id": str(result.first)}
    elif book is not None:
        fields = {"repeated": False, **_outcome(command, result, book)}
    return PreviewAnswer(
        accepted=not isinstance(result, ApiError),
        symbol=command.symbol,
        side=command.side,
        order_type=command.order_type,
        time_in_force=command.time_in_force,
        timestamp=seconds(ts_ns),
        ts_ns=ts_ns,
        ts_ns_text=nanos_text(ts_ns),
        seq=seq,
        **fields,
    )


def _outcome(command: EnterOrder, result: Preview, book: OrderBook) -> dict[str, Any]:
    instrument, grid = book.instrument, grid_of(book.instrument)
    buys = command.side is Side.BUY
    bid, ask = book.bids.best_price, book.asks.best_price
    slippage: tuple[str | None, str | None] = (None, None)
    if bid is not None and ask is not None and result.filled:
        slippage = grid.slippage(result.notional, result.filled, bid, ask, worse=1 if buys else -1)
    asked, price, worst = command.price, result.price, result.worst_price
    return {
        "status": result.status,
        "reason": result.reason,
        "asked_price": None if asked is None else grid.price(Ticks(int(asked))),
        "price": None if price is None else grid.price(price),
        "quantity": grid.quantity(result.quantity),
        "filled_quantity": grid.quantity(result.filled),
        "resting_quantity": grid.quantity(result.left),
        "average_price": grid.average_price(result.notional, result.filled),
        "worst_price": None if worst is None else grid.price(worst),
        "notional": grid.amount(result.notional),
        "trades": result.trades,
        "mid_price": None if bid is None or ask is None else grid.middle(bid, ask),
        "slippage": slippage[0],
        "slippage_percent": slippage[1],
        "taker_fee": grid.amount(result.taker_fee),
        "maker_fee": grid.amount(result.maker_fee),
        "held": _held(result, instrument),
        "held_asset": _paid_asset(result, instrument),
        "held_rounding": amount_text(result.hold_rounding, instrument.quote_scale),
        "protections": _protections(result),
        "would_trigger": result.would_trigger,
        "sees": "shown_and_own",
        "exits": None if result.exits is None else _exits(result.exits, instrument, buys=buys),
        "legs": [_leg(leg, instrument) for leg in result.legs] or UNSET,
    }


def _leg(leg: Preview, instrument: Instrument) -> LegPreview:
    grid = grid_of(instrument)
    return LegPreview(
        order_type=leg.order_type,
        side=leg.side,
        quantity=grid.quantity(leg.quantity),
        price=None if leg.price is None else grid.price(leg.price),
        stop_price=None if leg.stop_price is None else grid.price(leg.stop_price),
        status=leg.status,
        reason=leg.reason,
        filled_quantity=grid.quantity(leg.filled),
        resting_quantity=grid.quantity(leg.left),
        average_price=grid.average_price(leg.notional, leg.filled),
        notional=grid.amount(leg.notional),
        taker_fee=grid.amount(leg.taker_fee),
        held=_held(leg, instrument),
        held_asset=_paid_asset(leg, instrument),
        protections=_protections(leg),
    )


def _held(result: Preview, instrument: Instrument) -> str:
    return amount_text(result.hold, instrument.quote_scale if result.side is Side.BUY else instrument.base_scale)


def _paid_asset(result: Preview, instrument: Instrument) -> str:
    return instrument.quote if result.side is Side.BUY else instrument.base


def _exits(exits: Exits, instrument: Instrument, *, buys: bool) -> ExitsPreview:
    """The exits of an entry that `buys` sell again, and those of one that sells buy."""
    return ExitsPreview(
        "at_once" if exits.at_once else "when_it_ends",
        grid_of(instrument).quantity(exits.quantity),
        amount_text(exits.hold, instrument.base_scale if buys else instrument.quote_scale),
        instrument.base if buys else instrument.quote,
        None if exits.refused is None else "insufficient_funds",
    )


def _protections(result: Preview) -> list[Protection]:
    acts: list[tuple[bool, Protection]] = [
        (result.slides, "post_only_slide"),
        (result.banded, "price_band"),
        (result.collared, "collar"),
        (result.held_back, "held_funds"),
        (result.prevented, "self_trade"),
    ]
    return [name for acting, name in acts if acting]
