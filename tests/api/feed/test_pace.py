"""How often and how soon: at most twenty messages a second for a symbol and type, the first one at once."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from pathlib import Path
from typing import Any

from tests.api.feed.flow import Flow
from tests.api.feed.listener import listening
from tests.api.feed.venue import Venue

KINDS = {"l2_delta": "l2_deltas", "l2_update": "l2_updates", "bbo": "bbo", "trades": "trades", "ticker": "ticker"}
QUIET = {"ETH-USDT": "1900", "BNB-USDT": "290", "AAPL-USD": "185"}
SLOW_S = 0.6  # an interval of the feed that a busy machine's own pauses are short beside


def test_a_symbol_in_flow_is_told_at_most_twenty_times_a_second_and_type(venue: Venue) -> None:
    async def scenario() -> None:
        symbol = "SOL-USDT"
        async with listening(venue.url) as client:
            for kind in KINDS.values():
                await client.subscribe(kind, symbol, **({"batch": True} if kind == "trades" else {}))
            started, stamp = time.monotonic(), time.time()
            await Flow(venue.url, symbol, "100", 31).run(600)
            seconds = time.monotonic() - started
            await asyncio.sleep(0.2)
            for event in KINDS:
                received = [at for (name, _), at in zip(client.heard, client.heard_at, strict=True) if name == event]
                during = [at for at in received if started <= at <= started + seconds]
                assert len(during) <= 20 * seconds + 2, event
                assert len(during) >= 2, event
            stamps = [data["timestamp"] for data in client.all("l2_delta") if data["timestamp"] > stamp]
            assert min(b - a for a, b in itertools.pairwise(stamps)) >= 0.045

    asyncio.run(scenario())
    venue.clear("SOL-USDT")


def test_the_first_change_after_a_quiet_moment_is_told_at_once_though_another_symbol_is_in_flow(tmp_path: Path) -> None:
    async def scenario(venue: Venue) -> None:
        async with listening(venue.url) as client:
            for symbol in ("SOL-USDT", *QUIET):
                await client.subscribe("l2_deltas", symbol)
            flow = asyncio.create_task(Flow(venue.url, "SOL-USDT", "100", 32).run(160, traders=1, rate=60))
            delays = []
            for symbol, price in list(QUIET.items()) * 3:  # each is left alone for longer than the interval
                await asyncio.sleep(SLOW_S / 2)

                def received(symbol: str = symbol) -> list[Any]:
                    return [delta for delta in client.all("l2_delta") if delta["symbol"] == symbol]

                known = len(received())
                order = {"symbol": symbol, "side": "buy", "order_type": "limit", "quantity": "1", "price": price}
                answer = await client.ask("order", order)
                await client.until(lambda received=received, known=known: received()[known:])
                delays.append(received()[-1]["timestamp"] - answer["timestamp"])
            await flow
            # both times are the server's; a wait for the tick would be half of the interval on average
            assert statistics.median(delays) < SLOW_S / 5

    with Venue(tmp_path / "data", "--feed-interval-ms", str(int(SLOW_S * 1000))) as venue:
        asyncio.run(scenario(venue))
