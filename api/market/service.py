"""Looking up market data: what is listed, trades of now and of long ago, candles, the last 24 hours.

Every method raises `ApiError` or StoreAway for any answer but the one asked for.
Layer: api.market.
"""

from __future__ import annotations

from collections import deque
from itertools import islice, takewhile

from api.json.errors import rejected
from api.market.requests import CandlesQuery, TradesQuery
from api.market.ticker_views import TickerView, ticker_view
from api.market.views import TradeView, trade_view
from engine.book import OrderBook
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.rejects import RejectReason
from engine.types import TradeId
from history.candles import Candle
from history.reader import HistoryReader
from loop.turns import in_turns
from projections.activity import Activity, TradePrint


class MarketService:
    """The market data of one venue."""

    def __init__(self, exchange: Exchange, activity: Activity, history: HistoryReader) -> None:
        self._exchange = exchange
        self._activity = activity
        self._history = history
        self._printed: dict[str, tuple[TradePrint, deque[TradeView]]] = {}  # by symbol: the newest one, and all as text

    def book(self, symbol: str) -> OrderBook:
        """The book of a listed symbol. Raises ApiError 404."""
        book = self._exchange.book(symbol)
        if book is None:
            raise rejected(RejectReason.UNKNOWN_SYMBOL, None, symbol=symbol)
        return book

    def instrument(self, symbol: str) -> Instrument:
        """The instrument of a listed symbol. Raises ApiError 404."""
        return self.book(symbol).instrument

    def trades(self, symbol: str, wanted: TradesQuery) -> list[TradeView]:
        """Trades of `symbol`, newest first: the recent ones from memory, older ones from the history. Cooperative."""
        instrument = self.instrument(symbol)
        recent = self._activity.of(symbol).recent
        if wanted.before is None and (len(recent) >= wanted.limit or len(recent) < (recent.maxlen or 0)):
            return list(islice(reversed(self._recent_views(instrument, recent)), wanted.limit))
        until = self._exchange.seq
        self._history.wait_for(until)
        before = None if wanted.before is None else TradeId(wanted.before)
        rows = self._history.trades(symbol, before, wanted.limit, until)
        return [trade_view(row, instrument, row.ts_ns, row.seq) for row in in_turns(rows)]

    def _recent_views(self, instrument: Instrument, recent: deque[TradePrint]) -> deque[TradeView]:
        """The recent trades as text, oldest first. Each is made once, however often they are asked for. Cooperative."""
        if not recent:
            return deque()
        symbol = instrument.symbol
        known = self._printed.get(symbol)
        newest, views = known or (None, deque[TradeView](maxlen=recent.maxlen))
        missing = list(takewhile(lambda trade: trade is not newest, reversed(recent)))
        if not missing:
            return views
        fresh = [trade_view(trade.filled, instrument, trade.ts_ns, trade.seq) for trade in in_turns(missing[::-1])]
        if self._printed.get(symbol) is not known:  # another has made them meanwhile, and maybe more
            return deque([*views, *fresh], maxlen=recent.maxlen)
        views = deque([*views, *fresh], maxlen=recent.maxlen)
        self._printed[symbol] = (missing[0], views)
        return views

    def candles(self, symbol: str, wanted: CandlesQuery) -> list[Candle]:
        """Candles of `symbol`, oldest first, the running one included. Cooperative."""
        self._history.wait_for(self._exchange.seq)
        return self._history.candles(symbol, wanted.interval, wanted.start, wanted.end, wanted.limit)

    def ticker(self, book: OrderBook, now_ns: int) -> TickerView:
        """24 hours of one symbol up to now. O(minutes that traded)."""
        return ticker_view(self._activity, book, self._exchange.seq, now_ns)
