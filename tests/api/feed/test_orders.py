"""Order events: what the owner of an order is told of it, with the numbers of that moment."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api.feed.flow import Flow
from tests.api.feed.listener import Listener, in_thread, listening
from tests.api.feed.venue import Venue

SYMBOL = "AAPL-USD"
NUMBERS = ("event_type", "quantity", "filled", "remaining", "status", "reason")


def events_of(client: Listener) -> list[dict[str, Any]]:
    """The order events a client heard of, single or in lists."""
    return client.all("order_event") + [event for message in client.all("order_events") for event in message["events"]]


def numbers(client: Listener, order_id: str) -> list[tuple[Any, ...]]:
    """What was told of one order, in order."""
    return [tuple(event[name] for name in NUMBERS) for event in events_of(client) if event["order_id"] == order_id]


@pytest.mark.parametrize("batch", [False, True])
def test_the_life_of_a_maker_and_a_taker_is_told_event_by_event(venue: Venue, batch: bool) -> None:
    async def scenario() -> None:
        async with listening(venue.url) as client:
            await client.subscribe("orders", batch=batch)
            maker = (await in_thread(venue.order, SYMBOL, "sell", "5", "190.00", client_order_id=f"m{batch}"))[
                "order_id"
            ]
            taker = (await in_thread(venue.order, SYMBOL, "buy", "2", "190.00"))["order_id"]
            await in_thread(venue.ask, "PATCH", f"/order/{maker}", {"quantity": "4"})
            await in_thread(venue.ask, "PATCH", f"/order/{maker}", {"price": "190.50"})
            larger = (await in_thread(venue.order, SYMBOL, "buy", "3", "190.50"))["order_id"]
            ioc = (await in_thread(venue.order, SYMBOL, "sell", "3", "190.50", order_type="ioc"))["order_id"]
            resting = (await in_thread(venue.order, SYMBOL, "buy", "1", "180.00"))["order_id"]
            await in_thread(venue.ask, "POST", "/cancel", {"order_id": resting})
            await client.until(lambda: len(numbers(client, resting)) == 3)

            assert numbers(client, maker) == [
                ("accepted", "5", "0", "5", "new", None),
                ("resting", "5", "0", "5", "resting", None),
                ("partially_filled", "5", "2", "3", "partially_filled", None),
                ("amended", "4", "2", "2", "partially_filled", None),
                ("amended", "4", "2", "2", "partially_filled", None),
                ("filled", "4", "4", "0", "filled", None),
            ]
            assert numbers(client, taker) == [
                ("accepted", "2", "0", "2", "new", None),
                ("filled", "2", "2", "0", "filled", None),
            ]
            assert numbers(client, larger) == [
                ("accepted", "3", "0", "3", "new", None),
                ("partially_filled", "3", "2", "1", "partially_filled", None),
                ("filled", "3", "3", "0", "filled", None),
            ]
            assert numbers(client, ioc) == [
                ("accepted", "3", "0", "3", "new", None),
                ("partially_filled", "3", "1", "2", "partially_filled", None),
                ("cancelled", "3", "1", "2", "cancelled", "immediate_or_cancel"),
            ]
            assert numbers(client, resting)[2] == ("cancelled", "1", "0", "1", "cancelled", "requested")

            fills = [
                event["fill"] for event in events_of(client) if event["order_id"] in (maker, taker) and event["fill"]
            ]
            assert [(fill["liquidity"], fill["price"], fill["quantity"]) for fill in fills] == [
                ("maker", "190.00", "2"),
                ("taker", "190.00", "2"),
                ("maker", "190.50", "2"),
            ]
            assert fills[0]["trade_id"] == fills[1]["trade_id"] != fills[2]["trade_id"]
            trades = {trade["trade_id"]: trade for trade in venue.ask("GET", f"/trades/{SYMBOL}")["trades"]}
            for fill in fills:
                assert fill["fee"] == trades[fill["trade_id"]][f"{fill['liquidity']}_fee"]
            names = {event["client_order_id"] for event in events_of(client) if event["order_id"] == maker}
            assert names == {f"m{batch}"}
            assert {event["self_trade_prevention"] for event in events_of(client)} == {"none"}
            assert bool(client.all("order_events")) is batch
            assert bool(client.all("order_event")) is not batch

    asyncio.run(scenario())
    venue.clear(SYMBOL)


def test_a_refused_order_and_a_refused_cancel_are_told_with_their_reason(venue: Venue) -> None:
    async def scenario() -> None:
        async with listening(venue.url) as client:
            await client.subscribe("orders")
            refused = {"symbol": SYMBOL, "side": "buy", "order_type": "limit", "quantity": "1", "price": "190.005"}
            await in_thread(venue.ask, "POST", "/order", {**refused, "client_order_id": "refused-1"})
            await in_thread(venue.ask, "POST", "/cancel", {"order_id": "999999999"})
            await client.until(lambda: len(events_of(client)) == 2)
            assert [(e["event_type"], e["status"], e["reason"], e["client_order_id"]) for e in events_of(client)] == [
                ("rejected", "rejected", "bad_tick", "refused-1"),
                ("rejected", "rejected", "unknown_order", None),
            ]
            assert [event["self_trade_prevention"] for event in events_of(client)] == [None, None]

    asyncio.run(scenario())


def test_under_concurrent_flow_the_numbers_of_each_event_add_up(venue: Venue) -> None:
    async def scenario() -> None:
        symbol = "ETH-USDT"
        async with listening(venue.url) as client:
            await client.subscribe("orders", batch=True)
            await Flow(venue.url, symbol, "2000", 21).run(500, traders=16)
            seq = (await in_thread(venue.order, symbol, "buy", "1", "1900.00"))["seq"]
            await client.until(lambda: events_of(client) and events_of(client)[-1]["seq"] >= seq)
            seqs = [event["seq"] for event in events_of(client)]
            assert seqs == sorted(seqs)
            filled: dict[str, float] = {}
            for event in events_of(client):
                if event["event_type"] == "rejected" or event["symbol"] != symbol:
                    continue
                quantity, done, left = (float(event[name]) for name in ("quantity", "filled", "remaining"))
                assert done + left == quantity
                if event["fill"]:
                    filled[event["order_id"]] = filled.get(event["order_id"], 0) + float(event["fill"]["quantity"])
                assert done == filled.get(event["order_id"], 0)
            assert len(filled) > 50

    asyncio.run(scenario())
    venue.clear("ETH-USDT")
