"""REST of the second wire's market data: what everybody may see, no credentials needed.

Layer: api.binance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, TypeVar

import msgspec
from flask import Blueprint, Response

from api.binance.errors import BinanceError, missing
from api.binance.market_info import SPOT, STATUSES, ExchangeInfo, RateLimit, exchange_info
from api.binance.market_klines import Calendar, KlineInterval, KlineReader, KlineRow, kline_row
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
    names_of,
    offset_of,
    query,
    rows_of,
    span_of,
    window_minutes,
)
from api.binance.market_tickers import (
    AveragePrice,
    BookTicker,
    DayTicker,
    MiniTicker,
    PriceTicker,
    WindowTicker,
    average_price,
    book_ticker,
    day_begins_ns,
    day_ticker,
    mini_ticker,
    price_ticker,
    window_of,
    window_ticker,
)
from api.binance.market_trades import AggregateView, PublicTrade, TradeTape, aggregate_view, public_trade
from api.binance.numbers import milliseconds, price_text, quantity_text
from api.binance.surface import described, surface
from api.binance.symbols import SymbolTable
from api.http.documented import Access
from api.http.limits import FIGURES_A_UNIT, LEVELS_A_UNIT, ROWS_A_UNIT, SYMBOLS_A_UNIT, TICKERS_A_UNIT, charge_read
from api.http.long_reads import LongReads
from api.http.responses import answer, long_answer, long_list_answer
from api.market.book_reader import BookReader
from engine.book import OrderBook
from engine.depth import LevelView
from loop.turns import in_turns
from projections.activity import MINUTE_NS, SECOND_NS, Activity

T = TypeVar("T")

WINDOW_ANSWERS: Final = (WindowTicker, MiniTicker, list[WindowTicker], list[MiniTicker])
AT_ONCE: Final = 100  # levels of a side that are read in one turn


class Nothing(msgspec.Struct, frozen=True):
    """An empty object."""


class ServerTime(msgspec.Struct, frozen=True, rename="camel"):
    """GET time."""

    server_time: int


class Depth(msgspec.Struct, frozen=True, rename="camel"):
    """GET depth: price and quantity of each level, best first, as they are at `lastUpdateId`."""

    last_update_id: int
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]


class PublicMarket(NamedTuple):
    """What market data is read from."""

    symbols: SymbolTable
    activity: Activity
    reader: BookReader
    tape: TradeTape
    klines: KlineReader
    rate_limits: list[RateLimit]
    clock: Callable[[], int]  # the venue's time in epoch nanoseconds

    def listed(self, symbol: str | None, symbols: str | None) -> list[tuple[str, OrderBook]] | None:
        """The books that a request lists, by their names; None: it asks for all. Raises BinanceError."""
        names = names_of(symbol, symbols)
        return None if names is None else [(name, self.symbols.book(name)) for name in names]

    def every(
        self, wanted: TickerNamesQuery, items_a_unit: int, view: Callable[[str, OrderBook], msgspec.Struct]
    ) -> Response:
        """One view where one symbol is asked for, else a list of them: of those that are listed, or of all."""
        books = self.listed(wanted.symbol, wanted.symbols)
        if books is not None and wanted.symbol is not None:
            return answer(view(*books[0]))
        found = list(self.symbols.names()) if books is None else books
        charge_read(len(found), items_a_unit)
        return long_list_answer([view(name, book) for name, book in in_turns(found, 1)])

    def day_view(self, wanted: DayTickerQuery) -> Callable[[str, OrderBook], MiniTicker]:
        """What makes the ticker of the last 24 hours, in the form that is asked for."""
        now_ns = self.clock()

        def view(name: str, book: OrderBook) -> MiniTicker:
            window = window_of(self.activity, book, day_begins_ns(now_ns), now_ns)
            if wanted.type == "MINI":
                return mini_ticker(name, book, window)
            return day_ticker(name, book, window, self.activity)

        return view

    def rolling_view(self, wanted: WindowTickerQuery) -> Callable[[str, OrderBook], MiniTicker]:
        """What makes the ticker of the last minutes or hours, at most a day. Raises BinanceError."""
        now_ns = self.clock()
        return self._window_view(wanted, now_ns - (window_minutes(wanted.window_size) - 1) * MINUTE_NS, now_ns)

    def trading_day_view(self, wanted: TradingDayQuery) -> Callable[[str, OrderBook], MiniTicker]:
        """What makes the ticker of the day so far, in the time zone asked for. Raises BinanceError."""
        now_ns = self.clock()
        begins_ns = Calendar(KlineInterval.D1, offset_of(wanted.time_zone)).start(now_ns // SECOND_NS) * SECOND_NS
        return self._window_view(wanted, begins_ns, now_ns)

    def _window_view(
        self, wanted: DayTickerQuery, begins_ns: int, now_ns: int
    ) -> Callable[[str, OrderBook], MiniTicker]:
        """What makes the ticker since a moment within a day, of symbols that are named. Raises BinanceError."""
        if wanted.symbol is None and wanted.symbols is None:
            raise missing("symbol")

        def view(name: str, book: OrderBook) -> MiniTicker:
            window = window_of(self.activity, book, begins_ns, now_ns)
            return (mini_ticker if wanted.type == "MINI" else window_ticker)(name, book, window)

        return view


def blueprint(market: PublicMarket) -> Blueprint:
    """The routes of market data."""
    routes = surface("binance_market")
    _add_general(routes, market)
    _add_book(routes, market)
    _add_trades(routes, market)
    _add_klines(routes, market)
    _add_tickers(routes, market)
    return routes


def _add_general(routes: Blueprint, market: PublicMarket) -> None:
    @routes.get("/api/v3/ping")
    @described(Access.PUBLIC, Nothing)
    def ping() -> Response:
        """Whether the server answers."""
        return answer(Nothing())

    @routes.get("/api/v3/time")
    @described(Access.PUBLIC, ServerTime)
    def time() -> Response:
        """The venue's time, in epoch milliseconds."""
        return answer(ServerTime(milliseconds(market.clock())))

    @routes.get("/api/v3/exchangeInfo")
    @described(Access.PUBLIC, ExchangeInfo, query=ExchangeInfoQuery)
    def info() -> Response:
        """What is listed: steps, limits and status of each symbol, and the limits of requests."""
        wanted = query(ExchangeInfoQuery)
        books = market.listed(wanted.symbol, wanted.symbols)
        found: Iterable[tuple[str, OrderBook]] = list(market.symbols.names()) if books is None else books
        if wanted.symbol_status is not None:
            if wanted.symbol_status not in STATUSES.values():
                raise BinanceError(-1122, "Invalid symbolStatus.")
            found = [(name, book) for name, book in found if STATUSES[book.status] == wanted.symbol_status]
        if wanted.permissions is not None and SPOT not in wanted.permissions:
            found = []
        found = list(found)
        charge_read(len(found), SYMBOLS_A_UNIT)
        return long_answer(exchange_info(found, market.rate_limits, milliseconds(market.clock())))


def _add_book(routes: Blueprint, market: PublicMarket) -> None:
    long_reads = LongReads()

    @routes.get("/api/v3/depth")
    @described(Access.PUBLIC, Depth, query=DepthQuery, errors=(503,))
    def depth() -> Response:
        """Depth by price, at most 5000 levels a side; changes up to and with `lastUpdateId` are in it."""
        wanted = query(DepthQuery)
        book, levels = market.symbols.book(wanted.symbol), rows_of(wanted.limit, MAX_DEPTH)
        if levels <= AT_ONCE:
            return long_answer(depth_view(book, levels, market.reader))
        charge_read(min(levels, len(book.bids.levels)) + min(levels, len(book.asks.levels)), LEVELS_A_UNIT)
        with long_reads():
            return long_answer(depth_view(book, levels, market.reader))


def depth_view(book: OrderBook, levels: int, reader: BookReader) -> Depth:
    """The best levels of a book as they are at one moment. O(levels). Cooperative."""
    found, instrument = reader.best(book, levels), book.instrument

    def texts(side: list[LevelView]) -> list[tuple[str, str]]:
        return [
            (price_text(instrument, price), quantity_text(instrument, quantity))
            for price, quantity, _ in in_turns(side)
        ]

    return Depth(found.seq, texts(found.bids), texts(found.asks))


def _add_trades(routes: Blueprint, market: PublicMarket) -> None:
    @routes.get("/api/v3/trades")
    @described(Access.PUBLIC, list[PublicTrade], query=PublicTradesQuery, errors=(503,))
    def trades() -> Response:
        """The last trades, oldest first; without those of an account with itself, which are no price."""
        wanted = query(PublicTradesQuery)
        book, limit = market.symbols.book(wanted.symbol), rows_of(wanted.limit)
        charge_read(limit, ROWS_A_UNIT)
        found = market.tape.newest(book.instrument.symbol, limit)
        return long_list_answer([public_trade(trade, book.instrument) for trade in in_turns(found)])

    @routes.get("/api/v3/historicalTrades")
    @described(Access.PUBLIC, list[PublicTrade], query=HistoricalTradesQuery, errors=(503,))
    def historical_trades() -> Response:
        """The trades from `fromId` on, oldest first; the last ones without it."""
        wanted = query(HistoricalTradesQuery)
        book, limit = market.symbols.book(wanted.symbol), rows_of(wanted.limit)
        charge_read(limit, ROWS_A_UNIT)
        symbol = book.instrument.symbol
        if wanted.from_id is None:
            found = market.tape.newest(symbol, limit)
        else:
            found = market.tape.since(symbol, wanted.from_id, limit)
        return long_list_answer([public_trade(trade, book.instrument) for trade in in_turns(found)])

    @routes.get("/api/v3/aggTrades")
    @described(Access.PUBLIC, list[AggregateView], query=AggTradesQuery, errors=(503,))
    def aggregate_trades() -> Response:
        """What each taker order traded at one price at one moment, oldest first.

        From `fromId` on, which is the id of a first trade, or from `startTime` up to `endTime`; the last ones without.
        """
        wanted = query(AggTradesQuery)
        book, limit = market.symbols.book(wanted.symbol), rows_of(wanted.limit)
        span = span_of(wanted)
        charge_read(limit, ROWS_A_UNIT)
        found = market.tape.aggregates(book.instrument.symbol, limit, span)
        return long_list_answer([aggregate_view(each, book.instrument) for each in in_turns(found)])


def _add_klines(routes: Blueprint, market: PublicMarket) -> None:
    @routes.get("/api/v3/klines")
    @described(Access.PUBLIC, list[KlineRow], query=KlinesQuery, errors=(503,))
    def klines() -> Response:
        """Candles, oldest first, the running one included; quiet intervals have one without volume."""
        return _klines(market, query(KlinesQuery))

    @routes.get("/api/v3/uiKlines")
    @described(Access.PUBLIC, list[KlineRow], query=KlinesQuery, errors=(503,))
    def ui_klines() -> Response:
        """The same candles: there are no others for pages."""
        return _klines(market, query(KlinesQuery))


def _klines(market: PublicMarket, wanted: KlinesQuery) -> Response:
    instrument, limit = market.symbols.instrument(wanted.symbol), rows_of(wanted.limit)
    calendar = calendar_of(wanted)
    charge_read(limit, ROWS_A_UNIT)
    now = market.clock() // SECOND_NS
    found = market.klines.candles(instrument.symbol, calendar, wanted.start_time, wanted.end_time, limit, now)
    return long_list_answer([kline_row(candle, instrument, calendar) for candle in in_turns(found)])


def _add_tickers(routes: Blueprint, market: PublicMarket) -> None:
    activity, clock = market.activity, market.clock

    @routes.get("/api/v3/avgPrice")
    @described(Access.PUBLIC, AveragePrice, query=AveragePriceQuery)
    def average() -> Response:
        """The mean price of the last five minutes, by volume."""
        return answer(average_price(activity, market.symbols.book(query(AveragePriceQuery).symbol), clock()))

    @routes.get("/api/v3/ticker/24hr")
    @described(Access.PUBLIC, (DayTicker, MiniTicker, list[DayTicker], list[MiniTicker]), query=DayTickerQuery)
    def day() -> Response:
        """The last 24 hours of a symbol, of a list of them, or of all."""
        wanted = query(DayTickerQuery)
        return market.every(wanted, TICKERS_A_UNIT, market.day_view(wanted))

    @routes.get("/api/v3/ticker/tradingDay")
    @described(Access.PUBLIC, WINDOW_ANSWERS, query=TradingDayQuery)
    def trading_day() -> Response:
        """The day so far, in the time zone asked for, of a symbol or of a list of them."""
        wanted = query(TradingDayQuery)
        return market.every(wanted, TICKERS_A_UNIT, market.trading_day_view(wanted))

    @routes.get("/api/v3/ticker")
    @described(Access.PUBLIC, WINDOW_ANSWERS, query=WindowTickerQuery)
    def rolling() -> Response:
        """The last minutes or hours, at most a day, of a symbol or of a list of them."""
        wanted = query(WindowTickerQuery)
        return market.every(wanted, TICKERS_A_UNIT, market.rolling_view(wanted))

    @routes.get("/api/v3/ticker/price")
    @described(Access.PUBLIC, (PriceTicker, list[PriceTicker]), query=TickerNamesQuery)
    def price() -> Response:
        """The last price of a symbol, of a list of them, or of all."""
        return market.every(query(TickerNamesQuery), FIGURES_A_UNIT, price_ticker)

    @routes.get("/api/v3/ticker/bookTicker")
    @described(Access.PUBLIC, (BookTicker, list[BookTicker]), query=TickerNamesQuery)
    def best() -> Response:
        """The best bid and offer of a symbol, of a list of them, or of all."""
        return market.every(query(TickerNamesQuery), FIGURES_A_UNIT, book_ticker)
