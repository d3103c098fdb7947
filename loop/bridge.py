"""From native threads back to the event loop, without monkey patching.

A native thread must not touch a greenlet. It leaves a callback here and writes one byte into a pipe that the hub
watches; the hub runs the callback in the thread of the event loop. Nothing polls, and no lock is shared: appending to
and taking from a deque are atomic.
Layer: loop.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from eventlet import hubs

log = logging.getLogger(__name__)


class Bridge:
    """Runs in the event loop what native threads `post`. Belongs to the thread that calls `open`."""

    def __init__(self) -> None:
        self._posted: deque[Callable[[], object]] = deque()
        self._read_fd, self._write_fd = os.pipe()
        os.set_blocking(self._read_fd, False)
        os.set_blocking(self._write_fd, False)
        self._listener: Any = None
        self._closed = False

    def open(self) -> None:
        """Start running callbacks in this thread's event loop. Does nothing when started already, or closed."""
        if self._listener is None and not self._closed:
            hub = hubs.get_hub()
            self._listener = hub.add(hub.READ, self._read_fd, self._on_wake, _ignore, _ignore)

    def post(self, callback: Callable[[], object]) -> None:
        """Have `callback` run in the event loop soon, after those posted before. From any thread; never blocks.

        It runs in the hub: it must not block. It may switch to a greenlet that waits in the hub. What it raises is
        logged, and those after it run all the same.
        """
        self._posted.append(callback)
        with suppress(BlockingIOError):  # full of wake-ups, of which one is enough
            os.write(self._write_fd, b"!")

    def close(self) -> None:
        """Run what was posted and stop. In the event loop's thread, when no native thread posts any more."""
        self._closed = True
        self._drain()
        if self._listener is not None:
            hubs.get_hub().remove(self._listener)
            self._listener = None
        os.close(self._read_fd)
        os.close(self._write_fd)

    def _on_wake(self, read_fd: int) -> None:
        if self._closed:  # by a callback of the same turn: the hub had us on its list already
            return
        with suppress(BlockingIOError):  # the byte of an earlier wake-up stood for this one too
            os.read(read_fd, 65536)
        self._drain()

    def _drain(self) -> None:
        while self._posted:
            callback = self._posted.popleft()
            try:
                callback()
            except Exception:  # the hub would drop the pipe, and all that native threads post later would never run
                log.exception("a callback that a native thread posted failed")


def _ignore(*_: object) -> None:
    """The hub's callbacks for a closed descriptor: this one is closed only after it was removed."""
