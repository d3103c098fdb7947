"""The parameters of the second wire: from the query and from a form, as the bytes came.

Unknown parameters are ignored, as clients send some that we have nothing for; what is malformed is -1100, what is
missing -1102, and what is given twice -1101.
Layer: api.binance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta

from api.binance.errors import BinanceError, malformed, missing
from api.json.requests import MAX_ORDER_ID, MAX_PAGE

T = TypeVar("T")

PARAMETERS_MAX: Final = 64  # of one request: counted before its signature is checked

Parameters = Mapping[str, str]
Mode = Literal["STOP_ON_FAILURE", "ALLOW_FAILURE"]
Limit = Annotated[int, Meta(ge=1, le=MAX_PAGE)]
Id = Annotated[int, Meta(ge=0, lt=MAX_ORDER_ID)]
Time = Annotated[int, Meta(ge=0, lt=10**15, description="Epoch milliseconds")]


class Asked(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The base of every route's parameters."""


class NewOrder(Asked, frozen=True, kw_only=True):
    """POST order: numbers as they were written."""

    symbol: str
    side: str
    type: str
    time_in_force: str | None = None
    quantity: str | None = None
    quote_order_qty: str | None = None
    price: str | None = None
    stop_price: str | None = None
    trailing_delta: str | None = None
    iceberg_qty: str | None = None
    new_client_order_id: str | None = None
    new_order_resp_type: Literal["ACK", "RESULT", "FULL"] | None = None
    self_trade_prevention_mode: str | None = None
    peg_price_type: str | None = None
    peg_offset_value: str | None = None


class TestOrder(NewOrder, frozen=True, kw_only=True):
    """POST order/test."""

    compute_commission_rates: Literal["true", "false"] = "false"


class NewPair(Asked, frozen=True, kw_only=True):
    """POST orderList/oco."""

    symbol: str
    side: str
    quantity: str
    above_type: str
    below_type: str
    list_client_order_id: str | None = None
    above_client_order_id: str | None = None
    above_iceberg_qty: str | None = None
    above_price: str | None = None
    above_stop_price: str | None = None
    above_trailing_delta: str | None = None
    above_time_in_force: str | None = None
    below_client_order_id: str | None = None
    below_iceberg_qty: str | None = None
    below_price: str | None = None
    below_stop_price: str | None = None
    below_trailing_delta: str | None = None
    below_time_in_force: str | None = None
    new_order_resp_type: Literal["ACK", "RESULT", "FULL"] | None = None
    self_trade_prevention_mode: str | None = None


class OldPair(Asked, frozen=True, kw_only=True):
    """POST order/oco."""

    symbol: str
    side: str
    quantity: str
    price: str
    stop_price: str
    stop_limit_price: str | None = None
    stop_limit_time_in_force: str | None = None
    list_client_order_id: str | None = None
    limit_client_order_id: str | None = None
    limit_iceberg_qty: str | None = None
    trailing_delta: str | None = None
    stop_client_order_id: str | None = None
    stop_iceberg_qty: str | None = None
    new_order_resp_type: Literal["ACK", "RESULT", "FULL"] | None = None
    self_trade_prevention_mode: str | None = None


class OnePair(Asked, frozen=True, kw_only=True):
    """GET orderList."""

    order_list_id: Id | None = None
    orig_client_order_id: str | None = None


class EndPair(Asked, frozen=True, kw_only=True):
    """DELETE orderList."""

    symbol: str
    order_list_id: Id | None = None
    list_client_order_id: str | None = None
    new_client_order_id: str | None = None


class Pairs(Asked, frozen=True, kw_only=True):
    """GET allOrderList."""

    from_id: Id | None = None
    start_time: Time | None = None
    end_time: Time | None = None
    limit: Limit = 500


class OneSymbol(Asked, frozen=True, kw_only=True):
    """DELETE openOrders, GET account/commission."""

    symbol: str


class AccountQuery(Asked, frozen=True, kw_only=True):
    """GET account."""

    omit_zero_balances: Literal["true", "false"] = "false"


class OneOrder(Asked, frozen=True, kw_only=True):
    """GET order."""

    symbol: str
    order_id: Id | None = None
    orig_client_order_id: str | None = None


class CancelOrder(OneOrder, frozen=True, kw_only=True):
    """DELETE order."""

    new_client_order_id: str | None = None
    cancel_restrictions: str | None = None


class CancelReplace(NewOrder, frozen=True, kw_only=True):
    """POST order/cancelReplace."""

    cancel_replace_mode: Mode
    cancel_order_id: Id | None = None
    cancel_orig_client_order_id: str | None = None
    cancel_new_client_order_id: str | None = None
    cancel_restrictions: str | None = None


class AmendOrderRequest(Asked, frozen=True, kw_only=True):
    """PUT order/amend/keepPriority."""

    symbol: str
    new_qty: str
    order_id: Id | None = None
    orig_client_order_id: str | None = None
    new_client_order_id: str | None = None


class OpenOrders(Asked, frozen=True, kw_only=True):
    """GET openOrders."""

    symbol: str | None = None


class AllOrders(Asked, frozen=True, kw_only=True):
    """GET allOrders."""

    symbol: str
    order_id: Id | None = None
    start_time: Time | None = None
    end_time: Time | None = None
    limit: Limit = 500


class MyTrades(Asked, frozen=True, kw_only=True):
    """GET myTrades."""

    symbol: str
    order_id: Id | None = None
    start_time: Time | None = None
    end_time: Time | None = None
    from_id: Id | None = None
    limit: Limit = 500


def parameters(query: str, body: bytes) -> dict[str, str]:
    """What a query and a form say together. Raises BinanceError -1101 for too many, or what is given twice.

    `body` are the bytes as they came: to be read before anything else reads the request.
    """
    text = f"{query}&{body.decode('utf-8', 'replace')}" if body else query
    try:
        named = parse_qsl(text, keep_blank_values=True, max_num_fields=PARAMETERS_MAX)
    except ValueError:
        raise BinanceError(-1101, f"Too many parameters; at most {PARAMETERS_MAX} are read.") from None
    found: dict[str, str] = {}
    for name, value in named:
        if name in found:
            raise BinanceError(-1101, "Duplicate values for a parameter detected.")
        found[name] = value
    return found


def read(asked: Parameters, kind: type[T]) -> T:
    """Parameters as a route's struct. Raises BinanceError."""
    try:
        return msgspec.convert(asked, kind, strict=False)
    except msgspec.ValidationError as problem:
        raise _error(problem, asked, kind) from problem


def _error(problem: Exception, asked: Parameters, kind: Any) -> BinanceError:
    for field in msgspec.structs.fields(kind):
        if field.required and not asked.get(field.encode_name):
            return missing(field.encode_name)
    _, _, path = str(problem).rpartition("`$.")
    return malformed(path.rstrip("`") or "query", "see the documentation")
