"""Every route of the second wire, against everybody who may come. A route without a row fails the test.

And the classic hole: what is another's answers to the byte as what never was, by either id.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count
from typing import Any
from urllib.parse import urlencode

import pytest

from api.auth.credentials import MOMENT_MS
from api.bootstrap import Server
from api.settings import Settings
from tests.access.cast import ALL_SCOPES, Cast, guest, key_of
from tests.access.second_wire import (
    KEY,
    NOTHING,
    PREFIXES,
    READ,
    ROWS,
    TRADE,
    Row,
    outcome,
    send,
    signature_of,
    signed_query,
)
from tests.api.binance.clients import Trader

SIGNED = [row for row in ROWS if row.needs in (READ, TRADE)]
BAD_SIGNATURE = (400, -1022)
NOT_FOR_THIS = (401, -2015)
NEVER_ID, NEVER_NAME = 2**52, "never-entered"

_names = (f"own-{number:09}" for number in count())


def each(rows: list[Row]) -> Any:
    """Run a test for each of these rows."""
    return pytest.mark.parametrize("row", rows, ids=lambda row: row.route)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A whole server without its port, to read its routes off."""
    server = Server(Settings(data=tmp_path_factory.mktemp("routes")))
    yield server
    server.close()


def test_every_route_of_the_second_wire_has_its_row(server: Server) -> None:
    offered = [
        f"{method} {rule.rule}"
        for rule in server.app.url_map.iter_rules()
        for method in rule.methods or ()
        if method not in ("HEAD", "OPTIONS") and rule.rule.startswith(PREFIXES)
    ]
    assert sorted(row.route for row in ROWS) == sorted(offered)


@each([row for row in ROWS if row.needs is not KEY])
def test_whoever_may_is_let_in_and_a_key_without_the_scope_is_not(cast: Cast, row: Row) -> None:
    expected = (None if row.code is None else 400, row.code)
    if row.needs is NOTHING:
        assert send(cast, row, signed_query(row, cast.trader.key).partition("&timestamp")[0], None).status == 200
        return
    right, wrong = (("read",), ("trade",)) if row.needs is READ else (("trade",), ("read", "withdraw"))
    status, code = outcome(send(cast, row, signed_query(row, cast.with_scopes[right]), key_id(cast.with_scopes[right])))
    assert (None if status == 200 else status, code) == expected
    key = cast.with_scopes[wrong]
    assert outcome(send(cast, row, signed_query(row, key), key_id(key))) == NOT_FOR_THIS


def key_id(key: dict[str, Any]) -> str:
    """What the header shows."""
    return str(key["key_id"])


@each(SIGNED)
def test_whoever_shows_nothing_good_is_refused_in_one_way_whether_there_is_such_a_key_or_not(
    secured_cast: Cast, row: Row
) -> None:
    cast, key = secured_cast, secured_cast.trader.key
    good = signed_query(row, key)
    assert outcome(send(cast, row, good, "x" * 200)) == (401, -2014)
    text = good.rpartition("&signature=")[0]
    refused = {
        "a good key, badly signed": send(cast, row, f"{text}&signature={'0' * 64}", key_id(key)),
        "a key that is none": send(cast, row, good, "ob-none"),
        "a key that is none, badly signed": send(cast, row, f"{text}&signature={'0' * 64}", "ob-none"),
        "a revoked key": send(cast, row, signed_query(row, cast.revoked_key), key_id(cast.revoked_key)),
        "the key of another": send(cast, row, good, key_id(cast.operator.key)),
        "no such signature": send(cast, row, f"{text}&signature=AAAA", key_id(key)),
        "more than is signed": send(cast, row, f"{good}&symbol2=ETHUSDT", key_id(key)),
    }
    assert {what: outcome(answer) for what, answer in refused.items()} == dict.fromkeys(refused, BAD_SIGNATURE)
    assert len({answer.content for answer in refused.values()}) == 1
    assert outcome(send(cast, row, text, key_id(key))) == (400, -1102)
    elsewhere = cast.elsewhere
    assert outcome(send(cast, row, signed_query(row, elsewhere), key_id(elsewhere))) == NOT_FOR_THIS
    for offset_ms in (-6_000, 3_000):
        assert outcome(send(cast, row, signed_query(row, key, offset_ms), key_id(key))) == (400, -1021)


@each([row for row in ROWS if row.needs is KEY])
def test_a_route_that_asks_for_a_key_alone_takes_any_good_one_that_reads_and_no_other(cast: Cast, row: Row) -> None:
    def ask(key: str | None) -> tuple[int, int | None]:
        return outcome(send(cast, row, urlencode(row.params or {}), key))

    reader = cast.with_scopes["read",]
    assert ask(key_id(reader)) == (200 if row.code is None else 400, row.code)
    assert [ask(None), ask("x" * 200)] == [(401, -2014)] * 2
    for key in (cast.with_scopes["trade",], cast.revoked_key, cast.elsewhere, {"key_id": "ob-none"}):
        assert ask(key_id(key)) == NOT_FOR_THIS


@each(SIGNED)
def test_without_a_key_nobody_is_let_in_whatever_the_first_wire_would_say(cast: Cast, row: Row) -> None:
    assert outcome(send(cast, row, signed_query(row, cast.trader.key), None)) == (401, -2014)
    answer = cast.http.call(row.method, row.path, None, cast.trader.bearer)
    assert outcome(answer) == (401, -2014)


@each([row for row in SIGNED if row.method != "GET"])
def test_what_was_signed_for_a_reading_changes_nothing(secured_cast: Cast, row: Row) -> None:
    cast, key = secured_cast, secured_cast.trader.key
    query = signed_query(row, key)
    assert outcome(send(cast, Row("GET /api/v3/account", READ), query, key_id(key))) == (200, None)
    time.sleep(2 * MOMENT_MS / 1_000)
    assert outcome(send(cast, row, query, key_id(key))) == (400, -1021)


def test_readings_may_be_repeated_and_changes_only_where_a_name_makes_them_the_same(cast: Cast) -> None:
    key = guest(cast.http).key
    account, order = Row("GET /api/v3/account", READ), next(row for row in ROWS if row.route == "POST /api/v3/order")
    query = signed_query(account, key)
    assert [outcome(send(cast, account, query, key_id(key))) for _ in range(2)] == [(200, None)] * 2
    unnamed = signed_query(order, key)
    assert outcome(send(cast, order, unnamed, key_id(key))) == (200, None)
    assert outcome(send(cast, order, unnamed, key_id(key))) == (400, -1021)
    # the same bytes with the signature elsewhere, or as a form, are the same message
    text, _, signature = unnamed.rpartition("&signature=")
    assert outcome(send(cast, order, f"signature={signature}&{text}", key_id(key))) == (400, -1021)
    assert outcome(send(cast, order, unnamed, key_id(key), form=True)) == (400, -1021)
    named = signed_query(order._replace(params={**(order.params or {}), "newClientOrderId": next(_names)}), key)
    first, again = send(cast, order, named, key_id(key)), send(cast, order, named, key_id(key), form=True)
    assert first.granted()["orderId"] == again.granted()["orderId"]
    misnamed = signed_query(order._replace(params={**(order.params or {}), "listClientOrderId": next(_names)}), key)
    assert outcome(send(cast, order, misnamed, key_id(key))) == (200, None)
    assert outcome(send(cast, order, misnamed, key_id(key))) == (400, -1021)
    placed = Row("GET /api/v3/openOrders", READ)
    assert len(send(cast, placed, signed_query(placed, key), key_id(key)).granted()) == 3


def test_a_page_cannot_send_a_form_without_the_key_header(cast: Cast) -> None:
    row = next(row for row in ROWS if row.route == "POST /api/v3/order")
    query = signed_query(row, cast.trader.key)
    form = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": "a=b"}
    assert outcome(cast.http.call("POST", row.path, query.encode(), form)) == (415, -1100)
    with_key = form | {"X-MBX-APIKEY": key_id(cast.trader.key)}
    assert outcome(cast.http.call("POST", row.path, query.encode(), with_key)) == (200, None)
    foreign = with_key | {"Origin": "http://evil.example"}
    assert outcome(cast.http.call("POST", row.path, query.encode(), foreign)) == (403, -2015)
    elsewhere = {**form, "X-MBX-APIKEY": "x"}
    cast.http.call("POST", "/order", b"a=b", elsewhere).refused(415, "UNSUPPORTED_MEDIA_TYPE")


def requests(order_id: int, name: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Every request about one order: method, path, parameters."""
    new = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001", "price": "29000"}
    found: list[tuple[str, str, dict[str, Any]]] = []
    for ids in ({"orderId": order_id}, {"origClientOrderId": name}, {"orderId": order_id, "origClientOrderId": name}):
        found += [("GET", "order", ids), ("DELETE", "order", ids)]
        found += [("PUT", "order/amend/keepPriority", ids | {"newQty": qty}) for qty in ("0.005", "0.0000000000001")]
    found.append(("GET", "myTrades", {"orderId": order_id}))
    found.append(("DELETE", "orderList", {"orderListId": order_id}))
    found.append(("DELETE", "orderList", {"listClientOrderId": name}))
    found.append(("GET", "orderList", {"orderListId": order_id}))
    found.append(("GET", "orderList", {"origClientOrderId": name}))
    for ids in ({"cancelOrderId": order_id}, {"cancelOrigClientOrderId": name}):
        found.append(("POST", "order/cancelReplace", new | ids | {"cancelReplaceMode": "STOP_ON_FAILURE"}))
    return [(method, f"/api/v3/{path}", {"symbol": "BTCUSDT"} | params) for method, path, params in found]


@pytest.mark.parametrize("made", ["resting", "cancelled", "filled", "unnamed", "pair"])
def test_anothers_order_answers_as_one_that_never_was(sandbox_cast: Cast, made: str) -> None:
    cast = sandbox_cast
    owner, eve = (Trader(cast.http, guest(cast.http).key) for _ in range(2))
    name = next(_names)
    named = {} if made == "unnamed" else {"newClientOrderId": name}
    if made == "pair":
        pair = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.001", "price": "28000", "stopPrice": "32000"}
        order_id = owner.granted("POST", "/api/v3/order/oco", **pair, listClientOrderId=name)["orderListId"]
    else:
        price = "30000" if made == "filled" else "29000"
        order_id = owner.order("BUY", "0.01", price, **named)["orderId"]
        name = name if named else f"openbell-{order_id}"
    if made == "cancelled":
        owner.granted("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=order_id)
    if made == "filled":
        Trader(cast.http, guest(cast.http).key).order("SELL", "0.01", "30000")
    before = owner.granted("GET", "/api/v3/order", symbol="BTCUSDT", orderId=order_id)
    for of_theirs, of_never in zip(requests(order_id, name), requests(NEVER_ID, NEVER_NAME), strict=True):
        answered, expected = (eve.ask(method, path, **params) for method, path, params in (of_theirs, of_never))
        assert expected.status == 400, expected
        assert (answered.status, answered.content) == (expected.status, expected.content), of_theirs
    for path, params in (("openOrders", {}), ("allOrders", {}), ("myTrades", {}), ("openOrderList", None)):
        shown = {} if params is None else {"symbol": "BTCUSDT"}
        assert eve.granted("GET", f"/api/v3/{path}", **shown) == []
    assert eve.refused("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")[0] == -2011
    again = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
    mine = eve.granted("POST", "/api/v3/order", **again, price="29000", newClientOrderId=name.replace("openbell", "x"))
    assert mine["orderId"] != order_id  # a name is one's own
    eve.granted("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")
    assert owner.granted("GET", "/api/v3/order", symbol="BTCUSDT", orderId=order_id) == before
    if made in ("resting", "unnamed", "pair"):
        owner.granted("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=order_id)


def test_a_revoked_key_is_refused_at_once(cast: Cast) -> None:
    person = guest(cast.http)
    trader = Trader(cast.http, key_of(cast.http, person.signed_in, *ALL_SCOPES))
    trader.granted("GET", "/api/v3/account")
    cast.http.call("DELETE", f"/auth/keys/{trader.key['key_id']}", headers=person.bearer).granted()
    time.sleep(0.002)
    assert trader.refused("GET", "/api/v3/account")[0] == -1022


def test_a_signature_over_other_bytes_than_were_sent_is_none(cast: Cast) -> None:
    key, row = cast.trader.key, Row("GET /api/v3/account", READ)
    query = signed_query(row, key)
    sent = query.replace("timestamp=", "timestam%70=")
    assert outcome(send(cast, row, sent, key_id(key))) == BAD_SIGNATURE
    newline = "timestamp=1\n2"
    text = newline.replace("\n", "%0A")
    assert outcome(send(cast, row, f"{text}&signature={signature_of(key['secret'], newline)}", key_id(key))) == (
        400,
        -1100,
    )
