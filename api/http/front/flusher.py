"""Writes what waits for many WebSockets at once: soon, behind whatever is running, and in short turns.

Layer: api.http.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import Generic, Protocol, TypeVar

from eventlet import hubs

from logs.limit import limited
from loop.turns import TURN_S

client_log = limited(logging.getLogger(__name__))

Message = TypeVar("Message")


class Flushable(Protocol[Message]):
    """What waits for one client."""

    def flush(self, joined: dict[tuple[Message, ...], bytes]) -> None:
        """Write it as far as the client's connection takes it. Does not switch.

        `joined`: the frames of several messages one behind the other, as they were made for others in the same turn.
        """


class Flusher(Generic[Message]):
    """Writes what waits in outboxes whose clients read, all of them in one go. For the event loop's thread."""

    def __init__(self) -> None:
        self._due: deque[Flushable[Message]] = deque()
        self._scheduled = False

    def add(self, outbox: Flushable[Message]) -> None:
        """Have an outbox flushed soon, from the hub's greenlet. O(1)."""
        self._due.append(outbox)
        if not self._scheduled:
            self._schedule()

    def _schedule(self) -> None:
        self._scheduled = True
        hubs.get_hub().schedule_call_global(0, self._run)

    def _run(self) -> None:
        """Flush those that are due; where they are many, others have a turn in between."""
        due, until = self._due, time.perf_counter() + TURN_S
        joined: dict[tuple[Message, ...], bytes] = {}
        while due:
            try:
                due.popleft().flush(joined)
            except Exception:
                client_log.exception("a client could not be written to")
            if time.perf_counter() >= until:
                break
        self._scheduled = False
        if due:
            self._schedule()
