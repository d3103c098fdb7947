"""The parameters of an order -> the command that the first wire would make of it.

What cannot be understood is refused here by name and never sequenced; what breaks a rule of the market is left to the
engine. Nothing that the engine cannot do is left out silently.
Layer: api.binance.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final, NamedTuple

from api.binance.errors import BinanceError, malformed, missing, not_required
from api.binance.ids import generated_for
from api.binance.requests import NewOrder, NewPair, OldPair
from api.binance.statuses import BIP, PREVENTIONS, SIDES, TIMES_IN_FORCE
from api.json.errors import Malformed
from api.json.units import units_of
from engine.commands import EnterOrder, OrderOptions
from engine.instrument import Instrument
from engine.types import AccountId, OrderType, PostOnly, SelfTradePrevention, TimeInForce
from listings.grid import grid_of
from listings.numbers import decimal_of

NUMBER_RANGE: Final = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
NAME_RANGE: Final = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"
DELTA_MAX: Final = 10_000  # the whole price, in hundredths of a percent

_is_number: Final = re.compile(NUMBER_RANGE).match
_is_name: Final = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}").fullmatch


class _Kind(NamedTuple):
    """What a type of theirs is to the engine, and which parameters it has: those it needs, and those it may have."""

    order_type: OrderType
    needs: tuple[str, ...]
    may: tuple[str, ...] = ()
    time_in_force: TimeInForce | None = None  # None: as asked


_GTC, _IOC = TimeInForce.GTC, TimeInForce.IOC
_LIMITED: Final = ("time_in_force", "quantity", "price")
KINDS: Final[dict[str, _Kind]] = {
    "LIMIT": _Kind(OrderType.LIMIT, _LIMITED, ("iceberg_qty",)),
    "LIMIT_MAKER": _Kind(OrderType.LIMIT, ("quantity", "price"), ("iceberg_qty",), _GTC),
    "MARKET": _Kind(OrderType.MARKET, (), ("quantity", "quote_order_qty"), _IOC),
    "STOP_LOSS": _Kind(OrderType.STOP, ("quantity",), ("stop_price", "trailing_delta"), _GTC),
    "STOP_LOSS_LIMIT": _Kind(OrderType.STOP_LIMIT, (*_LIMITED, "stop_price"), ("iceberg_qty",)),
    "TAKE_PROFIT": _Kind(OrderType.TAKE_PROFIT, ("quantity", "stop_price"), (), _GTC),
    "TAKE_PROFIT_LIMIT": _Kind(OrderType.TAKE_PROFIT_LIMIT, (*_LIMITED, "stop_price"), ("iceberg_qty",)),
}
# each with its name on the wire; what an order of a type neither needs nor may have is refused by that name
_PARAMETERS: Final = {
    "time_in_force": "timeInForce",
    "quantity": "quantity",
    "quote_order_qty": "quoteOrderQty",
    "price": "price",
    "stop_price": "stopPrice",
    "trailing_delta": "trailingDelta",
    "iceberg_qty": "icebergQty",
}
_UNSUPPORTED: Final = {"peg_price_type": "pegPriceType", "peg_offset_value": "pegOffsetValue"}


def order_command(asked: NewOrder, account: AccountId, instrument: Instrument) -> EnterOrder:
    """The command of one order. Raises BinanceError."""
    side, kind = SIDES.get(asked.side), KINDS.get(asked.type)
    if side is None:
        raise BinanceError(-1117, "Invalid side.")
    if kind is None:
        raise BinanceError(-1116, "Invalid orderType.")
    _require_fitting(asked, kind)
    order_type, time_in_force = kind.order_type, kind.time_in_force
    options: dict[str, Any] = {}
    if asked.type == "LIMIT_MAKER":
        options["post_only"] = PostOnly.REJECT
    elif order_type is OrderType.STOP:
        order_type = _stop(asked, options)
    if asked.stop_price:
        options["stop_price"] = ticks_of("stopPrice", asked.stop_price, instrument)
    if asked.iceberg_qty:
        options["display_quantity"] = lots_of("icebergQty", asked.iceberg_qty, instrument)
    if not asked.quantity and not asked.quote_order_qty:
        raise missing("quantity")
    return EnterOrder(
        account,
        instrument.symbol,
        side,
        order_type,
        time_in_force or time_of("timeInForce", asked.time_in_force or ""),
        lots_of("quantity", asked.quantity, instrument) if asked.quantity else None,
        ticks_of("price", asked.price, instrument) if asked.price else None,
        new_name("newClientOrderId", asked.new_client_order_id),
        _amount_of("quoteOrderQty", asked.quote_order_qty, instrument) if asked.quote_order_qty else None,
        prevention_of(asked.self_trade_prevention_mode),
        OrderOptions(**options) if options else None,
    )


def pair_command(asked: NewPair, account: AccountId, instrument: Instrument) -> EnterOrder:
    """The command of POST orderList/oco. Raises BinanceError.

    One of the two is a LIMIT_MAKER, the other a STOP_LOSS or STOP_LOSS_LIMIT: the stop above the price for a buy, below
    for a sell.
    """
    buys = asked.side == "BUY"
    stop, limit = ("above", "below") if buys else ("below", "above")
    stop_type, limit_type = getattr(asked, f"{stop}_type"), getattr(asked, f"{limit}_type")
    if stop_type not in ("STOP_LOSS", "STOP_LOSS_LIMIT"):
        raise BinanceError(
            -1116, f"Invalid orderType. {stop}Type of a {asked.side} is STOP_LOSS or STOP_LOSS_LIMIT here."
        )
    if limit_type != "LIMIT_MAKER":
        raise BinanceError(-1116, f"Invalid orderType. {limit}Type of a {asked.side} is LIMIT_MAKER here.")
    for name in (f"{limit}_stop_price", f"{limit}_trailing_delta", f"{limit}_iceberg_qty", f"{limit}_time_in_force"):
        _require_none(asked, name)
    for name in (f"{stop}_trailing_delta", f"{stop}_iceberg_qty"):
        _require_none(asked, name)
    old = OldPair(
        symbol=asked.symbol,
        side=asked.side,
        quantity=asked.quantity,
        price=_needed(asked, f"{limit}_price"),
        stop_price=_needed(asked, f"{stop}_stop_price"),
        stop_limit_price=_needed(asked, f"{stop}_price") if stop_type == "STOP_LOSS_LIMIT" else None,
        stop_limit_time_in_force=getattr(asked, f"{stop}_time_in_force"),
        list_client_order_id=asked.list_client_order_id,
        limit_client_order_id=getattr(asked, f"{limit}_client_order_id"),
        stop_client_order_id=getattr(asked, f"{stop}_client_order_id"),
        self_trade_prevention_mode=asked.self_trade_prevention_mode,
    )
    if stop_type == "STOP_LOSS":
        _require_none(asked, f"{stop}_price")
    return old_pair_command(old, account, instrument)


def old_pair_command(asked: OldPair, account: AccountId, instrument: Instrument) -> EnterOrder:
    """The command of POST order/oco. Raises BinanceError."""
    side = SIDES.get(asked.side)
    if side is None:
        raise BinanceError(-1117, "Invalid side.")
    for name in ("limit_iceberg_qty", "stop_iceberg_qty", "trailing_delta"):
        _require_none(asked, name)
    if asked.stop_client_order_id is not None:
        raise not_required("stopClientOrderId", "A pair has one client order id here: give listClientOrderId.")
    names = {name for name in (asked.list_client_order_id, asked.limit_client_order_id) if name is not None}
    if len(names) > 1:
        raise not_required("limitClientOrderId", "A pair has one client order id here: give listClientOrderId.")
    if asked.stop_limit_price is None:
        _require_none(asked, "stop_limit_time_in_force")
    elif time_of("stopLimitTimeInForce", asked.stop_limit_time_in_force or "GTC") is not _GTC:
        raise not_required("stopLimitTimeInForce", "The legs of a pair are good until they are cancelled.")
    options: dict[str, Any] = {"stop_price": ticks_of("stopPrice", asked.stop_price, instrument)}
    if asked.stop_limit_price is not None:
        options["stop_limit_price"] = ticks_of("stopLimitPrice", asked.stop_limit_price, instrument)
    return EnterOrder(
        account,
        instrument.symbol,
        side,
        OrderType.OCO,
        _GTC,
        lots_of("quantity", asked.quantity, instrument),
        ticks_of("price", asked.price, instrument),
        new_name("listClientOrderId", next(iter(names), None)),
        None,
        prevention_of(asked.self_trade_prevention_mode),
        OrderOptions(**options),
    )


def ticks_of(name: str, text: str, instrument: Instrument) -> Any:
    """A price in ticks, or as text where it is off the grid. Raises BinanceError."""
    ticks = grid_of(instrument).plain_ticks(text)
    return _units(name, "price", text, instrument) if ticks is None else ticks


def lots_of(name: str, text: str, instrument: Instrument) -> Any:
    """A quantity in lots, or as text where it is off the grid. Raises BinanceError."""
    lots = grid_of(instrument).plain_lots(text)
    return _units(name, "quantity", text, instrument) if lots is None else lots


def name_given(name: str, given: str | None) -> str | None:
    """A client order id as the trader gives it. Raises BinanceError."""
    if given is None:
        return None
    if not _is_name(given):
        raise malformed(name, NAME_RANGE)
    return given


def new_name(name: str, given: str | None) -> str | None:
    """The same of a new order: none that is generated for another. Raises BinanceError."""
    if given is not None and generated_for(given) is not None:
        raise BinanceError(-1130, f"Data sent for parameter '{name}' is not valid: names like {given} are given here.")
    return name_given(name, given)


def time_of(name: str, written: str) -> TimeInForce:
    """A time in force. Raises BinanceError."""
    found = TIMES_IN_FORCE.get(written)
    if found is None:
        raise BinanceError(-1115, "Invalid timeInForce." if name == "timeInForce" else f"Invalid timeInForce: {name}.")
    return found


def prevention_of(written: str | None) -> SelfTradePrevention | None:
    """A mode of self-trade prevention; None: as the account is configured. Raises BinanceError."""
    if not written:
        return None
    found = PREVENTIONS.get(written)
    if found is None:
        raise BinanceError(-1130, "Data sent for parameter 'selfTradePreventionMode' is not valid.")
    return found


def _require_fitting(asked: NewOrder, kind: _Kind) -> None:
    """Raise BinanceError for what an order of a type needs and has not, and for what it has and cannot have."""
    for field, name in _PARAMETERS.items():
        value = getattr(asked, field)
        if value is None or value == "":
            if field in kind.needs:
                raise missing(name)
        elif field not in kind.needs and field not in kind.may:
            raise not_required(name)
    for field, name in _UNSUPPORTED.items():
        if getattr(asked, field) is not None:
            raise not_required(name, "Orders here are not pegged.")


def _stop(asked: NewOrder, options: dict[str, Any]) -> OrderType:
    """What a STOP_LOSS is: with a `trailingDelta` it follows the market from the start, so it has no stop price."""
    if not asked.trailing_delta:
        if not asked.stop_price:
            raise missing("stopPrice")
        return OrderType.STOP
    if asked.stop_price:
        raise not_required("stopPrice", "A trailing stop follows the market from when it is entered.")
    delta = asked.trailing_delta
    if not (delta.isascii() and delta.isdecimal() and len(delta) <= len(str(DELTA_MAX))):
        raise malformed("trailingDelta", "^[0-9]{1,5}$")
    options["trail_percent"] = int(delta) * BIP
    return OrderType.TRAILING_STOP


def _amount_of(name: str, text: str, instrument: Instrument) -> Any:
    return _units(name, "quote_quantity", text, instrument)


def _units(name: str, field: str, text: str, instrument: Instrument) -> Any:
    value = decimal_of(text) if _is_number(text) else None
    if value is None:
        raise malformed(name, NUMBER_RANGE)
    try:
        return units_of(field, Decimal(value), instrument)
    except Malformed as problem:
        what = "price" if field == "price" else "quantity"
        raise BinanceError(-1013, f"Invalid {what}.") from problem


def _require_none(asked: Any, field: str) -> None:
    if getattr(asked, field) is not None:
        raise not_required(_camel(field), "A pair here is a limit order and a stop, without more.")


def _needed(asked: Any, field: str) -> Any:
    value = getattr(asked, field)
    if not value:
        raise missing(_camel(field))
    return value


def _camel(field: str) -> str:
    first, *others = field.split("_")
    return first + "".join(word.capitalize() for word in others)
