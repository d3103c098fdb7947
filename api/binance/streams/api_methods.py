"""The methods of the ws-api: who may call each, and the function of REST that answers it.

Layer: api.binance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec

from api.auth.principals import Principal
from api.binance.market_info import exchange_info
from api.binance.market_klines import kline_row
from api.binance.market_requests import (
    MAX_DEPTH,
    AggTradesQuery,
    AveragePriceQuery,
    DayTickerQuery,
    DepthQuery,
    ExchangeInfoQuery,
    HistoricalTradesQuery,
    KlinesQuery,
    PublicTradesQuery,
    TickerNamesQuery,
    TradingDayQuery,
    WindowTickerQuery,
    calendar_of,
    rows_of,
    span_of,
)
from api.binance.market_routes import PublicMarket, ServerTime, depth_view
from api.binance.market_tickers import (
    average_price,
    book_ticker,
    price_ticker,
)
from api.binance.market_trades import aggregate_view, public_trade
from api.binance.numbers import milliseconds
from api.binance.requests import read
from api.http.limits import FIGURES_A_UNIT, LEVELS_A_UNIT, ROWS_A_UNIT, SYMBOLS_A_UNIT, TICKERS_A_UNIT
from api.http.processing import Processing
from engine.book import OrderBook
from loop.turns import in_turns

T = TypeVar("T")

Parameters = Mapping[str, str]


class ApiCall(NamedTuple):
    """One request, as its method is given it."""

    params: Parameters
    principal: Principal | None  # of a method that asks for one
    processing: Processing
    charge: Callable[[int], None]  # counts units for the caller; raises ApiError 429

    def read(self, kind: type[T]) -> T:
        """The parameters as a struct. Raises BinanceError."""
        return read(self.params, kind)


Handler = Callable[[ApiCall], Any]


class MarketMethods:
    """Those that everybody may call."""

    def __init__(self, market: PublicMarket) -> None:
        self._market = market

    def table(self) -> dict[str, Handler]:
        """By name."""
        return {
            "ping": lambda _: {},
            "time": lambda _: ServerTime(self._now_ms()),
            "exchangeInfo": self._info,
            "depth": self._depth,
            "trades.recent": self._trades,
            "trades.historical": self._historical,
            "trades.aggregate": self._aggregates,
            "klines": self._klines,
            "uiKlines": self._klines,
            "avgPrice": self._average,
            "ticker": self._rolling,
            "ticker.24hr": self._day,
            "ticker.tradingDay": self._trading_day,
            "ticker.price": self._prices,
            "ticker.book": self._best,
        }

    def _now_ms(self) -> int:
        return milliseconds(self._market.clock())

    def _info(self, call: ApiCall) -> Any:
        wanted = call.read(ExchangeInfoQuery)
        books = self._books(wanted.symbol, wanted.symbols)
        call.charge(len(books) // SYMBOLS_A_UNIT)
        return exchange_info(books, self._market.rate_limits, self._now_ms())

    def _depth(self, call: ApiCall) -> Any:
        wanted = call.read(DepthQuery)
        book, levels = self._market.symbols.book(wanted.symbol), rows_of(wanted.limit, MAX_DEPTH)
        call.charge((min(levels, len(book.bids.levels)) + min(levels, len(book.asks.levels))) // LEVELS_A_UNIT)
        return depth_view(book, levels, self._market.reader)

    def _trades(self, call: ApiCall) -> Any:
        wanted = call.read(PublicTradesQuery)
        return self._public(call, wanted.symbol, wanted.limit, None)

    def _historical(self, call: ApiCall) -> Any:
        wanted = call.read(HistoricalTradesQuery)
        return self._public(call, wanted.symbol, wanted.limit, wanted.from_id)

    def _public(self, call: ApiCall, name: str, limit: int, from_id: int | None) -> Any:
        book, rows = self._market.symbols.book(name), rows_of(limit)
        call.charge(rows // ROWS_A_UNIT)
        tape, symbol = self._market.tape, book.instrument.symbol
        found = tape.newest(symbol, rows) if from_id is None else tape.since(symbol, from_id, rows)
        return [public_trade(trade, book.instrument) for trade in in_turns(found)]

    def _aggregates(self, call: ApiCall) -> Any:
        wanted = call.read(AggTradesQuery)
        book, rows = self._market.symbols.book(wanted.symbol), rows_of(wanted.limit)
        span = span_of(wanted)
        call.charge(rows // ROWS_A_UNIT)
        found = self._market.tape.aggregates(book.instrument.symbol, rows, span)
        return [aggregate_view(each, book.instrument) for each in in_turns(found)]

    def _klines(self, call: ApiCall) -> Any:
        wanted = call.read(KlinesQuery)
        instrument, rows = self._market.symbols.instrument(wanted.symbol), rows_of(wanted.limit)
        calendar, now = calendar_of(wanted), self._market.clock() // 10**9
        call.charge(rows // ROWS_A_UNIT)
        found = self._market.klines.candles(instrument.symbol, calendar, wanted.start_time, wanted.end_time, rows, now)
        return [kline_row(candle, instrument, calendar) for candle in in_turns(found)]

    def _average(self, call: ApiCall) -> Any:
        market = self._market
        return average_price(market.activity, market.symbols.book(call.read(AveragePriceQuery).symbol), market.clock())

    def _day(self, call: ApiCall) -> Any:
        wanted = call.read(DayTickerQuery)
        return self._every(call, wanted, TICKERS_A_UNIT, self._market.day_view(wanted))

    def _rolling(self, call: ApiCall) -> Any:
        wanted = call.read(WindowTickerQuery)
        return self._every(call, wanted, TICKERS_A_UNIT, self._market.rolling_view(wanted))

    def _trading_day(self, call: ApiCall) -> Any:
        wanted = call.read(TradingDayQuery)
        return self._every(call, wanted, TICKERS_A_UNIT, self._market.trading_day_view(wanted))

    def _prices(self, call: ApiCall) -> Any:
        return self._every(call, call.read(TickerNamesQuery), FIGURES_A_UNIT, price_ticker)

    def _best(self, call: ApiCall) -> Any:
        return self._every(call, call.read(TickerNamesQuery), FIGURES_A_UNIT, book_ticker)

    def _every(
        self,
        call: ApiCall,
        wanted: TickerNamesQuery,
        items_a_unit: int,
        view: Callable[[str, OrderBook], msgspec.Struct],
    ) -> Any:
        """One view where one symbol is asked for, else a list of them."""
        books = self._books(wanted.symbol, wanted.symbols)
        call.charge(len(books) // items_a_unit)
        if wanted.symbol is not None:
            return view(*books[0])
        return [view(name, book) for name, book in in_turns(books, 1)]

    def _books(self, symbol: str | None, symbols: str | None) -> list[tuple[str, OrderBook]]:
        listed = self._market.listed(symbol, symbols)
        return list(self._market.symbols.names()) if listed is None else listed
