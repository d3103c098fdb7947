"""Long work in short turns: whoever works for long lets the others of the event loop go on in between.

What is read may change between two turns, so a caller says what holds for it: it reads what does not change, or takes
its state in one turn, or reads again what has changed meanwhile.
Layer: loop.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeVar

import eventlet

T = TypeVar("T")

TURN_S: Final = 0.002  # the longest that one turn takes on purpose
LONG: Final = 1_000  # items: more are many
CHECK_EVERY: Final = 16  # items between two readings of the clock


class Turn:
    """The turn of one piece of work, which begins with it."""

    __slots__ = ("_since",)

    def __init__(self) -> None:
        self._since = time.perf_counter()

    @property
    def over(self) -> bool:
        """Whether it has taken as long as it may."""
        return time.perf_counter() - self._since >= TURN_S

    def pause_if_over(self) -> None:
        """Let the others have their turn when this one is over; the next begins behind them. Cooperative."""
        if self.over:
            self.pause()

    def pause(self) -> None:
        """Let the others have their turn. Cooperative."""
        eventlet.sleep(0)
        self._since = time.perf_counter()


def in_turns(items: Iterable[T], every: int = CHECK_EVERY) -> Iterator[T]:
    """The same items, with a turn for others whenever going through them has taken one. Cooperative.

    The clock is read behind `every` so many: few where one item takes long. Behind the last of many there is a turn for
    others as well, so that what follows begins with a turn of its own.
    """
    turn, number = Turn(), 0
    for number, item in enumerate(items, 1):
        yield item
        if not number % every:
            turn.pause_if_over()
    if number > LONG:
        turn.pause()


def pieces(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The same items, `size` at a time."""
    return (items[at : at + size] for at in range(0, len(items), size))
