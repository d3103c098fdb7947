"""Faults of the feed: what is swallowed, doubled or out of order, connections that end, and orders over them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from api.faults.feed_faults import FeedFaults
from api.faults.plan import Plan, Step
from api.faults.profile import Profile
from tests.access.cast import Person, guest
from tests.api.clients import FeedClient
from tests.server import RunningServer, eventually

ORDER = {"symbol": "BNB-USDT", "side": "buy", "order_type": "limit", "quantity": "0.010"}


class Reader:
    """Somebody with faults of its own who reads the feed."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.who: Person = guest(server.http)
        self.feed = self.connected()
        self._price = 1_000

    def connected(self) -> FeedClient:
        """A further connection."""
        return FeedClient(self.server.url, {"token": self.who.signed_in["token"]})

    def put(self, *steps: dict[str, Any]) -> None:
        """Set its faults, and wait until the feed says so."""
        plan = {"seed": 5, "step": steps}
        self.server.http.call("PUT", "/account/faults", plan, self.who.bearer).granted()
        eventually(lambda: self.feed.ended or any(state["active"] for state in self.feed.events("fault")))

    def end(self) -> None:
        """End them."""
        self.server.http.call("DELETE", "/account/faults", None, self.who.bearer).granted()
        eventually(lambda: not self.feed.events("fault")[-1]["active"])

    def move(self) -> None:
        """Change the book, and wait until all who follow it were told."""
        self._price += 1
        body = ORDER | {"price": f"{self._price}.00"}
        seq = self.server.http.call("POST", "/order", body, self.who.bearer).granted()["seq"]
        eventually(lambda: any(bbo["seq"] >= seq for bbo in self.feed.events("bbo")))

    def deltas(self) -> list[tuple[int, int]]:
        """`prev_seq` and `seq` of every delta that it got."""
        return [(delta["prev_seq"], delta["seq"]) for delta in self.feed.events("l2_delta")]


@pytest.fixture
def reader(server: RunningServer) -> Iterator[Reader]:
    """Somebody new, who follows the changes of a book."""
    somebody = Reader(server)
    for kind in ("l2_deltas", "bbo"):
        somebody.feed.call("subscribe", {"type": kind, "symbol": ORDER["symbol"]})
    yield somebody
    server.http.call("DELETE", "/account/faults", None, somebody.who.bearer).granted()
    server.http.call("DELETE", "/orders", None, somebody.who.bearer).granted()
    somebody.feed.close()


def in_chain(deltas: list[tuple[int, int]]) -> bool:
    """Whether each delta goes on where the one before it ends."""
    return all(before[1] == after[0] for before, after in pairwise(deltas))


def test_a_swallowed_delta_is_a_gap_for_its_account_alone(server: RunningServer, reader: Reader) -> None:
    untouched = Reader(server)
    for kind in ("l2_deltas", "bbo"):
        untouched.feed.call("subscribe", {"type": kind, "symbol": ORDER["symbol"]})
    reader.put({"kind": "gap", "every": 2})
    for _ in range(4):
        reader.move()
    eventually(lambda: len(untouched.deltas()) == 4)
    assert len(reader.deltas()) == 2
    assert in_chain(untouched.deltas())
    assert not in_chain(reader.deltas())
    assert untouched.feed.events("fault") == []
    untouched.feed.close()


def test_a_delta_comes_twice(reader: Reader) -> None:
    reader.put({"kind": "duplicate", "streams": ["l2_deltas"]})
    reader.move()
    eventually(lambda: len(reader.deltas()) == 2)
    assert reader.deltas()[0] == reader.deltas()[1]


def test_a_delta_comes_behind_the_next_one_and_what_is_kept_back_comes_when_the_faults_end(reader: Reader) -> None:
    reader.put({"kind": "reorder", "every": 3, "streams": ["l2_deltas"]})
    for _ in range(4):
        reader.move()
    eventually(lambda: len(reader.deltas()) == 4)
    assert not in_chain(reader.deltas())
    assert in_chain(sorted(reader.deltas()))
    reader.move()
    reader.move()  # the sixth
    assert len(reader.deltas()) == 5
    reader.end()
    eventually(lambda: len(reader.deltas()) == 6)


def test_the_feed_says_which_faults_are_active_and_that_they_ended(reader: Reader) -> None:
    reader.put({"kind": "gap", "streams": ["l3"]}, {"kind": "error", "at": 3_000})
    state = reader.feed.events("fault")[-1]
    assert (state["active"], state["kinds"], state["scopes"], state["seeds"]) == (True, ["gap"], ["account"], [5])
    later = reader.connected()
    eventually(lambda: later.events("fault"))
    later.close()
    reader.end()
    assert reader.feed.events("fault")[-1]["kinds"] == []


def test_a_disconnect_ends_each_connection_and_every_new_one(server: RunningServer, reader: Reader) -> None:
    reader.put({"kind": "disconnect"})
    eventually(lambda: reader.feed.ended)
    again = reader.connected()
    eventually(lambda: again.ended)
    again.close()
    other = Reader(server)
    assert other.feed.call("ping", None)
    other.feed.close()


def test_an_order_over_the_feed_is_refused_delayed_or_cut_off_as_over_rest(
    server: RunningServer, reader: Reader
) -> None:
    order = ORDER | {"price": "900.00", "client_order_id": "by-feed"}
    reader.put({"kind": "reject", "reason": "insufficient_funds"})
    answer = reader.feed.call("order", order)
    assert (answer["error_code"], answer["details"]["fault"]) == ("INSUFFICIENT_FUNDS", "reject")
    reader.put({"kind": "error", "status": 504, "when": "after", "routes": ["order"]}, {"latency_ms": 20})
    assert reader.feed.call("order", order)["error_code"] == "GATEWAY_TIMEOUT"
    open_orders = server.http.call("GET", "/orders?status=open", None, reader.who.bearer)
    assert [entered["client_order_id"] for entered in open_orders.granted()["orders"]] == ["by-feed"]
    reader.put({"kind": "drop", "routes": ["cancel_all"]})
    reader.feed.send("cancel_all", {})
    eventually(lambda: reader.feed.ended)
    assert len(server.http.call("GET", "/orders?status=open", None, reader.who.bearer).granted()["orders"]) == 1


def test_what_a_connection_is_sent_depends_on_its_messages_alone() -> None:
    plan = Plan(step=(Step(kind="gap", every=3), Step(kind="duplicate", every=2)))

    def sent(rooms: list[str]) -> list[list[int]]:
        faults = FeedFaults([Profile(plan, None, 0)], lambda: None, lambda _profile, _kind: None)
        return [faults.pass_on(room, [number], 10) for number, room in enumerate(rooms)]

    one = sent(["l2_deltas:A"] * 6)
    assert one == [[0], [1, 1], [], [3, 3], [4], []]
    among_others = sent(["l2_deltas:A", "bbo:A", "l2_deltas:B"] * 6)[::3]
    assert [len(messages) for messages in among_others] == [len(messages) for messages in one]
