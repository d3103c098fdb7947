"""What counts as processing: from the first byte of a request to its answer's write, HTTP and formatting included.

The front makes one for each request, lays it into the environ, and ends it when the answer is written; the feed one for
each event, which ends with its acknowledgement. An answer that tells its own time tells it up to when it is made.
Layer: api.http.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Protocol

from api.http.wsgi import Environ
from engine.commands import EnterOrder

PROCESSING: Final = "openbell.processing"  # in the environ

Record = Callable[[int, int], None]  # microseconds, and how many orders took them


class Faults(Protocol):
    """The faults that were asked for and concern a request, see `api.faults`."""

    is_dropped: bool  # the connection ends without an answer

    @property
    def header(self) -> tuple[str, str] | None:
        """What its answer says of them; None where it was not touched."""

    def order(self, command: EnterOrder) -> EnterOrder:
        """The order that is entered in place of one that was asked for. Raises ApiError where it is refused."""
        ...


class Processing:
    """The way of one request, or of one message of the feed, through the server."""

    __slots__ = ("_orders", "_record", "_started", "faults", "route")

    def __init__(self, started: float) -> None:
        """`started`: when its first byte came, in seconds of `time.perf_counter`."""
        self._started = started
        self.route = ""  # the template of its path, once that is known
        self.faults: Faults | None = None  # that concern it
        self._orders = 0  # that were entered by it
        self._record: Record | None = None

    @property
    def elapsed_ms(self) -> float:
        """The milliseconds up to now, as an answer tells them."""
        return round((time.perf_counter() - self._started) * 1e3, 3)

    @property
    def is_faulty(self) -> bool:
        """Whether a fault touched it: how long it took says nothing of the server then."""
        return self.faults is not None and self.faults.header is not None

    def count_order(self, record: Record) -> None:
        """Count an order that was entered by it; `record` is given the time that all of them took, at the end."""
        self._orders += 1
        self._record = record

    def end(self) -> float:
        """The answer is written. The seconds that it took."""
        seconds = time.perf_counter() - self._started
        if self._record is not None and not self.is_faulty:
            self._record(int(seconds * 1e6), self._orders)
        return seconds


def processing_of(environ: Environ) -> Processing:
    """The way of a request; without a front before us it begins now."""
    return environ.get(PROCESSING) or Processing(time.perf_counter())
