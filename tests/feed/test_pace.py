"""How often and how soon: at most twenty messages a second for a symbol and type, the first one at once."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time

from tests.feed.flow import Flow
from tests.feed.listener import listening
from tests.feed.venue import Venue

KINDS = {"l2_delta": "l2_deltas", "l2_update": "l2_updates", "bbo": "bbo", "trades": "trades", "ticker": "ticker"}


def test_a_symbol_in_flow_is_told_at_most_twenty_times_a_second_and_type(venue: Venue) -> None:
    async def scenario() -> None:
        symbol = "SOL-USDT"
        async with listening(venue.url) as client:
            for kind in KINDS.values():
                await client.subscribe(kind, symbol, batch=True)
            started, stamp = time.monotonic(), time.time()
            await Flow(venue.url, symbol, "100", 31).run(600)
            seconds = time.monotonic() - started
            await asyncio.sleep(0.2)
            for event in KINDS:
                told = [at for (name, _), at in zip(client.heard, client.heard_at, strict=True) if name == event]
                during = [at for at in told if started <= at <= started + seconds]
                assert len(during) <= 20 * seconds + 2, event
                assert len(during) >= 2, event
            stamps = [data["timestamp"] for data in client.all("l2_delta") if data["timestamp"] > stamp]
            assert min(b - a for a, b in itertools.pairwise(stamps)) >= 0.045

    asyncio.run(scenario())
    venue.clear("SOL-USDT")


def test_the_first_change_after_a_quiet_moment_is_told_at_once_though_another_symbol_is_in_flow(venue: Venue) -> None:
    async def scenario() -> None:
        async with listening(venue.url) as client:
            await client.subscribe("l2_deltas", "SOL-USDT")
            await client.subscribe("l2_deltas", "AAPL-USD")
            flow = asyncio.create_task(Flow(venue.url, "SOL-USDT", "100", 32).run(160, traders=1, rate=60))
            delays = []
            order = {"symbol": "AAPL-USD", "side": "buy", "order_type": "limit", "quantity": "1", "price": "185"}
            for _ in range(15):
                await asyncio.sleep(0.1)
                known = len([delta for delta in client.all("l2_delta") if delta["symbol"] == "AAPL-USD"])
                answer = await client.ask("order", order)
                await client.until(
                    lambda known=known: [d for d in client.all("l2_delta") if d["symbol"] == "AAPL-USD"][known:]
                )
                delta = [d for d in client.all("l2_delta") if d["symbol"] == "AAPL-USD"][-1]
                delays.append(delta["timestamp"] - answer["timestamp"])
            await flow
            assert statistics.median(delays) < 0.02  # both times are the server's; a wait for the tick would be 0.025

    asyncio.run(scenario())
    for symbol in ("SOL-USDT", "AAPL-USD"):
        venue.clear(symbol)
