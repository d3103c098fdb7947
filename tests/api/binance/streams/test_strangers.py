"""Every method of the ws-api, called by who may not: nobody, a wrong key, a key that only reads."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import eventlet
import pytest

from api.binance.streams.api_methods import MarketMethods
from api.binance.streams.api_session import ApiSession, ApiSurface
from api.binance.streams.trade_methods import TradeMethods
from api.json.errors import ApiError
from identity.users import Scope
from tests.api.binance.streams.socket_client import SocketClient, signed_params
from tests.api.clients import new_key
from tests.server import RunningServer

SIGNED = TradeMethods(None).table()  # type: ignore[arg-type]
TRADING = (
    "openOrders.cancelAll",
    "order.amend.keepPriority",
    "order.cancel",
    "order.cancelReplace",
    "order.place",
    "order.test",
    "orderList.cancel",
    "orderList.place",
    "orderList.place.oco",
)
OWN = ("session.logon", "userDataStream.subscribe.signature")
PUBLIC = sorted(MarketMethods(None).table())  # type: ignore[arg-type]
PARAMS: dict[str, Any] = {
    "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "1.00",
    "orderId": 1, "newQty": "1", "cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": 1, "orderListId": 1,
    "aboveType": "LIMIT_MAKER", "abovePrice": "3.00", "belowType": "STOP_LOSS", "belowStopPrice": "0.50",
    "stopPrice": "0.50",
}  # fmt: skip
NO_KEY = (-2014, -2015, -1102)


@pytest.fixture(scope="module")
def client(secured: RunningServer) -> Iterator[SocketClient]:
    with SocketClient(secured.url, "/ws-api/v3") as opened:
        yield opened


@pytest.fixture(scope="module")
def reader(secured: RunningServer) -> dict[str, Any]:
    return new_key(secured.http, "read")


@pytest.mark.parametrize("method", [*sorted(SIGNED), *OWN])
def test_nobody_calls_what_is_signed(client: SocketClient, reader: dict[str, Any], method: str) -> None:
    unsigned = client.ask(method, PARAMS)
    assert unsigned["error"]["code"] in NO_KEY, unsigned
    unknown = client.ask(method, signed_params(reader | {"key_id": "ob-0000"}, **PARAMS))
    forged = client.ask(method, signed_params(reader | {"secret": "guessed"}, **PARAMS))
    assert unknown["error"] == forged["error"]
    assert unknown["error"]["code"] == -1022


def test_what_changes_anything_needs_the_scope_trade() -> None:
    assert tuple(sorted(name for name, method in SIGNED.items() if method.scope is Scope.TRADE)) == TRADING


@pytest.mark.parametrize("method", TRADING)
def test_a_key_that_only_reads_trades_nothing(client: SocketClient, reader: dict[str, Any], method: str) -> None:
    refused = client.ask(method, signed_params(reader, **PARAMS))
    assert refused["error"]["code"] == -2015, refused
    client.ask("session.logon", signed_params(reader))
    assert client.ask(method, PARAMS)["error"]["code"] == -2015
    client.ask("session.logout")


def test_a_signature_of_one_method_is_not_good_for_another(client: SocketClient, secured: RunningServer) -> None:
    key = new_key(secured.http, "read", "trade")
    signed = signed_params(key, symbol="BTCUSDT", orderId=1)
    assert client.ask("order.status", signed)["error"]["code"] == -2013
    time.sleep(0.05)  # the same bytes at the same moment may be two requests of one client
    assert client.ask("order.cancel", signed)["error"]["code"] == -1021


def test_a_log_on_is_good_once(client: SocketClient, secured: RunningServer) -> None:
    """Who reads it on its way would enter orders by it."""
    log_on = signed_params(new_key(secured.http, "read", "trade"))
    assert client.ask("session.logon", log_on)["status"] == 200
    with SocketClient(secured.url, "/ws-api/v3") as thief:
        assert thief.ask("session.logon", log_on)["error"]["code"] == -1021
        assert thief.ask("account.status", {})["error"]["code"] in NO_KEY
    client.ask("session.logout")


@pytest.mark.parametrize("method", PUBLIC)
def test_market_data_is_everybodys(client: SocketClient, method: str) -> None:
    answer = client.ask(method, {"symbol": "BTCUSDT", "interval": "1m"})
    assert answer["status"] == 200, answer


BROKEN = [
    "{",
    "[]",
    "{}",
    '{"id":1}',
    '{"id":{},"method":"ping"}',
    '{"id":1,"method":"ping","params":[]}',
    '{"id":1,"method":7}',
    '{"id":1,"method":"nothing"}',
    "[" * 5_000,
]


def test_what_cannot_be_read_is_an_error(client: SocketClient) -> None:
    for sent in BROKEN:
        client.send(sent)
        answer = client.receive()
        assert answer["status"] == 400, (sent[:50], answer)
        assert answer["error"]["code"] in (-1135, -1020)


class Counting:
    """In place of a server's limits, and of a socket: what is counted and sent."""

    def __init__(self, limit: int) -> None:
        self.address = "192.0.2.1"
        self.on_ended: list[object] = []
        self.sent: list[Any] = []
        self.limit = limit

    def charge_for(self, key: str | None, address: str, units: int) -> None:
        assert (key, address) == (None, self.address)
        self.limit -= units
        if self.limit < 0:
            raise ApiError(429, "TOO_MANY_REQUESTS", "Too many.", None, 7)

    def send(self, text: bytes) -> None:
        self.sent.append(json.loads(text))


def test_what_cannot_be_read_counts_as_a_request() -> None:
    counting: Any = Counting(len(BROKEN))
    surface = ApiSurface({}, {}, None, None, counting, [], None, None, lambda: 5 * 10**9)  # type: ignore[arg-type]
    session = ApiSession(counting, surface)
    for sent in (*BROKEN, BROKEN[0]):
        session.receive(sent)
        eventlet.sleep(0)
    assert [answer["status"] for answer in counting.sent] == [400] * len(BROKEN) + [429]
    assert counting.sent[-1]["error"]["data"] == {"serverTime": 5_000, "retryAfter": 12_000}


def test_many_requests_at_once_are_all_answered(client: SocketClient) -> None:
    for number in range(200):
        client.send({"id": f"n{number}", "method": "time"})
    assert {client.receive()["id"] for _ in range(200)} == {f"n{number}" for number in range(200)}
