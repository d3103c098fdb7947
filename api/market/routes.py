"""REST market data: what everybody may see, no credentials needed.

Layer: api.
"""

from __future__ import annotations

import time

from flask import Blueprint, Response

from api.orders import views as answers

from api.orders import requests as wire
from api.market.activity import TickerView
from api.market.book_views import BookOrdersView, BookView, book_orders_view, book_view
from api.orders.service import Desk
from api.http.documented import Access, documented
from api.json.errors import rejected
from api.feed.feed import Feed
from api.market.venue_views import (
    HealthView,
    QuoteView,
    StatisticsView,
    SymbolStatistics,
    SymbolsView,
    TickersView,
    TradesPage,
    health_view,
    quote_view,
    statistics_view,
    symbol_statistics_view,
    symbols_view,
)
from api.market.requests import QueueQuery, price_of
from api.http.responses import answer, query
from api.market.status_views import StatusDesk, StatusView
from api.venue import Venue
from engine.book import OrderBook
from engine.rejects import RejectReason
from engine.types import Lots


def blueprint(venue: Venue, desk: Desk, feed: Feed, status: StatusDesk) -> Blueprint:
    """The routes of market data."""
    routes = Blueprint("market", __name__)
    exchange = venue.exchange

    def book_of(symbol: str) -> OrderBook:
        book = exchange.book(symbol)
        if book is None:
            raise rejected(RejectReason.UNKNOWN_SYMBOL, None, symbol=symbol)
        return book

    @routes.get("/health")
    @documented(Access.PUBLIC, HealthView, query=wire.HealthQuery)
    def health() -> Response:
        """Whether the exchange is up and takes orders. `digest=true` adds the state digest, O(open orders)."""
        return answer(health_view(venue, feed.connections, feed.flows(), digest=query(wire.HealthQuery).digest))

    @routes.get("/symbols")
    @documented(Access.PUBLIC, SymbolsView)
    def symbols() -> Response:
        """Every listed symbol with its steps, limits, fees and best prices."""
        return answer(symbols_view(venue, status))

    @routes.get("/status/<symbol>")
    @documented(Access.PUBLIC, StatusView, errors=(404,))
    def status_of(symbol: str) -> Response:
        """Where a symbol stands: status, limit state, band, what comes next, and what an auction would do now."""
        return answer(status.view(book_of(symbol), exchange.seq, time.time_ns()))

    @routes.get("/book/<symbol>")
    @documented(Access.PUBLIC, BookView, query=wire.BookQuery, errors=(404,))
    def book(symbol: str) -> Response:
        """Depth by price: `levels` 1 to 1000, or `all`."""
        levels = query(wire.BookQuery).levels
        return answer(book_view(book_of(symbol), None if levels == "all" else levels, time.time_ns()))

    @routes.get("/book/<symbol>/orders")
    @documented(Access.PUBLIC, BookOrdersView, query=QueueQuery, errors=(404, 422))
    def book_orders(symbol: str) -> Response:
        """Depth by order, in the order they would trade, without owners; with `price` of that level alone."""
        book, wanted = book_of(symbol), query(QueueQuery)
        price = None if wanted.price is None else price_of(wanted.price, book.instrument)
        if isinstance(price, str):
            raise rejected(RejectReason.BAD_TICK, book.instrument, symbol=symbol)
        return answer(book_orders_view(book, wanted.limit, time.time_ns(), price=price))

    @routes.get("/bbo/<symbol>")
    @documented(Access.PUBLIC, answers.BboView, errors=(404,))
    def best_bid_and_offer(symbol: str) -> Response:
        """The best bid and offer."""
        return answer(answers.bbo_view(book_of(symbol), exchange.seq, time.time_ns()))

    @routes.get("/quote/<symbol>")
    @documented(Access.PUBLIC, QuoteView, query=wire.QuoteQuery, errors=(404, 422))
    def quote(symbol: str) -> Response:
        """What a quantity would cost, or earn, now; `trades_now` is false while the symbol does not trade."""
        book, wanted = book_of(symbol), query(wire.QuoteQuery)
        lots = wire.quantity_of(wanted.quantity, book.instrument)
        if isinstance(lots, str):
            raise rejected(RejectReason.BAD_LOT, book.instrument, symbol=symbol)
        return answer(quote_view(book, wanted.side, Lots(lots), exchange.seq, time.time_ns()))

    @routes.get("/trades/<symbol>")
    @documented(Access.PUBLIC, TradesPage, query=wire.TradesQuery, errors=(404, 503))
    def trades(symbol: str) -> Response:
        """Recent trades, newest first; `before` a trade id pages back."""
        page = desk.trades(symbol, query(wire.TradesQuery))
        return answer(TradesPage(symbol, page, len(page), exchange.seq))

    @routes.get("/ticker")
    @documented(Access.PUBLIC, TickersView)
    def tickers() -> Response:
        """The last 24 hours of every symbol."""
        now = time.time_ns()
        return answer(TickersView([venue.activity.ticker(book, now) for book in exchange.books.values()]))

    @routes.get("/ticker/<symbol>")
    @documented(Access.PUBLIC, TickerView, errors=(404,))
    def ticker(symbol: str) -> Response:
        """The last 24 hours of one symbol."""
        return answer(venue.activity.ticker(book_of(symbol), time.time_ns()))

    @routes.get("/statistics")
    @documented(Access.PUBLIC, (StatisticsView, SymbolStatistics), query=wire.SymbolQuery, errors=(404,))
    def statistics() -> Response:
        """What the exchange has done and how fast, of one symbol when given."""
        symbol = query(wire.SymbolQuery).symbol
        if symbol is not None:
            return answer(symbol_statistics_view(venue, book_of(symbol)))
        return answer(statistics_view(venue))

    return routes
