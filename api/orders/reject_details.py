"""Why the rules refused an order: a sentence that says what to do, and the exact figures of that moment.

The engine decides, and its event has the figures; fields that lie off the grid are read off the request. Sentences
about fields that do not go together are in `api.orders.field_combinations`.
Layer: api.orders.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from engine.commands import AmendOrder, EnterOrder, OrderOptions
from engine.events import Figures, Rejected
from engine.instrument import Instrument
from engine.rejects import RejectReason
from engine.rules import gathers
from engine.types import PostOnly, Side
from listings.grid import amount_text, grid_of, percent

_PRICES: Final = (
    "price",
    "stop_price",
    "stop_limit_price",
    "trail_amount",
    "trail_percent",
    "take_profit",
    "stop_loss",
    "stop_loss_limit",
)
_QUANTITIES: Final = ("quantity", "quote_quantity", "display_quantity")
_NO_OPTIONS: Final = OrderOptions()

RejectDetails = tuple[str | None, dict[str, Any]]  # a sentence in place of the reason's own, or None; and details


def reject_details(
    event: Rejected, command: EnterOrder | AmendOrder | None, instrument: Instrument | None
) -> RejectDetails:
    """What an answer says of a refusal beyond its reason. O(1).

    `command` is what was refused, where fields of it matter; without an instrument there are no details.
    """
    if instrument is None:
        return None, {}
    if command is not None and event.reason in (RejectReason.BAD_TICK, RejectReason.BAD_LOT):
        return _off_the_grid(command, _PRICES if event.reason is RejectReason.BAD_TICK else _QUANTITIES, instrument)
    if event.figures is None:
        return None, {}
    match event.reason:
        case RejectReason.SYMBOL_NOT_TRADING:
            return _not_trading(event.figures, instrument)
        case RejectReason.INSUFFICIENT_FUNDS:
            return _too_little(event.figures, instrument)
        case RejectReason.PRICE_OUTSIDE_COLLAR:
            return _outside_collar(event.figures, instrument)
        case RejectReason.POST_ONLY_WOULD_TAKE:
            slides = isinstance(command, EnterOrder) and (command.options or _NO_OPTIONS).post_only is PostOnly.SLIDE
            return _would_take(event.figures, instrument, slides=slides)
    return None, {}


def _off_the_grid(command: EnterOrder | AmendOrder, names: tuple[str, ...], instrument: Instrument) -> RejectDetails:
    """The first field of these that is no whole number of its steps: it travels as text, or is below the first."""
    options = (command.options or _NO_OPTIONS) if isinstance(command, EnterOrder) else _NO_OPTIONS
    for name in names:
        value = getattr(command, name, None)
        value = getattr(options, name, None) if value is None else value
        if isinstance(value, str):
            step, what = _step(name, instrument)
            sentence = f"{name} must be a multiple of {step}, {what}, and {value} is not."
            return sentence, {"field": name, "step": step}
    return None, {}


def _step(name: str, instrument: Instrument) -> tuple[str, str]:
    """The step of a field, and what it is."""
    if name == "trail_percent":
        return "0.0001", "a ten-thousandth of a percent"
    if name == "quote_quantity":
        return f"{Decimal(1).scaleb(-instrument.quote_scale):f}", f"the smallest unit of {instrument.quote}"
    if name in _QUANTITIES:
        return instrument.lot_size, "the lot size"
    return instrument.tick_size, "the tick size"


def _not_trading(figures: Figures, instrument: Instrument) -> RejectDetails:
    status, symbol = figures.status, instrument.symbol
    if status is None:
        return None, {}
    if gathers(status):
        sentence = (
            f"{symbol} gathers orders for an auction just now (its status is {status}): it takes limit orders and "
            "orders with a trigger, without ioc, fok and post_only."
        )
    else:
        sentence = (
            f"{symbol} is {status}: it takes no orders until that changes, and open ones can be cancelled. "
            f"GET /status/{symbol} tells what is planned next."
        )
    return sentence, {"status": status}


def _too_little(figures: Figures, instrument: Instrument) -> RejectDetails:
    asset = figures.asset
    if asset is None or figures.available is None:
        return None, {}
    scale = instrument.quote_scale if asset == instrument.quote else instrument.base_scale
    available = amount_text(figures.available, scale)
    details = {"asset": asset, "available": available}
    if figures.needed is None:
        return f"This needs more {asset} than the {available} that you have available.", details
    needed = amount_text(figures.needed, scale)
    return f"This needs {needed} {asset}, and you have {available} available.", details | {"needed": needed}


def _outside_collar(figures: Figures, instrument: Instrument) -> RejectDetails:
    if figures.reference is None or figures.limit is None:
        return None, {}
    grid, buys = grid_of(instrument), figures.side is Side.BUY
    reference, limit = grid.price(figures.reference), grid.price(figures.limit)
    sentence = (
        f"The price is too far from the market: {'at most' if buys else 'at least'} {limit} for a "
        f"{'buy' if buys else 'sell'}, "
        f"since the collar is {percent(instrument.collar or 0)} % from the reference price {reference}."
    )
    return sentence, {"reference_price": reference, "limit_price": limit}


def _would_take(figures: Figures, instrument: Instrument, *, slides: bool) -> RejectDetails:
    if figures.best is None:
        return None, {}
    buys, best = figures.side is Side.BUY, grid_of(instrument).price(figures.best)
    met, where = ("offer", "below") if buys else ("bid", "above")
    sentence = f"The order is post-only and would take: the best {met} is {best}"
    if slides:
        sentence += f", and there is no price {where} it to slide to."
    else:
        sentence += f'. Price it {where} that, or enter it with post_only "slide" to have it one tick {where}.'
    return sentence, {"best_ask" if buys else "best_bid": best}
