"""Clients that read slowly, or not at all: they cost bounded memory, and nobody else any time."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.feed.flow import Flow
from tests.api.feed.folded import FoldedBook
from tests.api.feed.listener import in_thread, listening
from tests.api.feed.raw import RawClient, masked
from tests.api.feed.venue import Venue
from tests.server import counted

MEGABYTE = 1 << 20
SYMBOL = "SOL-USDT"


@pytest.fixture(scope="module")
def brisk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    """A server that publishes often and has little patience, so that the tests need not last long."""
    options = ("--feed-queue", "32", "--feed-interval-ms", "5")
    with Venue(tmp_path_factory.mktemp("brisk") / "data", *options) as running:
        yield running


def deepen(venue: Venue, levels: int) -> None:
    """Make the messages of the book large."""
    bid = {"symbol": SYMBOL, "side": "buy", "order_type": "limit", "quantity": "1"}
    bids = [{**bid, "price": f"{98 - step * 0.01:.2f}"} for step in range(levels)]
    entered = venue.ask("POST", "/orders/batch", {"orders": bids})
    assert {result["status"] for result in entered["results"]} == {200}


def streams_ended(venue: Venue) -> float:
    """How many streams were ended for clients that read too slowly."""
    text = venue.answer("GET", "/metrics").content.decode()
    (found,) = re.findall(r"^openbell_feed_gaps_total(?:\{[^}]*\})? (\S+)$", text, re.MULTILINE)
    return float(found)


async def stop_reading_under_flow(venue: Venue, stalled: RawClient, ended: int) -> FoldedBook:
    """Trade until so many more streams have ended; return the book that another client folded meanwhile."""
    before = streams_ended(venue)
    async with listening(venue.url) as other:
        await other.subscribe("l2_deltas", SYMBOL)
        deadline = time.monotonic() + 40
        while await in_thread(streams_ended, venue) < before + ended:
            assert time.monotonic() < deadline, "the stalled client was never noticed"
            await Flow(venue.url, SYMBOL, "100", 5).run(100, traders=2)
        assert stalled.socket.fileno() >= 0
        there = await in_thread(venue.ask, "GET", f"/book/{SYMBOL}?levels=all")
        await other.until(lambda: other.all("l2_snapshot", "l2_delta")[-1]["seq"] >= there["seq"])
        assert other.all("resync") == []
        gaps = [after - before for before, after in zip(other.heard_at, other.heard_at[1:], strict=False)]
        assert max(gaps) < 5
        book = FoldedBook()
        for event, data in other.heard:
            book.take(event, data)
        assert (book.side("bids"), book.side("asks")) == (counted(there, "bids"), counted(there, "asks"))
        return book


def test_a_client_that_stops_reading_is_told_to_resync_and_is_right_again(brisk: Venue) -> None:
    deepen(brisk, 400)
    stalled = RawClient(brisk.port, receive_buffer=4096)
    stalled.join()
    stalled.emit("subscribe", {"type": "l2_deltas", "symbol": SYMBOL})
    stalled.emit("subscribe", {"type": "l2_updates", "symbol": SYMBOL, "levels": 500})
    stalled.emit("subscribe", {"type": "l3", "symbol": SYMBOL, "levels": 500})
    before = brisk.process.memory_info().rss
    # of its own events, and of the changes of the book
    asyncio.run(stop_reading_under_flow(brisk, stalled, ended=2))
    # 32 x 8 of the largest messages, about 20 kB each, are 5 MB; the rest is the journal, the orders and the trades
    assert brisk.process.memory_info().rss - before < 60 * MEGABYTE

    book, resyncs, own_events_missed = FoldedBook(), 0, 0
    there = brisk.ask("GET", f"/book/{SYMBOL}?levels=all")
    depth_seq = queue_seq = 0
    while book.seq != there["seq"] or resyncs == 0 or depth_seq != there["seq"] or queue_seq != there["seq"]:
        event, data = stalled.read_event()
        if event == "resync" and data == {"type": "orders", "symbol": None}:  # its own, which came with the depth
            own_events_missed += 1
        elif event == "resync":
            assert data == {"type": "l2_deltas", "symbol": SYMBOL}
            resyncs += 1
            stalled.emit("subscribe", data)
        elif event == "l2_update":
            depth_seq = data["seq"]  # the last state comes, though nothing changes any more
        elif event == "l3":
            queue_seq = data["seq"]
        book.take(event, data)
    assert (resyncs, own_events_missed) == (1, 1)
    assert (book.side("bids"), book.side("asks")) == (counted(there, "bids"), counted(there, "asks"))
    entered = brisk.order(SYMBOL, "buy", "1", "97.77")
    own_events: list[Any] = []
    while book.seq == there["seq"] or len(own_events) < 2:
        event, data = stalled.read_event()
        own_events += [data] if event == "order_event" else []
        book.take(event, data)
    assert [(data["order_id"], data["event_type"]) for data in own_events] == [
        (entered["order_id"], "accepted"),
        (entered["order_id"], "resting"),
    ]
    stalled.close()
    brisk.clear(SYMBOL)


def flood(client: RawClient, text: str, seconds: float) -> bool:
    """Send one frame over and over without reading; return whether the server ended the connection."""
    chunk = masked(text) * 200
    at = 0
    client.socket.settimeout(0.5)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            at = (at + client.socket.send(chunk[at:])) % len(chunk)
        except TimeoutError:  # the server does not read either: so it should be
            continue
        except OSError:
            return True
    return False


async def others_meanwhile(venue: Venue, text: str, seconds: float) -> bool:
    """Flood; check that another client is answered in time and memory is bounded; whether the flood was ended."""
    async with listening(venue.url) as other:
        flooding = RawClient(venue.port, receive_buffer=65536)
        flooding.join()
        before = venue.process.memory_info().rss
        attack = asyncio.create_task(asyncio.to_thread(flood, flooding, text, seconds))
        slowest = 0.0
        while not attack.done():
            started = time.monotonic()
            await other.ask("ping")
            slowest = max(slowest, time.monotonic() - started)
            await asyncio.sleep(0.05)
        ended = await attack
        flooding.close()
        assert slowest < 3
        assert venue.process.memory_info().rss - before < 60 * MEGABYTE
        return ended


@pytest.mark.parametrize(
    "text",
    [
        '42/market,1["order",{"symbol":"SOL-USDT","side":"buy","order_type":"limit","quantity":"1","price":"1"}]',
        '42/market,1["subscribe",{"type":"l2_deltas","symbol":"SOL-USDT"}]',
    ],
    ids=["orders", "snapshots"],
)
def test_a_client_that_sends_without_reading_is_slowed_down_and_cut_off(brisk: Venue, text: str) -> None:
    deepen(brisk, 50)
    assert asyncio.run(others_meanwhile(brisk, text, 90))
    brisk.clear(SYMBOL)
    deadline = time.monotonic() + 10
    while brisk.ask("GET", "/health")["connections"]:  # nothing of it is left
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("text", ["5", "3", "40/elsewhere,", '42/market,["no such event"]'])
def test_a_client_that_sends_small_things_without_pause_holds_nobody_up(brisk: Venue, text: str) -> None:
    asyncio.run(others_meanwhile(brisk, text, 3))
