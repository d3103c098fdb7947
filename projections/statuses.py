"""When the status of each symbol was last commanded, by a schedule or an operator.

Layer: projections.
"""

from __future__ import annotations

from engine.commands import SetStatus
from engine.events import CommandResult, StatusChanged


class CommandedStatuses:
    """When each symbol's status was last commanded."""

    def __init__(self) -> None:
        self.at_ns: dict[str, int] = {}

    def on_applied(self, batch: list[CommandResult]) -> None:
        """Take note of a batch. O(commands)."""
        for applied in batch:
            if type(applied.command) is SetStatus and any(isinstance(event, StatusChanged) for event in applied.events):
                self.at_ns[applied.command.symbol] = applied.ts_ns
