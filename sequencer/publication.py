"""How an applied batch is published: what folds it, then the answers to those who wait, then what sends.

One of it may serve several sequencers one after the other, as a node has that follows, writes and follows again: then
those who listen do so once.
Layer: sequencer. For the event loop's thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from engine.events import CommandResult
from loop.reply import Replies, Reply
from sequencer.port import Listener

log = logging.getLogger(__name__)


class Publication:
    """Who listens, and the row of those who wait for answers."""

    def __init__(self) -> None:
        self.listeners: list[Listener] = []  # called as soon as a batch is applied; they must not switch
        self.listeners_behind: list[Listener] = []  # called behind the answers
        self.failure_listeners: list[Callable[[], None]] = []
        self.replies = Replies()

    def publish(self, batch: list[CommandResult], answered: Iterable[Reply[Any]]) -> None:
        """Have the listeners fold a batch, answer those whose commands are all applied, then have it published.

        Cooperative. The answers go first: whoever publishes has a turn of its own behind them.
        """
        _call(self.listeners, batch)
        self.replies.send(answered)
        self.replies.wait_behind()
        _call(self.listeners_behind, batch)

    def publish_failure(self) -> None:
        """Call those who want to know that no more commands will be taken."""
        for listener in self.failure_listeners:
            listener()


def _call(listeners: list[Listener], batch: list[CommandResult]) -> None:
    for listener in listeners:
        try:
            listener(batch)
        except Exception:
            log.exception("a listener failed at seq %d; trading goes on", batch[0].seq if batch else 0)
