"""The database of the historian, as far as the front door reads it; its transactions are whole or not at all.

In the place of `history.store.History` and `history.writer.HistoryWriter`, whose SQLite has tests of its own.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from api.orders.entered import status_of
from engine.events import Accepted, Cancelled, CommandResult, Ended, Filled
from engine.types import AccountId, OrderId
from history.store import DoneOrder, Trade
from history.writer import StoreGap, StoreRefused
from tests.sim.machine import sleep


class History:
    """Done orders and trades, as far as they are stored. It survives every process."""

    def __init__(self, rng: random.Random, on_fault: Callable[[str], object]) -> None:
        self.path = Path("history")
        self.refuses = 0.0  # how likely a transaction is refused
        self.stored_seq = 0
        self._orders: dict[OrderId, DoneOrder] = {}
        self._names: dict[tuple[AccountId, str], OrderId] = {}
        self._fills: dict[OrderId, list[Trade]] = {}
        self._rng = rng
        self._on_fault = on_fault

    # -- as History

    def reopen(self) -> None:
        """Nothing is to be opened."""

    def close(self) -> None:
        """Nothing is to be closed."""

    def order(self, order_id: OrderId) -> DoneOrder | None:
        """One done order."""
        self._read()
        return self._orders.get(order_id)

    def order_by_client_id(self, account: AccountId, client_order_id: str) -> DoneOrder | None:
        """The latest done order under this id."""
        self._read()
        order_id = self._names.get((account, client_order_id))
        return None if order_id is None else self._orders[order_id]

    def named_orders(self, names: Sequence[tuple[AccountId, str]]) -> list[OrderId | None]:
        """For each of these the latest done order."""
        self._read()
        return [self._names.get(name) for name in names]

    def fills(self, order_id: OrderId, *_: Any) -> list[Trade]:
        """The trades of one order."""
        self._read()
        return list(self._fills.get(order_id, ()))

    def _read(self) -> None:
        self._on_fault("question to the history")
        sleep(self._rng.random() * 0.002)

    # -- as what its writer stores

    def store(self, applied: Sequence[CommandResult]) -> None:
        """One transaction. Raises StoreRefused and StoreGap; nothing is stored then."""
        fresh = [result for result in applied if result.seq > self.stored_seq]
        if not fresh:
            return
        if fresh[0].seq != self.stored_seq + 1:
            raise StoreGap(f"stored up to {self.stored_seq}; cannot go on with {fresh[0].seq}")
        sleep(0.001 + self._rng.random() * 0.004)
        if self.refuses and self._rng.random() < self.refuses:
            self._on_fault("history that refused")
            raise StoreRefused("the disk is full")
        for result in fresh:
            for event in result.events:
                if isinstance(event, Ended) and not isinstance(event, Accepted):
                    self._end(event, result)
                elif isinstance(event, Filled):
                    trade = _trade(event, result)
                    for order_id in {event.maker_order_id: 0, event.taker_order_id: 0}:
                        self._fills.setdefault(order_id, []).append(trade)
        self.stored_seq = fresh[-1].seq

    def begin_at(self, seq: int) -> None:
        """Have nothing up to `seq`."""
        self._on_fault("history that begins late")
        self._orders, self._names, self._fills, self.stored_seq = {}, {}, {}, seq

    def _end(self, ended: Ended, result: CommandResult) -> None:
        reason = ended.reason if isinstance(ended, Cancelled) else None
        row = DoneOrder(
            ended.order_id, ended.account, ended.symbol, ended.side, ended.order_type, ended.time_in_force,
            ended.price, ended.quantity, ended.cum, ended.quote_cum, ended.fees, ended.client_order_id,
            ended.entered_ns, result.seq, result.ts_ns, status_of(ended)[0], reason, ended.terms, ended.prevention,
        )  # fmt: skip
        self._orders[ended.order_id] = row
        if ended.client_order_id is not None:
            self._names[ended.account, ended.client_order_id] = ended.order_id


class HistoryWriter:
    """`history.writer.HistoryWriter` over a `History`."""

    def __init__(self, history: History) -> None:
        self._history = history

    @property
    def applied_seq(self) -> int:
        """Everything up to this seq is stored."""
        return self._history.stored_seq

    def write(self, applied: Sequence[CommandResult]) -> None:
        """One transaction. Raises StoreRefused and StoreGap."""
        self._history.store(applied)

    def begin_at(self, seq: int, _instruments: object) -> None:
        """Make it anew, to go on behind `seq`: the records before were dropped, and what they caused is lost."""
        self._history.begin_at(seq)

    def close(self) -> None:
        """Nothing is to be closed."""


def _trade(filled: Filled, result: CommandResult) -> Trade:
    return Trade(
        filled.trade_id, result.seq, result.ts_ns, filled.symbol, filled.price, filled.quantity, filled.notional,
        filled.taker_side, filled.maker_order_id, filled.taker_order_id, filled.maker_account, filled.taker_account,
        filled.maker_fee, filled.taker_fee, int(filled.auction), int(filled.self_trade),
    )  # fmt: skip
