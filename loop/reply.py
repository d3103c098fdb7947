"""What one greenlet waits for, and the hub's way to give it to many greenlets at once.

`eventlet.event.Event` makes a timer of the hub for each greenlet that it wakes. Here one timer wakes all of a batch, in
order, and each is switched to, not scheduled.
Layer: loop.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from eventlet import hubs
from greenlet import getcurrent, greenlet

from loop.turns import Turn

log = logging.getLogger(__name__)

T = TypeVar("T")


class Reply(Generic[T]):
    """A result, or an error, that one greenlet waits for. For the event loop's thread."""

    __slots__ = ("_error", "_greenlet", "_result", "settled")

    def __init__(self) -> None:
        self.settled = False
        self._result: Any = None
        self._error: BaseException | None = None
        self._greenlet: greenlet | None = None

    def settle(self, result: T) -> None:
        """Give the result; who waits goes on when `resume` is called, who comes to wait does not."""
        self.settled, self._result = True, result

    def fail(self, error: BaseException) -> None:
        """Give an error, to be raised, instead."""
        self.settled, self._error = True, error

    def wait(self) -> T:
        """The result, once it is given; other greenlets run meanwhile. Raises the error that was given."""
        if not self.settled:
            if self._greenlet is not None:
                raise RuntimeError("another greenlet waits for this already")
            self._greenlet = current = getcurrent()
            hub = hubs.get_hub()
            # as the hub's own `switch`, where that has nothing to set right
            wait = hub.greenlet.switch if current.parent is hub.greenlet else hub.switch
            try:
                while not self.settled:
                    wait()
            finally:  # also when the greenlet is killed while it waits
                self._greenlet = None
        if self._error is not None:
            raise self._error
        result: T = self._result
        return result

    def resume(self) -> None:
        """Switch to the greenlet that waits, if one does. Called by the hub alone, and only there."""
        if self._greenlet is not None:
            self._greenlet.switch()


class _Mark(Reply[None]):
    """A place in the row of those who are resumed."""

    __slots__ = ()

    def resume(self) -> None:
        self.settle(None)
        super().resume()


class Replies:
    """Resumes those who wait for replies, in order: soon, from the hub, and a turn's worth at a time."""

    def __init__(self) -> None:
        self._given: deque[Reply[Any]] = deque()
        self._scheduled = False

    def send(self, given: Iterable[Reply[Any]]) -> None:
        """Have those who wait for these go on, behind those of earlier calls. Does not switch."""
        self._given.extend(given)
        if self._given and not self._scheduled:
            self._scheduled = True
            hubs.get_hub().schedule_call_global(0, self._resume)

    def wait_behind(self) -> None:
        """Wait until all who were sent so far have gone on. Cooperative."""
        mark = _Mark()
        self.send((mark,))
        mark.wait()

    def _resume(self) -> None:
        """The hub's callback. Nothing may leave it, or those behind would wait for ever."""
        self._scheduled = False
        turn = Turn()
        while self._given:
            try:
                self._given.popleft().resume()
            except Exception:
                log.exception("who waited for a reply failed")
            if turn.over:
                self.send(())
                return
