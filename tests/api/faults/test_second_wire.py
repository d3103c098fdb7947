"""Faults on the second wire: refusals in its codes and words, orders that are in doubt, its sockets."""

from __future__ import annotations

import http.client
import itertools
import time
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.access.cast import Person
from tests.api.binance.clients import Trader, funded_user, key_of, refusal
from tests.api.binance.streams.socket_client import SocketClient, signed_params
from tests.api.clients import bearer
from tests.server import RunningServer

HEADER = "X-Openbell-Fault"
ORDER = "/api/v3/order"
BUY = {"symbol": "ETHUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.010", "price": "1500"}


class Faulty(Trader):
    """A trader of the second wire who sets faults over the first."""

    def __init__(self, server: RunningServer) -> None:
        user = funded_user(server.http, ("USDT", "100000"), ("ETH", "10"))
        super().__init__(server.http, key_of(server.http, user))
        self.server = server
        self.token = bearer(user)

    def put(self, *steps: dict[str, Any]) -> None:
        """Set its faults."""
        self.http.call("PUT", "/account/faults", {"seed": 7, "step": steps}, self.token).granted()

    def end(self) -> None:
        """End them."""
        self.http.call("DELETE", "/account/faults", None, self.token).granted()


@pytest.fixture
def trader(server: RunningServer) -> Iterator[Faulty]:
    """Somebody new, with money."""
    somebody = Faulty(server)
    yield somebody
    somebody.end()


@pytest.mark.parametrize(
    ("step", "status", "code", "words"),
    [
        ({"kind": "rate_limit", "retry_after_s": 3}, 429, -1003, "Too many requests"),
        ({"kind": "timestamp"}, 400, -1021, "Timestamp for this request is outside of the recvWindow."),
        ({"kind": "error"}, 503, -1000, "Unknown error"),
        ({"kind": "error", "status": 504, "when": "after"}, 504, -1007, "execution status unknown."),
    ],
)
def test_refusals_are_in_the_codes_and_words_of_the_wire(
    trader: Faulty, step: dict[str, Any], status: int, code: int, words: str
) -> None:
    trader.put(step)
    for method, path, params in (("POST", ORDER, BUY), ("POST", f"{ORDER}/test", BUY), ("GET", "/api/v3/account", {})):
        answer = trader.ask(method, path, **params)
        assert (answer.status, refusal(answer)[0]) == (status, code)
        assert words in refusal(answer)[1]
        assert answer.headers[HEADER] == f"{step['kind']}; seed=7"
        assert answer.headers["Retry-After"] == {429: "3", 503: "1"}.get(status)


def test_an_order_whose_answer_is_lost_is_there_once_when_it_is_sent_again(trader: Faulty) -> None:
    named = BUY | {"newClientOrderId": "in-doubt"}
    trader.put({"kind": "error", "when": "after", "every": 1, "routes": ["POST /api/v3/order"]})
    assert trader.ask("POST", ORDER, **named).status == 503
    trader.put({"kind": "drop", "when": "after", "on": ["orders"]})
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        trader.ask("POST", ORDER, **named)
    trader.end()
    entered = trader.granted("POST", ORDER, **named)
    opened = trader.granted("GET", "/api/v3/openOrders", symbol="ETHUSDT")
    assert [order["orderId"] for order in opened] == [entered["orderId"]]


def test_an_order_is_refused_or_entered_in_part(server: RunningServer, trader: Faulty) -> None:
    trader.put({"kind": "reject", "reason": "insufficient_funds"})
    assert trader.refused("POST", ORDER, **BUY) == (-2010, "Account has insufficient balance for requested action.")
    seller = Faulty(server)
    resting = seller.granted("POST", ORDER, **BUY | {"side": "SELL", "price": "1600"})
    trader.put({"kind": "partial"})
    answer = trader.ask("POST", ORDER, **BUY | {"price": "1600"})
    assert answer.headers[HEADER] == "partial; seed=7"
    entered = answer.granted()
    assert (float(entered["origQty"]), float(entered["executedQty"]), entered["status"]) == (0.005, 0.005, "FILLED")
    seller.granted("DELETE", ORDER, symbol="ETHUSDT", orderId=resting["orderId"])


def test_methods_of_the_ws_api_are_refused_and_cut_off(server: RunningServer, trader: Faulty) -> None:
    with SocketClient(server.url, "/ws-api/v3") as client:
        trader.put({"kind": "timestamp", "routes": ["account.status"]}, {"kind": "reject", "reason": "self_trade"})
        assert client.ask("account.status", signed_params(trader.key))["error"]["code"] == -1021
        assert client.ask("order.place", signed_params(trader.key, **BUY))["error"]["code"] == -2010
        trader.put({"kind": "drop", "when": "after"})
        with pytest.raises(ConnectionClosed):
            client.ask("order.place", signed_params(trader.key, **BUY))
    trader.end()
    assert len(trader.granted("GET", "/api/v3/openOrders", symbol="ETHUSDT")) == 1


def test_user_data_comes_twice_and_its_socket_is_cut_off(server: RunningServer, trader: Faulty) -> None:
    with SocketClient(server.url, "/ws-api/v3") as client:
        client.ask("userDataStream.subscribe.signature", signed_params(trader.key))
        trader.put({"kind": "duplicate"})
        trader.granted("POST", ORDER, **BUY)
        first = client.event("executionReport")
        assert client.event("executionReport") == first
        trader.put({"kind": "disconnect"})
        with pytest.raises(ConnectionClosed):
            client.event("none")


def test_a_depth_stream_has_a_gap_by_the_faults_of_the_venue(
    server: RunningServer, boss: Person, trader: Faulty
) -> None:
    with SocketClient(server.url, "/ws/ethusdt@depth@100ms") as client:
        plan = {"step": [{"kind": "gap", "every": 2}]}
        server.http.call("PUT", "/admin/faults", plan, boss.bearer).granted()
        seen: list[tuple[int, int]] = []
        for number in range(5):
            trader.granted("POST", ORDER, **BUY | {"price": f"{1_400 + number}"})
            if number % 2 == 0:
                event = client.event("depthUpdate")
                seen.append((event["U"], event["u"]))
            else:
                time.sleep(1)  # what is gathered meanwhile, ten times as long as it takes, is swallowed
        server.http.call("DELETE", "/admin/faults", None, boss.bearer).granted()
    assert any(before[1] + 1 != after[0] for before, after in itertools.pairwise(seen))
