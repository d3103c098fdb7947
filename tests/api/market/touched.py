"""The levels that a command touched, as the server finds them."""

from __future__ import annotations

from collections.abc import Sequence

from engine.events import CommandResult
from engine.exchange import Exchange
from projections.activity import Activity
from projections.fold import Fold
from projections.levels import LevelKey
from projections.profits import Profits


def touched(applied: CommandResult, exchange: Exchange) -> Sequence[LevelKey]:
    """Those of one command that was applied last."""
    return Fold(exchange, Activity(exchange), Profits(), lambda: True).fold([applied]).touched
