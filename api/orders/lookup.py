"""Looking up one's orders: the open ones in the engine, what is done in memory or in the history.

The memory knows the newest, so that nobody waits until the history has stored them: what it does not know is older,
and the history is waited for up to there only. Pages of orders alone want the history to have everything.
Every method is cooperative and raises `ApiError` or StoreAway for any answer but the one asked for.
Layer: api.orders.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from api.http.limits import OPEN_ORDERS_A_UNIT
from api.json.errors import ApiError, Malformed, history_behind, rejected
from api.json.requests import order_id_of
from api.market.views import bbo_view, trade_view
from api.orders.entered import status_of
from api.orders.memory import OrderMemory
from api.orders.options import OrderOptions
from api.orders.requests import OrdersQuery
from api.orders.views import FillView, OrderAnswer, OrdersPage, OrderView, fill_view, order_view, queue_view
from engine.commands import CancelOrder
from engine.events import CommandResult, Ended, Rejected
from engine.exchange import Exchange
from engine.order import Order
from engine.rejects import RejectReason
from engine.types import LEG_UNIT, AccountId, OrderId, OrderStatus, Seq, entry_of
from history.reader import PATIENCE_S, HistoryReader
from history.store import FILLS_MAX, DoneOrder, Trade, listing_key
from listings.grid import grid_of
from loop.errors import StoreAway
from loop.turns import in_turns

STEP: Final = 64  # orders between two readings of the clock
_WAYS_TO_END = (OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.EXPIRED)


class OrderLookup:
    """The orders of one venue, as their owners look them up."""

    def __init__(self, exchange: Exchange, memory: OrderMemory, history: HistoryReader) -> None:
        self._exchange = exchange
        self._memory = memory
        self._history = history

    def order(
        self,
        order_id: str,
        account: AccountId,
        symbol: str | None = None,
        *,
        patience_s: float = PATIENCE_S,
    ) -> OrderView:
        """One order of `account`, open or done, with its fills; it must be in `symbol` when given.

        An open one comes without fills where the history is to know older ones and stays behind for `patience_s`.
        """
        number = order_id_of(order_id)
        view, fills = self._order_and_fills(number, account, symbol, patience_s)
        return self._with_fills(view, number, fills)

    def orders(self, query: OrdersQuery, account: AccountId) -> OrdersPage:
        """A page of the orders of `account`, newest first; `next_cursor` asks for the page behind it."""
        if query.symbol is not None and self._exchange.instrument(query.symbol) is None:
            raise rejected(RejectReason.UNKNOWN_SYMBOL, None, symbol=query.symbol)
        seq = self._exchange.seq
        before = OrderId(seq + 1)
        if query.cursor is not None:
            before = min(before, OrderId(query.cursor), key=listing_key)
        # those open now are taken before we wait: what ends meanwhile is found in the history as well,
        # and what is entered meanwhile (an order's id is its seq) is not part of this page
        views: dict[OrderId, OrderView] = {}
        if query.status not in ("done", *_WAYS_TO_END):
            views = {order.order_id: self._open_view(order) for order in self._open_page(query, account, before)}
        if query.status in (None, "done", *_WAYS_TO_END):
            until = self._exchange.seq  # what ended while we read what is open is there, too
            self._history.wait_for(until)
            status = OrderStatus(query.status) if query.status in _WAYS_TO_END else None
            done = self._history.orders(account, query.symbol, before, query.limit, status, until)
            views.update((row.order_id, self._done_view(row)) for row in in_turns(done))
        newest = sorted(views, key=listing_key, reverse=True)[: query.limit]
        full = len(newest) == query.limit
        cursor = str(newest[-1]) if full else None
        return OrdersPage([views[order_id] for order_id in newest], cursor, seq)

    def after(self, applied: CommandResult, order_id: OrderId, account: AccountId, patience_s: float) -> OrderView:
        """An order after the command that changed it; without fills when the history stays behind."""
        for event in reversed(applied.events):
            if isinstance(event, Ended) and event.order_id == order_id:
                instrument = self._exchange.books[event.symbol].instrument
                view = order_view(event, instrument, applied.seq, *status_of(event))
                return self._with_fills(view, order_id, self._fills_if_known(order_id, applied.seq, patience_s))
        return self.order(str(order_id), account, patience_s=patience_s)

    def repeated(
        self, first: OrderId, account: AccountId, seq: Seq, elapsed_ms: float, patience_s: float
    ) -> OrderAnswer:
        """The first order as the answer to its repetition. Raises ApiError 503 while its trades are not known.

        Where what became of it is kept no longer, it is 409: the id was used, which is all that is known.
        """
        view, traded = self._order_and_fills(first, account, None, patience_s, _is_kept_no_longer)
        if traded is None:
            raise history_behind()
        book = self._exchange.books[view.symbol]
        entered = Seq(entry_of(first))
        fills = [trade for trade in traded if trade.taker_order_id == first or trade.seq == entered]
        grid = grid_of(book.instrument)
        return OrderAnswer(
            order_id=view.order_id,
            client_order_id=view.client_order_id,
            symbol=view.symbol,
            side=view.side,
            order_type=view.order_type,
            time_in_force=view.time_in_force,
            price=view.price,
            quantity=view.quantity,
            self_trade_prevention=view.self_trade_prevention,
            status=view.status,
            reason=view.reason,
            filled_quantity=view.filled,
            remaining_quantity=view.remaining,
            average_price=view.average_price,
            trades=[trade_view(trade, book.instrument, trade.ts_ns, trade.seq) for trade in fills],
            total_maker_fees=grid.amount(sum(trade.maker_fee for trade in fills)),
            total_taker_fees=grid.amount(sum(trade.taker_fee for trade in fills)),
            bbo=bbo_view(book, self._exchange.seq, self._exchange.ts_ns),
            processing_time_ms=elapsed_ms,
            timestamp=view.timestamp,
            ts_ns=view.ts_ns,
            ts_ns_text=view.ts_ns_text,
            seq=seq,
            repeated=True,
            **{name: getattr(view, name) for name in OrderOptions.__struct_fields__},
        )

    # -- for who answers in words of their own

    def find(self, order_id: OrderId, account: AccountId, symbol: str | None = None) -> Order | DoneOrder:
        """One order of `account`, open or done; it must be in `symbol` when given. Raises ApiError 404."""
        order: Order | DoneOrder | None = self._exchange.order(order_id) or self._done(order_id, PATIENCE_S)
        if order is None or order.account != account or symbol not in (None, order.symbol):
            raise rejected(RejectReason.UNKNOWN_ORDER, None)
        return order

    def find_named(self, name: str, account: AccountId, symbol: str | None = None) -> Order | DoneOrder:
        """The same by the trader's client order id: the open one, else the latest that is done. Raises ApiError 404."""
        number = self._exchange.order_id_of(account, name)
        order = None if number is None else self._exchange.order(number)
        if order is not None and order.account == account and symbol in (None, order.symbol):
            return order
        done = self._done_by_name(account, name, PATIENCE_S)
        if done is None or symbol not in (None, done.symbol):
            raise rejected(RejectReason.UNKNOWN_ORDER, None)
        return done

    def known(self, order_id: OrderId) -> Order | DoneOrder | None:
        """An order of whomever, as far as it is in memory. O(1)."""
        return self._exchange.order(order_id) or self._memory.order(order_id)

    def open_orders(self, account: AccountId, symbol: str | None = None) -> list[Order]:
        """The open orders of `account`, oldest first. O(open orders). Cooperative."""
        known = self._exchange.accounts.get(account)
        if known is None:
            return []
        open_orders, found = known.open_orders, []
        for order_id in _newest_first(list(open_orders)):
            order = open_orders.get(order_id)
            if order is not None and symbol in (None, order.symbol):
                found.append(order)
        found.reverse()
        return found

    def open_orders_units(self, account: AccountId) -> int:
        """What a walk through the open orders of `account` counts for, beside its request. O(1)."""
        known = self._exchange.accounts.get(account)
        return 0 if known is None else len(known.open_orders) // OPEN_ORDERS_A_UNIT

    def fills_of(self, order_id: OrderId) -> list[Trade]:
        """The trades of an order until now, oldest first. Raises StoreAway where the history is to know some."""
        return self._fills(order_id, self._exchange.seq, PATIENCE_S)

    def last_traded_ns(self, order_id: OrderId) -> int | None:
        """When an open order traded last, as far as its fills are in memory."""
        trades = self._memory.fills(order_id).trades
        return trades[-1].ts_ns if trades else None

    # -- for the rest of order entry

    def require_one_order(self, command: CancelOrder, patience_s: float = PATIENCE_S) -> None:
        """Raise Malformed where two ids of a cancel name different orders, and 404 where neither names one."""
        number, name, account = command.order_id, command.client_order_id, command.account
        if number is None or name is None:
            return
        order: Order | DoneOrder | None = self._exchange.order(number)
        if order is None:
            order = self._done(number, patience_s)
        if order is not None and order.account == account:
            if order.client_order_id == name:
                return  # both ids name it for good, so nothing can come between this check and the cancel
        elif self._exchange.order_id_of(account, name) is None and not self._done_by_name(account, name, patience_s):
            raise rejected(RejectReason.UNKNOWN_ORDER, None, client_order_id=name)
        raise Malformed(
            "CONTRADICTION",
            "order_id and client_order_id name different orders, so neither is cancelled: give one of them.",
            field="client_order_id",
            fields=["order_id", "client_order_id"],
        )

    def raise_if_done(self, event: Rejected, command: CancelOrder, patience_s: float) -> None:
        """Raise `too_late` for an order that ended longer ago than the engine remembers."""
        if event.reason is not RejectReason.UNKNOWN_ORDER:
            return
        done: DoneOrder | None = None
        if command.order_id is not None:
            done = self._done(command.order_id, patience_s)
        elif command.client_order_id is not None:
            done = self._done_by_name(command.account, command.client_order_id, patience_s)
        if done is not None and done.account == command.account and command.symbol in (None, done.symbol):
            raise rejected(RejectReason.TOO_LATE, None, legacy_status=True, order_id=str(done.order_id))

    # -- steps

    def _open_page(self, query: OrdersQuery, account: AccountId, before: OrderId) -> Iterator[Order]:
        """The open orders of a page, newest first; none that ends meanwhile. O(open orders). Cooperative."""
        known = self._exchange.accounts.get(account)
        if known is None:
            return
        open_orders, first, left = known.open_orders, listing_key(before), query.limit
        for order_id in _newest_first(list(open_orders)):
            order = open_orders.get(order_id)
            if (
                order is not None
                and listing_key(order_id) < first
                and query.symbol in (None, order.symbol)
                and query.status in (None, "open", order.status)
            ):
                yield order
                left -= 1
                if not left:
                    return

    def _open_view(self, order: Order, **further: object) -> OrderView:
        instrument = self._exchange.books[order.symbol].instrument
        if order.level is not None:  # it rests
            if "fills" in further:
                further["queue_position"] = queue_view(order, grid_of(instrument))
            if order.terms is not None and order.terms.display_quantity is not None:
                further["shown_quantity"] = grid_of(instrument).quantity(order.shown)
        return order_view(order, instrument, self._exchange.seq, order.status, None, **further)

    def _done_view(self, done: DoneOrder, **further: object) -> OrderView:
        instrument = self._exchange.books[done.symbol].instrument
        return order_view(done, instrument, self._exchange.seq, done.status, done.reason, **further)

    def _order_and_fills(
        self,
        order_id: OrderId,
        account: AccountId,
        symbol: str | None,
        patience_s: float,
        unknown: Callable[[], ApiError] = lambda: rejected(RejectReason.UNKNOWN_ORDER, None),
    ) -> tuple[OrderView, list[Trade] | None]:
        """An order as it is now, and its fills; None for those of an open one where they are not known.

        Raises `unknown()` where there is no such order.
        """
        order = self._exchange.order(order_id)
        if order is not None and order.account == account and symbol in (None, order.symbol):
            view = self._open_view(order, fills=None)  # as of now: it may trade on while we wait
            return view, self._fills_if_known(order_id, Seq(view.seq), patience_s) if order.cum else []
        done = self._done(order_id, patience_s) if order is None else None
        if done is None or done.account != account or symbol not in (None, done.symbol):
            raise unknown()
        return self._done_view(done), self._fills(order_id, done.ended_seq, patience_s)

    def _with_fills(self, view: OrderView, order_id: OrderId, trades: list[Trade] | None) -> OrderView:
        fills = None if trades is None else self._fill_views(order_id, trades)
        return msgspec.structs.replace(view, fills=fills)

    def _done(self, order_id: OrderId, patience_s: float) -> DoneOrder | None:
        """A done order of whomever, or None. Raises StoreAway where the history is to know and does not."""
        known = self._memory.order(order_id)
        if known is not None or not self._memory.may_have_forgotten(order_id):
            return known
        self._history.wait_for(self._memory.forgotten_until, patience_s)
        return self._history.order(order_id)

    def _done_by_name(self, account: AccountId, name: str, patience_s: float) -> DoneOrder | None:
        """The latest done order of `account` under this client order id, or None. Raises as `_done` does."""
        known = self._memory.order_by_client_id(account, name)
        if known is not None or not self._memory.forgotten_until:
            return known
        self._history.wait_for(self._memory.forgotten_until, patience_s)
        return self._history.order_by_client_id(account, name)

    def _fills_if_known(self, order_id: OrderId, seq: Seq, patience_s: float) -> list[Trade] | None:
        """The fills up to `seq`; None where the history is to know some, and stays behind or does not answer."""
        try:
            return self._fills(order_id, seq, patience_s)
        except StoreAway:
            return None

    def _fills(self, order_id: OrderId, seq: Seq, patience_s: float) -> list[Trade]:
        """The fills of an order up to `seq`, the first `FILLS_MAX` of them. Raises StoreAway as `_done` does."""
        newest: list[Trade] = []
        older_until = seq
        if order_id in self._memory or self._exchange.order(order_id) is not None:
            kept = self._memory.fills(order_id)
            newest, older_until = kept.trades, kept.older_until
        if older_until:
            self._history.wait_for(older_until, patience_s)
            older = self._history.fills(order_id)
            newest = [fill for fill in older if not newest or fill.trade_id < newest[0].trade_id] + newest
        return [fill for fill in newest[:FILLS_MAX] if fill.seq <= seq]

    def _fill_views(self, order_id: OrderId, trades: list[Trade]) -> list[FillView]:
        if not trades:
            return []
        grid = grid_of(self._exchange.books[trades[0].symbol].instrument)
        return [
            fill_view(trade, maker=trade.maker_order_id == order_id, grid=grid, ts_ns=trade.ts_ns)
            for trade in in_turns(trades)
        ]


def _newest_first(order_ids: list[OrderId]) -> Iterator[OrderId]:
    """Ids of open orders, oldest entered first, as they are listed: newest first, legs beside the order they came from.

    O(orders). Cooperative.
    """
    legs = [order_id for order_id in in_turns(order_ids, STEP) if order_id >= LEG_UNIT]
    legs.sort(key=listing_key, reverse=True)
    others = (order_id for order_id in reversed(order_ids) if order_id < LEG_UNIT)
    yield from in_turns(heapq.merge(others, legs, key=listing_key, reverse=True), STEP)


def _is_kept_no_longer() -> ApiError:
    return rejected(
        RejectReason.DUPLICATE_CLIENT_ORDER_ID,
        None,
        message="An order was entered under this client_order_id before, and what became of it is kept no longer.",
    )
