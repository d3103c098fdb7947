"""Puts the second wire's market data together: what `api.bootstrap` calls once.

Layer: api.binance.
"""

from __future__ import annotations

import logging
from typing import Final, Literal

from flask import Flask, Response, request
from limits import parse

from api.binance import market_routes
from api.binance.market_info import RateLimit
from api.binance.market_klines import KlineReader
from api.binance.market_others import add_others
from api.binance.market_routes import PublicMarket
from api.binance.market_trades import TradeTape
from api.binance.wiring import SecondWire
from api.market.book_reader import BookReader
from api.settings import Settings
from history.reader import HistoryReader
from projections.activity import Activity
from sequencer.port import Sequencing

log = logging.getLogger(__name__)

_INTERVALS: Final[dict[str, tuple[Literal["SECOND", "MINUTE", "DAY"], int]]] = {
    "second": ("SECOND", 1),
    "minute": ("MINUTE", 1),
    "hour": ("MINUTE", 60),
}


def install(
    app: Flask,
    second: SecondWire,
    settings: Settings,
    activity: Activity,
    history: HistoryReader,
    reader: BookReader,
    sequencer: Sequencing,
) -> PublicMarket:
    """Register the routes of market data, and return what they read from."""
    for name, symbols in second.symbols.ambiguous.items():
        log.warning("%s are all %s on the second wire, where none of them can be reached", " and ".join(symbols), name)
    limits, exchange = rate_limits_of(settings), second.exchange
    market = PublicMarket(
        second.symbols,
        activity,
        reader,
        TradeTape(exchange, activity, history),
        KlineReader(exchange, history),
        limits,
        sequencer.now_ns,
    )
    routes = market_routes.blueprint(market)
    add_others(routes, limits, sequencer.now_ns, lambda: sequencer.refusal is None)

    @routes.after_request
    def add_used_weight(response: Response) -> Response:
        response.headers.extend(second.weights.headers(request.environ, None))
        return response

    app.register_blueprint(routes)
    return market


def rate_limits_of(settings: Settings) -> list[RateLimit]:
    """The limits of requests as they are counted; none where nothing is."""
    if settings.rate_limit == "off" or not settings.reachable_by_others:
        return []
    rate = parse(settings.rate_limit)
    interval, number = _INTERVALS[rate.GRANULARITY.name]
    return [RateLimit("REQUEST_WEIGHT", interval, number * rate.multiples, rate.amount)]
