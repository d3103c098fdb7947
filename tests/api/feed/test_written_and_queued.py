"""What is written to a WebSocket is, message for message, what is queued for a client that polls."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from tests.api.feed.flow import Flow
from tests.api.feed.listener import Listener, in_thread, listening
from tests.api.feed.venue import Venue

SYMBOL = "SOL-USDT"
WHOLE = ("l2_delta", "trade", "trades", "order_event", "order_events")  # streams of which no client misses any


def whole_streams(listener: Listener, seqs: range) -> list[tuple[str, Any]]:
    """What was heard of them in its order, of commands in `seqs`."""

    def seq_of(event: str, data: Any) -> int:
        if event in ("trades", "order_events"):
            return int(data["trades" if event == "trades" else "events"][-1]["seq"])
        return int(data["seq"])

    return [(event, data) for event, data in listener.heard if event in WHOLE and seq_of(event, data) in seqs]


def has_come_to(listener: Listener, seq: int) -> bool:
    return any(data["seq"] >= seq for data in listener.all("l2_delta"))


async def follow(listener: Listener) -> None:
    await listener.subscribe("l2_deltas", SYMBOL)
    await listener.subscribe("trades", SYMBOL)
    await listener.subscribe("trades", batch=True)
    await listener.subscribe("orders", batch=True)


async def compare(venue: Venue) -> None:
    async with (
        listening(venue.url) as written,
        listening(venue.url) as beside,
        listening(venue.url, "polling") as queued,
    ):
        listeners = (written, beside, queued)
        for listener in listeners:
            await follow(listener)
        assert [listener.transport for listener in listeners] == ["websocket", "websocket", "polling"]
        begin = await in_thread(venue.order, SYMBOL, "buy", "1", "97")
        await Flow(venue.url, SYMBOL, "100", 3).run(180, traders=3)
        await in_thread(venue.clear, SYMBOL)
        end = (await in_thread(venue.order, SYMBOL, "buy", "1", "97"))["seq"]
        for listener in listeners:
            await listener.until(partial(has_come_to, listener, end))
        seqs = range(begin["seq"] + 1, end)
        expected = whole_streams(queued, seqs)
        assert len(expected) > 100
        assert whole_streams(written, seqs) == expected
        assert whole_streams(beside, seqs) == expected


def test_a_client_that_is_written_to_hears_what_one_hears_for_whom_it_is_queued(venue: Venue) -> None:
    asyncio.run(compare(venue))
    venue.clear(SYMBOL)
