"""Native threads that run blocking calls for greenlets: the database of identities, the hashing of passwords.

Layer: loop.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import Final, ParamSpec, TypeVar

from eventlet.event import Event

from loop.bridge import Bridge
from loop.errors import Busy, StoreClosed

log = logging.getLogger(__name__)

CLOSE_S: Final = 2.0  # for the calls that are under way, at the end: one may be blocked in a disk

P = ParamSpec("P")
T = TypeVar("T")


class Workers:
    """A few threads with one queue. All methods are for the event loop's thread."""

    def __init__(self, name: str, threads: int, waiting_max: int) -> None:
        """Start the threads. `waiting_max`: calls that may be waiting or running before `run` refuses more."""
        self._waiting = 0
        self._waiting_max = waiting_max
        self._closing = False
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._bridge = Bridge()
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return `call(...)`, letting other greenlets run meanwhile. Raises what it raises, Busy, and StoreClosed
        after `close`."""
        if self._closing:
            raise StoreClosed("the server is stopping")
        if self._waiting >= self._waiting_max:
            raise Busy("too many calls wait")
        answer = Event()
        self._bridge.open()
        self._waiting += 1
        self._calls.put(partial(self._answer, answer, partial(call, *args, **kwargs)))
        result: T = answer.wait()
        return result

    def close(self) -> None:
        """Answer what waits, then stop the threads. Blocks the calling thread for `CLOSE_S` at most. Idempotent."""
        if self._closing:
            return
        self._closing = True
        for _ in self._threads:
            self._calls.put(None)
        until = time.monotonic() + CLOSE_S
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        if any(thread.is_alive() for thread in self._threads):
            log.error("%s does not end; the server ends without it", self._threads[0].name)
            return  # it may post to the bridge still
        self._bridge.close()

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()

    def _answer(self, answer: Event, call: Callable[[], object]) -> None:
        try:
            result = call()
        except Exception as error:  # raised in the greenlet that asked
            self._bridge.post(partial(self._done, answer.send_exception, error))
        else:
            self._bridge.post(partial(self._done, answer.send, result))

    def _done(self, send: Callable[[object], object], what: object) -> None:
        self._waiting -= 1
        send(what)
