"""Trades: each is told exactly once, in order, one by one or in lists."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.api.feed.flow import Flow
from tests.api.feed.listener import Listener, in_thread, listening
from tests.api.feed.venue import Venue


def all_trades(venue: Venue, symbol: str, after_id: int) -> list[dict[str, Any]]:
    """The trades of one symbol by REST, oldest first, after one id."""
    trades: list[dict[str, Any]] = []
    before = ""
    while True:
        page = venue.ask("GET", f"/trades/{symbol}?limit=1000{before}")["trades"]
        trades = page[::-1] + trades
        if len(page) < 1000 or int(page[-1]["trade_id"]) <= after_id:
            return [trade for trade in trades if int(trade["trade_id"]) > after_id]
        before = f"&before={page[-1]['trade_id']}"


def trades_of(client: Listener) -> list[dict[str, Any]]:
    """The trades a client heard of, single or in lists."""
    return client.all("trade") + [trade for message in client.all("trades") for trade in message["trades"]]


def last_trade(venue: Venue, symbol: str) -> int:
    """The id of the newest trade, 0 without."""
    newest = venue.ask("GET", f"/trades/{symbol}?limit=1")["trades"]
    return int(newest[0]["trade_id"]) if newest else 0


def test_every_trade_is_told_once_and_in_order_single_or_in_lists(venue: Venue) -> None:
    async def scenario() -> None:
        symbol = "SOL-USDT"
        last = last_trade(venue, symbol)
        async with listening(venue.url) as single, listening(venue.url) as batched, listening(venue.url) as everything:
            await single.subscribe("trades", symbol)
            await batched.subscribe("trades", symbol, batch=True)
            await everything.subscribe("trades", batch=True)
            await Flow(venue.url, symbol, "100", 11).run(400)
            expected = await in_thread(all_trades, venue, symbol, last)
            assert len(expected) > 50
            for client in (single, batched, everything):
                await client.until(lambda client=client: len(trades_of(client)) >= len(expected))
            await asyncio.sleep(0.2)  # no further one may come
            for client in (single, batched, everything):
                assert trades_of(client) == expected
            assert single.all("trades") == batched.all("trade") == []
            assert len(batched.all("trades")) < len(expected)

    asyncio.run(scenario())
    venue.clear("SOL-USDT")


def test_a_subscription_begins_after_the_seq_that_it_is_answered_with(venue: Venue) -> None:
    async def scenario() -> None:
        symbol = "ETH-USDT"
        async with listening(venue.url) as steady, listening(venue.url) as joining:
            await steady.subscribe("trades", symbol)
            flow = asyncio.create_task(Flow(venue.url, symbol, "2000", 12).run(300))
            await steady.until(lambda: len(trades_of(steady)) > 10)
            seq = (await joining.subscribe("trades", symbol, batch=True))["seq"]
            await flow
            expected = await in_thread(lambda: [t for t in all_trades(venue, symbol, 0) if t["seq"] > seq])
            await joining.until(lambda: len(trades_of(joining)) >= len(expected))
            await asyncio.sleep(0.2)
            assert trades_of(joining) == expected

    asyncio.run(scenario())
    venue.clear("ETH-USDT")


def test_one_order_that_makes_more_trades_than_may_wait_is_told_whole_to_a_client_that_reads(venue: Venue) -> None:
    async def scenario() -> None:
        symbol, makers = "BTC-USDT", 700  # feed_queue is 512
        maker = {"symbol": symbol, "side": "sell", "order_type": "limit", "quantity": "0.01", "price": "30000.00"}
        entered = await in_thread(venue.ask, "POST", "/orders/batch", {"orders": [maker] * makers})
        assert {result["status"] for result in entered["results"]} == {200}
        async with listening(venue.url) as client:
            await client.subscribe("trades", symbol)
            await client.subscribe("orders")
            await client.subscribe("orders", batch=True)  # queued right behind the single ones
            answer = await in_thread(venue.order, symbol, "buy", "7", "30000.00")
            assert len(answer["trades"]) == makers
            await client.until(lambda: len(trades_of(client)) >= makers)
            assert [trade["trade_id"] for trade in trades_of(client)] == [
                trade["trade_id"] for trade in answer["trades"]
            ]
            await client.until(lambda: len(client.all("order_event")) >= 2 * makers + 1)
            await client.until(lambda: sum(len(m["events"]) for m in client.all("order_events")) >= 2 * makers + 1)
            assert "timestamp" in await client.ask("ping")
            assert client.all("resync") == []

    asyncio.run(scenario())
