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
        entered: dict[str, int] = {}  # orders by symbol, at one time
        entered_ns = 0
        for applied in batch:
            command = applied.command
            if type(command) is EnterOrder:
                if applied.ts_ns != entered_ns:
                    if entered:
                        activity.count_orders(entered, entered_ns)
                        entered = {}
                    entered_ns = applied.ts_ns
                symbol = command.symbol
                entered[symbol] = entered.get(symbol, 0) + 1
            elif type(command) is StopAccount:
                self._profits.stop(command)
            uncrossed = False
            for event in applied.events:
                kind: type = type(event)  # most are of none of these
                if kind is Filled:
                    trades.append(activity.add_trade(event, applied))  # type: ignore[arg-type]
                    on_trade(event)  # type: ignore[arg-type]
                elif kind is Rejected:
                    activity.count_reject(event)  # type: ignore[arg-type]
                elif kind is Uncrossed:
                    uncrossed = True
                if with_levels:
                    touched += levels_of(event, exchange, uncrossed=uncrossed)
        if entered:
            activity.count_orders(entered, entered_ns)
        return Folded(trades, touched, batch)
