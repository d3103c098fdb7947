"""GET /candles/{symbol}: what a chart begins with. The running candle goes on in the feed.

Layer: api.
"""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response

from api.http.documented import Access, documented
from api.json.errors import history_behind, rejected
from listings.grid import Grid, grid_of
from api.market.requests import CandlesQuery
from api.http.responses import answer, query
from listings.texts import DecimalText
from api.venue import Venue
from engine.rejects import RejectReason
from history.candles import Candle, Interval

HISTORY_PATIENCE_S = 5.0

CandleRow = tuple[int, DecimalText, DecimalText, DecimalText, DecimalText, DecimalText]


class CandlesPage(msgspec.Struct, frozen=True):
    """GET /candles/{symbol}."""

    symbol: str
    interval: Interval
    candles: list[CandleRow]
    count: int
    seq: int


class CandleView(msgspec.Struct, frozen=True):
    """One candle as the feed tells it."""

    timestamp: float
    symbol: str
    interval: Interval
    candle: CandleRow
    closed: bool  # its interval is over
    seq: int


def candle_row(candle: Candle, grid: Grid) -> CandleRow:
    """Time, open, high, low, close, volume."""
    return (
        candle.time,
        grid.price(candle.open),
        grid.price(candle.high),
        grid.price(candle.low),
        grid.price(candle.close),
        grid.quantity(candle.volume),
    )


def blueprint(venue: Venue) -> Blueprint:
    """The route of candles."""
    routes = Blueprint("candles", __name__)
    exchange, writer = venue.exchange, venue.history_writer

    @routes.get("/candles/<symbol>")
    @documented(Access.PUBLIC, CandlesPage, query=CandlesQuery, errors=(404, 503))
    def candles(symbol: str) -> Response:
        """Open, high, low, close and volume by the interval, oldest first, the running one included.

        From `start` on and before `end`: the oldest `limit` when `start` is given, else the newest.
        """
        book, wanted = exchange.book(symbol), query(CandlesQuery)
        if book is None:
            raise rejected(RejectReason.UNKNOWN_SYMBOL, None, symbol=symbol)
        seq = exchange.seq
        if not writer.wait(seq, HISTORY_PATIENCE_S):
            raise history_behind()
        found: list[Candle] = writer.query(
            venue.history.candles, symbol, wanted.interval, wanted.start, wanted.end, wanted.limit
        )
        grid = grid_of(book.instrument)
        rows = [candle_row(candle, grid) for candle in found]
        return answer(CandlesPage(symbol, wanted.interval, rows, len(rows), seq))

    return routes
