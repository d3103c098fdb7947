"""A book that follows the feed: folded message by message, and mended by itself.

Layer: openbell_client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from openbell_client.errors import FeedError, OpenbellError
from openbell_client.feed.book import Folded, OrderBook
from openbell_client.feed.inbox import GapReason

ASK_AGAIN_S: Final = 5.0  # for a snapshot that was asked for and did not come


class LiveBook(OrderBook):
    """The book of one symbol as it changes. While it is not `valid` it is of before something that was missed."""

    def __init__(self, symbol: str, *, renew: Callable[[], None], closed: Callable[[], None]) -> None:
        """`renew` asks for a new snapshot."""
        super().__init__(symbol)
        self.users = 1
        self.resyncs = 0  # how often something was missed
        self._renew = renew
        self._closed = closed
        self._changed = asyncio.Event()
        self._ended = False
        self._failure: OpenbellError | None = None
        self._asking: asyncio.TimerHandle | None = None

    async def settled(self) -> None:
        """Wait until it is valid, without a deadline. Raises what ended it."""
        while not self.valid:
            await self.changed()

    async def changed(self, since: int | None = None) -> int:
        """Wait for the next change of the book or of its validity; its `seq`. Raises what ended it.

        With `since` not at all when the book has another `seq` already: so no change is missed between two calls.
        """
        if not self._ended and (since is None or self.seq == since):
            await self._changed.wait()
        if self._ended:
            raise self._failure or FeedError("The book is not followed any more.", "FEED_CLOSED")
        return self.seq

    def close(self) -> None:
        """Follow no more, when this was the last to follow it."""
        self.users -= 1
        if self.users <= 0 and not self._ended:
            self.end(None)
            self._closed()

    # -- for the feed

    def take(self, event: str, data: dict[str, Any]) -> None:
        """Fold one message."""
        was_valid = self.valid
        folded = self.snapshot(data) if event == "l2_snapshot" else self.delta(data)
        if folded is Folded.OLD:
            return
        if self.valid:
            self._stop_asking()
        elif was_valid or event == "l2_snapshot":
            self._ask()
        if was_valid or self.valid:
            self._wake()

    def gap(self, reason: GapReason) -> None:
        """Messages were missed; the feed asks for the snapshot."""
        if self.valid:
            self.resyncs += 1
        if reason == "reconnected":
            self.leave()
        else:
            self.invalidate()
        self._wake()

    def lost(self) -> None:
        """As `gap`: it may go on from where it is."""
        self.gap("reconnected")

    def subscribed(self, seq: int, *, resumed: bool | None) -> None:
        """A snapshot follows, or one delta where it is `resumed`."""
        if resumed is False:
            self.invalidate()

    @property
    def since(self) -> int | None:
        """The command that it may go on from."""
        return self.left_at

    def end(self, failure: OpenbellError | None) -> None:
        """No more comes: what it has is of before."""
        self.invalidate()
        self._ended = True
        self._failure = failure
        self._stop_asking()
        self._wake()

    def _ask(self) -> None:
        self.resyncs += 1
        self._stop_asking()
        self._asking = asyncio.get_running_loop().call_later(ASK_AGAIN_S, self._ask)
        self._renew()

    def _stop_asking(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def _wake(self) -> None:
        self._changed.set()
        self._changed.clear()  # whoever waited has been woken; the next waits for the next change
