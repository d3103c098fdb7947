"""Engine values -> JSON: the last 24 hours of a symbol.

Decimals and times as in `views.py`.
Layer: api.market.
"""

from __future__ import annotations

import msgspec

from api.market.views import bbo_view
from engine.book import OrderBook
from engine.types import Amount, Side, Ticks, TradingStatus
from listings.grid import grid_of
from listings.texts import DecimalText
from projections.activity import Activity


class TickerView(msgspec.Struct, frozen=True, kw_only=True):
    """24 hours of one symbol; null where nothing traded."""

    symbol: str
    open: DecimalText | None
    high: DecimalText | None
    low: DecimalText | None
    last: DecimalText | None
    change: DecimalText | None
    change_percent: DecimalText | None
    volume: DecimalText
    quote_volume: DecimalText
    trades: int
    best_bid: DecimalText | None
    best_ask: DecimalText | None
    timestamp: float
    seq: int
    status: TradingStatus
    limit_state: Side | None


def ticker_view(activity: Activity, book: OrderBook, seq: int, now_ns: int) -> TickerView:
    """24 hours up to now. O(minutes that traded)."""
    symbol, grid = book.instrument.symbol, grid_of(book.instrument)
    day = activity.of(symbol).day(now_ns)
    first, last = (day[0].open, day[-1].close) if day else (None, book.last_price)
    best = bbo_view(book, seq, now_ns)
    change = None if first is None or last is None else Ticks(last - first)
    return TickerView(
        symbol=symbol,
        open=None if first is None else grid.price(first),
        high=grid.price(max(part.high for part in day)) if day else None,
        low=grid.price(min(part.low for part in day)) if day else None,
        last=None if last is None else grid.price(last),
        change=None if change is None else grid.price(change),
        change_percent=None if change is None or first is None else _percent(change, first),
        volume=grid.quantity(sum(part.lots for part in day)),
        quote_volume=grid.amount(Amount(sum(part.notional for part in day))),
        trades=sum(part.trades for part in day),
        best_bid=best.best_bid,
        best_ask=best.best_ask,
        timestamp=best.timestamp,
        seq=best.seq,
        status=best.status,
        limit_state=best.limit_state,
    )


def _percent(change: int, of: int) -> str:
    """`change` in percent of `of`, two decimals, rounded half away from zero."""
    hundredths = (abs(change) * 20_000 + of) // (2 * of)
    sign = "-" if change < 0 and hundredths else ""
    return f"{sign}{hundredths // 100}.{hundredths % 100:02d}"
