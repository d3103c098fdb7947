"""Who follows depth is told of its own account's orders with it, once, and never of another's."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.api.clients import FeedClient, bearer, created, feed_signature, funded, new_key
from tests.api.feed.listener import Listener, in_thread, listening
from tests.api.feed.venue import Venue
from tests.server import RunningServer, eventually

SYMBOL = "BNB-USDT"
DEPTH = {"type": "l2_updates", "symbol": "BTC-USDT", "levels": 1000}


def received(client: Listener) -> list[str]:
    """Of which orders a client was told, one entry for each event."""
    return [event["order_id"] for event in client.all("order_event")]


async def entered(venue: Venue, price: str) -> str:
    """The id of a new order that rests."""
    order_id: str = (await in_thread(venue.order, SYMBOL, "buy", "1", price))["order_id"]
    return order_id


def test_a_client_that_follows_depth_is_told_of_its_own_orders_in_every_symbol(venue: Venue) -> None:
    async def scenario() -> None:
        async with listening(venue.url) as client, listening(venue.url) as other:
            await client.subscribe("l2_updates", "ETH-USDT")
            await other.subscribe("bbo", SYMBOL)
            order_id = await entered(venue, "290.00")
            await client.until(lambda: received(client) == [order_id, order_id])
            assert [event["event_type"] for event in client.all("order_event")] == ["accepted", "resting"]
            assert client.all("balances", "queue") == []
            await in_thread(venue.ask, "POST", "/cancel", {"order_id": order_id})
            await client.until(lambda: len(received(client)) == 3)
            assert other.all("order_event") == []

    asyncio.run(scenario())
    venue.clear(SYMBOL)


def test_no_event_is_told_twice_however_much_is_subscribed_to(venue: Venue) -> None:
    async def scenario() -> None:
        async with listening(venue.url) as one, listening(venue.url) as batched:
            for client in (one, batched):
                await client.subscribe("l2_updates", SYMBOL)
                await client.subscribe("l2_updates", SYMBOL, levels=5)
                await client.subscribe("orders", batch=client is batched)
                await client.subscribe("l2_updates", "ETH-USDT")
            order_id = await entered(venue, "291.00")
            await one.until(lambda: received(one) == [order_id, order_id])
            await batched.until(lambda: batched.all("order_events"))
            assert batched.all("order_event") == []
            await one.ask("unsubscribe", {"type": "orders"})  # depth it still follows
            another = await entered(venue, "292.00")
            await one.until(lambda: received(one) == [order_id, order_id, another, another])

    asyncio.run(scenario())
    venue.clear(SYMBOL)


def test_own_orders_end_with_the_last_depth(venue: Venue) -> None:
    async def scenario() -> None:
        async with listening(venue.url) as client, listening(venue.url) as witness:
            await witness.subscribe("orders")
            for levels in (10, 20):
                await client.subscribe("l2_updates", SYMBOL, levels=levels)
            await client.ask("unsubscribe", {"type": "l2_updates", "symbol": SYMBOL, "levels": 10})
            first = await entered(venue, "293.00")
            await client.until(lambda: received(client) == [first, first])
            await client.ask("unsubscribe", {"type": "l2_updates", "symbol": SYMBOL, "levels": 20})
            await entered(venue, "294.00")
            await witness.until(lambda: len(received(witness)) == 4)
            await client.ask("ping")
            assert received(client) == [first, first]

    asyncio.run(scenario())
    venue.clear(SYMBOL)


def test_two_depths_of_one_symbol_can_be_told_apart(venue: Venue) -> None:
    async def scenario() -> None:
        async with listening(venue.url) as client:
            for kind in ("l2_updates", "l3"):
                for levels in (5, 20):
                    subscribed = await client.subscribe(kind, SYMBOL, levels=levels)
                    assert (subscribed["type"], subscribed["levels"]) == (kind, levels)
            for step in range(8):
                await entered(venue, f"{280 - step}.00")
            for event in ("l2_update", "l3"):
                await client.until(
                    lambda event=event: (
                        {(update["levels"], len(update["bids"])) for update in client.all(event)} >= {(5, 5), (20, 8)}
                    )
                )
                assert {update["levels"] for update in client.all(event) if len(update["bids"]) > 5} == {20}

    asyncio.run(scenario())
    venue.clear(SYMBOL)


def resting(update: dict[str, Any]) -> int:
    """How many orders an `l2_update` shows at the price of `ORDER`: others may stand elsewhere in the book."""
    shown = zip(update["bids"], update["bid_orders"], strict=True)
    return sum(orders for (price, _), orders in shown if price == ORDER["price"])


def test_who_follows_depth_where_credentials_are_needed_is_told_of_its_own_account_alone(
    secured: RunningServer,
) -> None:
    http = secured.http
    ada, bob = funded(http), funded(http)
    blind = new_key(http, "trade")
    clients = [FeedClient(secured.url, auth) for auth in (None, {"token": ada["token"]}, {"token": bob["token"]})]
    nobody, of_ada, of_bob = clients
    of_key = FeedClient(secured.url, feed_signature(blind))
    for client in (*clients, of_key):
        assert client.call("subscribe", DEPTH)["levels"] == 1000
    orders = {name: order(secured, who) for name, who in (("ada", ada), ("bob", bob))}
    assert "order_id" in of_key.call("order", ORDER)  # which it may enter, but not look at
    eventually(lambda: len(of_ada.events("order_event")) == len(of_bob.events("order_event")) == 2)
    for client in (nobody, of_key):
        eventually(lambda client=client: resting(client.events("l2_update")[-1]) == 3)
        assert client.events("order_event") == []
    for name, client in (("ada", of_ada), ("bob", of_bob)):
        assert {event["order_id"] for event in client.events("order_event")} == {orders[name]}
    http.call("POST", "/auth/logout", headers=bearer(ada)).granted()
    eventually(lambda: of_ada.ended)
    again = created(http.post("/auth/guest", None))
    of_guest = FeedClient(secured.url, {"token": again["token"]})
    of_guest.call("subscribe", DEPTH)
    order(secured, bob)
    eventually(lambda: len(of_bob.events("order_event")) == 4)
    assert of_guest.events("order_event") == []
    for client in (nobody, of_bob, of_key, of_guest):
        client.close()


ORDER = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.01", "price": "29000.37"}


def order(server: RunningServer, who: dict[str, Any]) -> str:
    """The id of an order that somebody entered."""
    order_id: str = server.http.call("POST", "/order", ORDER, bearer(who)).granted()["order_id"]
    return order_id
