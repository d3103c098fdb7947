"""Both clients go on at another node, and miss nothing of what that knows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from openbell_client import AsyncClient, Client, Gap, NoConnection
from openbell_client.errors import ErrorBody, refusal
from openbell_client.feed.book import Folded, OrderBook
from openbell_client.feed.position import Position
from openbell_client.feed.streams import wanted
from openbell_client.nodes import NodeUrls
from tests.client.relay import Relay
from tests.nodes import NodeServer, running_nodes
from tests.ports import free_port

SYMBOL = "ETH-USDT"


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, NodeServer]]:
    """Two nodes, each with a market of its own."""
    with running_nodes(tmp_path_factory.mktemp("nodes"), "a", "b") as running:
        yield running


def test_a_call_goes_to_the_next_address_when_one_does_not_answer(nodes: dict[str, NodeServer]) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    with Client(f"{nowhere}, {nodes['a'].url}") as client:
        assert client.node().name == "a"
        assert client.url == nodes["a"].url
    neither = f"{nowhere},{nowhere.replace('127.0.0.1', 'localhost')}"
    with Client(neither, retry_for_s=0.5) as client, pytest.raises(NoConnection):
        client.node()


def test_a_client_learns_where_the_nodes_are(nodes: dict[str, NodeServer]) -> None:
    with Client(nodes["a"].url) as client:
        assert client.learn_nodes() == [node.url for node in nodes.values()]
        nodes["a"].stop()
        try:
            assert client.node().name == "b"
        finally:
            nodes["a"].start()


def test_the_next_address_takes_over_once_however_many_calls_failed() -> None:
    urls = NodeUrls("http://a:1,http://b:1,http://c:1")
    for _ in range(3):
        urls.leave("http://a:1")
    assert urls.current == "http://b:1"
    urls.leave("http://b:1")
    urls.leave("http://c:1")
    assert urls.current == "http://a:1"
    urls.add(["http://c:1", "http://d:1"])
    for following in ("b", "c", "d", "a"):
        urls.leave(urls.current)
        assert urls.current == f"http://{following}:1"
    with pytest.raises(ValueError, match="is no address"):
        NodeUrls("http://a:1,b:1")


def test_no_plain_address_is_learned_from_a_node_that_is_asked_by_tls() -> None:
    urls = NodeUrls("https://a:1")
    urls.add(["http://b:1", "https://c:1"])
    urls.leave("https://a:1")
    assert urls.current == "https://c:1"
    urls.leave("https://c:1")
    assert urls.current == "https://a:1"


def test_a_venue_that_is_busy_is_asked_again_from_where_the_reader_was() -> None:
    asked: list[dict[str, Any]] = []

    class Busy:
        """A connection whose venue takes a subscription the second time."""

        is_connected, made, resumes, failure = True, 1, True, None

        async def ask(self, event: str, data: dict[str, Any]) -> dict[str, Any]:
            asked.append(dict(data))
            if len(asked) == 2:
                raise refusal(429, ErrorBody("later", "TOO_MANY_REQUESTS"), 0.01)
            return {}

    async def scenario() -> None:
        client = AsyncClient("http://a:1,http://b:1")
        feed = client.feed()
        feed._connection = Busy()  # type: ignore[assignment]
        await feed.trades(SYMBOL)
        feed._receive("subscribed", {"type": "trades", "symbol": SYMBOL, "seq": 7})
        await feed._renew(wanted("trades", SYMBOL))
        await client.close()

    asyncio.run(scenario())
    assert [data.get("since") for data in asked] == [None, 7, 7]


def test_a_feed_that_goes_on_at_another_node_misses_nothing(nodes: dict[str, NodeServer]) -> None:
    """Two ways to one node stand for two nodes that know the same."""
    url = nodes["a"].url

    async def trade(venue: AsyncClient, price: str) -> None:
        await venue.enter_order(SYMBOL, "sell", "limit", "1", price, self_trade_prevention="none")
        await venue.enter_order(SYMBOL, "buy", "limit", "1", price, self_trade_prevention="none")
        await venue.enter_order(SYMBOL, "buy", "limit", "1", str(Decimal(price) - 5))

    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            one, other = [await stack.enter_async_context(Relay(url).running()) for _ in range(2)]
            venue = await stack.enter_async_context(AsyncClient(url))
            client = await stack.enter_async_context(AsyncClient(f"{one.url},{other.url}"))
            feed = await stack.enter_async_context(client.feed())
            trades, orders, book = await feed.trades(SYMBOL), await feed.own_orders(), await feed.book(SYMBOL)
            await trade(venue, "2000")
            heard = [await anext(trades)]
            one.cut()
            for price in ("2001", "2002"):
                await trade(venue, price)  # while nobody listens, or nearly
            async with asyncio.timeout(20):
                while feed.connections < 2:
                    await asyncio.sleep(0.01)
                await trade(venue, "2003")
                heard += [await anext(trades) for _ in range(3)]
                while not book.valid or book.best_bid is None or book.best_bid.price != 1998:
                    await book.changed()
                events: list[Any] = []
                while sum(getattr(event, "event_type", "") == "resting" for event in events) < 8:
                    events.append(await anext(orders))
            assert not any(isinstance(message, Gap) for message in [*heard, *events])
            assert [trade.price for trade in heard if not isinstance(trade, Gap)] == [2000, 2001, 2002, 2003]
            assert len({event.seq for event in events if not isinstance(event, Gap)}) == 12
            await venue.cancel_all()

    asyncio.run(scenario())


def test_a_book_goes_on_by_one_delta_from_where_it_was_left_and_by_no_other() -> None:
    def of(prev_seq: int, seq: int, quantity: str) -> dict[str, Any]:
        book = OrderBook("X")
        rows = [("1.00", quantity, 1)]
        book._bids.set(rows)
        sides = {"bids": rows, "asks": [], "checksum": book.checksum(), "timestamp": 1.0}
        return {"prev_seq": prev_seq, "seq": seq, **sides}

    book = OrderBook("X")
    assert book.snapshot(of(0, 5, "2")) is Folded.TAKEN
    book.leave()
    assert (book.valid, book.left_at) == (False, 5)
    assert book.delta(of(5, 9, "3")) is Folded.TAKEN
    assert (book.valid, book.seq, book.left_at) == (True, 9, None)
    book.leave()
    assert book.delta(of(9, 9, "3")) is Folded.TAKEN
    book.leave()
    assert book.delta(of(8, 12, "3")) is Folded.MISSED
    assert book.left_at is None


class Heard(msgspec.Struct, frozen=True):
    """A message of a stream."""

    seq: int
    what: str


def test_a_command_that_came_in_part_is_asked_for_again_and_given_once() -> None:
    position = Position()
    assert position.since is None
    position.begin(10)
    assert position.since == 10
    assert not position.is_new(Heard(10, "before"))
    assert position.is_new(Heard(12, "first"))
    assert position.since == 11
    assert not position.is_new(Heard(12, "first"))
    assert position.is_new(Heard(12, "second"))
    assert not position.is_new(Heard(11, "old"))
    position.begin(12)
    assert position.since == 12
