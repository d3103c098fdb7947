"""REST market data: what everybody may see, no credentials needed.

Layer: api.
"""

from __future__ import annotations

import time
from typing import Any

from flask import Blueprint, Response

from api import answers, wire
from api.desk import Desk
from api.errors import percent, rejected
from api.feed import Feed
from api.grid import grid_of
from api.responses import answer, query
from api.venue import VERSION, Venue
from engine.book import OrderBook
from engine.digest import state_digest
from engine.rejects import RejectReason
from engine.types import Lots


def blueprint(venue: Venue, desk: Desk, feed: Feed) -> Blueprint:
    """The routes of market data."""
    routes = Blueprint("market", __name__)
    exchange = venue.exchange

    def book_of(symbol: str) -> OrderBook:
        book = exchange.book(symbol)
        if book is None:
            raise rejected(RejectReason.UNKNOWN_SYMBOL, None, symbol=symbol)
        return book

    @routes.get("/health")
    def health() -> Response:
        """Whether the exchange is up and takes orders. `digest=true` adds the state digest, O(open orders)."""
        return answer(health_view(venue, feed, digest=query(wire.HealthQuery).digest))

    @routes.get("/symbols")
    def symbols() -> Response:
        """Every listed symbol with its steps, limits, fees and best prices."""
        info = {symbol: _symbol_info(venue, book) for symbol, book in exchange.books.items()}
        return answer({"symbols": list(info), "symbol_info": info, "count": len(info), "seq": exchange.seq})

    @routes.get("/book/<symbol>")
    def book(symbol: str) -> Response:
        """Depth by price: `levels` 1 to 1000, or `all`."""
        levels = query(wire.BookQuery).levels
        return answer(answers.book_view(book_of(symbol), None if levels == "all" else levels, time.time_ns()))

    @routes.get("/book/<symbol>/orders")
    def book_orders(symbol: str) -> Response:
        """Depth by order, in the order they would trade, without owners."""
        return answer(answers.book_orders_view(book_of(symbol), query(wire.BookOrdersQuery).limit, time.time_ns()))

    @routes.get("/bbo/<symbol>")
    def best_bid_and_offer(symbol: str) -> Response:
        """The best bid and offer."""
        return answer(answers.bbo_view(book_of(symbol), exchange.seq, time.time_ns()))

    @routes.get("/quote/<symbol>")
    def quote(symbol: str) -> Response:
        """What a quantity would cost, or earn, now."""
        book, wanted = book_of(symbol), query(wire.QuoteQuery)
        lots = wire.quantity_of(wanted.quantity, book.instrument)
        if isinstance(lots, str):
            raise rejected(RejectReason.BAD_LOT, book.instrument, symbol=symbol)
        return answer(answers.quote_view(book, wanted.side, Lots(lots), exchange.seq, time.time_ns()))

    @routes.get("/trades/<symbol>")
    def trades(symbol: str) -> Response:
        """Recent trades, newest first; `before` a trade id pages back."""
        page = desk.trades(symbol, query(wire.TradesQuery))
        return answer({"symbol": symbol, "trades": page, "count": len(page), "seq": exchange.seq})

    @routes.get("/ticker")
    def tickers() -> Response:
        """24 hours of every symbol."""
        now = time.time_ns()
        return answer({"tickers": [venue.activity.ticker(book, now) for book in exchange.books.values()]})

    @routes.get("/ticker/<symbol>")
    def ticker(symbol: str) -> Response:
        """24 hours of one symbol."""
        return answer(venue.activity.ticker(book_of(symbol), time.time_ns()))

    @routes.get("/statistics")
    def statistics() -> Response:
        """What the exchange has done and how fast, of one symbol when given."""
        symbol = query(wire.SymbolQuery).symbol
        if symbol is not None:
            return answer(_symbol_statistics(venue, book_of(symbol)))
        return answer(_statistics(venue))

    return routes


def health_view(venue: Venue, feed: Feed, *, digest: bool = False) -> dict[str, Any]:
    """GET /health."""
    refusal = venue.sequencer.refusal
    view: dict[str, Any] = {
        "status": "healthy" if refusal is None else "not_accepting",
        "accepting": refusal is None,
        "reason": refusal,
        "timestamp": time.time(),
        "uptime": venue.uptime_s,
        "version": VERSION,
        "profile": venue.settings.profile,
        "connections": feed.connections,
        "flows": feed.flows(),
        "seq": venue.exchange.seq,
    }
    if digest:
        view["digest"] = state_digest(venue.exchange)
    return view


def _symbol_info(venue: Venue, book: OrderBook) -> dict[str, Any]:
    instrument, grid = book.instrument, grid_of(book.instrument)
    return {
        "bbo": answers.bbo_view(book, venue.exchange.seq, venue.exchange.ts_ns),
        "active_orders": len(book.orders),
        "total_trades": book.trade_count,
        "base": instrument.base,
        "quote": instrument.quote,
        "quote_scale": instrument.quote_scale,
        "tick_size": instrument.tick_size,
        "lot_size": instrument.lot_size,
        "status": book.status,
        "limits": {
            "min_quantity": grid.quantity(instrument.min_quantity),
            "max_quantity": grid.quantity(instrument.max_quantity),
            "min_notional": grid.amount(instrument.min_notional),
            "max_notional": grid.amount(instrument.max_notional),
            "collar_percent": None if instrument.collar is None else percent(instrument.collar),
            "max_open_orders": instrument.max_open_orders,
        },
        "fees": {
            "maker_percent": percent(instrument.maker_fee),
            "taker_percent": percent(instrument.taker_fee),
        },
    }


def _statistics(venue: Venue) -> dict[str, Any]:
    activity, exchange, writer = venue.activity, venue.exchange, venue.history_writer
    return {
        "orders_processed": activity.orders,
        "trades_executed": activity.trades,
        "total_volume": {
            symbol: grid_of(book.instrument).quantity(activity.of(symbol).lots)
            for symbol, book in exchange.books.items()
        },
        "orders_per_second": activity.orders_per_second(time.time_ns()),
        "latency_ms": activity.latency_ms(),
        "uptime_seconds": venue.uptime_s,
        "symbols_count": len(exchange.books),
        "active_orders": len(exchange.orders),
        "error_counts": dict(activity.rejects),
        "history_lag": writer.lag(exchange.seq),
        "history_failure": writer.failure,
        "seq": exchange.seq,
    }


def _symbol_statistics(venue: Venue, book: OrderBook) -> dict[str, Any]:
    symbol, grid = book.instrument.symbol, grid_of(book.instrument)
    activity = venue.activity.of(symbol)
    return {
        "symbol": symbol,
        "orders_processed": activity.orders,
        "trades_executed": book.trade_count,
        "total_volume": grid.quantity(activity.lots),
        "total_value": grid.amount(activity.notional),
        "active_orders": len(book.orders),
        "bid_levels": len(book.bids.levels),
        "ask_levels": len(book.asks.levels),
        "uptime_seconds": venue.uptime_s,
        "seq": venue.exchange.seq,
    }
