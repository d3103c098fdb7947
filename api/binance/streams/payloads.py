"""What market streams say, as texts of JSON. Field names are those of the wire; decimals are texts, times milliseconds.

Layer: api.binance.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from api.binance import market_tickers
from api.binance.market_klines import Calendar, kline_row
from api.binance.numbers import milliseconds, price_text, quantity_text
from api.market.level_texts import CountedLevel
from engine.book import OrderBook
from engine.instrument import Instrument
from engine.types import Side
from history.candles import Candle
from projections.activity import Activity, TradePrint

GONE: Final = "0.00000000"  # the quantity of a level that is gone, whatever the lot
_encode: Final = msgspec.json.Encoder().encode

Level = tuple[str, str]  # price, quantity


class DepthUpdate(msgspec.Struct, frozen=True, gc=False):
    """Levels as they are now, of those that changed; a quantity of zero: none is left."""

    e: str
    E: int
    s: str
    U: int  # one more than the `u` before
    u: int
    b: list[Level]
    a: list[Level]


class PartialDepth(msgspec.Struct, frozen=True, gc=False):
    """The best levels."""

    lastUpdateId: int  # noqa: N815 - a name of the wire
    bids: list[Level]
    asks: list[Level]


class BookTicker(msgspec.Struct, frozen=True, gc=False):
    """The best price of each side and what is there; zero where nothing is."""

    u: int
    s: str
    b: str
    B: str
    a: str
    A: str


class TradeMessage(msgspec.Struct, frozen=True, gc=False):
    """One trade."""

    e: str
    E: int
    s: str
    t: int
    p: str
    q: str
    T: int
    m: bool  # the buyer was the maker
    M: bool


class AggTradeMessage(msgspec.Struct, frozen=True, gc=False):
    """The trades of one taker at one price."""

    e: str
    E: int
    s: str
    a: int
    p: str
    q: str
    f: int
    l: int  # noqa: E741 - a name of the wire
    T: int
    m: bool
    M: bool


class MiniTicker(msgspec.Struct, frozen=True, gc=False):
    """24 hours, in short."""

    e: str
    E: int
    s: str
    c: str
    o: str
    h: str
    l: str  # noqa: E741 - a name of the wire
    v: str
    q: str


class Ticker(msgspec.Struct, frozen=True, gc=False):
    """24 hours."""

    e: str
    E: int
    s: str
    p: str
    P: str
    w: str
    x: str
    c: str
    Q: str
    b: str
    B: str
    a: str
    A: str
    o: str
    h: str
    l: str  # noqa: E741 - a name of the wire
    v: str
    q: str
    O: int  # noqa: E741 - a name of the wire
    C: int
    F: int
    L: int
    n: int


class Kline(msgspec.Struct, frozen=True, gc=False):
    """One candle."""

    t: int
    T: int
    s: str
    i: str
    f: int
    L: int
    o: str
    c: str
    h: str
    l: str  # noqa: E741 - a name of the wire
    v: str
    n: int
    x: bool  # its interval is over
    q: str
    V: str
    Q: str
    B: str


class KlineMessage(msgspec.Struct, frozen=True, gc=False):
    """A candle as it is now."""

    e: str
    E: int
    s: str
    k: Kline


def plain_levels(levels: Iterable[CountedLevel]) -> list[Level]:
    """Price and quantity alone."""
    return [(price, quantity) for price, quantity, _ in levels]


def book_ticker(book: OrderBook, name: str) -> bytes:
    """The best of both sides. O(1)."""
    return _encode(BookTicker(book.changed_seq, name, *best(book)))


def best(book: OrderBook) -> tuple[str, str, str, str]:
    """Price and quantity of the best bid, and of the best ask; zero where nothing is. O(1)."""
    bid, ask, instrument = book.bids.best, book.asks.best, book.instrument
    return (
        price_text(instrument, 0 if bid is None else bid.price),
        quantity_text(instrument, 0 if bid is None else bid.quantity),
        price_text(instrument, 0 if ask is None else ask.price),
        quantity_text(instrument, 0 if ask is None else ask.quantity),
    )


def trade_message(trade: TradePrint, instrument: Instrument, name: str, now_ms: int) -> bytes:
    """One trade."""
    filled = trade.filled
    return _encode(
        TradeMessage(
            "trade",
            now_ms,
            name,
            filled.trade_id,
            price_text(instrument, filled.price),
            quantity_text(instrument, filled.quantity),
            milliseconds(trade.ts_ns),
            filled.taker_side is Side.SELL,
            True,
        )
    )


def agg_trade_messages(trades: Sequence[TradePrint], instrument: Instrument, name: str, now_ms: int) -> Iterable[bytes]:
    """Trades of one symbol in order -> one message for those of one taker at one price. O(trades)."""
    at = 0
    while at < len(trades):
        first, end = trades[at], at + 1
        while end < len(trades) and _same_taker(first, trades[end]):
            end += 1
        filled, last = first.filled, trades[end - 1].filled
        yield _encode(
            AggTradeMessage(
                "aggTrade",
                now_ms,
                name,
                filled.trade_id,
                price_text(instrument, filled.price),
                quantity_text(instrument, sum(trade.filled.quantity for trade in trades[at:end])),
                filled.trade_id,
                last.trade_id,
                milliseconds(first.ts_ns),
                filled.taker_side is Side.SELL,
                True,
            )
        )
        at = end


def _same_taker(one: TradePrint, other: TradePrint) -> bool:
    return (one.seq, one.filled.taker_order_id, one.filled.price) == (
        other.seq,
        other.filled.taker_order_id,
        other.filled.price,
    )


def mini_ticker(activity: Activity, book: OrderBook, name: str, now_ns: int) -> bytes:
    """24 hours up to now, in short, as GET ticker/24hr has them. O(minutes that traded)."""
    day = market_tickers.mini_ticker(name, book, _day(activity, book, now_ns))
    return _encode(
        MiniTicker(
            "24hrMiniTicker",
            milliseconds(now_ns),
            name,
            day.last_price,
            day.open_price,
            day.high_price,
            day.low_price,
            day.volume,
            day.quote_volume,
        )
    )


def ticker(activity: Activity, book: OrderBook, name: str, now_ns: int) -> bytes:
    """24 hours up to now, as GET ticker/24hr has them. O(minutes that traded)."""
    day = market_tickers.day_ticker(name, book, _day(activity, book, now_ns), activity)
    return _encode(
        Ticker(
            "24hrTicker",
            milliseconds(now_ns),
            name,
            day.price_change,
            day.price_change_percent,
            day.weighted_avg_price,
            day.prev_close_price,
            day.last_price,
            day.last_qty,
            day.bid_price,
            day.bid_qty,
            day.ask_price,
            day.ask_qty,
            day.open_price,
            day.high_price,
            day.low_price,
            day.volume,
            day.quote_volume,
            day.open_time,
            day.close_time,
            day.first_id,
            day.last_id,
            day.count,
        )
    )


def _day(activity: Activity, book: OrderBook, now_ns: int) -> market_tickers.Window:
    return market_tickers.window_of(activity, book, market_tickers.day_begins_ns(now_ns), now_ns)


def kline_message(
    candle: Candle, book: OrderBook, name: str, calendar: Calendar, ids: tuple[int, int], now_ms: int
) -> bytes:
    """A candle. `ids`: of its first and its last trade."""
    row = kline_row(candle, book.instrument, calendar)
    kline = Kline(
        t=row[0],
        T=row[6],
        s=name,
        i=calendar.interval.value,
        f=ids[0],
        L=ids[1],
        o=row[1],
        c=row[4],
        h=row[2],
        l=row[3],
        v=row[5],
        n=row[8],
        x=now_ms > row[6],
        q=row[7],
        V=row[9],
        Q=row[10],
        B=row[11],
    )
    return _encode(KlineMessage("kline", now_ms, name, kline))


def depth_update(name: str, seqs: tuple[int, int], bids: list[Level], asks: list[Level], now_ms: int) -> bytes:
    """Changed levels. `seqs`: the first and the last change in it."""
    return _encode(DepthUpdate("depthUpdate", now_ms, name, *seqs, _with_gone(bids), _with_gone(asks)))


def _with_gone(levels: list[Level]) -> list[Level]:
    """Levels, of which those that are gone have the zero of Binance: python-binance compares it as a text."""
    return [(price, quantity if quantity.strip("0.") else GONE) for price, quantity in levels]


def partial_depth(book: OrderBook, bids: list[Level], asks: list[Level]) -> bytes:
    """The best levels."""
    return _encode(PartialDepth(book.changed_seq, bids, asks))
