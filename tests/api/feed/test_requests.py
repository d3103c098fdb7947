"""What a client may send over Socket.IO, and what it is answered."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from tests.api.feed.listener import in_thread, listening
from tests.api.feed.venue import Venue

SYMBOLS = ["BTC-USDT", "ETH-USDT", "BNB-USDT", "SOL-USDT", "AAPL-USD"]


def test_a_client_is_greeted_with_the_symbols_and_the_state_of_the_venue(venue: Venue) -> None:
    async def scenario() -> None:
        async with listening(venue.url) as client:
            greeting = client.all("connected")[0]
            assert set(greeting) == {"status", "session_id", "timestamp", "symbols", "seq"}
            assert greeting["status"] == "connected"
            assert greeting["symbols"] == SYMBOLS
            assert abs(greeting["timestamp"] - time.time()) < 60
            quiet = {"flows": [], "sources": [], "accepting": True, "symbols_seq": 0, "clock_held": False}
            assert client.all("venue") == [{**quiet, "node": None, "stale": False}]
            assert [event for event, _ in client.heard] == ["connected", "venue"]

    asyncio.run(scenario())


def test_subscribing_pinging_and_unsubscribing_are_answered_by_event_and_by_acknowledgement(venue: Venue) -> None:
    async def scenario() -> None:
        async with listening(venue.url) as client:
            acknowledged = await client.subscribe("l2_updates", "SOL-USDT")
            assert set(acknowledged) == {"type", "symbol", "levels", "timestamp", "seq"}
            assert await client.next("subscribed") == acknowledged
            update = await client.next("l2_update")
            depth = {"bids", "asks", "bid_orders", "ask_orders", "levels"}
            assert set(update) == depth | {"timestamp", "symbol", "seq", "status", "limit_state"}
            pong = await client.ask("ping")
            assert await client.next("pong") == pong
            assert abs(pong["timestamp"] - time.time()) < 60
            gone = await client.ask("unsubscribe", {"type": "l2_updates", "symbol": "SOL-USDT"})
            assert gone == {**gone, "type": "l2_updates", "symbol": "SOL-USDT", "levels": 10}
            for answered in (acknowledged, gone):
                assert abs(answered["timestamp"] - time.time()) < 60
            assert await client.next("unsubscribed") == gone

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"type": "l3_deltas", "symbol": "BTC-USDT"}, "INVALID_VALUE"),
        ({"type": "bbo", "symbol": "NO-SUCH"}, "UNKNOWN_SYMBOL"),
        ({"type": "trades", "symbol": "NO-SUCH"}, "UNKNOWN_SYMBOL"),
        ({"type": "l2_deltas"}, "MISSING_FIELD"),
        ({"type": "l2_updates", "symbol": "BTC-USDT", "levels": 7}, "INVALID_VALUE"),
        ({"type": "l2_updates", "symbol": "BTC-USDT", "level": 10}, "UNKNOWN_FIELD"),
        ({"symbol": "BTC-USDT"}, "MISSING_FIELD"),
        ("BTC-USDT", "INVALID_VALUE"),
        (None, "INVALID_VALUE"),
    ],
)
def test_a_subscription_that_makes_no_sense_is_refused(venue: Venue, wanted: Any, code: str) -> None:
    async def scenario() -> None:
        async with listening(venue.url) as client:
            body = await client.ask("subscribe", wanted)
            assert (body["error_code"], set(body)) == (code, {"error", "error_code", "details", "request_id"})
            assert await client.next("error") == {"message": body["error"], "event": "subscribe", **body}

    asyncio.run(scenario())


def test_a_client_holds_no_more_subscriptions_than_it_may(venue: Venue) -> None:
    async def scenario() -> None:
        async with listening(venue.url) as client:
            wanted = [("l2_updates", s, {"levels": n}) for s in SYMBOLS for n in (5, 10, 20, 50, 100, 500, 1000)]
            wanted += [(kind, s, {}) for kind in ("l2_deltas", "bbo", "ticker", "trades") for s in SYMBOLS]
            wanted += [("trades", s, {"batch": True}) for s in SYMBOLS]
            refused = []
            for kind, symbol, options in wanted:  # 60, twice: the second time they are held already
                refused.append("error_code" in await client.subscribe(kind, symbol, **options))
                refused.append("error_code" in await client.subscribe(kind, symbol, **options))
            assert refused == [False] * 120

    asyncio.run(scenario())


def test_above_the_limit_a_subscription_is_refused_until_another_is_given_up(tmp_path_factory: Any) -> None:
    async def scenario(venue: Venue) -> None:
        async with listening(venue.url) as client:
            await client.subscribe("bbo", "BTC-USDT")
            await client.subscribe("bbo", "ETH-USDT")
            refused = await client.subscribe("bbo", "SOL-USDT")
            assert refused["error_code"] == "TOO_MANY_SUBSCRIPTIONS"
            # events that bear the names of the connection's own are no way round it
            for name in ("disconnect", "connect"):
                await client._client.emit(name, {}, namespace="/market")
            assert (await client.subscribe("bbo", "SOL-USDT"))["error_code"] == "TOO_MANY_SUBSCRIPTIONS"
            await client.ask("unsubscribe", {"type": "bbo", "symbol": "ETH-USDT"})
            assert (await client.subscribe("bbo", "SOL-USDT"))["symbol"] == "SOL-USDT"

    with Venue(tmp_path_factory.mktemp("few") / "data", "--feed-subscriptions", "2") as venue:
        asyncio.run(scenario(venue))


def without_times(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer less what differs between two equal requests."""
    varying = {"order_id", "processing_time_ms", "timestamp", "ts_ns", "seq", "request_id", "client_order_id"}
    answer = {key: value for key, value in answer.items() if key not in varying | {"ts_ns_text"}}
    for part in ("bbo", "details"):
        answer[part] = {key: value for key, value in answer.get(part, {}).items() if key not in varying}
    return answer


def test_orders_cancels_and_amends_are_acknowledged_with_the_bodies_of_rest(venue: Venue) -> None:
    async def scenario() -> None:
        async with listening(venue.url) as client:
            order = {"symbol": "AAPL-USD", "side": "buy", "order_type": "limit", "quantity": 5, "price": 180.25}
            over_feed = await client.ask("order", order)
            over_rest = venue.ask("POST", "/order", order)
            assert over_feed["status"] == "resting"
            assert over_feed["price"] == "180.25"
            assert set(over_feed) == set(over_rest)
            assert without_times(over_feed) | {"bbo": 0} == without_times(over_rest) | {"bbo": 0}

            amended_feed = await client.ask("amend", {"order_id": over_feed["order_id"], "quantity": "3"})
            amended_rest = venue.ask("PATCH", f"/order/{over_rest['order_id']}", {"quantity": "3"})
            assert amended_feed["priority"] == "kept"
            assert amended_feed["remaining"] == "3"
            for answer in (amended_feed, amended_rest):
                answer.pop("queue_position")
            assert set(amended_feed) == set(amended_rest)
            assert without_times(amended_feed) | {"bbo": 0} == without_times(amended_rest) | {"bbo": 0}

            gone_feed = await client.ask("cancel", {"symbol": "AAPL-USD", "order_id": over_feed["order_id"]})
            gone_rest = venue.ask("POST", "/cancel", {"symbol": "AAPL-USD", "order_id": over_rest["order_id"]})
            assert gone_feed["success"] is True
            assert set(gone_feed) == set(gone_rest)

            tested_feed = await client.ask("order_test", order | {"order_type": "ioc"})
            tested_rest = venue.ask("POST", "/order/test", order | {"order_type": "ioc"})
            assert tested_feed["accepted"] is True
            assert without_times(tested_feed) == without_times(tested_rest)
            for side in ("buy", "sell"):
                await client.ask("order", order | {"side": side, "price": "180.00" if side == "buy" else "199.00"})
            ours = {"symbol": "AAPL-USD", "side": "sell"}
            assert (await client.ask("cancel_all", ours))["count"] == 1
            swept_feed = await client.ask("cancel_all", {"symbol": "AAPL-USD"})
            swept_rest = venue.ask("DELETE", "/orders?symbol=AAPL-USD")
            assert (swept_feed["count"], swept_rest["count"]) == (1, 0)
            assert set(swept_feed) == set(swept_rest)

            for event, path, body in (
                ("order", "/order", {**order, "price": "180.255"}),
                ("order_test", "/order/test", {**order, "price": "180.255"}),
                ("order_test", "/order/test", {"symbol": "AAPL-USD"}),
                ("order", "/order", {**order, "quantity": "-1"}),
                ("order", "/order", {"symbol": "AAPL-USD"}),
                ("cancel", "/cancel", {"order_id": over_feed["order_id"]}),
                ("cancel", "/cancel", {"order_id": "999999999"}),
            ):
                refused_feed, refused_rest = await client.ask(event, body), venue.ask("POST", path, body)
                assert without_times(refused_feed) == without_times(refused_rest)
                assert refused_feed["error_code"]
            assert (await client.ask("cancel_all", {"symbol": "NO-SUCH"}))["error_code"] == "UNKNOWN_SYMBOL"
            assert (await client.ask("cancel_all", {"order_id": "1"}))["error_code"] == "UNKNOWN_FIELD"

    asyncio.run(scenario())


def test_an_event_that_there_is_not_is_answered_with_those_that_there_are(venue: Venue) -> None:
    async def scenario() -> None:
        async with listening(venue.url) as client:
            body = await client.ask("suscribe", {"type": "trades"})
            assert body["error_code"] == "UNKNOWN_EVENT"
            assert "'suscribe'" in body["error"]
            assert "subscribe, unsubscribe" in body["error"]
            assert {"subscribe", "order", "cancel_all"} <= set(body["details"]["events"])
            assert not {"*", "connect", "disconnect"} & set(body["details"]["events"])
            assert await client.next("error") == {"message": body["error"], "event": "suscribe", **body}
            await client._client.emit("x" * 5_000, namespace="/market")  # no acknowledgement is asked for
            assert len((await client.next("error"))["message"]) < 400

    asyncio.run(scenario())


def test_numbers_are_read_exactly(venue: Venue) -> None:
    async def scenario() -> None:
        async with listening(venue.url) as client:
            # more digits than a float holds: off the grid, and not silently rounded onto it
            await client._client.eio.send(
                '2/market,7["order",{"symbol":"BTC-USDT","side":"buy","order_type":"limit",'
                '"quantity":1,"price":29000.0100000000000000001}]'
            )
            assert (await client.next("error"))["error_code"] == "BAD_TICK"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "text",
    [
        '2/market,["ping"',
        '2/market,["order",{"price":NaN}]',
        '2/market,{"a":1}',
        "2/market,[]",
        "2/market,[{}]",
        '2/market,["*","another client"]',
        '51-/market,["ping",{"_placeholder":true,"num":0}]',
    ],
)
def test_what_is_no_event_is_answered_with_an_error_and_leaves_the_connection(venue: Venue, text: str) -> None:
    async def scenario() -> None:
        async with listening(venue.url) as client:
            await client._client.eio.send(text)
            assert (await client.next("error"))["error_code"] == "MALFORMED_JSON"
            assert "timestamp" in await client.ask("ping")

    asyncio.run(scenario())
    assert "Traceback" not in venue.log


def test_the_way_of_orders_over_the_feed_counts_among_the_latencies(tmp_path: Path) -> None:
    order = {"symbol": "SOL-USDT", "side": "buy", "order_type": "limit", "quantity": "1", "price": "10.00"}

    async def scenario(venue: Venue) -> None:
        async with listening(venue.url) as client:
            assert venue.ask("GET", "/statistics")["avg_latency_ms"] == 0
            assert (await client.ask("order", order))["status"] == "resting"
            assert (await in_thread(venue.ask, "GET", "/statistics"))["avg_latency_ms"] > 0

    with Venue(tmp_path) as venue:
        asyncio.run(scenario(venue))
