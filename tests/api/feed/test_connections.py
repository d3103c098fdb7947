"""Connections: who may make one, over which transport, and what everybody is told of the venue."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.api.feed.listener import in_thread, listening
from tests.api.feed.raw import RawClient
from tests.api.feed.venue import Venue
from tests.server import counted, eventually


def test_a_page_of_another_site_is_refused_over_websocket_and_over_polling(venue: Venue) -> None:
    for origin in ("http://evil.example", f"http://evil.example:{venue.port}", "null"):
        websocket = RawClient(venue.port, origin=origin)
        assert websocket.head.startswith("HTTP/1.1 400")
        websocket.close()
        status = venue.answer("GET", "/socket.io/?EIO=4&transport=polling", headers={"Origin": origin}).status
        assert status == 400


def test_our_own_page_is_let_in(venue: Venue) -> None:
    websocket = RawClient(venue.port, origin=venue.url)
    websocket.join()
    websocket.close()


def test_messages_are_not_compressed_even_for_a_client_that_offers_to(venue: Venue) -> None:
    websocket = RawClient(venue.port)
    assert websocket.head.startswith("HTTP/1.1 101")
    assert "extensions" not in websocket.head.lower()
    websocket.close()


def test_a_client_that_is_refused_is_told_why_and_let_go_in_words_that_every_library_reads(venue: Venue) -> None:
    websocket = RawClient(venue.port)
    websocket.read()
    websocket.send('40/market,{"token":"x.y.z"}')
    event, body = websocket.read_event()
    assert (event, body["event"], body["error_code"]) == ("error", "connect", "BAD_TOKEN")
    assert websocket.read() == "41/market,"  # JavaScript takes one that carries more for broken
    websocket.close()


def test_a_source_of_flow_is_told_to_everybody_as_long_as_it_is_connected(venue: Venue) -> None:
    quiet = {
        "flows": [],
        "sources": [],
        "accepting": True,
        "symbols_seq": 0,
        "clock_held": False,
        "node": None,
        "stale": False,
    }
    simulated = {
        **quiet,
        "flows": ["simulated"],
        "sources": [{"flow": "simulated", "seed": None, "strategy": None}],
    }

    async def scenario() -> None:
        async with listening(venue.url) as page:
            async with listening(venue.url, auth={"flow": "simulated"}):
                await page.until(lambda: page.all("venue")[-1] == simulated)
                async with listening(venue.url) as other:
                    assert other.all("venue") == [simulated]
            await page.until(lambda: page.all("venue")[-1] == quiet)
            assert len(page.all("venue")) == 3

    asyncio.run(scenario())


def test_a_client_that_leaves_is_forgotten(venue: Venue) -> None:
    async def scenario() -> None:
        async def nobody_is_remembered() -> None:
            for _ in range(200):
                if (await in_thread(venue.ask, "GET", "/health"))["connections"] == 0:
                    return
                await asyncio.sleep(0.1)
            pytest.fail("a connection is remembered though nobody is there")

        await nobody_is_remembered()  # of the tests before
        for transport in ("websocket", "polling"):
            async with listening(venue.url, transport) as client:
                await client.subscribe("trades", batch=True)
                assert (await in_thread(venue.ask, "GET", "/health"))["connections"] == 1
            await nobody_is_remembered()
        abrupt = RawClient(venue.port)
        abrupt.join()
        abrupt.close()
        await nobody_is_remembered()

    asyncio.run(scenario())


def test_a_client_that_begins_with_polling_changes_to_a_websocket_and_misses_nothing(venue: Venue) -> None:
    async def scenario() -> None:
        async with listening(venue.url, "polling+websocket") as client:
            await client.subscribe("l2_deltas", "ETH-USDT")
            await client.until(lambda: client.transport == "websocket")
            entered = await in_thread(venue.order, "ETH-USDT", "buy", "1", "7.00")
            await client.until(lambda: client.all("l2_delta"))
            assert client.all("l2_delta")[0]["prev_seq"] == client.all("l2_snapshot")[0]["seq"]
            await in_thread(venue.clear, "ETH-USDT")
            assert entered["order_id"]

    asyncio.run(scenario())


def test_a_client_that_breaks_the_protocol_is_gone_at_once_and_so_are_its_orders(venue: Venue) -> None:
    for broken in (b"\x81\x80\0\0\0\0", b"\x81\x81\0\0\0\0x"):  # an empty message, which left a ghost, and no packet
        client = RawClient(venue.port)
        client.read()
        client.send('40/market,{"cancel_on_disconnect":true}')
        while client.read_event()[0] != "venue":
            pass
        client.emit(
            "order", {"symbol": "SOL-USDT", "side": "buy", "order_type": "limit", "quantity": "1", "price": "3"}
        )
        eventually(lambda: counted(venue.ask("GET", "/book/SOL-USDT"), "bids") == [["3.00", "1.000000", 1]])
        client.socket.sendall(broken)
        eventually(lambda: venue.ask("GET", "/book/SOL-USDT")["bids"] == [], 10)
        client.close()


def test_when_the_journal_fails_everybody_is_told_that_no_orders_are_taken(tmp_path: Path) -> None:
    async def scenario(venue: Venue) -> None:
        order = {"symbol": "SOL-USDT", "side": "buy", "order_type": "limit", "quantity": "1", "price": "100"}
        async with listening(venue.url) as client:
            await client.subscribe("l2_deltas", "SOL-USDT")
            await client.ask("order", order)
            wal = max((tmp_path / "data").glob("journal.sqlite*"), key=lambda p: p.stat().st_size)
            venue.limit_files(wal.stat().st_size)
            answers = [await client.ask("order", order) for _ in range(200)]
            assert answers[-1]["error_code"] == "NOT_ACCEPTING"
            await client.until(lambda: client.all("venue")[-1]["accepting"] is False)
            # what was acknowledged is in the book that was told, and nothing else
            acknowledged = 1 + sum("order_id" in answer for answer in answers)
            there = venue.ask("GET", "/book/SOL-USDT")
            assert counted(there, "bids") == [["100.00", f"{acknowledged}.000000", acknowledged]]
            await client.until(lambda: client.all("l2_delta")[-1]["bids"] == counted(there, "bids"))
        async with listening(venue.url) as late:
            assert late.all("venue") == [
                {
                    "flows": [],
                    "sources": [],
                    "accepting": False,
                    "symbols_seq": 0,
                    "clock_held": False,
                    "node": None,
                    "stale": False,
                }
            ]

    with Venue(tmp_path / "data") as venue:
        asyncio.run(scenario(venue))
