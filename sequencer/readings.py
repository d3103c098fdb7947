"""Readings of one state of the exchange, in turns, between two batches.

Layer: sequencer. Cooperative; for the event loop's thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from engine.exchange import Exchange
from engine.types import Seq
from loop.reply import Replies, Reply
from loop.turns import Turn

T = TypeVar("T")

Reading = Callable[[], Generator[None, None, T]]


class Readings:
    """Those that wait for whoever applies to come between two batches."""

    def __init__(self, exchange: Exchange, replies: Replies) -> None:
        self._exchange = exchange
        self._replies = replies
        self._waiting: deque[tuple[Reading[Any], Reply[Any]]] = deque()

    def __bool__(self) -> bool:
        """Whether any waits."""
        return bool(self._waiting)

    def add(self, reading: Reading[T]) -> Reply[tuple[Seq, T]]:
        """Have it read when no batch is being applied; the reply to wait for."""
        reply: Reply[tuple[Seq, T]] = Reply()
        self._waiting.append((reading, reply))
        return reply

    def answer(self) -> None:
        """Read for all who wait. Nothing may be applied meanwhile."""
        while self._waiting:
            reading, reply = self._waiting.popleft()
            try:
                reply.settle(self.read(reading))
            except Exception as problem:  # the caller's
                reply.fail(problem)
            self._replies.send((reply,))

    def read(self, reading: Reading[T]) -> tuple[Seq, T]:
        """The seq of the state, and what was read of it. Raises what `reading` raises."""
        turn, steps = Turn(), reading()
        while True:
            try:
                next(steps)
            except StopIteration as last:
                return self._exchange.seq, last.value
            turn.pause_if_over()
