"""Front doors show one venue: what one of them has shown, none shows an earlier state of.

A client may have connections to several doors. Before a door answers it waits, for a moment, until it has applied what
any other had applied when the request came: an order that was answered by one is there at every other.
Layer: api.doors.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

import eventlet

from api.http.wsgi import Answer, Environ, Shortcut, StartResponse, WsgiApp
from loop.shared_marks import SharedMarks

WAIT_S: Final = 0.25  # after which a door answers with what it has: it may be behind by so much, and no more
STEP_S: Final = 0.0005


class Freshness:
    """Knows whether this process is as far as any other was."""

    def __init__(self, marks: SharedMarks, number: int, applied: Callable[[], int]) -> None:
        """`number`: of this process's mark; `applied`: the last command that is applied here."""
        self._marks = marks
        self._number = number
        self._applied = applied
        self.late = 0  # times that it was not waited for any longer

    def on_applied(self) -> None:
        """Commands were applied here, and are about to be shown. O(1)."""
        self._marks.set(self._number, self._applied())

    def wait(self) -> None:
        """Wait until this process is as far as all are now, `WAIT_S` at most. Cooperative."""
        newest = self._marks.newest()
        if self._applied() >= newest:
            return
        until = time.monotonic() + WAIT_S
        while self._applied() < newest:
            if time.monotonic() >= until:
                self.late += 1
                return
            eventlet.sleep(STEP_S)


class FreshApp:
    """Wraps a WSGI application."""

    def __init__(self, app: WsgiApp, freshness: Freshness) -> None:
        self._app = app
        self._wait = freshness.wait

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        self._wait()
        return self._app(environ, start_response)


class FreshLane:
    """Wraps what answers some requests before the application."""

    def __init__(self, lane: Shortcut, freshness: Freshness) -> None:
        self._answer = lane.answer
        self._wait = freshness.wait

    def answer(self, environ: Environ, body: bytes) -> Answer | None:
        """As `Shortcut.answer`."""
        self._wait()
        return self._answer(environ, body)
