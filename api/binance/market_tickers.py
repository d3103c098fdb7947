"""What traded in the last hours of a symbol, its last price, and its best bid and offer.

A window begins with a whole minute, as it is said in `openTime`.
Layer: api.binance.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from api.binance.numbers import amount_text, average_text, milliseconds, percent_text, price_text, quantity_text
from engine.book import OrderBook
from engine.instrument import Instrument
from projections.activity import DAY_MINUTES, MINUTE_NS, Activity

NO_TRADE: Final = -1
AVERAGE_MINUTES: Final = 5


class MiniTicker(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What traded in a window of time."""

    symbol: str
    open_price: str
    high_price: str
    low_price: str
    last_price: str
    volume: str
    quote_volume: str
    open_time: int
    close_time: int
    first_id: int
    last_id: int
    count: int


class WindowTicker(MiniTicker, frozen=True, kw_only=True, rename="camel"):
    """The same with what it comes to."""

    price_change: str
    price_change_percent: str
    weighted_avg_price: str


class DayTicker(WindowTicker, frozen=True, kw_only=True, rename="camel"):
    """GET ticker/24hr: with what is bid and offered."""

    prev_close_price: str
    last_qty: str
    bid_price: str
    bid_qty: str
    ask_price: str
    ask_qty: str


class PriceTicker(msgspec.Struct, frozen=True):
    """GET ticker/price."""

    symbol: str
    price: str


class BookTicker(msgspec.Struct, frozen=True, rename="camel"):
    """GET ticker/bookTicker; zero where there is none."""

    symbol: str
    bid_price: str
    bid_qty: str
    ask_price: str
    ask_qty: str


class AveragePrice(msgspec.Struct, frozen=True, rename="camel"):
    """GET avgPrice."""

    mins: int
    price: str
    close_time: int


class Window(NamedTuple):
    """What traded from a minute on until now. Units: ticks, lots, minor units of the quote, epoch nanoseconds."""

    open: int
    high: int
    low: int
    last: int
    lots: int
    notional: int
    trades: int
    first_id: int
    last_id: int
    begins_ns: int
    ends_ns: int
    before: int  # the last price before it; 0 where there is none


def window_of(activity: Activity, book: OrderBook, begins_ns: int, now_ns: int) -> Window:
    """The window from the minute of `begins_ns` on, of a day at most. O(minutes that traded within a day)."""
    of_symbol = activity.of(book.instrument.symbol)
    begins_ns -= begins_ns % MINUTE_NS
    day = of_symbol.day(now_ns)
    parts = [part for part in day if part.start * 10**9 >= begins_ns]
    earlier = day[len(day) - len(parts) - 1].close if len(parts) < len(day) else of_symbol.close_before
    if not parts:
        price = book.last_price or 0
        return Window(price, price, price, price, 0, 0, 0, NO_TRADE, NO_TRADE, begins_ns, now_ns, price)
    last = of_symbol.last
    return Window(
        parts[0].open,
        max(part.high for part in parts),
        min(part.low for part in parts),
        parts[-1].close,
        sum(part.lots for part in parts),
        sum(part.notional for part in parts),
        sum(part.trades for part in parts),
        parts[0].first_id,
        NO_TRADE if last is None else last.filled.trade_id,
        begins_ns,
        now_ns,
        earlier or 0,
    )


def day_begins_ns(now_ns: int) -> int:
    """When the last 24 hours begin, by the minute."""
    return now_ns - now_ns % MINUTE_NS - (DAY_MINUTES - 1) * MINUTE_NS


def _mini_fields(name: str, instrument: Instrument, window: Window) -> dict[str, str | int]:
    return {
        "symbol": name,
        "open_price": price_text(instrument, window.open),
        "high_price": price_text(instrument, window.high),
        "low_price": price_text(instrument, window.low),
        "last_price": price_text(instrument, window.last),
        "volume": quantity_text(instrument, window.lots),
        "quote_volume": amount_text(instrument, window.notional),
        "open_time": milliseconds(window.begins_ns),
        "close_time": milliseconds(window.ends_ns),
        "first_id": window.first_id,
        "last_id": window.last_id,
        "count": window.trades,
    }


def _window_fields(name: str, instrument: Instrument, window: Window) -> dict[str, str | int]:
    change = window.last - window.open
    return _mini_fields(name, instrument, window) | {
        "price_change": price_text(instrument, change),
        "price_change_percent": percent_text(change, window.open),
        "weighted_avg_price": average_text(instrument, window.notional, window.lots, window.last),
    }


def mini_ticker(name: str, book: OrderBook, window: Window) -> MiniTicker:
    """A window in short."""
    return MiniTicker(**_mini_fields(name, book.instrument, window))  # type: ignore[arg-type]


def window_ticker(name: str, book: OrderBook, window: Window) -> WindowTicker:
    """A window."""
    return WindowTicker(**_window_fields(name, book.instrument, window))  # type: ignore[arg-type]


def day_ticker(name: str, book: OrderBook, window: Window, activity: Activity) -> DayTicker:
    """The last 24 hours, with what is bid and offered."""
    instrument, best = book.instrument, book_ticker(name, book)
    last = activity.of(instrument.symbol).last
    return DayTicker(
        **_window_fields(name, instrument, window),  # type: ignore[arg-type]
        prev_close_price=price_text(instrument, window.before),
        last_qty=quantity_text(instrument, 0 if last is None else last.filled.quantity),
        bid_price=best.bid_price,
        bid_qty=best.bid_qty,
        ask_price=best.ask_price,
        ask_qty=best.ask_qty,
    )


def price_ticker(name: str, book: OrderBook) -> PriceTicker:
    """The last price; zero before the first trade. O(1)."""
    return PriceTicker(name, price_text(book.instrument, book.last_price or 0))


def book_ticker(name: str, book: OrderBook) -> BookTicker:
    """What is best bid and offered. O(1)."""
    bid, ask, instrument = book.bids.best, book.asks.best, book.instrument
    return BookTicker(
        name,
        price_text(instrument, 0 if bid is None else bid.price),
        quantity_text(instrument, 0 if bid is None else bid.quantity),
        price_text(instrument, 0 if ask is None else ask.price),
        quantity_text(instrument, 0 if ask is None else ask.quantity),
    )


def average_price(activity: Activity, book: OrderBook, now_ns: int) -> AveragePrice:
    """The mean of what traded in the last five minutes, by volume; the last price where nothing did."""
    window = window_of(activity, book, now_ns - (AVERAGE_MINUTES - 1) * MINUTE_NS, now_ns)
    price = average_text(book.instrument, window.notional, window.lots, window.last)
    last = activity.of(book.instrument.symbol).last
    return AveragePrice(AVERAGE_MINUTES, price, 0 if last is None else milliseconds(last.ts_ns))
