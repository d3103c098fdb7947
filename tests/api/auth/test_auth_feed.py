"""The feed knows who connected: by token, by key, or nobody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.clients import (
    FeedClient,
    bearer,
    created,
    feed_signature,
    funded,
    new_key,
    sign_up,
)
from tests.server import Http, RunningServer, eventually

ORDER = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.5", "price": "30000.00"}


@pytest.fixture
def http(secured: RunningServer) -> Iterator[Http]:
    """A connection of one's own."""
    client = Http(secured.url)
    yield client
    client.close()


@pytest.fixture
def connect(secured: RunningServer) -> Iterator[Any]:
    """Connects feed clients, and sees them off."""
    clients: list[FeedClient] = []

    def make(auth: dict[str, Any] | None = None) -> FeedClient:
        clients.append(FeedClient(secured.url, auth))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def test_a_feed_client_trades_and_hears_as_its_user(http: Http, connect: Any) -> None:
    ada, eve = funded(http), sign_up(http)
    own, foreign = connect({"token": ada["token"]}), connect({"token": eve["token"]})
    for client in (own, foreign):
        client.call("subscribe", {"type": "orders"})
    order = own.call("order", ORDER)
    eventually(lambda: own.events("order_event"))
    assert foreign.call("cancel", {"order_id": order["order_id"]})["error_code"] == "UNKNOWN_ORDER"
    assert {event["event_type"] for event in foreign.events("order_event")} <= {"rejected"}  # its own request
    assert [event for event in foreign.events("order_event") if event["order_id"] is not None] == []
    http.call("GET", f"/order/{order['order_id']}", headers=bearer(ada)).granted()
    assert own.call("cancel", {"order_id": order["order_id"]})["success"] is True


def test_a_feed_client_without_credentials_hears_market_data_only(connect: Any) -> None:
    nobody = connect()
    assert nobody.call("subscribe", {"type": "bbo", "symbol": "BTC-USDT"})["type"] == "bbo"
    for event, data in (("order", ORDER), ("cancel", {"order_id": "1"}), ("subscribe", {"type": "orders"})):
        assert nobody.call(event, data)["error_code"] == "UNAUTHENTICATED"


def test_a_feed_client_with_a_key_does_what_its_scopes_say(http: Http, connect: Any) -> None:
    reader = connect(feed_signature(new_key(http, "read")))
    assert reader.call("subscribe", {"type": "orders"})["type"] == "orders"
    assert reader.call("order", ORDER)["error_code"] == "SCOPE_MISSING"
    trader = connect(feed_signature(new_key(http, "trade")))
    assert trader.call("subscribe", {"type": "orders"})["error_code"] == "SCOPE_MISSING"
    assert "order_id" in trader.call("order", ORDER | {"price": "29000.00"})


@pytest.mark.parametrize(
    ("auth", "code"),
    [
        ({"token": "x.y.z"}, "BAD_TOKEN"),
        ({"token": 7}, "INVALID_VALUE"),
        ({"key": "ob-none", "timestamp": 1, "signature": "00"}, "UNKNOWN_KEY"),
        ({"key": "ob-none", "token": "x"}, "AMBIGUOUS_CREDENTIALS"),
    ],
)
def test_a_feed_client_with_bad_credentials_is_told_why_and_disconnected(connect: Any, auth: Any, code: str) -> None:
    client = connect(auth)
    eventually(lambda: client.ended)
    assert [body["error_code"] for body in client.events("error")] == [code]
    assert client.events("connected") == []


def test_a_connection_signature_is_good_once(http: Http, connect: Any) -> None:
    auth = feed_signature(new_key(http, "read"))
    assert connect(auth).call("subscribe", {"type": "orders"})["type"] == "orders"
    again = connect(auth)
    eventually(lambda: again.ended)
    assert again.events("error")[0]["error_code"] == "SIGNATURE_REPLAYED"


def test_revoking_ends_the_connections_at_once(http: Http, connect: Any) -> None:
    ada, bob = sign_up(http), sign_up(http)
    key = created(http.call("POST", "/auth/keys", {"scopes": ["read"]}, bearer(bob)))
    of_session, of_key, other = connect({"token": ada["token"]}), connect(feed_signature(key)), connect()
    http.call("POST", "/auth/logout", headers=bearer(ada)).granted()
    eventually(lambda: of_session.ended)
    assert not of_key.ended
    http.call("DELETE", f"/auth/keys/{key['key_id']}", headers=bearer(bob)).granted()
    eventually(lambda: of_key.ended)
    assert not other.ended
