"""Ordinary orders -> commands, without a struct and without `Decimal`.

Ordinary is an order that names a listed symbol as it is listed, says each word in lower or upper case, and writes its
numbers as plain decimals on the grid. Whatever else comes, right or wrong, is none: `requests` reads it with care, so
that each error is found and worded in one place. What is ordinary is the same command on either way.
Layer: api.orders.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from itertools import product
from typing import Any, Final

from api.json.errors import Malformed
from api.json.requests import CLIENT_ORDER_ID_PATTERN
from api.orders.order_kinds import WireOrderType, kind_of
from engine.commands import EnterOrder, OrderOptions
from engine.exchange import Exchange
from engine.types import AccountId, OrderType, PostOnly, SelfTradePrevention, Side, TimeInForce
from listings.grid import Grid, grid_of

PLAIN_FIELDS: Final = frozenset(
    (
        "symbol",
        "side",
        "order_type",
        "quantity",
        "price",
        "time_in_force",
        "client_order_id",
        "self_trade_prevention",
    )
)
FIELDS_IN_BATCH: Final = PLAIN_FIELDS | {"op"}
_PRICES: Final = frozenset(  # options that are prices
    ("stop_price", "stop_limit_price", "trail_amount", "take_profit", "stop_loss", "stop_loss_limit")
)
_POST_ONLY: Final[dict[str | bool, PostOnly | None]] = {"slide": PostOnly.SLIDE, True: PostOnly.REJECT, False: None}
_PREVENTIONS: Final[dict[Any, SelfTradePrevention | None]] = {
    None: None,
    **{mode.value: mode for mode in SelfTradePrevention},
}
_LONGEST: Final = 10**18  # of a whole number that is read here
_NONE: Final = object()  # in place of an option that is not ordinary

_is_name: Final = re.compile(CLIENT_ORDER_ID_PATTERN).match

_Kind = tuple[Side, OrderType, TimeInForce]


def _kinds() -> dict[tuple[Any, ...], _Kind]:
    """What each side, order type and time in force as written, with a price and without, is to the engine."""
    found: dict[tuple[Any, ...], _Kind] = {}
    times: tuple[TimeInForce | None, ...] = (None, *TimeInForce)
    for side, wire_type, time_in_force, priced in product(Side, WireOrderType, times, (False, True)):
        try:
            kind = side, *kind_of(wire_type, time_in_force, priced=priced)
        except Malformed:
            continue
        for words in product(*(_cases(word) for word in (side, wire_type, time_in_force))):
            found[(*words, priced)] = kind
    return found


def _cases(word: str | None) -> tuple[str | None, ...]:
    return (None,) if word is None else (str(word), word.upper())


_KINDS: Final = _kinds()


def ordinary_order(
    value: Any, account: AccountId, exchange: Exchange, plain_fields: frozenset[str] = PLAIN_FIELDS
) -> EnterOrder | None:
    """The command of an ordinary order, as its body was parsed; None for anything else.

    `plain_fields`: those that it may have besides options.
    """
    if type(value) is not dict:
        return None
    get: Callable[..., Any] = value.get
    price, name = get("price"), get("client_order_id")
    try:
        book = exchange.books[get("symbol")]
        kind = _KINDS[get("side"), get("order_type"), get("time_in_force"), price is not None]
        prevention = _PREVENTIONS[get("self_trade_prevention")]
    except (KeyError, TypeError):  # no such word, or a list or an object in its place
        return None
    symbol, grid = book.instrument.symbol, grid_of(book.instrument)
    ticks, lots = _units(price, grid.plain_ticks), _units(get("quantity"), grid.plain_lots)
    if ticks is _NONE or lots is _NONE or (name is not None and not (type(name) is str and _is_name(name))):
        return None
    options = None
    if not value.keys() <= plain_fields:
        options = _options(value, value.keys() - plain_fields, grid)
        if options is _NONE:
            return None
    return EnterOrder(account, symbol, *kind, lots, ticks, name, None, prevention, options)


def _units(number: Any, read: Callable[[str], int | None]) -> Any:
    """The units of a number as it was parsed, None where it is left out, `_NONE` where it is not plain."""
    if number is None:
        return None
    if type(number) is not str:
        if type(number) is not Decimal and not (type(number) is int and number < _LONGEST):
            return _NONE
        number = str(number)
    units = read(number)
    return _NONE if units is None else units


def _options(value: dict[str, Any], names: set[str], grid: Grid) -> Any:
    """What an order asks for beyond the ordinary; None for nothing, `_NONE` where it cannot be read here."""
    options: dict[str, Any] = {}
    for name in names:
        asked: Any = value[name]
        if name == "post_only":
            if type(asked) is not bool and asked != "slide":
                return _NONE
            asked = _POST_ONLY[asked]
        elif name == "display_quantity":
            asked = _units(asked, grid.plain_lots)
        elif name in _PRICES:
            asked = _units(asked, grid.plain_ticks)
        else:
            return _NONE
        if asked is _NONE:
            return _NONE
        if asked is not None:
            options[name] = asked
    return OrderOptions(**options) if options else None
