"""From native threads back to greenlets, without monkey patching.

A native thread must not touch a greenlet. It leaves a callback here and writes one byte into a
pipe; a greenlet that waits for the pipe runs the callback in the thread of the event loop.
Layer: store.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import eventlet
from eventlet.hubs import trampoline


class Bridge:
    """Runs in the event loop what native threads `post`. Belongs to the thread that calls `open`."""

    def __init__(self) -> None:
        self._posted: deque[Callable[[], object]] = deque()
        self._read_fd, self._write_fd = os.pipe()
        os.set_blocking(self._read_fd, False)
        os.set_blocking(self._write_fd, False)
        self._greenlet: eventlet.greenthread.GreenThread | None = None

    def open(self) -> None:
        """Start running callbacks in this thread's event loop. Does nothing when started already."""
        if self._greenlet is None:
            self._greenlet = eventlet.spawn(self._run)

    def post(self, callback: Callable[[], object]) -> None:
        """Have `callback` run in the event loop soon, after those posted before. From any thread; never blocks.

        The callback must not block or raise.
        """
        self._posted.append(callback)
        with suppress(BlockingIOError):  # full of wake-ups: one of them will do
            os.write(self._write_fd, b"!")

    def close(self) -> None:
        """Run what was posted and stop. In the event loop's thread, when no native thread posts any more."""
        self._drain()
        if self._greenlet is not None:
            self._greenlet.kill()
            self._greenlet = None
        os.close(self._read_fd)
        os.close(self._write_fd)

    def _run(self) -> None:
        while True:
            trampoline(self._read_fd, read=True)
            os.read(self._read_fd, 65536)
            self._drain()

    def _drain(self) -> None:
        while self._posted:
            self._posted.popleft()()
