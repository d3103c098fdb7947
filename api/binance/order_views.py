"""Orders -> the structs of the second wire, with its names.

Decimals are texts with all their places, times epoch milliseconds.
Layer: api.binance.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from api.binance.ids import client_order_id
from api.binance.numbers import amount_text, milliseconds, price_text, quantity_text
from api.binance.order_states import State
from api.binance.statuses import (
    BIP,
    PREVENTION_WORDS,
    SIDE_WORDS,
    TRIGGERED,
    OrderWord,
    PreventionWord,
    SideWord,
    StatusWord,
    TimeInForceWord,
    is_of_pair,
    status_word,
    time_word,
    type_word,
)
from engine.instrument import Instrument
from engine.terms import NO_TERMS
from engine.types import AccountId, OrderId, Side, entry_of
from history.store import Trade
from listings.texts import DecimalText

NO_LIST: Final = -1  # the orderListId of an order that is in none
NOT_WORKING: Final = -1  # the workingTime of one that waits


class OrderAck(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """POST order with newOrderRespType ACK."""

    symbol: str
    order_id: int
    order_list_id: int
    client_order_id: str
    transact_time: int


class OrderFields(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What every answer says of an order beyond its ids."""

    price: DecimalText
    orig_qty: DecimalText
    executed_qty: DecimalText
    orig_quote_order_qty: DecimalText
    # the spelling of that wire
    cumulative_quote_qty: DecimalText = msgspec.field(name="cummulativeQuoteQty")
    status: StatusWord
    time_in_force: TimeInForceWord
    type: OrderWord
    side: SideWord
    stop_price: DecimalText | UnsetType = UNSET
    trailing_delta: int | UnsetType = UNSET
    iceberg_qty: DecimalText | UnsetType = UNSET
    working_time: int
    self_trade_prevention_mode: PreventionWord


class OrderResult(OrderFields, frozen=True, kw_only=True):
    """POST order with newOrderRespType RESULT."""

    symbol: str
    order_id: int
    order_list_id: int
    client_order_id: str
    transact_time: int


class OrderFill(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One trade of an order that was just entered."""

    price: DecimalText
    qty: DecimalText
    commission: DecimalText  # below zero: a rebate
    commission_asset: str
    trade_id: int


class OrderFull(OrderResult, frozen=True, kw_only=True):
    """POST order with newOrderRespType FULL."""

    fills: list[OrderFill]


class CancelledOrder(OrderResult, frozen=True, kw_only=True):
    """DELETE order. `clientOrderId` is that of the cancel."""

    orig_client_order_id: str


class QueriedOrder(OrderFields, frozen=True, kw_only=True):
    """GET order, openOrders, allOrders."""

    symbol: str
    order_id: int
    order_list_id: int
    client_order_id: str
    time: int
    update_time: int
    is_working: bool


class TradeRow(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """GET myTrades: one trade as one of the account's orders sees it."""

    symbol: str
    id: int
    order_id: int
    order_list_id: int
    price: DecimalText
    qty: DecimalText
    quote_qty: DecimalText
    commission: DecimalText
    commission_asset: str
    time: int
    is_buyer: bool
    is_maker: bool
    is_best_match: bool = True


class AmendedOrder(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An order after its quantity was taken down."""

    symbol: str
    order_id: int
    order_list_id: int
    orig_client_order_id: str
    client_order_id: str
    price: DecimalText
    qty: DecimalText
    executed_qty: DecimalText
    prevented_qty: DecimalText
    quote_order_qty: DecimalText
    cumulative_quote_qty: DecimalText
    status: StatusWord
    time_in_force: TimeInForceWord
    type: OrderWord
    side: SideWord
    working_time: int
    self_trade_prevention_mode: PreventionWord


class AmendedAnswer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """PUT order/amend/keepPriority."""

    transact_time: int
    execution_id: int
    amended_order: AmendedOrder


def list_id_of(state: State) -> int:
    """The orderListId of an order: the id of the entry of its pair."""
    return entry_of(state.order_id) if is_of_pair(state.terms) else NO_LIST


def name_of(state: State) -> str:
    """Its client order id, the trader's or ours."""
    return client_order_id(state.order_id, state.given_name)


def ack_view(state: State, name: str, transact_ns: int) -> OrderAck:
    """That an order was taken, and no more. `name` is its symbol's on that wire."""
    return OrderAck(
        symbol=name,
        order_id=state.order_id,
        order_list_id=list_id_of(state),
        client_order_id=name_of(state),
        transact_time=milliseconds(transact_ns),
    )


def result_view(
    state: State, instrument: Instrument, name: str, transact_ns: int, quote_quantity: int = 0
) -> OrderResult:
    """What became of an order. `quote_quantity`: what it asked for in minor units of the quote asset."""
    return OrderResult(**_ids(state, name, transact_ns), **_fields(state, instrument, quote_quantity))


def full_view(
    state: State, instrument: Instrument, name: str, transact_ns: int, quote_quantity: int, fills: list[OrderFill]
) -> OrderFull:
    """The same with its fills."""
    return OrderFull(fills=fills, **_ids(state, name, transact_ns), **_fields(state, instrument, quote_quantity))


def cancelled_view(state: State, instrument: Instrument, name: str, ts_ns: int, cancel_name: str) -> CancelledOrder:
    """An order that was cancelled; `cancel_name` is the client order id of the cancel."""
    ids = _ids(state, name, ts_ns)
    ids["client_order_id"] = cancel_name
    return CancelledOrder(orig_client_order_id=name_of(state), **ids, **_fields(state, instrument, 0))


def queried_view(state: State, instrument: Instrument, name: str) -> QueriedOrder:
    """An order as its owner looks it up."""
    zero = {"stop_price": price_text(instrument, 0), "iceberg_qty": quantity_text(instrument, 0)}
    return QueriedOrder(
        symbol=name,
        order_id=state.order_id,
        order_list_id=list_id_of(state),
        client_order_id=name_of(state),
        time=milliseconds(state.entered_ns),
        update_time=milliseconds(state.updated_ns),
        is_working=not state.waiting,
        **(zero | _fields(state, instrument, 0)),
    )


def amended_view(state: State, instrument: Instrument, name: str) -> AmendedOrder:
    """An order after its quantity was taken down."""
    return AmendedOrder(
        symbol=name,
        order_id=state.order_id,
        order_list_id=list_id_of(state),
        orig_client_order_id=name_of(state),
        client_order_id=name_of(state),
        price=price_text(instrument, state.price or 0),
        qty=quantity_text(instrument, state.quantity),
        executed_qty=quantity_text(instrument, state.cum),
        prevented_qty=quantity_text(instrument, 0),
        quote_order_qty=amount_text(instrument, 0),
        cumulative_quote_qty=amount_text(instrument, state.quote_cum),
        status=status_word(state.status, state.reason),
        time_in_force=time_word(state.time_in_force, state.order_type),
        type=type_word(state.order_type, state.terms),
        side=SIDE_WORDS[state.side],
        working_time=_working_time(state),
        self_trade_prevention_mode=PREVENTION_WORDS[state.prevention],
    )


def fill_view(price: int, quantity: int, fee: int, trade_id: int, instrument: Instrument) -> OrderFill:
    """One trade of an order; the fee is in the quote asset."""
    return OrderFill(
        price=price_text(instrument, price),
        qty=quantity_text(instrument, quantity),
        commission=amount_text(instrument, fee),
        commission_asset=instrument.quote,
        trade_id=trade_id,
    )


def trade_rows(
    trade: Trade, account: AccountId, instrument: Instrument, name: str, list_id: Callable[[OrderId], int]
) -> list[TradeRow]:
    """A trade for an account: a row for each of its orders in it."""
    rows = []
    for order_id, owner, maker, fee in (
        (trade.taker_order_id, trade.taker_account, False, trade.taker_fee),
        (trade.maker_order_id, trade.maker_account, True, trade.maker_fee),
    ):
        if owner != account:
            continue
        rows.append(
            TradeRow(
                symbol=name,
                id=trade.trade_id,
                order_id=order_id,
                order_list_id=list_id(order_id),
                price=price_text(instrument, trade.price),
                qty=quantity_text(instrument, trade.quantity),
                quote_qty=amount_text(instrument, trade.notional),
                commission=amount_text(instrument, fee),
                commission_asset=instrument.quote,
                time=milliseconds(trade.ts_ns),
                is_buyer=(trade.taker_side is Side.BUY) is not maker,
                is_maker=maker,
            )
        )
    return rows


def _ids(state: State, name: str, transact_ns: int) -> dict[str, Any]:
    return {
        "symbol": name,
        "order_id": state.order_id,
        "order_list_id": list_id_of(state),
        "client_order_id": name_of(state),
        "transact_time": milliseconds(transact_ns),
    }


def _fields(state: State, instrument: Instrument, quote_quantity: int) -> dict[str, Any]:
    """The fields of `OrderFields`."""
    fields: dict[str, Any] = {
        "price": price_text(instrument, state.price or 0),
        "orig_qty": quantity_text(instrument, state.quantity),
        "executed_qty": quantity_text(instrument, state.cum),
        "orig_quote_order_qty": amount_text(instrument, quote_quantity),
        "cumulative_quote_qty": amount_text(instrument, state.quote_cum),
        "status": status_word(state.status, state.reason),
        "time_in_force": time_word(state.time_in_force, state.order_type),
        "type": type_word(state.order_type, state.terms),
        "side": SIDE_WORDS[state.side],
        "working_time": _working_time(state),
        "self_trade_prevention_mode": PREVENTION_WORDS[state.prevention],
    }
    terms = state.terms or NO_TERMS
    if terms.stop_price is not None:
        fields["stop_price"] = price_text(instrument, terms.stop_price)
    if terms.trail_percent is not None:
        fields["trailing_delta"] = terms.trail_percent // BIP
    if terms.display_quantity is not None:
        fields["iceberg_qty"] = quantity_text(instrument, terms.display_quantity)
    return fields


def _working_time(state: State) -> int:
    """Since when it works, as far as is known: what ended without a trade is taken never to have been triggered."""
    never = state.waiting or (state.order_type in TRIGGERED and state.ended and not state.cum)
    return NOT_WORKING if never else milliseconds(state.entered_ns)
