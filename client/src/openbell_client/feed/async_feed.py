"""The feed for an event loop: subscriptions that come back by themselves, books without gaps, order entry.

Layer: openbell_client.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Literal, Protocol, Self, TypeVar, cast

import msgspec

from openbell_client.answers import (
    BalancesView,
    BboView,
    BookOrdersView,
    BookView,
    StatusView,
    TickerView,
    TradeView,
)
from openbell_client.bound import SendsAsync
from openbell_client.calls.call import Call
from openbell_client.calls.market import Interval
from openbell_client.conversation import FIRST_PAUSE_S, Conversation, Conversations, may_repeat
from openbell_client.errors import BadAnswer, NoAnswer, OpenbellError, Refused, Unavailable, caused
from openbell_client.feed.connection import FeedConnection
from openbell_client.feed.inbox import Gap, GapReason, Inbox
from openbell_client.feed.live_book import LiveBook
from openbell_client.feed.messages import Candle, OrderEvent, QueuePositions, VenueState, message_of
from openbell_client.feed.position import Position
from openbell_client.feed.streams import Wanted, of_message, of_resync, wanted
from openbell_client.methods import FeedMethods

T = TypeVar("T")

Flow = Literal["simulated", "replay"]


class Reader(Protocol):
    """Who takes the messages of a subscription."""

    def take(self, event: str, data: dict[str, Any]) -> None:
        """Take one message. Raises BadAnswer."""
        ...

    def gap(self, reason: GapReason) -> None:
        """Messages are missing; the subscription is being renewed."""
        ...

    def lost(self) -> None:
        """The connection was lost; where `since` is not None the next one may know what was missed."""
        ...

    def subscribed(self, seq: int, *, resumed: bool | None) -> None:
        """What comes now is behind command `seq`; `resumed`: all that was missed comes first, where that was asked."""
        ...

    @property
    def since(self) -> int | None:
        """The command that it may go on from."""
        ...

    def end(self, failure: OpenbellError | None) -> None:
        """No more comes."""
        ...


class AsyncFeed(SendsAsync, FeedMethods):
    """One connection to the feed, made anew whenever it is lost. An async context manager.

    Its order methods are those of the client, carried out over this connection.
    """

    def __init__(
        self,
        conversations: Conversations,
        carry_out: Callable[[Conversation[bool]], Awaitable[bool]],
        *,
        cancel_on_disconnect: bool = False,
        flow: Flow | None = None,
        seed: int | None = None,
        strategy: str | None = None,
        timeout_s: float = 10.0,
        tls: ssl.SSLContext | bool = True,
    ) -> None:
        """Use `AsyncClient.feed`."""
        options: dict[str, Any] = {"cancel_on_disconnect": True} if cancel_on_disconnect else {}
        declared = {"flow": flow, "seed": seed, "strategy": strategy}
        options |= {name: value for name, value in declared.items() if value is not None}
        self._conversations = conversations
        self._timeout_s = timeout_s
        self._readers: dict[Wanted, list[Reader]] = {}
        self._venue = Inbox[VenueState](whole=False)
        self._connection = FeedConnection(
            conversations, carry_out, _Subscriber(self), options=options, timeout_s=timeout_s, tls=tls
        )

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Connect. Raises Refused for bad credentials, Unavailable when there is no connection in time."""
        await self._connection.open()

    async def close(self) -> None:
        """Disconnect, and have every subscription end."""
        await self._connection.close()

    @property
    def connected(self) -> bool:
        """Whether it is connected just now."""
        return self._connection.is_connected

    @property
    def connections(self) -> int:
        """How many connections were made until now."""
        return self._connection.made

    async def send(self, call: Call[T]) -> T:
        """Carry out a call over the feed; again, by the rules of the client, when no answer came."""
        if call.feed is None:
            raise ValueError(f"{call.method} {call.target} cannot be asked over the feed")
        event, data = call.feed
        content = msgspec.to_builtins(data)
        attempts = self._conversations.attempts()
        while True:
            attempts.made += 1
            try:
                return call.converted(await self._connection.ask(event, content))
            except (Unavailable, Refused) as error:
                if isinstance(error, Refused):
                    error.attempts = attempts.made
                if self._connection.failure is not None or not may_repeat(call.repeat, error):
                    raise
                await asyncio.sleep(attempts.pause_after(error).seconds)

    # -- subscriptions

    async def trades(self, symbol: str | None = None) -> Inbox[TradeView | Gap]:
        """Trades of a symbol, or of all, oldest first."""

        def read(event: str, data: dict[str, Any]) -> list[TradeView | Gap]:
            return [message_of(trade, TradeView) for trade in (data["trades"] if event == "trades" else [data])]

        return await self._inbox(wanted("trades", symbol), read, whole=True, position=Position())

    async def own_orders(self) -> Inbox[OrderEvent | Gap]:
        """What happens to one's own orders, of all symbols."""
        return await self._inbox(wanted("orders"), _order_events, whole=True, position=Position())

    async def own_balances(self) -> Inbox[BalancesView]:
        """One's balances, now and when they change."""
        return await self._inbox(wanted("orders"), _only("balances", BalancesView), whole=False)

    async def queue_positions(self) -> Inbox[QueuePositions | Gap]:
        """What stands before one's resting orders, as it changes."""
        return await self._inbox(wanted("orders"), _only_or_gap("queue", QueuePositions), whole=True)

    async def bbo(self, symbol: str) -> Inbox[BboView]:
        """Best bid and offer, now and when they change; the latest alone waits."""
        return await self._inbox(wanted("bbo", symbol), _only("bbo", BboView), whole=False)

    async def ticker(self, symbol: str) -> Inbox[TickerView]:
        """The last 24 hours, after trades; the latest alone waits."""
        return await self._inbox(wanted("ticker", symbol), _only("ticker", TickerView), whole=False)

    async def symbol_status(self, symbol: str) -> Inbox[StatusView]:
        """Where a symbol stands, now and when that changes; the latest alone waits."""
        return await self._inbox(wanted("status", symbol), _only("status", StatusView), whole=False)

    async def candles(self, symbol: str, interval: Interval = "1m") -> Inbox[Candle | Gap]:
        """Candles as they change and as they close."""
        return await self._inbox(
            wanted("candles", symbol, interval=interval), _only_or_gap("candle", Candle), whole=True
        )

    async def depth(self, symbol: str, levels: int = 10) -> Inbox[BookView]:
        """Depth by price, the whole of it each time; the latest alone waits."""
        return await self._inbox(wanted("l2_updates", symbol, levels=levels), _only("l2_update", BookView), whole=False)

    async def depth_orders(self, symbol: str, levels: int = 10) -> Inbox[BookOrdersView]:
        """Depth by order, the whole of it each time; the latest alone waits."""
        return await self._inbox(wanted("l3", symbol, levels=levels), _only("l3", BookOrdersView), whole=False)

    def venue(self) -> Inbox[VenueState]:
        """What everybody is told of the venue: whether orders are taken, which flows there are. One inbox a feed."""
        return self._venue

    async def book(self, symbol: str) -> LiveBook:
        """The whole book of a symbol, followed change by change; returns when it is there, NoAnswer where it is late.

        One that missed a change is not valid until it has a new snapshot, which it asks for by itself.
        """
        subscription = wanted("l2_deltas", symbol)
        book = next((one for one in self._readers.get(subscription, ()) if isinstance(one, LiveBook)), None)
        if book is not None:
            book.users += 1
        else:
            book = await self._new_book(subscription, symbol.upper())
        try:
            async with asyncio.timeout(self._timeout_s):
                await book.settled()
        except TimeoutError as error:
            book.close()
            raise caused(NoAnswer(f"no book of {symbol} came"), error) from error
        except BaseException:
            book.close()
            raise
        return book

    async def _new_book(self, subscription: Wanted, symbol: str) -> LiveBook:
        book = LiveBook(
            symbol,
            renew=lambda: self._connection.start(self._renew(subscription)),
            closed=lambda: self._leave(subscription, book),
        )
        await self._join(subscription, book)
        return book

    # -- readers

    async def _inbox(
        self,
        subscription: Wanted,
        read: Callable[[str, dict[str, Any]], list[T]],
        *,
        whole: bool,
        position: Position | None = None,
    ) -> Inbox[T]:
        inbox = Inbox[T](whole=whole, closed=lambda: self._leave(subscription, reader))
        reader = _InboxReader(read, inbox, position)
        await self._join(subscription, reader)
        return reader.inbox

    async def _join(self, subscription: Wanted, reader: Reader) -> None:
        """Subscribe for a reader; where there is no connection just now, the next one does. Raises Refused."""
        if self._connection.failure is not None:
            raise self._connection.failure
        self._readers.setdefault(subscription, []).append(reader)
        try:
            if self._connection.is_connected:
                await self._connection.ask("subscribe", subscription.data())
        except Unavailable:
            self._connection.start(self._renew(subscription))
        except BaseException:
            self._leave(subscription, reader)
            raise

    def _leave(self, subscription: Wanted, reader: Reader) -> None:
        readers = self._readers.get(subscription, [])
        if reader in readers:
            readers.remove(reader)
        if not readers and self._readers.pop(subscription, None) is not None and self._connection.is_connected:
            self._connection.start(self._unsubscribe(subscription))

    async def _unsubscribe(self, subscription: Wanted) -> None:
        with suppress(OpenbellError):  # with the connection the subscription is gone
            await self._connection.ask("unsubscribe", subscription.data())

    async def _renew(self, subscription: Wanted) -> None:
        """Ask for a subscription again, as long as this connection lasts; its readers end where that is refused."""
        connection = self._connection.made
        data = self._resuming(subscription)
        while subscription in self._readers and self._connection.is_connected and self._connection.made == connection:
            try:
                await self._connection.ask("subscribe", data)
                return
            except Unavailable:
                await asyncio.sleep(FIRST_PAUSE_S)
            except Refused as refusal:
                if refusal.error_code == "UNKNOWN_FIELD" and data.pop("since", None) is not None:
                    self._report_gap(subscription, "reconnected")  # a venue of before there was resuming
                    continue
                if refusal.status not in (429, 503):
                    for reader in self._readers.pop(subscription, []):
                        reader.end(refusal)
                    return
                await asyncio.sleep(refusal.retry_after_s or 1.0)

    def _resuming(self, subscription: Wanted) -> dict[str, Any]:
        """What is sent to subscribe: where all its readers know up to where they have everything, from there on."""
        known = [reader.since for reader in self._readers.get(subscription, ())]
        since = [seq for seq in known if seq is not None]
        if not self._connection.resumes or not since or len(since) < len(known):
            return subscription.data()
        return {**subscription.data(), "since": min(since)}

    # -- from the connection

    def _subscribe_all(self) -> None:
        for subscription in self._readers:
            self._connection.start(self._renew(subscription))

    def _report_gap(self, subscription: Wanted, reason: GapReason) -> None:
        """Have the readers of a subscription know that messages are missing."""
        for reader in self._readers.get(subscription, ()):
            reader.gap(reason)

    def _note_lost(self) -> None:
        """Have readers know that the connection was lost, or that messages are missing where nobody knows them."""
        for readers in self._readers.values():
            for reader in readers:
                if self._connection.resumes:
                    reader.lost()
                else:
                    reader.gap("reconnected")

    def _end_all(self, failure: OpenbellError | None) -> None:
        for readers in self._readers.values():
            for reader in readers:
                reader.end(failure)
        self._readers.clear()
        self._venue.end(failure)

    def _receive(self, event: str, data: dict[str, Any]) -> None:
        if event == "venue":
            self._venue.put(message_of(data, VenueState))
        elif event == "subscribed":
            for reader in self._readers.get(of_resync(data), ()):
                reader.subscribed(data.get("seq", 0), resumed=data.get("resumed"))
        elif event == "resync":
            subscription = of_resync(data)
            self._report_gap(subscription, "server_dropped")
            if subscription in self._readers:
                self._connection.start(self._renew(subscription))
        elif (belongs := of_message(event, data)) is not None:
            for reader in self._readers.get(belongs, ()):
                try:
                    reader.take(event, data)
                except BadAnswer as error:
                    reader.end(error)


class _Subscriber:
    """What the connection of a feed calls."""

    def __init__(self, feed: AsyncFeed) -> None:
        self._feed = feed

    def connected(self) -> None:
        """Subscribe to everything."""
        self._feed._subscribe_all()

    def lost(self) -> None:
        """Everything has a gap, unless the next connection knows what was missed."""
        self._feed._note_lost()

    def ended(self, failure: OpenbellError | None) -> None:
        """Everything ends."""
        self._feed._end_all(failure)

    def received(self, event: str, data: dict[str, Any]) -> None:
        """Give a message to its readers."""
        self._feed._receive(event, data)


class _InboxReader:
    """What puts the messages of a subscription into an inbox."""

    def __init__(
        self, read: Callable[[str, dict[str, Any]], list[T]], inbox: Inbox[T], position: Position | None
    ) -> None:
        """`position`: of a stream that a node can resume."""
        self._read: Callable[[str, dict[str, Any]], list[Any]] = read
        self._position = position
        self.inbox: Inbox[Any] = inbox

    def take(self, event: str, data: dict[str, Any]) -> None:
        """Put in what the message says."""
        for message in self._read(event, data):
            if self._position is None or self._position.is_new(message):
                self.inbox.put(message)

    def lost(self) -> None:
        """Put in a gap where nobody can know what was missed."""
        if self.since is None:
            self.inbox.gap("reconnected")

    def subscribed(self, seq: int, *, resumed: bool | None) -> None:
        """Put in a gap where what was missed does not come."""
        if resumed is False:
            self.inbox.gap("reconnected")
        if self._position is not None and not resumed:
            self._position.begin(seq)

    @property
    def since(self) -> int | None:
        """The command that it may go on from."""
        return None if self._position is None else self._position.since

    def gap(self, reason: GapReason) -> None:
        """Put in a gap."""
        self.inbox.gap(reason)

    def end(self, failure: OpenbellError | None) -> None:
        """End the inbox."""
        self.inbox.end(failure)


def _only(name: str, kind: type[T]) -> Callable[[str, dict[str, Any]], list[T]]:
    """Read the messages of one event alone."""

    def read(event: str, data: dict[str, Any]) -> list[T]:
        return [message_of(data, kind)] if event == name else []

    return read


def _only_or_gap(name: str, kind: type[T]) -> Callable[[str, dict[str, Any]], list[T | Gap]]:
    """As `_only`, of a stream that may have gaps."""
    return cast(Callable[[str, dict[str, Any]], list[T | Gap]], _only(name, kind))


def _order_events(event: str, data: dict[str, Any]) -> list[OrderEvent | Gap]:
    return [message_of(one, OrderEvent) for one in data["events"]] if event == "order_events" else []
