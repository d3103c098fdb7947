"""Depth, best prices and ticker: what a client folds is what the venue has."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api.feed.flow import Flow
from tests.api.feed.folded import FoldedBook
from tests.api.feed.listener import Listener, in_thread, listening
from tests.api.feed.venue import Venue
from tests.server import counted


def fold(client: Listener) -> FoldedBook:
    """Everything a client heard of its one book; each message is checked."""
    book = FoldedBook()
    for event, data in client.heard:
        book.take(event, data)
    return book


async def folded_up_to_now(venue: Venue, client: Listener, symbol: str) -> tuple[FoldedBook, dict[str, Any]]:
    """The folded book and the venue's, when both stand at the same seq."""
    there = await in_thread(venue.ask, "GET", f"/book/{symbol}?levels=all")
    await client.until(lambda: client.all("l2_snapshot", "l2_delta")[-1]["seq"] >= there["seq"])
    return fold(client), there


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_a_book_folded_under_concurrent_flow_is_the_book_of_the_venue(venue: Venue, transport: str) -> None:
    async def scenario() -> None:
        symbol = "SOL-USDT"
        async with listening(venue.url, transport) as early, listening(venue.url) as late:
            await early.subscribe("l2_deltas", symbol)
            for round_number in range(3):
                flow = asyncio.create_task(Flow(venue.url, symbol, "100", round_number).run(240))
                if round_number == 1:
                    before = len(early.all("l2_delta"))
                    await early.until(lambda before=before: len(early.all("l2_delta")) > before)  # type: ignore[misc]
                    await late.subscribe("l2_deltas", symbol)
                await flow
                for client in (early, late) if round_number else (early,):
                    book, there = await folded_up_to_now(venue, client, symbol)
                    assert (book.seq, book.side("bids"), book.side("asks")) == (
                        there["seq"],
                        counted(there, "bids"),
                        counted(there, "asks"),
                    )
            assert len(early.all("l2_snapshot")) == len(late.all("l2_snapshot")) == 1
            assert fold(early).deltas > fold(late).deltas > 0  # a busy server sends fewer, each of more changes

    asyncio.run(scenario())
    venue.clear("SOL-USDT")


def test_subscribing_again_and_again_leaves_no_gap_for_anybody(venue: Venue) -> None:
    async def scenario() -> None:
        symbol = "BNB-USDT"
        async with listening(venue.url) as steady, listening(venue.url) as restless:
            await steady.subscribe("l2_deltas", symbol)
            flow = asyncio.create_task(Flow(venue.url, symbol, "300", 7).run(300))
            while not flow.done() or len(restless.all("l2_snapshot")) <= 5:
                await restless.subscribe("l2_deltas", symbol)
                await asyncio.sleep(0.02)
            await flow
            await restless.subscribe("l2_deltas", symbol)
            for client in (steady, restless):
                book, there = await folded_up_to_now(venue, client, symbol)
                assert (book.side("bids"), book.side("asks")) == (counted(there, "bids"), counted(there, "asks"))
            assert len(steady.all("l2_snapshot")) == 1
            assert len(restless.all("l2_snapshot")) > 5

    asyncio.run(scenario())
    venue.clear("BNB-USDT")


def test_depth_comes_with_ten_levels_unless_others_are_asked_for(venue: Venue) -> None:
    async def scenario() -> None:
        symbol = "ETH-USDT"
        for step in range(25):
            venue.order(symbol, "buy", "1", f"{1990 - step}.00")
            venue.order(symbol, "sell", "1", f"{2010 + step}.00")
        async with listening(venue.url) as ten, listening(venue.url) as twenty:
            await ten.subscribe("l2_updates", symbol)
            await twenty.subscribe("l2_updates", symbol, levels=20)
            for client, levels in ((ten, 10), (twenty, 20)):
                first = await client.next("l2_update")
                assert (len(first["bids"]), len(first["asks"])) == (levels, levels)
            await in_thread(venue.order, symbol, "buy", "2", "1995.00")
            for client, levels in ((ten, 10), (twenty, 20)):
                second = await client.next("l2_update", after=1)
                there = venue.ask("GET", f"/book/{symbol}?levels={levels}")
                assert {**second, "timestamp": 0} == {**there, "timestamp": 0, "levels": levels}
                assert (second["bids"][0], second["bid_orders"][0]) == (["1995.00", "2.000000"], 1)
            assert ten.all("l2_snapshot", "l2_delta") == []

    asyncio.run(scenario())
    venue.clear("ETH-USDT")


def test_the_best_prices_are_told_when_they_change_and_only_then(venue: Venue) -> None:
    async def scenario() -> None:
        symbol = "BNB-USDT"
        venue.order(symbol, "buy", "1", "299.00")
        venue.order(symbol, "sell", "1", "301.00")
        async with listening(venue.url) as client:
            await client.subscribe("bbo", symbol)
            first = await client.next("bbo")
            assert {**first, "timestamp": 0} == {
                **venue.ask("GET", f"/bbo/{symbol}"),
                "timestamp": 0,
                "seq": first["seq"],
            }
            assert (first["best_bid"], first["best_ask"], first["spread"]) == ("299.00", "301.00", "2.00")
            await in_thread(venue.order, symbol, "buy", "1", "298.00")  # behind the best: not told
            better = await in_thread(venue.order, symbol, "buy", "4", "300.00")
            second = await client.next("bbo", after=1)
            assert (second["best_bid"], second["bid_size"]) == ("300.00", "4.000000")
            await in_thread(venue.ask, "POST", "/cancel", {"order_id": better["order_id"]})
            third = await client.next("bbo", after=2)
            assert (third["best_bid"], third["bid_size"]) == ("299.00", "1.000000")

    asyncio.run(scenario())
    venue.clear("BNB-USDT")


def test_a_best_price_that_returns_to_what_was_told_long_ago_is_told_again(venue: Venue) -> None:
    async def scenario() -> None:
        symbol = "BNB-USDT"
        venue.order(symbol, "buy", "1", "299.00")
        async with listening(venue.url) as other:  # so that the feed goes on while nobody follows the best prices
            await other.subscribe("l2_updates", symbol)
            async with listening(venue.url) as before:
                await before.subscribe("bbo", symbol)
                raised = await in_thread(venue.order, symbol, "buy", "1", "299.50")
                await before.until(lambda: before.all("bbo")[-1]["best_bid"] == "299.50")
                await in_thread(venue.ask, "POST", "/cancel", {"order_id": raised["order_id"]})
                await before.until(lambda: before.all("bbo")[-1]["best_bid"] == "299.00")
            raised = await in_thread(venue.order, symbol, "buy", "1", "299.50")
            await other.until(lambda: other.all("l2_update")[-1]["bids"][0][0] == "299.50")
            async with listening(venue.url) as after:
                await after.subscribe("bbo", symbol)
                await after.until(lambda: after.all("bbo")[-1]["best_bid"] == "299.50")
                await in_thread(venue.ask, "POST", "/cancel", {"order_id": raised["order_id"]})
                await after.until(lambda: after.all("bbo")[-1]["best_bid"] == "299.00")

    asyncio.run(scenario())
    venue.clear("BNB-USDT")


def test_the_ticker_comes_after_each_trade(venue: Venue) -> None:
    async def scenario() -> None:
        symbol = "AAPL-USD"
        async with listening(venue.url) as client:
            await client.subscribe("ticker", symbol)
            first = await client.next("ticker")
            venue.order(symbol, "sell", "3", "190.10")
            await in_thread(venue.order, symbol, "buy", "2", "190.10")
            second = await client.next("ticker", after=1)
            assert second["last"] == "190.10"
            assert second["trades"] == first["trades"] + 1
            assert int(second["volume"]) == int(first["volume"]) + 2
            assert {**second, "timestamp": 0} == {**venue.ask("GET", f"/ticker/{symbol}"), "timestamp": 0}

    asyncio.run(scenario())
    venue.clear("AAPL-USD")
