"""REST market data: what everybody may see, no credentials needed.

Layer: api.market.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response

from api.http.documented import Access, documented
from api.http.limits import (
    DIGEST_UNITS,
    FIGURES_A_UNIT,
    LEVELS_A_UNIT,
    ORDERS_A_UNIT,
    QUOTED_A_UNIT,
    ROWS_A_UNIT,
    SYMBOLS_A_UNIT,
    TICKERS_A_UNIT,
    charge,
    charge_read,
)
from api.http.long_reads import LongReads
from api.http.responses import answer, long_answer, query
from api.json.errors import ApiError, rejected
from api.json.requests import SymbolQuery
from api.json.units import quantity_of
from api.market.book_reader import BookReader
from api.market.book_views import BookOrdersView, BookView, book_orders_view, book_view
from api.market.health import HealthService
from api.market.requests import BookQuery, HealthQuery, QueueQuery, QuoteQuery, TradesQuery, price_of
from api.market.service import MarketService
from api.market.status_views import StatusService, StatusView
from api.market.ticker_views import TickerView
from api.market.venue_views import HealthView, StatisticsView, SymbolStatistics, SymbolsView, TickersView, symbols_view
from api.market.views import BboView, QuoteView, TradesPage, bbo_view, quote_view
from engine.exchange import Exchange
from engine.rejects import RejectReason
from engine.types import Lots, Side
from loop.turns import in_turns


def blueprint(
    market: MarketService,
    exchange: Exchange,
    statuses: StatusService,
    venue: HealthService,
    reader: BookReader,
    require_operator: Callable[[], object],
    clock: Callable[[], int],
) -> Blueprint:
    """The routes of market data. `require_operator` raises ApiError for who may not ask for a digest.

    `clock` gives the venue's time in epoch nanoseconds.
    """
    long_reads = LongReads()
    routes = Blueprint("market", __name__)

    def asked_by_operator() -> bool:
        try:
            require_operator()
        except ApiError:
            return False
        return True

    @routes.get("/health")
    @documented(Access.PUBLIC, HealthView, query=HealthQuery)
    def health() -> Response:
        """Whether the exchange is up and takes orders.

        `digest=true` adds the state digest, for operators, and in a sandbox for who asks from its own machine. The
        processes of front doors are said to the same.
        """
        digest = query(HealthQuery).digest
        if digest:
            require_operator()
            charge(DIGEST_UNITS)
        return answer(venue.health(digest=digest, says_processes=asked_by_operator))

    @routes.get("/symbols")
    @documented(Access.PUBLIC, SymbolsView)
    def symbols() -> Response:
        """Every listed symbol with its steps, limits, fees and best prices."""
        charge_read(len(exchange.books), SYMBOLS_A_UNIT)
        return long_answer(symbols_view(exchange, statuses))

    @routes.get("/status/<symbol>")
    @documented(Access.PUBLIC, StatusView, errors=(404,))
    def status_of(symbol: str) -> Response:
        """Where a symbol stands: status, limit state, band, what comes next, and what an auction would do now."""
        return answer(statuses.view(market.book(symbol), exchange.seq, clock()))

    @routes.get("/book/<symbol>")
    @documented(Access.PUBLIC, BookView, query=BookQuery, errors=(404,))
    def book(symbol: str) -> Response:
        """Depth by price: `levels` 1 to 1000, or `all`."""
        levels, book = query(BookQuery).levels, market.book(symbol)
        if levels != "all":
            return long_answer(book_view(book, levels, reader, clock))
        charge_read(len(book.bids.levels) + len(book.asks.levels), LEVELS_A_UNIT)
        with long_reads():
            return long_answer(book_view(book, None, reader, clock))

    @routes.get("/book/<symbol>/orders")
    @documented(Access.PUBLIC, BookOrdersView, query=QueueQuery, errors=(404, 422))
    def book_orders(symbol: str) -> Response:
        """Depth by order, in the order they would trade, without owners; with `price` of that level alone."""
        book, wanted = market.book(symbol), query(QueueQuery)
        price = None if wanted.price is None else price_of(wanted.price, book.instrument)
        if isinstance(price, str):
            raise rejected(RejectReason.BAD_TICK, book.instrument, symbol=symbol)
        charge_read(min(2 * wanted.limit, len(book.orders)), ORDERS_A_UNIT)  # of each side as many
        with long_reads():
            return long_answer(book_orders_view(book, wanted.limit, reader, clock, price=price))

    @routes.get("/bbo/<symbol>")
    @documented(Access.PUBLIC, BboView, errors=(404,))
    def best_bid_and_offer(symbol: str) -> Response:
        """The best bid and offer."""
        return answer(bbo_view(market.book(symbol), exchange.seq, clock()))

    @routes.get("/quote/<symbol>")
    @documented(Access.PUBLIC, QuoteView, query=QuoteQuery, errors=(404, 422))
    def quote(symbol: str) -> Response:
        """What a quantity would cost, or earn, now; `trades_now` is false while the symbol does not trade."""
        book, wanted = market.book(symbol), query(QuoteQuery)
        lots = quantity_of(wanted.quantity, book.instrument)
        if isinstance(lots, str):
            raise rejected(RejectReason.BAD_LOT, book.instrument, symbol=symbol)
        levels = reader.reaching(book, Side.SELL if wanted.side is Side.BUY else Side.BUY, Lots(lots))
        charge_read(len(levels), QUOTED_A_UNIT)
        return answer(quote_view(book, wanted.side, Lots(lots), levels, exchange.seq, clock()))

    @routes.get("/trades/<symbol>")
    @documented(Access.PUBLIC, TradesPage, query=TradesQuery, errors=(404, 503))
    def trades(symbol: str) -> Response:
        """Recent trades, newest first; `before` a trade id pages back."""
        wanted = query(TradesQuery)
        charge_read(wanted.limit, ROWS_A_UNIT)
        page = market.trades(symbol, wanted)
        return long_answer(TradesPage(symbol, page, len(page), exchange.seq))

    _add_figures(routes, market, exchange, venue, clock)
    return routes


def _add_figures(
    routes: Blueprint, market: MarketService, exchange: Exchange, venue: HealthService, clock: Callable[[], int]
) -> None:
    """Add the routes of tickers and statistics."""

    @routes.get("/ticker")
    @documented(Access.PUBLIC, TickersView)
    def tickers() -> Response:
        """The last 24 hours of every symbol."""
        now = clock()
        charge_read(len(exchange.books), TICKERS_A_UNIT)
        return long_answer(
            TickersView([market.ticker(book, now) for book in in_turns(list(exchange.books.values()), 1)])
        )

    @routes.get("/ticker/<symbol>")
    @documented(Access.PUBLIC, TickerView, errors=(404,))
    def ticker(symbol: str) -> Response:
        """The last 24 hours of one symbol."""
        return answer(market.ticker(market.book(symbol), clock()))

    @routes.get("/statistics")
    @documented(Access.PUBLIC, (StatisticsView, SymbolStatistics), query=SymbolQuery, errors=(404,))
    def statistics() -> Response:
        """What the exchange has done and how fast, of one symbol when given."""
        symbol = query(SymbolQuery).symbol
        if symbol is not None:
            return answer(venue.symbol_statistics(market.book(symbol)))
        charge_read(len(exchange.books), FIGURES_A_UNIT)
        return long_answer(venue.statistics())
