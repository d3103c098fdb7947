"""Real nodes: whoever reads a signed request on its way changes nothing by sending it to another node."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from tests.access.cast import operator
from tests.api.binance.streams.socket_client import SocketClient, signed_params
from tests.api.clients import FeedClient, call_signed, feed_signature, new_key, now_ms, signed
from tests.cluster.nodes import Nodes, nodes
from tests.etcd import EtcdCluster, needs_etcd
from tests.server import Answer, RunningServer, eventually

pytestmark = needs_etcd

ORDER = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.01", "price": "30000.00"}


@pytest.fixture(scope="module")
def venue(etcd: EtcdCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Three nodes."""
    with nodes(tmp_path_factory.mktemp("signed"), etcd, "abc") as made:
        yield made


@pytest.fixture(scope="module")
def key(venue: Nodes) -> dict[str, Any]:
    """A key that every node knows, which takes what it signs."""
    made = new_key(venue["a"].http, "read", "trade", "withdraw")
    known_everywhere(venue, made)
    return made


def known_everywhere(venue: Nodes, key: dict[str, Any]) -> None:
    for server in venue.by_name.values():
        eventually(lambda server=server: call_signed(server.http, key, "GET", "/orders?symbol=BTC-USDT").status == 200)


class Captured:
    """A signed request as somebody read it on its way."""

    def __init__(self, key: dict[str, Any], method: str, target: str, body: Any = None) -> None:
        self.method, self.target = method, target
        self.content = b"" if body is None else msgspec.json.encode(body)
        self.headers = signed(key, method, target, self.content, window="60000")

    def sent_to(self, server: RunningServer) -> Answer:
        return server.http.call(self.method, self.target, self.content or None, self.headers)


def new_request(key: dict[str, Any], at: RunningServer, method: str, target: str, body: Any = None) -> Captured:
    """One that was carried out at that node."""
    found: list[Captured] = []

    def is_taken() -> bool:  # signed anew where a node has begun within the last seconds
        found.append(Captured(key, method, target, body))
        answer = found[-1].sent_to(at)
        if answer.status == 401:
            answer.refused(401, "TIMESTAMP_OUTSIDE_WINDOW")
        return answer.status == 200

    eventually(is_taken)
    return found[-1]


def changes(key: dict[str, Any], at: RunningServer) -> dict[str, Captured]:
    """One of each kind."""
    order_id = call_signed(at.http, key, "POST", "/order", ORDER).granted()["order_id"]
    other = call_signed(at.http, key, "POST", "/order", ORDER).granted()["order_id"]
    batch = {"orders": [ORDER, ORDER]}
    return {
        "order": new_request(key, at, "POST", "/order", ORDER),
        "amend": new_request(key, at, "PATCH", f"/order/{order_id}", {"quantity": "0.005"}),
        "cancel": new_request(key, at, "DELETE", f"/order/{order_id}"),
        "cancel by body": new_request(key, at, "POST", "/cancel", {"symbol": "BTC-USDT", "order_id": other}),
        "batch": new_request(key, at, "POST", "/orders/batch", batch),
        "cancel all": new_request(key, at, "DELETE", "/orders?symbol=BTC-USDT"),
        "deposit": new_request(key, at, "POST", "/account/deposit", {"asset": "USDT", "amount": "100"}),
        "withdrawal": new_request(key, at, "POST", "/account/withdraw", {"asset": "USDT", "amount": "1"}),
    }


def test_what_changes_something_is_good_once_in_the_whole_cluster(venue: Nodes, key: dict[str, Any]) -> None:
    captured = changes(key, venue.follower())
    venue.agree()
    before = call_signed(venue["a"].http, key, "GET", "/account/balances").granted()
    for what, request in captured.items():
        for server in venue.by_name.values():
            answer = request.sent_to(server)
            assert (what, answer.status, answer.json["error_code"]) == (what, 401, "SIGNATURE_REPLAYED")
    assert call_signed(venue["b"].http, key, "GET", "/account/balances").granted()["balances"] == before["balances"]


def test_an_order_is_taken_once_from_two_nodes_at_one_moment(venue: Nodes, key: dict[str, Any]) -> None:
    call_signed(venue["a"].http, key, "DELETE", "/orders?symbol=BTC-USDT").granted()
    taken: list[int] = []
    for _ in range(20):
        request = Captured(key, "POST", "/order", ORDER)
        threads = [
            threading.Thread(target=lambda server=server, request=request: taken.append(request.sent_to(server).status))
            for server in venue.by_name.values()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(taken) == [200] * 20 + [401] * 40


def test_what_operators_do_beside_the_records_is_done_once(venue: Nodes) -> None:
    boss = operator(venue["a"].http).key
    known_everywhere(venue, boss)
    faults = new_request(boss, venue["a"], "DELETE", "/admin/faults")
    for name in "bca":
        faults.sent_to(venue[name]).refused(401, "SIGNATURE_REPLAYED")


def test_who_connects_to_the_feed_by_a_signature_does_so_once(venue: Nodes, key: dict[str, Any]) -> None:
    auth = feed_signature(key)
    first = FeedClient(venue["a"].url, auth)
    try:
        assert first.events("connected")
        again = FeedClient(venue["b"].url, auth)
        try:
            assert [body["error_code"] for body in again.events("error")] == ["SIGNATURE_REPLAYED"]
        finally:
            again.close()
        answer = first.call("order", ORDER)
        assert answer["status"] == "resting", answer
    finally:
        first.close()


def test_who_logs_on_to_the_second_wire_by_a_signature_does_so_once(venue: Nodes, key: dict[str, Any]) -> None:
    log_on = signed_params(key)
    answers = []
    for name in "abc":
        with SocketClient(venue[name].url, "/ws-api/v3") as api:
            answers.append(api.ask("session.logon", log_on))
    assert answers[0]["status"] == 200, answers
    assert [answer["error"]["code"] for answer in answers[1:]] == [-1021, -1021]


def test_reads_are_good_once_at_each_node(venue: Nodes, key: dict[str, Any]) -> None:
    request = Captured(key, "GET", "/orders?symbol=BTC-USDT")
    for name in "abc":
        request.sent_to(venue[name]).granted()
        request.sent_to(venue[name]).refused(401, "SIGNATURE_REPLAYED")


def test_the_next_writer_refuses_what_the_last_one_took(venue: Nodes, key: dict[str, Any]) -> None:
    writer = venue.writer()
    captured = changes(key, writer)
    writer.kill()
    following = venue.writer()
    eventually(lambda: call_signed(following.http, key, "POST", "/order", ORDER).status == 200)
    for what, request in captured.items():
        for server in venue.by_name.values():
            if server.runs:
                answer = request.sent_to(server)
                assert (what, answer.status) == (what, 401), answer.content


class SecondWire:
    """What a key signs on the second wire: the parameters, and neither method nor path."""

    def __init__(self, key: dict[str, Any], **params: str) -> None:
        sent = urlencode({**params, "recvWindow": 60_000, "timestamp": now_ms()})
        mac = hmac.new(key["secret"].encode(), sent.encode(), hashlib.sha256).hexdigest()
        self._query, self._headers = f"{sent}&signature={mac}", {"X-MBX-APIKEY": key["key_id"]}

    def sent_to(self, server: RunningServer, method: str, path: str) -> Answer:
        return server.http.call(method, f"{path}?{self._query}", headers=self._headers)


LIMIT = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "30000",
}


def test_an_order_of_the_second_wire_without_a_name_is_good_once_as_well(venue: Nodes, key: dict[str, Any]) -> None:
    eventually(lambda: call_signed(venue["c"].http, key, "POST", "/order", ORDER).status == 200)
    running = [server for server in venue.by_name.values() if server.runs]
    order = SecondWire(key, **LIMIT)
    answers = [order.sent_to(server, "POST", "/api/v3/order") for server in running]
    assert [answer.status for answer in answers] == [200, *[400] * (len(running) - 1)]
    assert {answer.json["code"] for answer in answers[1:]} == {-1021}


def test_an_order_of_the_second_wire_is_no_cancel_of_all_at_another_node(venue: Nodes, key: dict[str, Any]) -> None:
    first, *others = [server for server in venue.by_name.values() if server.runs]
    order = SecondWire(key, **LIMIT)
    eventually(lambda: call_signed(others[0].http, key, "POST", "/order", ORDER).status == 200)
    assert order.sent_to(first, "POST", "/api/v3/order").status == 200
    for server in others:
        answer = order.sent_to(server, "DELETE", "/api/v3/openOrders")
        assert (answer.status, answer.json["code"]) == (400, -1021)
