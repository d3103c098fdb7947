"""Market streams: what each batch changed -> the messages of the streams that somebody follows.

Of a symbol that nobody follows nothing is kept. Trades and best prices are published behind the answers of their
batch; what is gathered (levels, tickers, candles) at once after a quiet moment, and then once in its interval.
Layer: api.binance.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Final

from api.binance.errors import BinanceError
from api.binance.streams.channels import Channel, Follower
from api.binance.streams.control import INVALID
from api.binance.streams.names import Kind, StreamName, stream_name
from api.binance.streams.overall import OfAllSymbols
from api.binance.streams.sources import (
    AggTrades,
    BookTickers,
    DiffDepth,
    Klines,
    PartialDepths,
    Source,
    SymbolView,
    Tickers,
    Trades,
)
from api.binance.symbols import SymbolTable
from engine.exchange import Exchange
from logs.limit import limited
from projections.activity import Activity, TradePrint
from projections.fold import Folded

log = limited(logging.getLogger(__name__))

OF_BOOK: Final = (Kind.DEPTH, Kind.PARTIAL_DEPTH, Kind.BOOK_TICKER, Kind.TICKER)

Key = StreamName


class SymbolStreams:
    """The streams of one symbol that somebody follows, and what has changed since they were published."""

    __slots__ = ("book_changed", "follow_book", "sources", "trades", "view")

    def __init__(self, view: SymbolView) -> None:
        self.view = view
        self.sources: dict[Key, Source] = {}
        self.follow_book = False
        self.trades: list[TradePrint] = []
        self.book_changed = False

    def publish(self) -> None:
        """Have every stream take what is new. Behind answers."""
        trades, self.trades = self.trades, []
        book_changed, self.book_changed = self.book_changed, False
        for source in list(self.sources.values()):
            source.on_batch(trades, book_changed=book_changed)


class MarketStreams:
    """All market streams of one venue. For the event loop's thread; no method switches greenlets."""

    def __init__(self, exchange: Exchange, activity: Activity, symbols: SymbolTable, clock: Callable[[], int]) -> None:
        """`clock` gives the venue's time in epoch nanoseconds."""
        self._exchange = exchange
        self._activity = activity
        self._table = symbols
        self._clock = clock
        self._symbols: dict[str, SymbolStreams] = {}
        self._of_all: dict[Key, OfAllSymbols] = {}
        self._changed: dict[SymbolStreams, None] = {}
        self._books_followed = 0  # streams that follow the levels

    @property
    def follows_levels(self) -> bool:
        """Whether the levels are wanted that a batch touches."""
        return self._books_followed > 0

    def exists(self, name: str) -> bool:
        """Whether there is such a stream."""
        return stream_name(name, self._table) is not None

    def join(self, follower: Follower, name: str) -> None:
        """Have a follower sent a stream, and first its state where it has one. Raises BinanceError 2."""
        wanted = stream_name(name, self._table)
        if wanted is None:
            raise BinanceError(INVALID, "Invalid request: invalid stream")
        source = self._of_all_source(wanted) if wanted.symbol is None else self._symbol_source(wanted, wanted.symbol)
        source.channel.join(follower, name)
        source.on_joined(follower)

    def on_applied(self, folded: Folded) -> None:
        """Take note of what a batch came to, right behind it. O(levels and trades) of symbols that are followed."""
        if self._of_all:
            for of_all in self._of_all.values():
                of_all.on_applied(folded)
        if not self._symbols:
            return
        symbols, changed = self._symbols, self._changed
        for level_key in folded.touched:
            streams = symbols.get(level_key.symbol)
            if streams is not None and streams.follow_book:
                streams.book_changed = True
                changed[streams] = None
                for source in streams.sources.values():
                    source.touch(level_key.side, level_key.price)
        for trade in folded.trades:
            streams = symbols.get(trade.filled.symbol)
            if streams is not None and not trade.filled.self_trade:
                streams.trades.append(trade)
                changed[streams] = None

    def publish(self) -> None:
        """Publish the batch that was noted last. Behind its answers. O(messages x followers)."""
        if not self._changed:
            return
        changed, self._changed = self._changed, {}
        for streams in changed:
            try:
                streams.publish()
            except Exception:
                log.exception("the streams of %s failed", streams.view.name)

    def _symbol_source(self, key: Key, symbol: str) -> Source:
        streams = self._symbols.get(symbol)
        if streams is None:
            view = SymbolView(self._exchange.books[symbol], self._table.binance(symbol), self._activity, self._clock)
            streams = self._symbols[symbol] = SymbolStreams(view)
        source = streams.sources.get(key)
        if source is None:
            channel = Channel(key.text, partial(self._drop, streams, symbol, key))
            source = streams.sources[key] = _made(key, streams.view, channel)
            if key.kind in OF_BOOK:
                self._books_followed += 1
                streams.follow_book = True
        return source

    def _drop(self, streams: SymbolStreams, symbol: str, key: Key) -> None:
        """Forget a stream that nobody follows any more."""
        streams.sources.pop(key).close()
        if key.kind in OF_BOOK:
            self._books_followed -= 1
            streams.follow_book = any(each.kind in OF_BOOK for each in streams.sources)
        if not streams.sources:
            del self._symbols[symbol]
            self._changed.pop(streams, None)

    def _of_all_source(self, key: Key) -> OfAllSymbols:
        source = self._of_all.get(key)
        if source is None:
            channel = Channel(key.text, partial(self._drop_of_all, key))
            source = OfAllSymbols(key.kind, channel, self._exchange, self._activity, self._table, self._clock)
            self._of_all[key] = source
            self._books_followed += key.kind in OF_BOOK
        return source

    def _drop_of_all(self, key: Key) -> None:
        del self._of_all[key]
        self._books_followed -= key.kind in OF_BOOK


def _made(key: Key, view: SymbolView, channel: Channel) -> Source:
    match key.kind:
        case Kind.DEPTH:
            return DiffDepth(view, channel, key.interval_ms)
        case Kind.PARTIAL_DEPTH:
            return PartialDepths(view, channel, key.interval_ms, key.levels)
        case Kind.TRADE:
            return Trades(view, channel)
        case Kind.AGG_TRADE:
            return AggTrades(view, channel)
        case Kind.BOOK_TICKER:
            return BookTickers(view, channel)
        case Kind.KLINE:
            return Klines(view, channel, key.kline)
        case _:
            return Tickers(view, channel, mini=key.kind is Kind.MINI_TICKER)
