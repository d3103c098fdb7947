"""The classic hole: what is another's answers to the byte as what never was, by every way in and by either id."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import msgspec
import pytest

from tests.access.cast import Cast, Person, connecting, guest
from tests.api.clients import FeedClient, call_signed
from tests.server import Answer, eventually

RESTING = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.01", "price": "29000.00"}
NEVER_ID = str(2**61)  # an order id that nobody has
NEVER_NAME = "never-entered"
MANY_DIGITS = "9" * 40  # no price of any symbol: judged before the order is looked up, were it known whose it is

_numbers = count()

Refusal = tuple[int, Any]


def name() -> str:
    """A client order id that was never used, as long as `NEVER_NAME`."""
    return f"own-{next(_numbers):09}"


def entered(cast: Cast, who: Person, **fields: Any) -> dict[str, Any]:
    """An order of `who`, with a name."""
    body = RESTING | {"client_order_id": name()} | fields
    order: dict[str, Any] = cast.http.call("POST", "/order", body, who.bearer).granted()
    return order


def requests(order_id: str, client_order_id: str) -> list[tuple[str, str, Any]]:
    """Every request about one order: method, path, body."""
    return [
        ("GET", f"/order/{order_id}", None),
        ("GET", f"/order/{order_id}?symbol=BTC-USDT", None),
        ("GET", f"/order/{order_id}/explain", None),
        ("DELETE", f"/order/{order_id}", None),
        ("PATCH", f"/order/{order_id}", {"quantity": "0.005"}),
        ("PATCH", f"/order/{order_id}", {"price": "29000.01"}),
        ("PATCH", f"/order/{order_id}", {"price": "0.001"}),
        ("PATCH", f"/order/{order_id}", {"quantity": "0.000000000001"}),
        ("PATCH", f"/order/{order_id}", {"price": MANY_DIGITS}),
        ("PATCH", f"/order/{order_id}", {"quantity": MANY_DIGITS}),
        ("POST", "/cancel", {"order_id": order_id}),
        ("POST", "/cancel", {"order_id": int(order_id)}),
        ("POST", "/cancel", {"symbol": "BTC-USDT", "order_id": order_id}),
        ("POST", "/cancel", {"client_order_id": client_order_id}),
        ("POST", "/cancel", {"symbol": "BTC-USDT", "client_order_id": client_order_id}),
        ("POST", "/cancel", {"order_id": order_id, "client_order_id": client_order_id}),
        ("POST", "/orders/batch", batch(order_id, client_order_id)),
    ]


def batch(order_id: str, client_order_id: str) -> dict[str, Any]:
    """Every operation of a batch about one order."""
    cancels: list[dict[str, Any]] = [
        {"order_id": order_id},
        {"order_id": int(order_id)},
        {"symbol": "BTC-USDT", "order_id": order_id},
        {"client_order_id": client_order_id},
        {"symbol": "BTC-USDT", "client_order_id": client_order_id},
        {"order_id": order_id, "client_order_id": client_order_id},
    ]
    amends = [
        {"order_id": order_id, field: value}
        for field, value in (
            ("quantity", "0.005"),
            ("price", "29000.01"),
            ("price", "0.001"),
            ("quantity", "0.000000000001"),
            ("price", MANY_DIGITS),
            ("quantity", MANY_DIGITS),
        )
    ]
    return {"orders": [{"op": "cancel"} | one for one in cancels] + [{"op": "amend"} | one for one in amends]}


def events(order_id: str, client_order_id: str) -> list[tuple[str, Any]]:
    """Every event of the feed about one order."""
    return [
        ("cancel", {"order_id": order_id}),
        ("cancel", {"order_id": int(order_id)}),
        ("cancel", {"symbol": "BTC-USDT", "order_id": order_id}),
        ("cancel", {"client_order_id": client_order_id}),
        ("cancel", {"symbol": "BTC-USDT", "client_order_id": client_order_id}),
        ("amend", {"order_id": order_id, "quantity": "0.005"}),
        ("amend", {"order_id": order_id, "price": "0.001"}),
        ("amend", {"order_id": order_id, "price": MANY_DIGITS}),
        ("amend", {"order_id": order_id, "quantity": MANY_DIGITS}),
        ("batch", batch(order_id, client_order_id)),
    ]


def without_names(body: Any, order_id: str, client_order_id: str) -> bytes:
    """A body with the ids that were asked for taken out, and the request id, which is never the same."""
    results = [{**each, "body": {**each["body"], "request_id": ""}} for each in body.get("results", ())]
    content = msgspec.json.encode({**body, "request_id": "", "results": results})
    return content.replace(order_id.encode(), b"ID").replace(client_order_id.encode(), b"NAME")


def refusal(answer: Answer) -> Refusal:
    """Status and body; of a batch every result must be a refusal."""
    if answer.status != 200:
        return answer.status, answer.error()
    body = answer.granted()
    assert refused_in_full(body), body
    return answer.status, body


def refused_in_full(body: Any) -> bool:
    """The body is that of an error, or of a batch of nothing but errors."""
    bodies = [each["body"] for each in body["results"]] if "results" in body else [body]
    return bool(bodies) and all("error_code" in each for each in bodies)


@pytest.fixture
def ways(cast: Cast) -> Iterator[tuple[Person, Any, FeedClient, FeedClient]]:
    """A stranger, and their feed connections by token and by key."""
    eve = guest(cast.http)
    by_token, by_key = (
        FeedClient(cast.server.url, auth) for auth in ({"token": eve.signed_in["token"]}, connecting(eve.key))
    )
    yield eve, cast, by_token, by_key
    for client in (by_token, by_key):
        client.close()


def resting(cast: Cast, owner: Person) -> dict[str, Any]:
    """An order that is open."""
    return entered(cast, owner)


def cancelled(cast: Cast, owner: Person) -> dict[str, Any]:
    """An order that is done."""
    order = entered(cast, owner)
    cast.http.call("DELETE", f"/order/{order['order_id']}", headers=owner.bearer).granted()
    return order


def filled(cast: Cast, owner: Person) -> dict[str, Any]:
    """An order that traded."""
    bought = entered(cast, owner, price="30000.00")
    seller = guest(cast.http)
    cast.http.call("POST", "/order", RESTING | {"side": "sell", "price": "30000.00"}, seller.bearer).granted()
    return bought


@pytest.mark.parametrize("made", [resting, cancelled, filled], ids=lambda made: made.__name__)
def test_anothers_order_answers_as_one_that_never_was(ways: Any, made: Any) -> None:
    eve, cast, *feeds = ways
    owner = guest(cast.http)
    order = made(cast, owner)
    before = cast.http.call("GET", f"/order/{order['order_id']}", headers=owner.bearer).granted()
    theirs, never = (order["order_id"], order["client_order_id"]), (NEVER_ID, NEVER_NAME)
    for of_theirs, of_never in zip(requests(*theirs), requests(*never), strict=True):
        for send in (send_with_token, send_with_key):
            status, body = refusal(send(cast, eve, *of_theirs))
            expected_status, expected = refusal(send(cast, eve, *of_never))
            assert (status, without_names(body, *theirs)) == (expected_status, without_names(expected, *never))
    for of_theirs_, of_never_ in zip(events(*theirs), events(*never), strict=True):
        for feed in feeds:
            answered, expected = feed.call(*of_theirs_), feed.call(*of_never_)
            assert refused_in_full(expected)
            assert without_names(answered, *theirs) == without_names(expected, *never)
    after = cast.http.call("GET", f"/order/{order['order_id']}", headers=owner.bearer).granted()
    assert {**after, "seq": 0} == {**before, "seq": 0}


def send_with_token(cast: Cast, who: Person, method: str, path: str, body: Any) -> Answer:
    return cast.http.call(method, path, body, who.bearer)


def send_with_key(cast: Cast, who: Person, method: str, path: str, body: Any) -> Answer:
    time.sleep(0.001)  # a signature of the same request in the same millisecond is the same
    return call_signed(cast.http, who.key, method, path, body)


def test_what_everybody_has_shows_nothing_of_another(ways: Any) -> None:
    eve, cast, by_token, _ = ways
    owner = guest(cast.http)
    order = entered(cast, owner)
    for path in ("/orders", "/orders?status=open", "/orders?symbol=BTC-USDT", "/account/fills"):
        page = cast.http.call("GET", path, headers=eve.bearer).granted()
        assert page.get("orders", page.get("fills")) == []
    profit = cast.http.call("GET", "/account/profit", headers=eve.bearer).granted()
    assert (profit["account"], profit["positions"], profit["totals"]) == (str(eve.account), [], [])
    assert cast.http.call("DELETE", "/orders", headers=eve.bearer).granted()["cancelled"] == []
    assert cast.http.call("DELETE", "/orders?symbol=BTC-USDT&side=buy", headers=eve.bearer).granted()["count"] == 0
    repeated = by_token.call("order", RESTING | {"client_order_id": order["client_order_id"]})
    assert repeated["order_id"] != order["order_id"]  # a name is one's own
    balances = cast.http.call("GET", "/account/balances", headers=eve.bearer).granted()
    assert balances["account"] == str(eve.account)
    public = cast.http.get("/book/BTC-USDT/orders")
    assert "account" not in str(public)
    still = cast.http.call("GET", f"/order/{order['order_id']}", headers=owner.bearer).granted()
    assert still["status"] == "resting"


def test_the_feed_tells_each_only_their_own(ways: Any) -> None:
    eve, cast, by_token, by_key = ways
    owner = guest(cast.http)
    own = FeedClient(cast.server.url, {"token": owner.signed_in["token"]})
    for client, batch in ((by_token, False), (by_key, True), (own, False)):
        client.call("subscribe", {"type": "orders", "batch": batch})
    order = entered(cast, owner, price="30000.00")
    cast.http.call("POST", "/order", RESTING | {"side": "sell", "price": "30000.00"}, eve.bearer).granted()
    eventually(lambda: {"accepted", "filled"} <= {event["event_type"] for event in own.events("order_event")})
    eventually(lambda: by_token.events("order_event") and by_key.events("order_events"))
    eventually(lambda: len(by_token.events("balances")) > 1 and len(own.events("balances")) > 1)
    assert {event["order_id"] for event in own.events("order_event")} == {order["order_id"]}
    of_eve = by_token.events("order_event") + [
        event for message in by_key.events("order_events") for event in message["events"]
    ]
    assert order["order_id"] not in {event["order_id"] for event in of_eve}
    for client, who in ((by_token, eve), (by_key, eve), (own, owner)):
        assert {answered["account"] for answered in client.events("balances")} == {str(who.account)}
    own.close()


def test_whoever_names_another_account_is_refused(ways: Any) -> None:
    eve, cast, by_token, _ = ways
    other = str(guest(cast.http).account)
    http = cast.http
    for method, path, body in (
        ("POST", "/order", RESTING | {"account": other}),
        ("POST", "/cancel", {"order_id": "1", "account": other}),
        ("PATCH", "/order/1", {"quantity": "1", "account": other}),
        ("POST", "/orders/batch", {"orders": [RESTING], "account": other}),
        ("GET", f"/orders?account={other}", None),
        ("DELETE", f"/orders?account={other}", None),
        ("GET", f"/order/1?account={other}", None),
        ("POST", "/account/deposit", {"asset": "USDT", "amount": "1", "account": other}),
        ("POST", "/account/withdraw", {"asset": "USDT", "amount": "1", "account": other}),
        ("GET", f"/account/profit?account={other}", None),
        ("GET", f"/account/fills?account={other}", None),
        ("GET", f"/account/ledger?account={other}", None),
        ("POST", "/auth/keys", {"scopes": ["read"], "account": other}),
        ("POST", "/auth/signup", {"name": "somebody", "password": "long enough, I hope", "account": other}),
    ):
        http.call(method, path, body, eve.bearer).refused(400, "UNKNOWN_FIELD")
    for event, data in (
        ("subscribe", {"type": "orders", "account": other}),
        ("unsubscribe", {"type": "orders", "account": other}),
        ("order", RESTING | {"account": other}),
        ("cancel", {"order_id": "1", "account": other}),
        ("amend", {"order_id": "1", "quantity": "1", "account": other}),
        ("batch", {"orders": [RESTING], "account": other}),
    ):
        assert by_token.call(event, data)["error_code"] == "UNKNOWN_FIELD"
    named = [RESTING, {"op": "cancel", "order_id": "1"}, {"op": "amend", "order_id": "1", "quantity": "1"}]
    elements = {"orders": [element | {"account": other} for element in named]}
    for answered in (
        http.call("POST", "/orders/batch", elements, eve.bearer).granted(),
        by_token.call("batch", elements),
    ):
        assert [each["body"]["error_code"] for each in answered["results"]] == ["UNKNOWN_FIELD"] * 3
    for path in (f"/account?account={other}", f"/account/balances?account={other}"):
        http.call("GET", path, headers=eve.bearer).refused(400, "UNKNOWN_FIELD")


def test_a_token_that_names_another_account_is_no_token(ways: Any) -> None:
    eve, cast, *_ = ways
    other = guest(cast.http)
    header, _, seal = eve.signed_in["token"].split(".")
    claims = other.signed_in["token"].split(".")[1]
    for token in (f"{header}.{claims}.{seal}", f"{header}.{claims}."):
        cast.http.call("GET", "/orders", headers={"Authorization": f"Bearer {token}"}).refused(401, "BAD_TOKEN")


def test_anothers_session_and_key_are_unknown(ways: Any) -> None:
    eve, cast, *_ = ways
    owner = guest(cast.http)
    for path, code in (
        (f"/auth/sessions/{owner.signed_in['session_id']}", "UNKNOWN_SESSION"),
        (f"/auth/keys/{owner.key['key_id']}", "UNKNOWN_KEY"),
    ):
        cast.http.call("DELETE", path, headers=eve.bearer).refused(404, code)
    cast.http.call("GET", "/orders", headers=owner.bearer).granted()
    call_signed(cast.http, owner.key, "GET", "/orders").granted()


def test_nobody_but_an_operator_labels_a_venue_that_knows_its_users(secured_cast: Cast) -> None:
    watching = FeedClient(secured_cast.server.url)
    quiet = watching.events("venue")[-1]
    refused = {
        "UNAUTHENTICATED": {},
        "OPERATOR_NEEDED": {"token": secured_cast.trader.signed_in["token"]},
    }
    for code, credentials in refused.items():
        client = FeedClient(secured_cast.server.url, {"flow": "replay", **credentials})
        eventually(lambda client=client: client.ended)
        assert [refusal["error_code"] for refusal in client.events("error")] == [code]
        assert client.events("connected") == []
    signing = FeedClient(secured_cast.server.url, {"flow": "replay", **connecting(secured_cast.trader.key)})
    eventually(lambda: signing.ended)
    assert signing.events("error")[0]["error_code"] == "OPERATOR_NEEDED"
    assert watching.events("venue") == [quiet]
    operator = FeedClient(
        secured_cast.server.url, {"flow": "replay", "token": secured_cast.operator.signed_in["token"]}
    )
    eventually(lambda: watching.events("venue")[-1]["flows"] == ["replay"])
    operator.close()
    eventually(lambda: watching.events("venue")[-1] == quiet)
    watching.close()
