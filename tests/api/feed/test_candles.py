"""Candles and queues on the feed: what is told is what can be asked for, at a bounded pace, each closing included."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from tests.api.feed.listener import Listener, in_thread, listening
from tests.api.feed.venue import Venue

SYMBOL = "BNB-USDT"
PACE_S = 0.25


async def trade(venue: Venue, price: str, quantity: str = "0.5") -> None:
    """Have two orders meet."""
    await in_thread(venue.order, SYMBOL, "buy", quantity, price)
    await in_thread(venue.order, SYMBOL, "sell", quantity, price)


async def rows(venue: Venue, interval: str, start: int = 0) -> list[Any]:
    """What GET /candles says, from `start` on."""
    page = await in_thread(venue.ask, "GET", f"/candles/{SYMBOL}?interval={interval}&start={start}&limit=1000")
    found: list[Any] = page["candles"]
    return found


def folded(received: list[Any], interval: str) -> dict[int, Any]:
    """The candles as a chart would have them: the last told of each time."""
    return {each["candle"][0]: each["candle"] for each in received if each["interval"] == interval}


def test_candles_are_told_as_they_run_and_as_they_close(venue: Venue) -> None:
    async def scenario() -> None:
        await trade(venue, "300.00")
        async with listening(venue.url) as client:
            for interval in ("1s", "1m", "1d"):
                await client.subscribe("candles", SYMBOL, interval=interval)
            first = {each["interval"]: each["candle"] for each in client.all("candle")}
            assert first == {interval: (await rows(venue, interval))[-1] for interval in ("1s", "1m", "1d")}
            since = first["1s"][0]
            for step in range(12):
                await trade(venue, f"{300 + step % 5}.25")
                await asyncio.sleep(0.15)

            there = {interval: await rows(venue, interval, candle[0]) for interval, candle in first.items()}

            def published_and_closed() -> bool:  # though nothing trades any more
                seconds = [each for each in client.all("candle") if each["interval"] == "1s"]
                closed = {each["candle"][0] for each in seconds if each["closed"]}
                return closed == {candle[0] for candle in there["1s"]}

            await client.until(published_and_closed)
            await client.until(lambda: folded(client.all("candle"), "1d")[first["1d"][0]] == there["1d"][0])
            received = client.all("candle")
            assert {interval: list(folded(received, interval).values()) for interval in first} == there
            assert since in folded(received, "1s")
            closings = [(each["interval"], *each["candle"]) for each in received if each["closed"]]
            assert len(closings) == len(set(closings))  # each is told once
            running = [each for each in received if each["interval"] == "1d"]
            assert {each["closed"] for each in running} == {False}
            assert [each["seq"] for each in running] == sorted(each["seq"] for each in running)
            await client.ask("unsubscribe", {"type": "candles", "symbol": SYMBOL, "interval": "1d"})
            heard = len(client.all("candle"))
            await trade(venue, "301.00")
            await client.until(lambda: any(each["interval"] == "1m" for each in client.all("candle")[heard:]))
            assert all(each["interval"] != "1d" for each in client.all("candle")[heard:])

    asyncio.run(scenario())


def test_many_trades_make_few_messages(venue: Venue) -> None:
    async def scenario() -> None:
        async with listening(venue.url) as client:
            await client.subscribe("candles", SYMBOL, interval="1d")
            await client.subscribe("l3", SYMBOL)
            started = time.monotonic()
            for step in range(60):
                await trade(venue, f"{300 + step % 3}.00")
            there = (await rows(venue, "1d"))[-1]
            await client.until(lambda: client.all("candle")[-1]["candle"] == there)
            book = await in_thread(venue.ask, "GET", f"/book/{SYMBOL}/orders")
            await client.until(lambda: client.all("l3")[-1]["seq"] == book["seq"])
            at_most = (time.monotonic() - started) / PACE_S + 3
            assert len(client.all("candle")) <= at_most
            assert len(client.all("l3")) <= at_most

    asyncio.run(scenario())


def test_the_queue_is_told_in_order_without_owners(venue: Venue) -> None:
    async def scenario() -> None:
        for quantity in ("1", "2", "3"):
            await in_thread(venue.order, SYMBOL, "buy", quantity, "290.00")
        await in_thread(venue.order, SYMBOL, "sell", "1", "310.00")
        async with listening(venue.url) as client:
            await client.subscribe("l3", SYMBOL)
            for step in range(6):
                await in_thread(venue.order, SYMBOL, "buy", "1", f"289.{step}0")
            await client.subscribe("l3", SYMBOL, levels=5)
            await in_thread(venue.order, SYMBOL, "sell", "1.5", "290.00")
            there = await in_thread(venue.ask, "GET", f"/book/{SYMBOL}/orders")

            def latest(levels: int) -> Any:
                views = [each for each in client.all("l3") if each["seq"] == there["seq"]]
                return next((v for v in views if len({order["price"] for order in v["bids"]}) == levels), None)

            ten, five = await client.until(lambda: latest(7)), await client.until(lambda: latest(5))
            assert {**ten, "timestamp": 0} == {**there, "timestamp": 0, "levels": 10}
            assert [order["quantity"] for order in ten["bids"][:2]] == ["1.500000", "3.000000"]
            assert set(ten["bids"][0]) == {"order_id", "price", "quantity", "timestamp"}
            assert five["bids"] == [order for order in there["bids"] if float(order["price"]) > 289.15]

    venue.clear(SYMBOL)
    asyncio.run(scenario())
    venue.clear(SYMBOL)


async def refused(client: Listener, **wanted: Any) -> str:
    code: str = (await client.ask("subscribe", wanted))["error_code"]
    return code


@pytest.mark.parametrize("kind", ["candles", "l3"])
def test_what_cannot_be_subscribed_to_is_refused(venue: Venue, kind: str) -> None:
    async def scenario() -> None:
        async with listening(venue.url) as client:
            assert await refused(client, type=kind) == "MISSING_FIELD"
            assert await refused(client, type=kind, symbol="NONE") == "UNKNOWN_SYMBOL"
            for wrong in ("2m", "", 60, ["1m"]):
                assert await refused(client, type=kind, symbol=SYMBOL, interval=wrong) == "INVALID_VALUE"
            assert await refused(client, type=kind, symbol=SYMBOL, levels=7) == "INVALID_VALUE"

    asyncio.run(scenario())
