"""What a batch came to, found in one walk over its events: for market activity, statistics, profits and the feed.

Layer: projections.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from engine.commands import EnterOrder, StopAccount
from engine.events import CommandResult, Filled, Rejected, Uncrossed
from engine.exchange import Exchange
from projections.activity import Activity, TradePrint
from projections.levels import LevelKey, levels_of
from projections.profits import Profits


class Folded(NamedTuple):
    """What a batch came to, in order."""

    trades: Sequence[TradePrint]
    touched: Sequence[LevelKey]  # levels that may have changed, some more than once; none where nobody follows them
    results: Sequence[CommandResult]  # of the commands, whole


class Fold:
    """Folds batches, of a replay or of the sequencer: what it hands on is as the exchange is."""

    def __init__(
        self,
        exchange: Exchange,
        activity: Activity,
        profits: Profits,
        follows_levels: Callable[[], bool],
    ) -> None:
        """`follows_levels`: whether anybody wants the levels that are touched."""
        self._exchange = exchange
        self._activity = activity
        self._profits = profits
        self._follows_levels = follows_levels

    def fold(self, batch: list[CommandResult]) -> Folded:
        """Fold a batch. O(events)."""
        activity, on_trade, exchange, with_levels = (
            self._activity,
            self._profits.trade,
            self._exchange,
            self._follows_levels(),
        )
        trades: list[TradePrint] = []
        touched: list[LevelKey] = []
        symbol, ts_ns, orders = "", 0, 0  # of the last ones, which are not counted yet
        for applied in batch:
            command = applied.command
            if type(command) is EnterOrder:
                if command.symbol == symbol and applied.ts_ns == ts_ns:
                    orders += 1
                else:
                    if orders:
                        activity.count_orders(symbol, ts_ns, orders)
                    symbol, ts_ns, orders = command.symbol, applied.ts_ns, 1
            elif type(command) is StopAccount:
                self._profits.stop(command)
            uncrossed = False
            for event in applied.events:
                if type(event) is Filled:
                    trades.append(activity.add_trade(event, applied))
                    on_trade(event)
                elif type(event) is Rejected:
                    activity.count_reject(event)
                elif type(event) is Uncrossed:
                    uncrossed = True
                if with_levels:
                    touched += levels_of(event, exchange, uncrossed=uncrossed)
        if orders:
            activity.count_orders(symbol, ts_ns, orders)
        return Folded(trades, touched, batch)
