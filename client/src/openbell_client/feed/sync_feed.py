"""The feed for threads: the same feed, in an event loop of a thread of its own.

Layer: openbell_client.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from decimal import Decimal
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from openbell_client.answers import BalancesView, BboView, BookOrdersView, BookView, StatusView, TickerView, TradeView
from openbell_client.bound import Sends
from openbell_client.calls.call import Call
from openbell_client.calls.market import Interval
from openbell_client.errors import FeedError
from openbell_client.feed.async_feed import AsyncFeed
from openbell_client.feed.book import Level
from openbell_client.feed.inbox import Gap, Inbox
from openbell_client.feed.live_book import LiveBook
from openbell_client.feed.messages import Candle, OrderEvent, QueuePositions, VenueState
from openbell_client.methods import FeedMethods

T = TypeVar("T")

STOP_S: Final = 10.0  # for the thread to end


class _Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()  # work is given to the loop before it is stopped, or not at all
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="openbell-feed", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine there; its result. Raises FeedError where the loop ends before it has one."""
        with self._lock:
            if self._stopped:
                work.close()
                raise FeedError("The feed was closed.", "FEED_CLOSED")
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except CancelledError as error:
            raise FeedError("The feed was closed.", "FEED_CLOSED") from error
        except BaseException:  # Ctrl-C among them: what nobody waits for takes no message
            future.cancel()
            raise

    def stop(self) -> None:
        """End the thread. Whoever waits for a coroutine gets FeedError."""
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_S)

    def _run(self) -> None:
        self._loop.run_forever()
        self._loop.run_until_complete(_cancel_others())
        self._loop.close()


class Subscription(Generic[T]):
    """An iterator over one subscription: `for message in subscription`, or `next_within` with a time."""

    def __init__(self, loop: _Loop, inbox: Inbox[T]) -> None:
        self._loop = loop
        self._inbox = inbox

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        try:
            return self._loop.run(_next(self._inbox))
        except StopAsyncIteration:
            raise StopIteration from None

    def next_within(self, seconds: float) -> T | None:
        """The next message; None when none comes in time, and at once when the subscription was closed."""
        try:
            return self._loop.run(asyncio.wait_for(_next(self._inbox), seconds))
        except (StopAsyncIteration, TimeoutError):
            return None

    def close(self) -> None:
        """Unsubscribe, and have the iteration end."""
        self._loop.run(_call(self._inbox.close))


class BookFollower:
    """The book of one symbol as it changes, for threads: each question is answered as of one state."""

    def __init__(self, loop: _Loop, book: LiveBook) -> None:
        self._loop = loop
        self._book = book

    @property
    def symbol(self) -> str:
        """Whose book."""
        return self._book.symbol

    @property
    def seq(self) -> int:
        """That of the last change."""
        return self._book.seq

    @property
    def valid(self) -> bool:
        """Whether nothing was missed."""
        return self._book.valid

    @property
    def resyncs(self) -> int:
        """How often something was missed, and mended."""
        return self._book.resyncs

    @property
    def best_bid(self) -> Level | None:
        """The highest bid."""
        return self._loop.run(_call(lambda: self._book.best_bid))

    @property
    def best_ask(self) -> Level | None:
        """The lowest ask."""
        return self._loop.run(_call(lambda: self._book.best_ask))

    @property
    def mid_price(self) -> Decimal | None:
        """Between best bid and best ask; None while a side is empty."""
        return self._loop.run(_call(lambda: self._book.mid_price))

    def levels(self, count: int | None = None) -> tuple[list[Level], list[Level]]:
        """Bids and asks of one state, best first; all unless `count` says how many a side."""
        return self._loop.run(_call(lambda: (self._book.bids(count), self._book.asks(count))))

    def changed(self, within_s: float, since: int | None = None) -> bool:
        """Wait for the next change, or for one beyond the `seq` `since`; whether one came in time."""
        try:
            self._loop.run(asyncio.wait_for(self._book.changed(since), within_s))
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """Follow no more."""
        self._loop.run(_call(self._book.close))


class Feed(Sends, FeedMethods):
    """One connection to the feed, for any number of threads. A context manager; see `AsyncFeed`."""

    def __init__(self, make: Callable[[], tuple[AsyncFeed, Callable[[], Coroutine[Any, Any, None]]]]) -> None:
        """Use `Client.feed`. `make` gives the feed and what ends that which it uses."""
        self._make = make
        self._loop: _Loop | None = None
        self._feed: AsyncFeed | None = None
        self._end: Callable[[], Coroutine[Any, Any, None]] | None = None

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        """Connect. Raises Refused for bad credentials, Unavailable when there is no connection in time."""
        if self._loop is not None:
            raise FeedError("The feed is open already.", "FEED_OPEN")
        self._loop = _Loop()
        try:
            self._feed, self._end = self._loop.run(_call(self._make))
            self._loop.run(self._feed.open())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Disconnect, and have every subscription end."""
        loop, feed, end = self._loop, self._feed, self._end
        self._loop = self._feed = self._end = None
        if loop is not None:
            try:
                if feed is not None and end is not None:
                    loop.run(feed.close())
                    loop.run(end())
            finally:
                loop.stop()

    @property
    def connected(self) -> bool:
        """Whether it is connected just now."""
        return self._feed is not None and self._feed.connected

    @property
    def connections(self) -> int:
        """How many connections were made until now."""
        return 0 if self._feed is None else self._feed.connections

    def send(self, call: Call[T]) -> T:
        """Carry out a call over the feed."""
        loop, feed = self._running()
        return loop.run(feed.send(call))

    def trades(self, symbol: str | None = None) -> Subscription[TradeView | Gap]:
        """As `AsyncFeed.trades`."""
        return self._subscribed(lambda feed: feed.trades(symbol))

    def own_orders(self) -> Subscription[OrderEvent | Gap]:
        """As `AsyncFeed.own_orders`."""
        return self._subscribed(lambda feed: feed.own_orders())

    def own_balances(self) -> Subscription[BalancesView]:
        """As `AsyncFeed.own_balances`."""
        return self._subscribed(lambda feed: feed.own_balances())

    def queue_positions(self) -> Subscription[QueuePositions | Gap]:
        """As `AsyncFeed.queue_positions`."""
        return self._subscribed(lambda feed: feed.queue_positions())

    def bbo(self, symbol: str) -> Subscription[BboView]:
        """As `AsyncFeed.bbo`."""
        return self._subscribed(lambda feed: feed.bbo(symbol))

    def ticker(self, symbol: str) -> Subscription[TickerView]:
        """As `AsyncFeed.ticker`."""
        return self._subscribed(lambda feed: feed.ticker(symbol))

    def symbol_status(self, symbol: str) -> Subscription[StatusView]:
        """As `AsyncFeed.symbol_status`."""
        return self._subscribed(lambda feed: feed.symbol_status(symbol))

    def candles(self, symbol: str, interval: Interval = "1m") -> Subscription[Candle | Gap]:
        """As `AsyncFeed.candles`."""
        return self._subscribed(lambda feed: feed.candles(symbol, interval))

    def depth(self, symbol: str, levels: int = 10) -> Subscription[BookView]:
        """As `AsyncFeed.depth`."""
        return self._subscribed(lambda feed: feed.depth(symbol, levels))

    def depth_orders(self, symbol: str, levels: int = 10) -> Subscription[BookOrdersView]:
        """As `AsyncFeed.depth_orders`."""
        return self._subscribed(lambda feed: feed.depth_orders(symbol, levels))

    def venue(self) -> Subscription[VenueState]:
        """As `AsyncFeed.venue`."""
        loop, feed = self._running()
        return Subscription(loop, feed.venue())

    def book(self, symbol: str) -> BookFollower:
        """The whole book of a symbol, followed change by change."""
        loop, feed = self._running()
        return BookFollower(loop, loop.run(feed.book(symbol)))

    def _subscribed(self, subscribe: Callable[[AsyncFeed], Coroutine[Any, Any, Inbox[T]]]) -> Subscription[T]:
        loop, feed = self._running()
        return Subscription(loop, loop.run(subscribe(feed)))

    def _running(self) -> tuple[_Loop, AsyncFeed]:
        if self._loop is None or self._feed is None:
            raise FeedError("The feed is not open: use it in a with statement.", "FEED_CLOSED")
        return self._loop, self._feed


async def _cancel_others() -> None:
    """Cancel every other coroutine of the loop."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


async def _call(what: Callable[[], T]) -> T:
    """Call in the loop's thread."""
    return what()


async def _next(inbox: Inbox[T]) -> T:
    return await anext(inbox)
