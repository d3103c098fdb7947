"""GET /candles/{symbol}: what a chart begins with. The running candle goes on in the feed.

Layer: api.market.
"""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response

from api.http.documented import Access, documented
from api.http.limits import ROWS_A_UNIT, charge_read
from api.http.responses import answer, query
from api.market.requests import CandlesQuery
from api.market.service import MarketService
from engine.exchange import Exchange
from history.candles import Candle, Interval
from listings.grid import Grid, grid_of
from listings.texts import DecimalText

CandleRow = tuple[int, DecimalText, DecimalText, DecimalText, DecimalText, DecimalText]


class CandlesPage(msgspec.Struct, frozen=True):
    """GET /candles/{symbol}."""

    symbol: str
    interval: Interval
    candles: list[CandleRow]
    count: int
    seq: int


class CandleView(msgspec.Struct, frozen=True):
    """One candle as the feed publishes it."""

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


def blueprint(market: MarketService, exchange: Exchange) -> Blueprint:
    """The route of candles."""
    routes = Blueprint("candles", __name__)

    @routes.get("/candles/<symbol>")
    @documented(Access.PUBLIC, CandlesPage, query=CandlesQuery, errors=(404, 503))
    def candles(symbol: str) -> Response:
        """Open, high, low, close and volume by the interval, oldest first, the running one included.

        From `start` on and before `end`: the oldest `limit` when `start` is given, else the newest.
        """
        wanted = query(CandlesQuery)
        charge_read(wanted.limit, ROWS_A_UNIT)
        book, seq = market.book(symbol), exchange.seq
        grid = grid_of(book.instrument)
        rows = [candle_row(candle, grid) for candle in market.candles(symbol, wanted)]
        return answer(CandlesPage(symbol, wanted.interval, rows, len(rows), seq))

    return routes
