"""Who comes back and says up to where it has everything is sent what it missed, and nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.api.feed.flow import Flow
from tests.api.feed.folded import SIDES, FoldedBook
from tests.api.feed.listener import Listener, in_thread, listening
from tests.api.feed.venue import Venue
from tests.nodes import NodeServer, running_nodes
from tests.server import Http, counted

OF_THE_BOOK = ("l2_snapshot", "l2_delta")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeServer]:
    """A node, which keeps what it would have published while nobody followed it."""
    with running_nodes(tmp_path_factory.mktemp("nodes"), "a") as nodes:
        yield nodes["a"]


async def caught_up(url: str, client: Listener, symbol: str) -> dict[str, Any]:
    """The book as the venue shows it, when a client has heard of all that is in it."""

    def ask() -> dict[str, Any]:
        with closing(Http(url)) as http:
            return http.get(f"/book/{symbol}?levels=all")

    shown: dict[str, Any] = await in_thread(ask)
    await client.until(lambda: [data for data in client.all(*OF_THE_BOOK)[-1:] if data["seq"] >= shown["seq"]])
    return shown


async def followed(url: str, symbol: str, orders: int, middle: str = "100") -> FoldedBook:
    """A book as a client has it who followed it for a while, and left."""
    book = FoldedBook()
    async with listening(url) as client:
        await client.subscribe("l2_deltas", symbol)
        await client.next("l2_snapshot")
        await Flow(url, symbol, middle, orders).run(orders)
        await caught_up(url, client, symbol)
        for event, data in client.heard:
            book.take(event, data)
    return book


async def come_back(client: Listener, symbol: str, book: FoldedBook) -> dict[str, Any]:
    """Subscribe from where the book is; what it is answered."""
    subscribed: dict[str, Any] = await client.subscribe("l2_deltas", symbol, since=book.seq)
    return subscribed


def test_a_book_goes_on_from_where_it_was_by_one_delta(node: NodeServer) -> None:
    async def scenario() -> None:
        symbol = "ETH-USDT"
        book = await followed(node.url, symbol, 80)
        await Flow(node.url, symbol, "100", 3).run(60)  # while nobody follows
        async with listening(node.url) as client:
            assert (await come_back(client, symbol, book))["resumed"] is True
            book.delta(await client.next("l2_delta"))
            await Flow(node.url, symbol, "100", 4).run(40)
            shown = await caught_up(node.url, client, symbol)
            assert not client.all("l2_snapshot")
            for delta in client.all("l2_delta")[1:]:
                book.delta(delta)
        assert book.seq == shown["seq"]
        assert {side: book.side(side) for side in SIDES} == {side: counted(shown, side) for side in SIDES}

    asyncio.run(scenario())


def test_a_book_that_did_not_change_goes_on_by_an_empty_delta(node: NodeServer) -> None:
    async def scenario() -> None:
        book = await followed(node.url, "SOL-USDT", 20)
        async with listening(node.url) as client:
            assert (await come_back(client, "SOL-USDT", book))["resumed"] is True
            delta = await client.next("l2_delta")
            assert (delta["prev_seq"], delta["seq"], delta["bids"], delta["asks"]) == (book.seq, book.seq, [], [])
            assert delta["checksum"] == book.checksum()

    asyncio.run(scenario())


def test_where_too_much_changed_the_whole_book_comes(node: NodeServer) -> None:
    async def scenario() -> None:
        symbol = "BTC-USDT"
        book = await followed(node.url, symbol, 20)
        orders = [
            {"symbol": symbol, "side": "buy", "order_type": "limit", "quantity": "0.01", "price": f"9{place / 100:.2f}"}
            for place in range(600)
        ]
        answers = (await in_thread(node.http.post, "/orders/batch", {"orders": orders})).granted()["results"]
        assert {answer["status"] for answer in answers} == {200}
        async with listening(node.url) as client:
            assert (await come_back(client, symbol, book))["resumed"] is False
            snapshot = await client.next("l2_snapshot")
            assert snapshot["seq"] > (book.seq or 0)

    asyncio.run(scenario())


def test_a_server_by_itself_resumes_while_somebody_follows_and_else_sends_the_book(venue: Venue) -> None:
    async def scenario() -> None:
        symbol = "ETH-USDT"
        async with listening(venue.url) as staying:
            await staying.subscribe("l2_deltas", symbol)
            book = await followed(venue.url, symbol, 40, "2000")
            await Flow(venue.url, symbol, "2000", 5).run(20)
            async with listening(venue.url) as client:
                assert (await come_back(client, symbol, book))["resumed"] is True
                book.delta(await client.next("l2_delta"))
        await Flow(venue.url, symbol, "2000", 6).run(40)  # nobody follows
        async with listening(venue.url) as client:
            assert (await come_back(client, symbol, book))["resumed"] is False
            await client.next("l2_snapshot")

    asyncio.run(scenario())
    venue.clear("ETH-USDT")


def test_who_is_ahead_of_the_node_waits_a_moment_and_is_sent_what_there_is(node: NodeServer) -> None:
    async def scenario() -> None:
        async with listening(node.url) as client:
            seq = (await in_thread(node.http.get, "/health"))["seq"]
            subscribed = await client.subscribe("l2_deltas", "SOL-USDT", since=seq + 1_000)
            assert subscribed["resumed"] is False
            await client.next("l2_snapshot")

    asyncio.run(scenario())


@pytest.mark.parametrize("batch", [True, False])
def test_missed_trades_come_once_and_in_order(node: NodeServer, batch: bool) -> None:
    async def scenario() -> None:
        symbol = "SOL-USDT"
        options = {"batch": True} if batch else {}
        async with listening(node.url) as staying:
            await staying.subscribe("trades", symbol)
            async with listening(node.url) as client:
                subscribed = await client.subscribe("trades", symbol, **options)
                await Flow(node.url, symbol, "100", 7).run(60)
                await has_the_last_trade(node, client, symbol)
                before = trades_of(client)
            await Flow(node.url, symbol, "100", 8).run(60)
            async with listening(node.url) as client:
                since = before[-1]["seq"] if before else subscribed["seq"]
                assert (await client.subscribe("trades", symbol, since=since, **options))["resumed"] is True
                await Flow(node.url, symbol, "100", 9).run(60)
                for who in (staying, client):
                    await has_the_last_trade(node, who, symbol)
                await asyncio.sleep(0.2)  # no further one may come
                found = before + trades_of(client)
            expected = trades_of(staying)
            assert len(expected) > 10
            assert found == expected

    asyncio.run(scenario())


def test_missed_events_of_own_orders_come_as_those_heard_them_who_stayed(node: NodeServer) -> None:
    async def scenario() -> None:
        symbol = "BNB-USDT"
        async with listening(node.url) as staying:
            await staying.subscribe("orders", batch=True)
            async with listening(node.url) as client:
                await client.subscribe("orders", batch=True)
                await Flow(node.url, symbol, "300", 10).run(60)
                await client.until(lambda: events_of(client))
                before = events_of(client)
            await Flow(node.url, symbol, "300", 11).run(80)
            async with listening(node.url) as client:
                subscribed = await client.subscribe("orders", batch=True, since=before[-1]["seq"])
                assert subscribed["resumed"] is True
                await Flow(node.url, symbol, "300", 12).run(20)
                last = (await in_thread(node.http.enter, symbol, "buy", "1", "200.00"))["order_id"]
                for who in (staying, client):
                    await has_heard_of(who, last)
                await asyncio.sleep(0.2)  # no further one may come
                found = before + events_of(client)
                await client.until(lambda: client.all("balances"))
            assert found == events_of(staying)

    asyncio.run(scenario())


def trades_of(client: Listener) -> list[dict[str, Any]]:
    """The trades that a client heard of, single or in lists."""
    return client.all("trade") + [trade for message in client.all("trades") for trade in message["trades"]]


async def has_the_last_trade(node: NodeServer, client: Listener, symbol: str) -> None:
    """Wait until a client has heard of the newest trade."""
    (newest,) = (await in_thread(node.http.get, f"/trades/{symbol}?limit=1"))["trades"]
    await client.until(lambda: newest["trade_id"] in [trade["trade_id"] for trade in trades_of(client)])


async def has_heard_of(client: Listener, order_id: str) -> None:
    """Wait until a client has heard that one of its orders rests."""
    wanted = (order_id, "resting")
    await client.until(lambda: wanted in [(event["order_id"], event["event_type"]) for event in events_of(client)])


def events_of(client: Listener) -> list[dict[str, Any]]:
    """The events of own orders in lists that a client heard of."""
    return [event for message in client.all("order_events") for event in message["events"]]


def test_only_what_is_whole_message_by_message_takes_since(venue: Venue) -> None:
    async def scenario() -> None:
        async with listening(venue.url) as client:
            for kind in ("bbo", "ticker", "l3", "l2_updates", "candles", "status"):
                answer = await client.subscribe(kind, "BTC-USDT", since=1)
                assert answer["error_code"] == "UNKNOWN_FIELD", kind
            assert (await client.subscribe("orders", since=1))["resumed"] is False  # of a server by itself
            assert (await client.subscribe("trades", "BTC-USDT", since=-1))["error_code"] == "INVALID_VALUE"

    asyncio.run(scenario())
