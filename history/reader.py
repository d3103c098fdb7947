"""Reads of the history for greenlets: each lets others run. `wait_for` first, where the newest commands matter.

Layer: history.
"""

from __future__ import annotations

from typing import Final

from engine.types import AccountId, OrderId, OrderStatus, Seq, TradeId
from history.candles import Candle, Interval
from history.postings import Posting
from history.store import DoneOrder, History, Trade
from history.writer import HistoryWriter
from loop.errors import StoreAway

PATIENCE_S: Final = 5.0  # how long a read waits for the history to catch up with it


class HistoryBehind(StoreAway):
    """The history does not know yet what is asked for."""


class HistoryReader:
    """What is done, read through the threads of `HistoryWriter`. Every method is cooperative and raises StoreAway."""

    def __init__(self, history: History, writer: HistoryWriter) -> None:
        self._history = history
        self._writer = writer

    def is_at(self, seq: Seq, patience_s: float = PATIENCE_S) -> bool:
        """Wait until everything up to `seq` can be read; False when it cannot be in `patience_s`."""
        return self._writer.wait(seq, patience_s)

    def wait_for(self, seq: Seq, patience_s: float = PATIENCE_S) -> None:
        """Wait until everything up to `seq` can be read. Raises HistoryBehind when it cannot be in `patience_s`."""
        if not self._writer.wait(seq, patience_s):
            raise HistoryBehind(f"the history does not know command {seq} yet")

    def order(self, order_id: OrderId) -> DoneOrder | None:
        """One order that is done."""
        return self._writer.query(self._history.order, order_id)

    def order_by_client_id(self, account: AccountId, client_order_id: str) -> DoneOrder | None:
        """The newest order that is done with the name that its owner gave it."""
        return self._writer.query(self._history.order_by_client_id, account, client_order_id)

    def orders(
        self, account: AccountId, symbol: str | None, before: OrderId, limit: int, status: OrderStatus | None
    ) -> list[DoneOrder]:
        """Orders of an account that are done, newest first."""
        return self._writer.query(self._history.orders, account, symbol, before, limit, status)

    def fills(self, order_id: OrderId) -> list[Trade]:
        """The trades of one order, oldest first."""
        return self._writer.query(self._history.fills, order_id)

    def trades(self, symbol: str, before: TradeId | None, limit: int) -> list[Trade]:
        """Trades in one symbol, newest first."""
        return self._writer.query(self._history.trades, symbol, before, limit)

    def account_fills(self, account: AccountId, symbol: str | None, before: TradeId | None, limit: int) -> list[Trade]:
        """Trades of an account, newest first."""
        return self._writer.query(self._history.account_fills, account, symbol, before, limit)

    def postings(self, account: AccountId, asset: str | None, before: int | None, limit: int) -> list[Posting]:
        """Changes of an account's balances, newest first."""
        return self._writer.query(self._history.postings, account, asset, before, limit)

    def candles(self, symbol: str, interval: Interval, start: int | None, end: int | None, limit: int) -> list[Candle]:
        """Candles of one symbol, oldest first. `start` and `end` in epoch seconds."""
        return self._writer.query(self._history.candles, symbol, interval, start, end, limit)
