"""Market data and the venue itself. No credentials are needed.

Layer: openbell_client.
"""

from __future__ import annotations

from typing import Any, Literal

from openbell_client.answers import (
    BboView,
    BookOrdersView,
    BookView,
    CandlesPage,
    HealthView,
    LiveView,
    NodeView,
    QuoteView,
    ReadyView,
    StatisticsView,
    StatusView,
    SymbolStatistics,
    SymbolsView,
    TickersView,
    TickerView,
    TradesPage,
)
from openbell_client.calls.call import Call, get, segment
from openbell_client.requests import Number, Side

Interval = Literal["1s", "1m", "5m", "15m", "1h", "1d"]


def node() -> Call[NodeView]:
    """Which node of a venue answers, how far it is, and where the others are; of a server by itself none."""
    return get("/node", NodeView)


def symbols() -> Call[SymbolsView]:
    """Every listed symbol with its steps, limits and fees."""
    return get("/symbols", SymbolsView)


def symbol_status(symbol: str) -> Call[StatusView]:
    """Where a symbol stands: trading, halted, gathering for an auction."""
    return get(f"/status/{segment(symbol)}", StatusView)


def book(symbol: str, levels: int | Literal["all"] | None = None) -> Call[BookView]:
    """Depth by price, best first; ten levels unless `levels` says otherwise."""
    return get(f"/book/{segment(symbol)}", BookView, levels=levels)


def book_orders(symbol: str, *, limit: int | None = None, price: Number | None = None) -> Call[BookOrdersView]:
    """Depth by order, in queue order; with `price` the queue of that level alone."""
    return get(f"/book/{segment(symbol)}/orders", BookOrdersView, limit=limit, price=price)


def bbo(symbol: str) -> Call[BboView]:
    """Best bid and offer."""
    return get(f"/bbo/{segment(symbol)}", BboView)


def quote(symbol: str, side: Side, quantity: Number) -> Call[QuoteView]:
    """What a quantity would cost or earn now, before fees."""
    return get(f"/quote/{segment(symbol)}", QuoteView, side=side, quantity=quantity)


def trades(symbol: str, *, limit: int | None = None, before: str | None = None) -> Call[TradesPage]:
    """One page of trades, newest first."""
    return get(f"/trades/{segment(symbol)}", TradesPage, limit=limit, before=before)


def candles(
    symbol: str,
    interval: Interval | None = None,
    *,
    start: int | None = None,
    end: int | None = None,
    limit: int | None = None,
) -> Call[CandlesPage]:
    """Candles that begin from `start` on and before `end`, epoch seconds; of a minute without `interval`."""
    return get(f"/candles/{segment(symbol)}", CandlesPage, interval=interval, start=start, end=end, limit=limit)


def ticker(symbol: str) -> Call[TickerView]:
    """The last 24 hours of a symbol."""
    return get(f"/ticker/{segment(symbol)}", TickerView)


def tickers() -> Call[TickersView]:
    """The last 24 hours of every symbol."""
    return get("/ticker", TickersView)


def health(*, digest: bool | None = None) -> Call[HealthView]:
    """Whether orders are taken, and how the venue is. `digest`: of the whole state, for who may have it."""
    return get("/health", HealthView, digest=digest)


def live() -> Call[LiveView]:
    """The process answers."""
    return get("/health/live", LiveView)


def ready() -> Call[ReadyView]:
    """Orders are taken. Raises NotAccepting while they are not, after trying for as long as the client does."""
    return get("/health/ready", ReadyView)


def statistics() -> Call[StatisticsView]:
    """What the venue has done, and how fast."""
    return get("/statistics", StatisticsView)


def symbol_statistics(symbol: str) -> Call[SymbolStatistics]:
    """What a symbol has done."""
    return get("/statistics", SymbolStatistics, symbol=symbol)


def metrics() -> Call[str]:
    """Every figure in the text format of Prometheus, for who may have it."""
    return get("/metrics", str)


def openapi() -> Call[dict[str, Any]]:
    """The OpenAPI document."""
    return get("/openapi.json", dict[str, Any])
