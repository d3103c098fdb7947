"""Greenlets for short work that may wait, used again and again: to make one takes as long as matching an order.

Layer: loop.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from eventlet import hubs
from greenlet import getcurrent, greenlet

log = logging.getLogger(__name__)

KEPT_MAX: Final = 256  # that wait for work; of more at a time, some end when they are done

Work = Callable[[Any], object]


class Greenlets:
    """Runs work from the hub, each in a greenlet of its own. For the event loop's thread."""

    def __init__(self) -> None:
        self._idle: list[greenlet] = []

    def run(self, work: Work, argument: Any) -> None:
        """Run `work(argument)` until it waits for something or ends. Called by the hub alone.

        What it raises is logged and goes no further.
        """
        runner = self._idle.pop() if self._idle else self._new()
        runner.switch((work, argument))

    def _new(self) -> greenlet:
        runner = greenlet(self._run, hubs.get_hub().greenlet)
        runner.switch()  # to where it waits for work: what a greenlet begins with, it holds as long as it lives
        return runner

    def _run(self) -> None:
        wait = hubs.get_hub().greenlet.switch
        given: tuple[Work, Any] | None = wait()
        while given is not None:
            try:
                given[0](given[1])
            except Exception:  # behind it is the hub
                log.exception("work of the event loop failed")
            given = None  # what it holds is freed now
            if len(self._idle) < KEPT_MAX:
                self._idle.append(getcurrent())
                given = wait()
