"""What waits for one reader of the feed: bounded, and never silently incomplete.

Layer: openbell_client.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, Literal, Self, TypeVar, cast

import msgspec

from openbell_client.errors import OpenbellError

T = TypeVar("T")

WAITING_MAX: Final = 10_000  # messages, for a reader that falls behind

GapReason = Literal["reconnected", "server_dropped", "reader_behind"]


class Gap(msgspec.Struct, frozen=True):
    """Messages are missing here. What they said is to be asked by REST: orders, fills, trades."""

    reason: GapReason


class Inbox(Generic[T]):
    """An iterator over one subscription: `async for message in inbox`. Close it to unsubscribe.

    `whole`: no message may be missing, and where some are there is a `Gap`, which is then one of `T`; else only the
    latest one waits.
    """

    def __init__(self, *, whole: bool, closed: Callable[[], None] = lambda: None) -> None:
        self._whole = whole
        self._waiting: deque[T] = deque()
        self._ready = asyncio.Event()
        self._ended = False
        self._failure: OpenbellError | None = None
        self._closed = closed

    def put(self, message: T) -> None:
        """Add a message."""
        if self._ended:
            return
        if not self._whole:
            self._waiting.clear()
        elif len(self._waiting) >= WAITING_MAX:
            self.gap("reader_behind")
        self._waiting.append(message)
        self._ready.set()

    def gap(self, reason: GapReason) -> None:
        """Messages are missing: what waits is of no use without them. Nothing where only the latest counts."""
        if self._whole and not self._ended:
            self._waiting.clear()
            self._waiting.append(cast(T, Gap(reason)))
            self._ready.set()

    def end(self, failure: OpenbellError | None = None) -> None:
        """No more comes: the reader is done with what waits, or gets `failure` then."""
        self._ended = True
        self._failure = self._failure or failure
        self._ready.set()

    def close(self) -> None:
        """Unsubscribe, and have the iteration end."""
        if not self._ended:
            self._waiting.clear()
            self.end()
            self._closed()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while not self._waiting:
            if self._ended:
                if self._failure is not None:
                    raise self._failure
                raise StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()
        return self._waiting.popleft()
