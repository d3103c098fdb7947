"""GET allOrders and myTrades: the orders and trades of an account, oldest first, from an id, a time, or the newest.

The history gives pages from the newest back, so what lies far back is reached in several; their number is bounded.
Every method is cooperative and raises BinanceError.
Layer: api.binance.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from itertools import islice
from typing import Final

from api.auth.principals import Principal
from api.binance.errors import UNKNOWN_TO_A_QUERY, BinanceError, refusals
from api.binance.numbers import MILLISECOND_NS
from api.binance.order_views import NO_LIST, QueriedOrder, TradeRow, trade_rows
from api.binance.orders import BinanceOrders, Charge
from api.binance.requests import AllOrders, MyTrades
from api.binance.statuses import is_of_pair
from api.binance.symbols import SymbolTable
from api.http.limits import ROWS_A_UNIT
from api.json.requests import MAX_PAGE
from api.orders.lookup import OrderLookup
from engine.exchange import Exchange
from engine.order import Order
from engine.types import LEG_UNIT, AccountId, OrderId, TradeId, entry_of
from history.reader import HistoryReader
from history.store import DoneOrder, Trade, listing_key
from loop.turns import in_turns

PAGES_MAX: Final = 10
NEWEST_ORDER: Final = OrderId(2**62)


class BinanceHistory:
    """What the traders of one venue look back on."""

    def __init__(
        self,
        exchange: Exchange,
        symbols: SymbolTable,
        orders: BinanceOrders,
        lookup: OrderLookup,
        history: HistoryReader,
    ) -> None:
        self._exchange = exchange
        self._symbols = symbols
        self._orders = orders
        self._lookup = lookup
        self._history = history

    def all_orders(self, asked: AllOrders, principal: Principal, charge: Charge) -> list[QueriedOrder]:
        """GET allOrders: from `orderId` on, or those entered from `startTime` to `endTime`; else the newest.

        A leg stands beside the order whose command it came from.
        """
        symbol, account = self._symbols.instrument(asked.symbol).symbol, principal.account
        window = _since(asked.start_time), _until(asked.end_time)
        with refusals():
            charge(self._lookup.open_orders_units(account))
            # those open now are taken before we wait: what ends meanwhile is found in the history as well
            open_orders = self._lookup.open_orders(account, symbol)
            left = asked.limit - sum(order.entered_ns <= window[1] for order in in_turns(open_orders))
            done = self._done_orders(asked, (account, symbol), left, charge)
        from_the_oldest = asked.order_id is not None or asked.start_time is not None
        merged: Iterator[Order | DoneOrder]
        if from_the_oldest:
            merged = merge(open_orders, reversed(done.values()), key=_place)
        else:
            merged = merge(reversed(open_orders), done.values(), key=_place, reverse=True)
        first = entry_of(OrderId(asked.order_id or 0))
        matching = (
            order
            for order in in_turns(merged)
            if entry_of(order.order_id) >= first
            and window[0] <= order.entered_ns <= window[1]
            and done.get(order.order_id, order) is order
        )
        chosen = list(islice(matching, asked.limit))
        if not from_the_oldest:
            chosen.reverse()
        # what has ended since the history was read is shown as it ended
        return [self._orders.view(self._lookup.known(order.order_id) or order) for order in in_turns(chosen)]

    def _done_orders(
        self, asked: AllOrders, whose: tuple[AccountId, str], left: int, charge: Charge
    ) -> dict[OrderId, DoneOrder]:
        """The orders that are done among which those are that are asked for, newest first; `left` are wanted.

        Raises StoreAway, ApiError 429, BinanceError.
        """
        first, since_ns, until_ns = OrderId(asked.order_id or 0), _since(asked.start_time), _until(asked.end_time)
        all_until_then = asked.order_id is not None or asked.start_time is not None
        until, before, pages = self._exchange.seq, NEWEST_ORDER, 0
        found: dict[OrderId, DoneOrder] = {}
        self._history.wait_for(until)
        while True:
            page = self._history.orders(*whose, before, MAX_PAGE, None, until)
            charge(len(page) // ROWS_A_UNIT)
            found.update((done.order_id, done) for done in page)
            left -= sum(done.entered_ns <= until_ns for done in page)
            pages += 1
            if not _goes_on(page, pages, all_until_then or left > 0):
                return found
            before = page[-1].order_id
            if entry_of(before) < entry_of(first) or page[-1].entered_ns < since_ns:
                return found

    def my_trades(self, asked: MyTrades, principal: Principal, charge: Charge) -> list[TradeRow]:
        """GET myTrades: of an order, from `fromId` on, or from `startTime` to `endTime`; else the newest."""
        instrument, account = self._symbols.instrument(asked.symbol), principal.account
        since_ns, until_ns, first = _since(asked.start_time), _until(asked.end_time), asked.from_id or 0
        from_the_oldest = asked.from_id is not None or asked.start_time is not None
        with refusals(UNKNOWN_TO_A_QUERY):
            if asked.order_id is not None:
                order = self._lookup.find(OrderId(asked.order_id), account, instrument.symbol)
                trades = self._lookup.fills_of(order.order_id)
            else:
                trades = self._trades(asked, principal, charge)
        chosen = [
            trade for trade in in_turns(trades) if trade.trade_id >= first and since_ns <= trade.ts_ns <= until_ns
        ]
        rows = [
            row
            for trade in in_turns(chosen)
            for row in trade_rows(trade, account, instrument, asked.symbol, self._list_id)
            if asked.order_id in (None, row.order_id)
        ]
        return rows[: asked.limit] if from_the_oldest else rows[-asked.limit :]

    def _trades(self, asked: MyTrades, principal: Principal, charge: Charge) -> list[Trade]:
        """The trades among which those are that are asked for, oldest first. Raises StoreAway, BinanceError."""
        symbol, since_ns = self._symbols.instrument(asked.symbol).symbol, _since(asked.start_time)
        all_until_then, until_ns = asked.from_id is not None or asked.start_time is not None, _until(asked.end_time)
        left = asked.limit
        until, found, before, pages = self._exchange.seq, [], None, 0
        self._history.wait_for(until)
        while True:
            page = self._history.account_fills(principal.account, symbol, before, MAX_PAGE, until)
            charge(len(page) // ROWS_A_UNIT)
            found += page
            left -= sum(trade.ts_ns <= until_ns for trade in page)
            pages += 1
            if not _goes_on(page, pages, all_until_then or left > 0):
                break
            before = TradeId(page[-1].trade_id)
            if before <= (asked.from_id or 0) or page[-1].ts_ns < since_ns:
                break
        found.reverse()
        return found

    def _list_id(self, order_id: OrderId) -> int:
        """The orderListId of an order: of one that is long done, only of legs that say it by their number."""
        known = self._lookup.known(order_id)
        if known is None:
            return entry_of(order_id) if order_id >= LEG_UNIT else NO_LIST
        return entry_of(order_id) if is_of_pair(known.terms) else NO_LIST


def _place(order: Order | DoneOrder) -> tuple[OrderId, OrderId]:
    return listing_key(order.order_id)


def _goes_on(page: list[DoneOrder] | list[Trade], pages: int, wanted: bool) -> bool:
    """Whether the next page back is to be read. Raises BinanceError where that would be one too many."""
    if len(page) < MAX_PAGE or not wanted:
        return False
    if pages >= PAGES_MAX:
        sentence = f"More than {PAGES_MAX * MAX_PAGE} lie between now and what is asked for; ask for newer ones."
        raise BinanceError(-1127, sentence)
    return True


def _since(start_time: int | None) -> int:
    return 0 if start_time is None else start_time * MILLISECOND_NS


def _until(end_time: int | None) -> int:
    return 2**63 if end_time is None else end_time * MILLISECOND_NS + MILLISECOND_NS - 1
