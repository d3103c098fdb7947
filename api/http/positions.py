"""Waiting, for a moment, until the exchange is as far as somebody has seen it elsewhere.

Who was answered by one node and asks another may be ahead of it. Nothing is kept for those who wait but their place.
Layer: api.http.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from eventlet import Timeout
from eventlet.event import Event

from engine.events import CommandResult
from engine.exchange import Exchange

PATIENCE_S: Final = 0.25
WAITING_MAX: Final = 1_000


class Positions:
    """Those who wait for a command to be applied. For the event loop's thread."""

    def __init__(self, exchange: Exchange, listen: Callable[[Callable[[list[CommandResult]], None]], None]) -> None:
        """`listen` has each applied batch given to what it is given."""
        self._exchange = exchange
        self._waiting: dict[Event, int] = {}  # and the seq that each waits for
        listen(self._on_applied)

    @property
    def seq(self) -> int:
        """The last command that is applied."""
        return self._exchange.seq

    def _on_applied(self, _batch: list[CommandResult]) -> None:
        """Wake who waits for what is applied now. O(those who wait)."""
        if not self._waiting:
            return
        for event in [event for event, seq in self._waiting.items() if seq <= self._exchange.seq]:
            del self._waiting[event]
            event.send()

    def wait(self, seq: int, patience_s: float = PATIENCE_S) -> bool:
        """Wait until command `seq` is applied; whether it is. Cooperative."""
        if seq <= self._exchange.seq:
            return True
        if len(self._waiting) >= WAITING_MAX:
            return False
        event = Event()
        self._waiting[event] = seq
        with Timeout(patience_s, False):
            event.wait()
        self._waiting.pop(event, None)
        return seq <= self._exchange.seq
