"""JSON -> commands: what may be asked of orders. The answers are in `views.py`.

Decimals come as strings or as JSON numbers and are read exactly. What cannot be
understood is `Malformed` (400) and never sequenced; what breaks a rule of the market is
left to the engine to refuse.
Layer: api.orders.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Annotated, Any, Literal

from msgspec import Meta

from api.http.symbols import listed_symbol
from api.json.errors import Malformed, rejected
from api.json.requests import (
    MAX_ORDER_ID,
    MAX_PAGE,
    ClientOrderId,
    Moment,
    Request,
    Symbol,
    converted,
    decoded,
    order_id_of,
    parsed,
)
from api.json.units import nanoseconds, units_of
from api.orders.order_kinds import WireOrderType, kind_of
from api.orders.ordinary import ordinary_order
from engine.commands import AmendOrder, CancelAll, CancelOrder, EnterOrder, OrderOptions
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.rejects import RejectReason
from engine.types import AccountId, PostOnly, SelfTradePrevention, Side, TimeInForce
from listings.numbers import Number


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
    self_trade_prevention: SelfTradePrevention | None = None  # None: the mode that the account is configured with
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


class OrdersQuery(Request, frozen=True):
    """GET /orders."""

    symbol: Symbol | None = None
    status: (
        Literal["open", "done", "pending_trigger", "resting", "partially_filled", "filled", "cancelled", "expired"]
        | None
    ) = None
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = 100
    cursor: Annotated[int, Meta(ge=1, le=MAX_ORDER_ID)] | None = None


class CancelAllQuery(Request, frozen=True):
    """DELETE /orders, and `cancel_all` of the feed."""

    symbol: Symbol | None = None
    side: Side | None = None


_OPTIONS = tuple(name for name in OrderOptions.__struct_fields__ if name not in ("post_only", "expire_ns"))
_options_of = attrgetter(*_OPTIONS)
_NO_OPTIONS = (None,) * len(_OPTIONS)


def enter_order(body: bytes, account: AccountId, exchange: Exchange) -> EnterOrder:
    """The command of a POST /order body. Raises Malformed."""
    return order_of(parsed(body, OrderRequest), account, exchange)


def order_of(value: Any, account: AccountId, exchange: Exchange) -> EnterOrder:
    """The same of a body that is parsed already, as the feed's `order` is. Raises Malformed."""
    return ordinary_order(value, account, exchange) or order_command(converted(value, OrderRequest), account, exchange)


def cancel_order(body: bytes, account: AccountId, exchange: Exchange) -> CancelOrder:
    """The command of a POST /cancel body. Raises Malformed."""
    return cancel_command(decoded(body, CancelRequest), account, exchange)


def amend_order(body: bytes, order_id: str, account: AccountId, exchange: Exchange) -> AmendOrder:
    """The command of a PATCH /order/{order_id} body. Raises Malformed."""
    return amend_command(decoded(body, AmendRequest), order_id, account, exchange)


def order_command(request: OrderRequest, account: AccountId, exchange: Exchange) -> EnterOrder:
    """The command that `request` asks for. Raises Malformed."""
    order_type, time_in_force = kind_of(request.order_type, request.time_in_force, priced=request.price is not None)
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
        units_of("quantity", request.quantity, instrument),
        units_of("price", request.price, instrument),
        request.client_order_id,
        units_of("quote_quantity", request.quote_quantity, instrument),
        request.self_trade_prevention,
        _options(request, instrument),
    )


def _options(request: OrderRequest, instrument: Instrument | None) -> OrderOptions | None:
    """What an order asks for beyond the ordinary; None when nothing. Raises Malformed."""
    values = _options_of(request)
    options = {}
    if values != _NO_OPTIONS:  # most orders have none
        fields = [(name, value) for name, value in zip(_OPTIONS, values, strict=True) if value is not None]
        options = {name: units_of(name, value, instrument) for name, value in fields}
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
    # another's order must not be recognisable, not even by how a value is judged
    instrument = exchange.instrument(order.symbol) if order and order.account == account else None
    price = units_of("price", request.price, instrument)
    quantity = units_of("quantity", request.quantity, instrument)
    return AmendOrder(account, number, price, quantity, units_of("stop_price", request.stop_price, instrument))
