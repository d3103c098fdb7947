"""Trades and their aggregates, oldest first: the newest from memory, older ones from the history.

A trade of an account with itself is in neither: it is no price, as in candles. An aggregate is what one taker order
traded at one price at one moment; its id is that of its first trade, so it is the same however it is asked for.
Layer: api.binance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain, islice
from typing import Final, NamedTuple

import msgspec

from api.binance.numbers import MILLISECOND_NS, amount_text, milliseconds, price_text, quantity_text
from api.http.limits import ROWS_A_UNIT, charge_read
from api.orders.memory import trade_of
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.types import Lots, Seq, Side, Ticks, TradeId
from history.reader import HistoryReader
from history.store import Trade
from loop.turns import in_turns
from projections.activity import Activity

PAGE_TRADES: Final = 1_000  # read from the history at once
MAX_PAGES: Final = 20  # of one answer: what an aggregate has beyond them is not read


class PublicTrade(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """One trade as everybody sees it."""

    id: int
    price: str
    qty: str
    quote_qty: str
    time: int
    is_buyer_maker: bool
    is_best_match: bool = True


class AggregateView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What one taker order traded at one price at one moment."""

    aggregate_id: int = msgspec.field(name="a")
    price: str = msgspec.field(name="p")
    quantity: str = msgspec.field(name="q")
    first_id: int = msgspec.field(name="f")
    last_id: int = msgspec.field(name="l")
    time: int = msgspec.field(name="T")
    buyer_is_maker: bool = msgspec.field(name="m")
    best_match: bool = msgspec.field(name="M", default=True)


class Aggregate(NamedTuple):
    """Trades in order that come to one aggregate. Units: ticks, lots, epoch nanoseconds."""

    first_id: int
    last_id: int
    price: Ticks
    quantity: Lots
    ts_ns: int
    taker_side: Side


class Span(NamedTuple):
    """Which trades: from an id on, or from a moment up to another, both included, in epoch nanoseconds."""

    from_id: int | None = None
    since_ns: int | None = None
    until_ns: int | None = None


def public_trade(trade: Trade, instrument: Instrument) -> PublicTrade:
    """One trade as text."""
    return PublicTrade(
        trade.trade_id,
        price_text(instrument, trade.price),
        quantity_text(instrument, trade.quantity),
        amount_text(instrument, trade.notional),
        milliseconds(trade.ts_ns),
        trade.taker_side is Side.SELL,
    )


def aggregate_view(aggregate: Aggregate, instrument: Instrument) -> AggregateView:
    """One aggregate as text."""
    return AggregateView(
        aggregate_id=aggregate.first_id,
        price=price_text(instrument, aggregate.price),
        quantity=quantity_text(instrument, aggregate.quantity),
        first_id=aggregate.first_id,
        last_id=aggregate.last_id,
        time=milliseconds(aggregate.ts_ns),
        buyer_is_maker=aggregate.taker_side is Side.SELL,
    )


def aggregates_of(trades: Iterable[Trade]) -> list[Aggregate]:
    """The aggregates of trades of one symbol in order. O(trades)."""
    found: list[Aggregate] = []
    key: object = None
    for trade in trades:
        this = _key(trade)
        if found and this == key:
            last = found[-1]
            found[-1] = last._replace(last_id=trade.trade_id, quantity=Lots(last.quantity + trade.quantity))
        else:
            key = this
            found.append(
                Aggregate(trade.trade_id, trade.trade_id, trade.price, trade.quantity, trade.ts_ns, trade.taker_side)
            )
    return found


def _key(trade: Trade) -> tuple[int, int, int]:
    return trade.seq, trade.taker_order_id, trade.price


class TradeTape:
    """The trades of every symbol. Every method is cooperative and raises StoreAway."""

    def __init__(self, exchange: Exchange, activity: Activity, history: HistoryReader) -> None:
        self._exchange = exchange
        self._activity = activity
        self._history = history

    def newest(self, symbol: str, limit: int) -> list[Trade]:
        """The last `limit` trades."""
        recent = self._activity.of(symbol).recent
        prices = (printed for printed in reversed(list(recent)) if not printed.filled.self_trade)
        found = [trade_of(printed) for printed in in_turns(islice(prices, limit))]
        if len(found) == limit or len(recent) < (recent.maxlen or 0):
            return found[::-1]
        return self._pages(symbol, None, None, limit, len)[-limit:]

    def since(self, symbol: str, from_id: int, limit: int) -> list[Trade]:
        """The first `limit` trades with this id or a greater one."""
        return self._pages(symbol, from_id, None, limit, len)[:limit]

    def aggregates(self, symbol: str, limit: int, span: Span) -> list[Aggregate]:
        """At most `limit` aggregates: of an id or a beginning the first ones, else the last ones."""
        if span.from_id is not None or span.since_ns is not None:
            return self._first_aggregates(symbol, limit, span)
        if span.until_ns is None:
            recent, known_all = self._recent(symbol)
            found = aggregates_of(in_turns(recent))
            if known_all or len(found) > limit:  # the first may lack trades
                return found[-limit:]
        before = None if span.until_ns is None else self._first_at(span.until_ns + MILLISECOND_NS)
        trades = self._pages(symbol, None, before, limit, _count_aggregates)
        return aggregates_of(in_turns(trades))[-limit:]

    def _first_aggregates(self, symbol: str, limit: int, span: Span) -> list[Aggregate]:
        before = None if span.until_ns is None else self._first_at(span.until_ns + MILLISECOND_NS)
        since = span.from_id
        if since is None:
            since = self._first_at(span.since_ns or 0)
        trades = self._pages(symbol, since, before, limit, _count_aggregates)
        if trades and span.from_id is not None:
            self._history.wait_for(self._exchange.seq)
            earlier = self._history.prints(symbol, None, trades[0].trade_id, 1, self._exchange.seq)
            if earlier and (key := _key(earlier[0])) == _key(trades[0]):  # it is asked for behind its beginning
                trades = [trade for trade in trades if _key(trade) != key]
        return aggregates_of(in_turns(trades))[:limit]

    def _recent(self, symbol: str) -> tuple[list[Trade], bool]:
        """The trades in memory, and whether they are all there ever were."""
        recent = self._activity.of(symbol).recent
        known_all = len(recent) < (recent.maxlen or 0)
        return [trade_of(printed) for printed in in_turns(list(recent)) if not printed.filled.self_trade], known_all

    def _first_at(self, ts_ns: int) -> TradeId:
        self._history.wait_for(self._exchange.seq)
        return self._history.first_trade_at(ts_ns)

    def _pages(
        self, symbol: str, since: int | None, before: int | None, limit: int, count: Callable[[list[Trade]], int]
    ) -> list[Trade]:
        """Trades from `since` on, or those before `before`, page by page, oldest first.

        Until they count for more than `limit`, one for each page left aside: two pages may share an aggregate.
        """
        until = Seq(self._exchange.seq)
        self._history.wait_for(until)
        pages: list[list[Trade]] = []
        counted = 0
        while len(pages) < MAX_PAGES and counted <= limit + len(pages):
            page = self._history.prints(symbol, since, before, PAGE_TRADES, until)
            charge_read(len(page), ROWS_A_UNIT)
            pages.append(page)
            counted += count(page)
            if len(page) < PAGE_TRADES:
                break
            if since is not None:
                since = page[-1].trade_id + 1
            else:
                before = page[0].trade_id
        return list(chain.from_iterable(pages if since is not None else reversed(pages)))


def _count_aggregates(trades: list[Trade]) -> int:
    return len(aggregates_of(trades))
