"""Every event of the feed, against everybody who may connect. An event without a row here fails the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from api.bootstrap import Server
from api.settings import Settings
from tests.access.cast import Cast, connecting, guest
from tests.api.clients import FeedClient
from tests.server import eventually

ORDER = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.001", "price": "29000.00"}

Connect = Callable[..., FeedClient]


class Row(NamedTuple):
    """One event: what is sent, the scope it needs, and the error code that whoever may send it is told, or None."""

    event: str
    data: Any
    scope: str | None
    code: str | None = None


ROWS = [
    Row("ping", None, None),
    Row("subscribe", {"type": "l2_updates", "symbol": "BTC-USDT"}, None),
    Row("subscribe", {"type": "l2_deltas", "symbol": "BTC-USDT"}, None),
    Row("subscribe", {"type": "trades"}, None),
    Row("subscribe", {"type": "bbo", "symbol": "BTC-USDT"}, None),
    Row("subscribe", {"type": "ticker", "symbol": "BTC-USDT"}, None),
    Row("subscribe", {"type": "l3", "symbol": "BTC-USDT"}, None),
    Row("subscribe", {"type": "candles", "symbol": "BTC-USDT", "interval": "1s"}, None),
    Row("unsubscribe", {"type": "trades"}, None),
    Row("subscribe", {"type": "orders"}, "read"),
    Row("subscribe", {"type": "orders", "batch": True}, "read"),
    Row("unsubscribe", {"type": "orders"}, "read"),
    Row("order", ORDER, "trade"),
    Row("cancel", {"order_id": "1"}, "trade", "UNKNOWN_ORDER"),
    Row("amend", {"order_id": "1", "quantity": "1"}, "trade", "UNKNOWN_ORDER"),
    Row("batch", {"orders": [ORDER]}, "trade"),
    Row("cancel_all", {"symbol": "BTC-USDT", "side": "buy"}, "trade"),
    Row("order_test", ORDER, "trade"),
    Row("nonsense", {"symbol": "BTC-USDT"}, None, "UNKNOWN_EVENT"),
]
OTHER_SCOPES = {"read": ("trade",), "trade": ("read", "withdraw")}


@pytest.fixture
def connect(cast: Cast) -> Iterator[Connect]:
    """Connects feed clients, and sees them off."""
    clients: list[FeedClient] = []

    def make(auth: Any = None) -> FeedClient:
        clients.append(FeedClient(cast.server.url, auth))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def outcomes(client: FeedClient, rows: list[Row] = ROWS) -> list[str | None]:
    """The error code of the answer to each row's event, None for one that was granted."""
    return [(client.call(row.event, row.data) or {}).get("error_code") for row in rows]


def test_every_event_has_its_row(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = Server(Settings(data=tmp_path_factory.mktemp("events")))
    handled = set(server.feed.events)
    server.close()
    assert {row.event for row in ROWS} - {"nonsense"} == handled


def test_whoever_may_is_answered(cast: Cast, connect: Connect) -> None:
    who = guest(cast.http)
    for auth in ({"token": who.signed_in["token"]}, connecting(who.key)):
        assert outcomes(connect(auth)) == [row.code for row in ROWS]


def test_whoever_shows_nothing_gets_what_the_profile_gives(cast: Cast, sandbox_cast: Cast, connect: Connect) -> None:
    is_sandbox = cast is sandbox_cast
    expected = [row.code if is_sandbox or row.scope is None else "UNAUTHENTICATED" for row in ROWS]
    nothing: list[dict[str, Any] | None] = [None, {}]
    for auth in nothing:
        assert outcomes(connect(auth)) == expected
    for auth in ({"account": str(cast.trader.account)}, {"role": "operator"}):
        client = connect(auth)
        eventually(lambda client=client: client.ended)
        assert [body["error_code"] for body in client.events("error")] == ["UNKNOWN_FIELD"]


def test_a_key_without_the_scope_is_refused(cast: Cast, connect: Connect) -> None:
    for scope, others in OTHER_SCOPES.items():
        client = connect(connecting(cast.with_scopes[others]))
        needing = [row for row in ROWS if row.scope == scope]
        assert outcomes(client, needing) == ["SCOPE_MISSING"] * len(needing)


def test_bad_credentials_are_told_what_is_wrong_and_not_connected(cast: Cast, connect: Connect) -> None:
    found = {}
    for what, (auth, _) in cast.refused_auth().items():
        client = connect(auth)
        eventually(lambda client=client: client.ended)
        assert client.events("connected") == []
        found[what] = [body["error_code"] for body in client.events("error")]
    assert found == {what: [code] for what, (_, code) in cast.refused_auth().items()}


def test_the_signature_of_a_connection_is_good_once_and_not_for_requests(cast: Cast, connect: Connect) -> None:
    auth = connecting(cast.trader.key)
    assert outcomes(connect(auth)) == [row.code for row in ROWS]
    again = connect(auth)
    eventually(lambda: again.ended)
    assert [body["error_code"] for body in again.events("error")] == ["SIGNATURE_REPLAYED"]
    fresh = connecting(cast.trader.key)
    headers = {f"X-Openbell-{name.title()}": value for name, value in fresh.items()}
    cast.http.call("GET", "/orders", headers=headers).refused(401, "BAD_SIGNATURE")


def test_a_connection_ends_with_its_session_or_key_and_is_never_taken_for_another(cast: Cast, connect: Connect) -> None:
    who = guest(cast.http)
    by_token, by_key = connect({"token": who.signed_in["token"]}), connect(connecting(who.key))
    cast.http.call("DELETE", f"/auth/keys/{who.key['key_id']}", headers=who.bearer).granted()
    eventually(lambda: by_key.ended)
    assert not by_token.ended
    cast.http.call("POST", "/auth/logout", headers=who.bearer).granted()
    eventually(lambda: by_token.ended)
