"""Compares the history beside a journal, which is what customers see, with what the journal gives.

The trades and the orders that are done are read in step with the replay, so that nothing has to fit in memory.
Units: as in the history: ticks, lots, minor units, epoch nanoseconds. Layer: audit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from audit.reading import Unreadable
from engine import events as ev

_TRADE = (
    "trade_id", "seq", "ts_ns", "symbol", "price", "quantity", "notional", "taker_side", "maker_order_id",
    "taker_order_id", "maker_account", "taker_account", "maker_fee", "taker_fee",
)  # fmt: skip
_ORDER = (
    "order_id", "ended_seq", "ended_ns", "account", "symbol", "side", "order_type", "time_in_force", "price",
    "quantity", "cum", "quote_cum", "fees", "client_order_id", "entered_ns", "status", "reason",
)  # fmt: skip
_AMOUNTS = {"notional", "maker_fee", "taker_fee", "quote_cum", "fees"}


class HistoryCheck:
    """Compares the rows of a history with the events of one command after the other, in order."""

    def __init__(self, path: Path) -> None:
        """Open a copy of the history. Raises Unreadable when it is none."""
        self.trades = self.orders = 0  # rows that were compared
        try:
            self._connection = sqlite3.connect(path)
            progress = self._connection.execute("SELECT applied_seq, begun_seq, pruned_ns FROM progress").fetchone()
            self.applied_seq, self._begun_seq, self._pruned_ns = (int(cell) for cell in progress)
            self._trades = self._rows("executed_trades", _TRADE, "trade_id")
            self._orders = self._rows("done_orders", _ORDER, "ended_seq, order_id")
            self._trade: dict[str, Any] | None = next(self._trades, None)
            self._order: dict[str, Any] | None = next(self._orders, None)
        except (sqlite3.Error, TypeError) as error:
            raise Unreadable(f"The history cannot be read: {error}.") from error

    def close(self) -> None:
        """Let go of the copy."""
        self._connection.close()

    def compare(self, seq: int, ts_ns: int, events: list[ev.Event]) -> list[str]:
        """A sentence for each row that is missing, additional or different; none beyond the history's last command."""
        if seq > self.applied_seq:
            return []
        wrong: list[str] = []
        due_trades = {event.trade_id: event for event in events if isinstance(event, ev.Filled)}
        due_orders = {event.order_id: event for event in events if isinstance(event, ev.Ended)}
        while self._trade is not None and self._trade["seq"] <= seq:
            row, self._trade = self._trade, next(self._trades, None)
            trade = due_trades.pop(row["trade_id"], None)
            wrong += _compared(
                f"trade {row['trade_id']}", row, None if trade is None else _trade_row(seq, ts_ns, trade)
            )
            self.trades += 1
        while self._order is not None and self._order["ended_seq"] <= seq:
            row, self._order = self._order, next(self._orders, None)
            order = due_orders.pop(row["order_id"], None)
            wrong += _compared(
                f"order {row['order_id']}", row, None if order is None else _order_row(seq, ts_ns, order)
            )
            self.orders += 1
        if seq <= self._begun_seq or ts_ns < self._pruned_ns:
            return wrong  # the history began later, or was pruned: what is missing was there, or need not be
        wrong += [f"trade {trade_id} is missing in the history" for trade_id in due_trades]
        wrong += [f"the end of order {order_id} is missing in the history" for order_id in due_orders]
        return wrong

    def _rows(self, table: str, columns: tuple[str, ...], order: str) -> Iterator[dict[str, Any]]:
        query = f"SELECT {', '.join(columns)} FROM {table} ORDER BY {order}"  # noqa: S608  # nosec B608 # fixed names
        cursor = self._connection.execute(query)
        for cells in cursor:
            row = dict(zip(columns, cells, strict=True))
            yield {name: int(cell) if name in _AMOUNTS else cell for name, cell in row.items()}


def _compared(what: str, row: dict[str, Any], due: dict[str, Any] | None) -> list[str]:
    if due is None:
        return [f"{what} is in the history and the journal gives none"]
    different = [f"{name} {row[name]}, not {due[name]}" for name in row if row[name] != due[name]]
    return [f"{what} is told with {', '.join(different)}"] if different else []


def _trade_row(seq: int, ts_ns: int, event: ev.Filled) -> dict[str, Any]:
    row = {name: getattr(event, name) for name in _TRADE if name not in ("seq", "ts_ns")}
    return row | {"seq": seq, "ts_ns": ts_ns, "taker_side": event.taker_side.value}


def _order_row(seq: int, ts_ns: int, event: ev.Ended) -> dict[str, Any]:
    row = {name: getattr(event, name, None) for name in _ORDER}
    status = {ev.Completed: "filled", ev.Cancelled: "cancelled", ev.Expired: "expired"}[type(event)]
    row |= {"ended_seq": seq, "ended_ns": ts_ns, "status": status}
    return {name: getattr(cell, "value", cell) for name, cell in row.items()}
