"""Clients that go on at another node over a real etcd: nothing is done twice, and nothing missed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.access.cast import operator
from tests.api.feed.flow import Flow
from tests.api.feed.folded import SIDES, FoldedBook
from tests.api.feed.listener import Listener, in_thread, listening
from tests.api.orders.repetitions import Repetitions
from tests.cluster.nodes import Nodes, nodes, state_of
from tests.etcd import EtcdCluster, needs_etcd
from tests.server import Answer, RunningServer, counted, eventually

pytestmark = needs_etcd

SYMBOL = "ETH-USDT"


@pytest.fixture(scope="module")
def venue(etcd: EtcdCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Two nodes."""
    with nodes(tmp_path_factory.mktemp("going-on"), etcd, "ab") as made:
        yield made


def of_orders(client: Listener) -> list[dict[str, Any]]:
    """The events of own orders that a client heard of."""
    return [event for message in client.all("order_events") for event in message["events"]]


def of_trades(client: Listener) -> list[dict[str, Any]]:
    """The trades that a client heard of."""
    return [trade for message in client.all("trades") for trade in message["trades"]]


def test_a_feed_goes_on_at_another_node_from_where_it_was(venue: Nodes) -> None:
    """What the other node has published nobody heard; its deltas are cut at other places."""
    one, other, book = venue["a"], venue["b"], FoldedBook()

    async def scenario() -> None:
        async with listening(one.url) as staying:
            await staying.subscribe("trades", SYMBOL, batch=True)
            await staying.subscribe("orders", batch=True)
            async with listening(one.url) as client:
                began = await client.subscribe("trades", SYMBOL, batch=True)
                await client.subscribe("orders", batch=True)
                await client.subscribe("l2_deltas", SYMBOL)
                await client.next("l2_snapshot")
                await Flow(one.url, SYMBOL, "100", 1).run(60)
                await client.until(lambda: of_orders(client)[-1:])
                await asyncio.sleep(0.3)
                for event, data in client.heard:
                    book.take(event, data)
                trades, events = of_trades(client), of_orders(client)
            await Flow(one.url, SYMBOL, "100", 2).run(60)  # while the client is nowhere
            async with listening(other.url) as client:
                since = trades[-1]["seq"] if trades else began["seq"]
                resumed = [
                    await client.subscribe("trades", SYMBOL, batch=True, since=since),
                    await client.subscribe("orders", batch=True, since=events[-1]["seq"]),
                    await client.subscribe("l2_deltas", SYMBOL, since=book.seq),
                ]
                assert [answer["resumed"] for answer in resumed] == [True] * 3
                await Flow(one.url, SYMBOL, "100", 3).run(40)
                seq = (await in_thread(one.http.get, "/health"))["seq"]
                shown = await in_thread(other.http.get, f"/book/{SYMBOL}?levels=all&min_seq={seq}")
                await client.until(
                    lambda: client.all("l2_delta")[-1:] and client.all("l2_delta")[-1]["seq"] == shown["seq"]
                )
                assert not client.all("l2_snapshot")
                for delta in client.all("l2_delta"):
                    book.delta(delta)
                await client.until(lambda: events + of_orders(client) == of_orders(staying))
                await client.until(lambda: trades + of_trades(client) == of_trades(staying))
        assert {side: book.side(side) for side in SIDES} == {side: counted(shown, side) for side in SIDES}

    asyncio.run(scenario())


def test_under_a_key_a_batch_and_a_mass_cancel_are_done_once_at_whichever_node_and_over_a_kill(venue: Nodes) -> None:
    token = venue["a"].http.call("POST", "/auth/guest").json["token"]
    shown = {"Authorization": f"Bearer {token}"}
    order = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.01", "price": "100.00"}
    elements = [order, order | {"side": "up"}, order | {"client_order_id": "in-a-batch"}, order]

    def batch(node: RunningServer, sent: list[dict[str, str]] = elements) -> Answer:
        return node.http.call("POST", "/orders/batch", {"orders": sent}, {**shown, "Idempotency-Key": "batch"})

    def cancel_all(node: RunningServer, path: str = "/orders") -> Answer:
        return node.http.call("DELETE", path, None, {**shown, "Idempotency-Key": "all"})

    def ids(answer: Answer) -> list[str | None]:
        return [result["body"].get("order_id") for result in answer.granted()["results"]]

    eventually(lambda: venue["b"].http.call("GET", "/account", None, shown).status == 200)
    first = batch(venue["a"])
    assert ("repeated" in first.granted(), ids(first)[1]) == (False, None)
    assert ids(batch(venue["b"])) == ids(first)
    assert batch(venue["b"]).granted()["repeated"] is True
    batch(venue["b"], elements[:1]).refused(409, "KEY_REUSED")
    writer, other = venue.writer(), venue.follower()
    writer.kill_all()
    assert ids(batch(other)) == ids(first)
    cancelled = cancel_all(other).granted()["cancelled"]  # it waits for whoever writes next
    assert cancelled == [one for one in ids(first) if one is not None]
    later = other.http.call("POST", "/order", order, shown).granted()["order_id"]
    writer.start(writer.port)
    eventually(lambda: state_of(writer)["accepting"])
    eventually(lambda: writer.http.call("GET", f"/order/{later}", None, shown).status == 200)
    again = cancel_all(writer).granted()
    assert (again["cancelled"], again["repeated"]) == (cancelled, True)
    cancel_all(writer, "/orders?side=buy").refused(409, "KEY_REUSED")
    assert writer.http.call("GET", f"/order/{later}", None, shown).granted()["status"] == "resting"


def test_under_a_key_money_moves_once_at_whichever_node_and_over_a_kill(venue: Nodes) -> None:
    token = venue["a"].http.call("POST", "/auth/guest").json["token"]
    shown = {"Authorization": f"Bearer {token}"}

    def pay_in(node: RunningServer, key: str, amount: str = "7") -> Answer:
        body = {"asset": "USDT", "amount": amount}
        return node.http.call("POST", "/account/deposit", body, {**shown, "Idempotency-Key": key})

    eventually(lambda: venue["b"].http.call("GET", "/account", None, shown).status == 200)
    assert "repeated" not in pay_in(venue["a"], "one").granted()
    assert pay_in(venue["b"], "one").granted()["repeated"] is True
    pay_in(venue["b"], "one", "8").refused(409, "KEY_REUSED")
    writer, other = venue.writer(), venue.follower()
    writer.kill_all()
    assert pay_in(other, "one").granted()["repeated"] is True
    assert "repeated" not in pay_in(other, "two").granted()  # it waits for whoever writes next
    writer.start(writer.port)
    eventually(lambda: state_of(writer)["accepting"])
    assert pay_in(writer, "two").granted()["repeated"] is True
    balances = other.http.call("GET", "/account/balances", None, shown).granted()["balances"]
    assert next(balance["total"] for balance in balances if balance["asset"] == "USDT") == "100014"


def test_an_operators_mass_cancel_is_done_once_at_whichever_node_and_over_a_kill(venue: Nodes) -> None:
    shown = operator(venue["a"].http).bearer | {"Idempotency-Key": "operators"}
    order = {"symbol": SYMBOL, "side": "buy", "order_type": "limit", "quantity": "0.01", "price": "1.25"}
    writer, other = venue.writer(), venue.follower()
    eventually(lambda: other.http.call("GET", "/admin/accounts", None, shown).status == 200)
    writer.http.call("POST", "/order", order).granted()

    def cancel(node: RunningServer) -> Answer:
        return node.http.call("DELETE", f"/admin/symbols/{SYMBOL}/orders", None, shown)

    first = cancel(other).granted()
    assert first["count"] >= 1
    assert cancel(writer).granted() == first | {"repeated": True}
    writer.kill_all()
    since = other.http.call("POST", "/order", order).granted()["order_id"]  # it waits for whoever writes next
    assert cancel(other).granted() == first | {"repeated": True}
    assert other.http.get(f"/order/{since}")["status"] == "resting"
    writer.start(writer.port)
    eventually(lambda: state_of(writer)["accepting"])


def test_what_comes_again_is_answered_as_the_first_at_each_node_over_a_rolling_restart(venue: Nodes) -> None:
    asked = Repetitions(venue.writer().http)
    for node in list(venue.by_name.values()):
        assert node.stop() == 0, node.log
        node.start(node.port)
        eventually(lambda: state_of(node)["accepting"])  # noqa: B023 - it is asked before the next one
    venue.agree()
    for node in venue.by_name.values():
        asked.verify(node.http)
