"""JSON -> commands: the one place that validates what a client sends. The answers are in `answers.py`.

Decimals come as strings or as JSON numbers and are read exactly. What cannot be
understood is `Malformed` (400) and never sequenced; what breaks a rule of the market is
left to the engine to refuse.
Layer: api.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from operator import attrgetter
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from api.json.errors import Malformed, rejected
from listings.grid import grid_of, millionths, whole_units
from api.json.malformed import MAX_ECHO, MAX_VALUE, malformed
from listings.numbers import Number, decimal_of, read_number
from api.json.plain import RepeatedKey, plain
from api.http.symbols import listed_symbol
from engine.commands import AmendOrder, CancelAll, CancelOrder, EnterOrder, OrderOptions
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.rejects import RejectReason
from engine.types import AccountId, Lots, OrderId, OrderType, PostOnly, SelfTradePrevention, Side, TimeInForce

MAX_ORDER_ID = 2**62
MAX_TIME_NS = 2**63
MAX_PAGE = 1000
MAX_LEVELS = 1000
FEED_LEVELS = (5, 10, 20, 50, 100, 500, 1000)  # a side, of `l2_updates`
DEFAULT_LEVELS = 10

ClientOrderId = Annotated[
    str,
    Meta(pattern=r"\A[!-~]{1,64}\Z", description="The trader's name of the order: 1 to 64 printable ASCII characters"),
]
SYMBOL_PATTERN = r"\A[!-~]{1,32}\Z"

Symbol = Annotated[str, Meta(pattern=SYMBOL_PATTERN, description="As GET /symbols lists it")]  # it is journaled

Moment = Annotated[
    Any,  # a Decimal or an ISO text: no union that msgspec could tell apart
    Meta(
        description="Epoch seconds, exact to the nanosecond, or ISO 8601 with its zone: 2030-01-31T16:30:00Z",
        extra_json_schema={"anyOf": [{"type": "string"}, {"type": "number"}]},
    ),
]


class WireOrderType(StrEnum):
    """What may be written as order_type: `ioc` and `fok` are limit orders with that time in force."""

    MARKET = "market"
    LIMIT = "limit"
    IOC = "ioc"
    FOK = "fok"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"
    OCO = "oco"


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A body or query. Unknown fields are refused: a misspelt price must not become a market order."""


class OrderRequest(Request, frozen=True):
    """POST /order."""

    symbol: Symbol
    side: Side
    order_type: WireOrderType
    quantity: Number | None = None
    price: Number | None = None
    time_in_force: TimeInForce | None = None
    client_order_id: ClientOrderId | None = None
    quote_quantity: Number | None = None
    self_trade_prevention: SelfTradePrevention | None = None  # None: as the account is configured
    post_only: bool | Literal["slide"] = False
    display_quantity: Number | None = None  # of an iceberg
    stop_price: Number | None = None
    stop_limit_price: Number | None = None  # of a one-cancels-other's stop leg
    trail_amount: Number | None = None
    trail_percent: Number | None = None
    expire_time: Moment | None = None
    take_profit: Number | None = None  # the exits of a bracket
    stop_loss: Number | None = None
    stop_loss_limit: Number | None = None


class CancelRequest(Request, frozen=True):
    """POST /cancel. One of the two ids is needed."""

    symbol: Symbol | None = None
    order_id: str | int | None = None
    client_order_id: ClientOrderId | None = None


class AmendRequest(Request, frozen=True):
    """PATCH /order/{order_id}. `quantity` is the whole quantity, what is filled included."""

    price: Number | None = None
    quantity: Number | None = None
    stop_price: Number | None = None  # while it waits for its trigger


class SubscribeRequest(Request, frozen=True):
    """`subscribe` and `unsubscribe` of the feed."""

    type: Literal["l2_updates", "l2_deltas", "trades", "bbo", "ticker", "status", "orders"]
    symbol: Symbol | None = None
    levels: Literal[5, 10, 20, 50, 100, 500, 1000] | None = None
    batch: bool | None = None


class OrdersQuery(Request, frozen=True):
    """GET /orders."""

    symbol: Symbol | None = None
    status: (
        Literal["open", "done", "pending_trigger", "resting", "partially_filled", "filled", "cancelled", "expired"]
        | None
    ) = None
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = 100
    cursor: Annotated[int, Meta(ge=1, le=MAX_ORDER_ID)] | None = None


class BookQuery(Request, frozen=True):
    """GET /book/{symbol}."""

    levels: Annotated[int, Meta(ge=1, le=MAX_LEVELS)] | Literal["all"] = DEFAULT_LEVELS


class BookOrdersQuery(Request, frozen=True):
    """GET /book/{symbol}/orders."""

    limit: Annotated[int, Meta(ge=1, le=100_000)] = 1000


class QuoteQuery(Request, frozen=True):
    """GET /quote/{symbol}."""

    side: Side
    quantity: Number


class TradesQuery(Request, frozen=True):
    """GET /trades/{symbol}."""

    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = 100
    before: Annotated[int, Meta(ge=1, le=MAX_ORDER_ID)] | None = None


class SymbolQuery(Request, frozen=True):
    """GET /statistics, /order/{order_id} and /account/profit: of one symbol, when given."""

    symbol: Symbol | None = None


class CancelAllQuery(Request, frozen=True):
    """DELETE /orders, and `cancel_all` of the feed."""

    symbol: Symbol | None = None
    side: Side | None = None


class HealthQuery(Request, frozen=True):
    """GET /health."""

    digest: bool = False


_AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)
_QUANTITIES = ("quantity", "display_quantity")
_OPTIONS = tuple(name for name in OrderOptions.__struct_fields__ if name not in ("post_only", "expire_ns"))
_options_of = attrgetter(*_OPTIONS)
_NO_OPTIONS = (None,) * len(_OPTIONS)
_LIMIT = WireOrderType.LIMIT
_ISO = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_NANOSECOND = Decimal("1e-9")

_ANY_CASE = ("side", "order_type", "time_in_force")

T = TypeVar("T")


def enter_order(body: bytes, account: AccountId, exchange: Exchange) -> EnterOrder:
    """The command of a POST /order body. Raises Malformed."""
    return order_command(decoded(body, OrderRequest), account, exchange)


def cancel_order(body: bytes, account: AccountId, exchange: Exchange) -> CancelOrder:
    """The command of a POST /cancel body. Raises Malformed."""
    return cancel_command(decoded(body, CancelRequest), account, exchange)


def amend_order(body: bytes, order_id: str, account: AccountId, exchange: Exchange) -> AmendOrder:
    """The command of a PATCH /order/{order_id} body. Raises Malformed."""
    return amend_command(decoded(body, AmendRequest), order_id, account, exchange)


def converted(value: Any, kind: type[T], *, lax: bool = False) -> T:
    """`value`, as parsed from JSON or (`lax`) from a query string, as a `kind`. Raises Malformed."""
    if lax:
        for name, text in value.items():
            if text.lower() == "null":  # which would be read as left out: of DELETE /orders that is every symbol
                raise Malformed("INVALID_VALUE", f"{name} must not be null: leave it out.", field=name)
    try:
        return msgspec.convert(value, kind, strict=not lax, dec_hook=read_number)
    except (msgspec.ValidationError, ValueError) as problem:
        if isinstance(value, RepeatedKey):
            raise repeated(value.name) from problem
        lowered = _in_lower_case(value)
        if lowered != value:
            try:
                return msgspec.convert(lowered, kind, strict=not lax, dec_hook=read_number)
            except (msgspec.ValidationError, ValueError) as further:
                problem = further
        raise malformed(problem, kind, lambda: value) from problem


def _in_lower_case(value: Any) -> Any:
    """A request with its words that are read in any case as we write them."""
    if not isinstance(value, dict):
        return value
    found = {name: text for name in _ANY_CASE if isinstance(text := value.get(name), str) and text.isascii()}
    return {**value, **{name: text.lower() for name, text in found.items()}} if found else value


def repeated(name: str) -> Malformed:
    """What is told of a field that is given twice: neither of its values is taken."""
    field = name[:MAX_ECHO]
    return Malformed("REPEATED_FIELD", f"{field} is given more than once; give it once.", field=field)


def decoded(body: bytes, kind: type[T]) -> T:
    """A JSON body as a `kind`. Raises Malformed."""
    value = parsed(body, kind)
    try:
        return msgspec.convert(value, kind, dec_hook=read_number)
    except (msgspec.ValidationError, ValueError):
        return converted(value, kind)  # in lower case, or with what is wrong in words


def order_command(request: OrderRequest, account: AccountId, exchange: Exchange) -> EnterOrder:
    """The command that `request` asks for. Raises Malformed."""
    order_type, time_in_force = _kind_of(request)
    symbol = request.symbol
    instrument = exchange.instrument(symbol)
    if instrument is None:
        symbol = listed_symbol(symbol, exchange)
        instrument = exchange.instrument(symbol)
    return EnterOrder(
        account,
        symbol,
        request.side,
        order_type,
        time_in_force,
        _units("quantity", request.quantity, instrument),
        _units("price", request.price, instrument),
        request.client_order_id,
        _units("quote_quantity", request.quote_quantity, instrument),
        request.self_trade_prevention,
        _options(request, instrument),
    )


def _kind_of(request: OrderRequest) -> tuple[OrderType, TimeInForce]:
    """The engine's order type and time in force. Raises Malformed where the two contradict each other."""
    wire_type, time_in_force = request.order_type, request.time_in_force
    if wire_type is _LIMIT:
        return OrderType.LIMIT, time_in_force or TimeInForce.GTC
    if wire_type is WireOrderType.MARKET:
        time_in_force = time_in_force or TimeInForce.IOC
        if request.price is None or time_in_force not in _AT_ONCE:  # the latter is refused: it never rests
            return OrderType.MARKET, time_in_force
        return OrderType.LIMIT, time_in_force  # with a price, as older clients send it, it trades at that or better
    if wire_type not in (WireOrderType.IOC, WireOrderType.FOK):
        return OrderType(wire_type.value), time_in_force or TimeInForce.GTC
    meant = TimeInForce(wire_type.value)
    if time_in_force not in (None, meant):
        raise Malformed(
            "UNSUPPORTED_COMBINATION",
            f"order_type {wire_type} means time_in_force {meant}; leave one of them out.",
            field="time_in_force",
        )
    return OrderType.LIMIT, meant


def _options(request: OrderRequest, instrument: Instrument | None) -> OrderOptions | None:
    """What an order asks for beyond the ordinary; None when nothing. Raises Malformed."""
    values = _options_of(request)
    options = {}
    if values != _NO_OPTIONS:  # most orders have none
        fields = [(name, value) for name, value in zip(_OPTIONS, values, strict=True) if value is not None]
        options = {name: _units(name, value, instrument) for name, value in fields}
    if request.post_only:
        options["post_only"] = PostOnly.SLIDE if request.post_only == "slide" else PostOnly.REJECT
    if request.expire_time is not None:
        options["expire_ns"] = nanoseconds("expire_time", request.expire_time)
    return OrderOptions(**options) if options else None


def cancel_command(request: CancelRequest, account: AccountId, exchange: Exchange) -> CancelOrder:
    """The command that `request` asks for. Raises Malformed."""
    order_id = request.order_id
    if order_id is None and request.client_order_id is None:
        raise Malformed("MISSING_FIELD", "Say which order: give order_id or client_order_id.", field="order_id")
    number = None if order_id is None else order_id_of(order_id)
    symbol = None if request.symbol is None else listed_symbol(request.symbol, exchange)
    return CancelOrder(account, number, request.client_order_id, symbol, by_operator=False)


def cancel_all_command(request: CancelAllQuery, account: AccountId, exchange: Exchange) -> CancelAll:
    """The command that `request` asks for. Raises ApiError 404 for a symbol that is not listed."""
    symbol = None if request.symbol is None else listed_symbol(request.symbol, exchange)
    if symbol is not None and exchange.instrument(symbol) is None:
        raise rejected(RejectReason.UNKNOWN_SYMBOL, None, symbol=symbol)
    return CancelAll(account, symbol, request.side, by_operator=False)


def amend_command(request: AmendRequest, order_id: str | int, account: AccountId, exchange: Exchange) -> AmendOrder:
    """The command that `request` asks for. Raises Malformed."""
    if request.price is None and request.quantity is None and request.stop_price is None:
        raise Malformed("MISSING_FIELD", "Say what to change: give price, quantity or stop_price.", field="price")
    number = order_id_of(order_id)
    order = exchange.order(number)
    # another's order must not show, not even by how a value is judged
    instrument = exchange.instrument(order.symbol) if order and order.account == account else None
    price = _units("price", request.price, instrument)
    quantity = _units("quantity", request.quantity, instrument)
    return AmendOrder(account, number, price, quantity, _units("stop_price", request.stop_price, instrument))


def order_id_of(text: str | int) -> OrderId:
    """An order id as written. What cannot be one is id 0, which no order has."""
    try:
        number = int(text) if not isinstance(text, str) or (text.isascii() and text.isdecimal()) else 0
    except ValueError:  # more digits than Python reads
        number = 0
    return OrderId(number) if 0 < number < MAX_ORDER_ID else OrderId(0)


def quantity_of(value: Decimal, instrument: Instrument) -> Lots | str:
    """A quantity in lots, or its text when it is no whole number of them. Raises Malformed."""
    units = _units("quantity", value, instrument)
    return units if isinstance(units, str) else Lots(units or 0)


def _units(field: str, value: Decimal | None, instrument: Instrument | None) -> Any:
    """`value` in the units of `field`, or as text where it is off the grid. Raises Malformed."""
    if value is None:
        return None
    if value <= 0:
        raise Malformed("NOT_POSITIVE", f"{field} must be above zero, not {_short(value)}.", field=field)
    units: int | str | None
    if instrument is None:  # the engine will say so; the value only has to travel
        units = f"{value:.12g}"
    elif field in _QUANTITIES:
        units = grid_of(instrument).lots(value)
    elif field == "quote_quantity":
        units = grid_of(instrument).minor_units(value)
    elif field == "trail_percent":
        units = millionths(value)
    else:
        units = grid_of(instrument).ticks(value)
    if units is None:
        raise Malformed("OUT_OF_RANGE", f"{field} is out of range.", field=field)
    return units


def _short(value: Decimal) -> str:
    text = str(value)
    return text if len(text) <= MAX_VALUE else "a number below it"


def nanoseconds(field: str, moment: Any) -> int:
    """Epoch nanoseconds of a moment as written. Raises Malformed for what is none, or finer."""
    written = _ISO.fullmatch(moment) if isinstance(moment, str) else None
    units: int | str | None
    if written is not None:
        units = _epoch_ns(*written.groups())
    else:
        value = decimal_of(moment) if isinstance(moment, str) else moment
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise Malformed("INVALID_VALUE", f"{field}: epoch seconds, or ISO 8601 with its zone.", field=field)
        if value <= 0:
            raise Malformed("NOT_POSITIVE", f"{field} must be above zero, not {_short(Decimal(value))}.", field=field)
        units = whole_units(Decimal(value), _NANOSECOND, MAX_TIME_NS)
    if units is None and written is not None:
        raise Malformed("INVALID_VALUE", f"{field}: epoch seconds, or ISO 8601 with its zone.", field=field)
    if not isinstance(units, int) or not 0 < units < MAX_TIME_NS:
        raise Malformed("OUT_OF_RANGE", f"{field} is out of range, or finer than a nanosecond.", field=field)
    return units


def _epoch_ns(whole: str, fraction: str | None, zone: str) -> int | None:
    """Epoch nanoseconds of an ISO moment; None when there is no such time."""
    try:
        seconds = int(datetime.fromisoformat(whole + zone).timestamp())
    except (ValueError, OverflowError):
        return None
    return seconds * 10**9 + (int(fraction[1:].ljust(9, "0")) if fraction else 0)


def parsed(body: bytes, kind: type) -> Any:
    """A JSON body that is to be a `kind` as plain values, its numbers exact. Raises Malformed."""
    try:
        return plain(body)
    except msgspec.ValidationError as unreadable:  # an integer longer than anybody reads: its field is named
        try:
            msgspec.json.decode(body, type=kind, dec_hook=read_number)
        except (msgspec.DecodeError, ValueError, RecursionError) as problem:
            raise malformed(problem, kind, lambda: msgspec.json.decode(body)) from problem
        raise malformed(unreadable, kind, lambda: msgspec.json.decode(body)) from unreadable
    except (msgspec.DecodeError, ValueError, RecursionError) as problem:
        if not body.strip():
            sentence = "The body is empty; send a JSON object."
        elif b"NaN" in body or b"Infinity" in body:
            raise Malformed(
                "NOT_FINITE", "NaN and Infinity are not numbers in JSON, nor prices or quantities."
            ) from problem
        else:
            sentence = _no_json(problem)
        raise Malformed("MALFORMED_JSON", sentence) from problem


def _no_json(problem: Exception) -> str:
    """Why a body is no JSON, in words for its sender: msgspec tells the place, others would tell of us."""
    if isinstance(problem, msgspec.DecodeError):
        return f"The body is not JSON: {problem}."
    return "The body nests too deep, or holds a text or a number that cannot be read."
