"""Reads of the history for greenlets: each lets others run. `wait_for` first, where the newest commands matter.

Layer: history.
"""

from __future__ import annotations

from typing import Final

from engine.types import AccountId, OrderId, OrderStatus, Seq, TradeId
from history.access import HistoryAccess
from history.candles import Candle, Interval
from history.postings import Posting
from history.store import DoneOrder, History, Trade
from loop.errors import StoreAway

PATIENCE_S: Final = 5.0  # how long a read waits for the history to catch up with it


class HistoryBehind(StoreAway):
    """The history does not know yet what is asked for."""


class HistoryReader:
    """What is done, read through the threads of `HistoryAccess`. Every method is cooperative and raises StoreAway.

    The history is told of a command when it is durable, so for a moment it may be ahead of the exchange: pages end at
    command `until`, for which the exchange's own seq is given.
    """

    def __init__(self, history: History, access: HistoryAccess) -> None:
        self._history = history
        self._access = access

    def wait_for(self, seq: Seq, patience_s: float = PATIENCE_S) -> None:
        """Wait until everything up to `seq` can be read. Raises HistoryBehind when it cannot be in `patience_s`."""
        if not self._access.wait(seq, patience_s):
            raise HistoryBehind(f"the history does not know command {seq} yet")

    def order(self, order_id: OrderId) -> DoneOrder | None:
        """One order that is done."""
        return self._access.query(self._history.order, order_id)

    def order_by_client_id(self, account: AccountId, client_order_id: str) -> DoneOrder | None:
        """The newest order that is done with the name that its owner gave it."""
        return self._access.query(self._history.order_by_client_id, account, client_order_id)

    def orders(
        self,
        account: AccountId,
        symbol: str | None,
        before: OrderId,
        limit: int,
        status: OrderStatus | None,
        until: Seq,
    ) -> list[DoneOrder]:
        """Orders of an account that are done, newest first."""
        return self._access.query(self._history.orders, account, symbol, before, limit, status, until)

    def fills(self, order_id: OrderId) -> list[Trade]:
        """The trades of one order, oldest first."""
        return self._access.query(self._history.fills, order_id)

    def trades(self, symbol: str, before: TradeId | None, limit: int, until: Seq) -> list[Trade]:
        """Trades in one symbol, newest first."""
        return self._access.query(self._history.trades, symbol, before, limit, until)

    def prints(self, symbol: str, since: int | None, before: int | None, limit: int, until: Seq) -> list[Trade]:
        """Trades in one symbol that are prices, oldest first, from id `since` on and before `before`."""
        return self._access.query(self._history.prints, symbol, since, before, limit, until)

    def first_trade_at(self, ts_ns: int) -> TradeId:
        """The id from which on trades are of this moment or later, there or not yet."""
        return self._access.query(self._history.first_trade_at, ts_ns)

    def account_fills(
        self, account: AccountId, symbol: str | None, before: TradeId | None, limit: int, until: Seq
    ) -> list[Trade]:
        """Trades of an account, newest first."""
        return self._access.query(self._history.account_fills, account, symbol, before, limit, until)

    def postings(
        self, account: AccountId, asset: str | None, before: int | None, limit: int, until: Seq
    ) -> list[Posting]:
        """Changes of an account's balances, newest first."""
        return self._access.query(self._history.postings, account, asset, before, limit, until)

    def candles(self, symbol: str, interval: Interval, start: int | None, end: int | None, limit: int) -> list[Candle]:
        """Candles of one symbol, oldest first. `start` and `end` in epoch seconds."""
        return self._access.query(self._history.candles, symbol, interval, start, end, limit)
