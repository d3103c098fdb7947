"""What is listed, as `exchangeInfo` says it.

Layer: api.binance.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, get_args

import msgspec

from api.binance.filters import AnyFilter, filters_of
from api.binance.statuses import OrderWord, PreventionWord
from engine.book import OrderBook
from engine.types import TradingStatus
from loop.turns import in_turns

SymbolStatus = Literal["TRADING", "HALT", "BREAK"]

STATUSES: Final[dict[TradingStatus, SymbolStatus]] = {
    TradingStatus.TRADING: "TRADING",
    TradingStatus.HALTED: "HALT",
    TradingStatus.CLOSED: "BREAK",
    TradingStatus.PRE_OPEN: "BREAK",  # orders are taken, nothing trades yet
    TradingStatus.AUCTION: "BREAK",
}
SPOT: Final = "SPOT"


class RateLimit(msgspec.Struct, frozen=True, rename="camel"):
    """How much one client may ask for."""

    rate_limit_type: Literal["REQUEST_WEIGHT", "ORDERS", "RAW_REQUESTS"]
    interval: Literal["SECOND", "MINUTE", "DAY"]
    interval_num: int
    limit: int


class SpotSymbol(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One listed symbol."""

    symbol: str
    status: SymbolStatus
    base_asset: str
    base_asset_precision: int
    quote_asset: str
    quote_precision: int
    quote_asset_precision: int
    base_commission_precision: int
    quote_commission_precision: int
    order_types: tuple[OrderWord, ...] = get_args(OrderWord)
    iceberg_allowed: bool = True
    oco_allowed: bool = True
    oto_allowed: bool = False
    quote_order_qty_market_allowed: bool = True
    allow_trailing_stop: bool = True
    cancel_replace_allowed: bool = True
    amend_allowed: bool = True
    peg_instructions_allowed: bool = False
    is_spot_trading_allowed: bool = True
    is_margin_trading_allowed: bool = False
    filters: list[AnyFilter]
    permissions: tuple[str, ...] = (SPOT,)
    permission_sets: tuple[tuple[str, ...], ...] = ((SPOT,),)
    default_self_trade_prevention_mode: PreventionWord = "EXPIRE_TAKER"
    allowed_self_trade_prevention_modes: tuple[PreventionWord, ...] = get_args(PreventionWord)


class ExchangeInfo(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """GET /api/v3/exchangeInfo."""

    timezone: Literal["UTC"] = "UTC"
    server_time: int
    rate_limits: list[RateLimit]
    exchange_filters: list[AnyFilter] = []
    symbols: list[SpotSymbol]


def symbol_info(name: str, book: OrderBook) -> SpotSymbol:
    """One symbol as it is listed, and where it is now."""
    instrument = book.instrument
    return SpotSymbol(
        symbol=name,
        status=STATUSES[book.status],
        base_asset=instrument.base,
        base_asset_precision=instrument.base_scale,
        quote_asset=instrument.quote,
        quote_precision=instrument.quote_scale,
        quote_asset_precision=instrument.quote_scale,
        base_commission_precision=instrument.base_scale,
        quote_commission_precision=instrument.quote_scale,
        filters=filters_of(instrument),
    )


def exchange_info(
    found: Iterable[tuple[str, OrderBook]], rate_limits: list[RateLimit], server_time: int
) -> ExchangeInfo:
    """These symbols, each as it is when it is written. O(symbols). Cooperative."""
    symbols = [symbol_info(name, book) for name, book in in_turns(found)]
    return ExchangeInfo(server_time=server_time, rate_limits=rate_limits, symbols=symbols)
