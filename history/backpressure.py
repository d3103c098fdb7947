"""Lets the sequencer wait where the history falls too far behind, so that its backlog stays bounded.

Layer: history.
"""

from __future__ import annotations

from engine.events import CommandResult
from history.writer import HistoryWriter


class HistoryBackpressure:
    """Between the sequencer and the history's writer."""

    def __init__(self, writer: HistoryWriter) -> None:
        self._writer = writer
        self._full = False

    def put(self, batch: list[CommandResult]) -> None:
        """Have `batch` stored soon. Never blocks."""
        self._full = not self._writer.put(batch)

    def wait_for_room(self) -> None:
        """Wait, letting other greenlets run, where the last batch filled the backlog."""
        if self._full:
            self._full = False
            self._writer.wait_for_room()
