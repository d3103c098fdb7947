"""Many orders at once: each is answered as alone, and nothing of anybody else's comes in between."""

from __future__ import annotations

import gc
import re
import threading
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from api.bootstrap import Server
from api.orders import memory
from api.settings import Settings
from tests.api.clients import FeedClient
from tests.api.orders.shapes import CANCEL_ANSWER, ORDER_ANSWER, check_shape
from tests.server import ERROR_KEYS, Http, RunningServer, eventually

MOST = 1000
TIMES = ("ts_ns", "ts_ns_text")
OF_THE_MOMENT = ("request_id", "processing_time_ms", "timestamp", *TIMES, "seq", "order_id", "bbo", "trades", "fills")


def enter(symbol: str, **fields: Any) -> dict[str, Any]:
    """An order to buy."""
    order = {"symbol": symbol, "side": "buy", "order_type": "limit", "quantity": "1", "price": "100.00"}
    return order | fields


def batch(http: Http, *orders: Any) -> list[dict[str, Any]]:
    """The results of a batch that is answered, each of which must be of its shape."""
    answer = http.post("/orders/batch", {"orders": orders}).granted()
    assert answer.keys() == {"results"}
    results: list[dict[str, Any]] = answer["results"]
    assert len(results) == len(orders)
    for result in results:
        assert result.keys() == {"status", "body"}
        assert (result["body"].keys() == ERROR_KEYS) == (result["status"] != 200)
    return results


def statuses(results: list[dict[str, Any]]) -> list[Any]:
    """Of each result the status, or the error code."""
    return [result["body"].get("error_code", result["status"]) for result in results]


def lasting(body: Any) -> Any:
    """A body without what is of the moment or of one order."""
    if not isinstance(body, dict):
        return body
    return {name: lasting(value) for name, value in body.items() if name not in OF_THE_MOMENT}


def test_operations_of_every_kind_are_answered_in_their_order(http: Http, symbol: str) -> None:
    resting = http.enter(symbol, "buy", "2", "99.00")["order_id"]
    results = batch(
        http,
        enter(symbol, op="enter", client_order_id=f"{symbol}-1"),
        {"op": "amend", "order_id": resting, "quantity": "1"},
        enter(symbol, side="sell", quantity="0.5"),
        {"op": "cancel", "client_order_id": f"{symbol}-1"},
        {"op": "cancel", "order_id": int(resting), "symbol": symbol},
        {"op": "cancel", "order_id": resting},
    )
    bought, amended, sold, cancelled, also, late = (result["body"] for result in results)
    assert statuses(results) == [200, 200, 200, 200, 200, "TOO_LATE"]
    check_shape(bought, ORDER_ANSWER)
    check_shape(cancelled, CANCEL_ANSWER)
    assert (bought["status"], sold["status"]) == ("resting", "filled")
    assert sold["trades"][0]["maker_order_id"] == bought["order_id"]
    assert (amended["order_id"], amended["priority"], amended["quantity"]) == (resting, "kept", "1.000")
    assert (cancelled["order_id"], cancelled["filled_quantity"]) == (bought["order_id"], "0.500")
    assert (amended["fills"], amended["trades"], amended["bbo"]["symbol"]) == ([], [], symbol)
    assert also["order_id"] == late["details"]["order_id"] == resting
    assert http.depth(symbol) == ([], [])


def test_a_mass_cancel_in_a_batch_answers_as_its_single_call_and_there_are_at_most_ten(http: Http, symbol: str) -> None:
    bid = http.enter(symbol, "buy", "1", "90.00")["order_id"]
    offers = [http.enter(symbol, "sell", "1", price)["order_id"] for price in ("95.00", "96.00")]
    results = batch(
        http,
        {"op": "cancel_all", "symbol": symbol, "side": "sell"},
        enter(symbol, price="91.00"),
        {"op": "cancel_all", "symbol": symbol},
        {"op": "cancel_all", "symbol": "NO-SUCH"},
        {"op": "cancel_all", "order_id": bid},
    )
    assert statuses(results) == [200, 200, 200, "UNKNOWN_SYMBOL", "UNKNOWN_FIELD"]
    entered = results[1]["body"]
    assert results[0]["body"] == {"cancelled": offers, "count": 2, "seq": entered["seq"] - 1}
    assert results[2]["body"]["cancelled"] == [bid, entered["order_id"]]
    single = http.call("DELETE", f"/orders?symbol={symbol}").granted()
    assert single.keys() == results[2]["body"].keys()
    many = batch(http, *[{"op": "cancel_all", "symbol": symbol}] * 12)
    assert statuses(many) == [200] * 10 + ["INVALID_VALUE"] * 2


def test_each_result_is_what_the_single_call_answers(http: Http, symbol: str) -> None:
    def elements(name: str) -> list[tuple[str, str, dict[str, Any]]]:
        resting, done = (http.enter(symbol, "buy", "2", price)["order_id"] for price in ("90.00", "89.00"))
        http.call("DELETE", f"/order/{done}").granted()
        never = str(2**61)
        orders = [
            enter(symbol, client_order_id=name),
            enter(symbol, side="sell", order_type="market", price=None),
            enter(symbol, side="sell", order_type="fok"),
            enter(symbol, client_order_id=name),
            enter(symbol, client_order_id=name, quantity="2"),
            enter(symbol, price="100.001"),
            enter(symbol, quantity="0.0001"),
            enter(symbol, price=None),
            enter(symbol, price=-1),
            enter(symbol, price="9" * 70),
            enter(symbol, account="1000"),
            enter(symbol, side=7),
            enter("NONE"),
            {},
        ]
        cancels: list[dict[str, Any]] = [{}, {"order_id": never}, {"order_id": "x"}, {"client_order_id": "never"}]
        cancels += [{"order_id": done}, {"order_id": resting, "symbol": "NONE"}, {"order_id": []}]
        amends: list[tuple[str, dict[str, Any]]] = [
            (resting, {"quantity": "1"}),
            (resting, {"quantity": "3", "price": "90.01"}),
            (resting, {"price": "90.001"}),
            (resting, {}),
            (resting, {"price": "0"}),
            (resting, {"side": "sell"}),
            (done, {"quantity": "1"}),
            (never, {"quantity": "1"}),
            ("x", {"price": "1"}),
        ]
        return [
            *(("POST", "/order", body) for body in orders),
            *(("POST", "/cancel", body) for body in cancels),
            *(("PATCH", f"/order/{order_id}", body) for order_id, body in amends),
        ]

    first, second = f"{symbol}-1", f"{symbol}-2"
    alone = [http.call(*element) for element in elements(first)]
    http.call("DELETE", f"/orders?symbol={symbol}").granted()
    together = []
    for _, path, body in elements(second):
        if path == "/order":
            together.append(body)
        elif path == "/cancel":
            together.append({"op": "cancel"} | body)
        else:
            together.append({"op": "amend", "order_id": path.removeprefix("/order/")} | body)
    results = batch(http, *together)
    for single, result, element in zip(alone, results, together, strict=True):
        expected = msgspec.json.decode(single.content.replace(first.encode(), second.encode()))
        answered, wanted = lasting(result["body"]), lasting(expected)
        if "priority" in wanted:  # as after the whole batch
            answered, wanted = ({**body, "quantity": "", "price": "", "remaining": ""} for body in (answered, wanted))
        assert (result["status"], answered) == (single.status, wanted), element
        assert result["body"].keys() == expected.keys(), element


@pytest.mark.parametrize(
    ("element", "code", "field"),
    [
        (7, "INVALID_VALUE", None),
        (None, "INVALID_VALUE", None),
        ([], "INVALID_VALUE", None),
        ({"op": "replace"}, "INVALID_VALUE", "op"),
        ({"op": None}, "INVALID_VALUE", "op"),
        ({"op": "cancel"}, "MISSING_FIELD", "order_id"),
        ({"op": "cancel", "order_id": "1", "price": "1"}, "UNKNOWN_FIELD", "price"),
        ({"op": "amend", "price": "1"}, "MISSING_FIELD", "order_id"),
        ({"op": "amend", "order_id": "1"}, "MISSING_FIELD", "price"),
        ({"op": "enter", "order_id": "1"}, "UNKNOWN_FIELD", "order_id"),
        ({}, "MISSING_FIELD", "symbol"),
    ],
)
def test_a_malformed_element_spoils_none_of_the_others(
    http: Http, symbol: str, element: Any, code: str, field: str | None
) -> None:
    first, bad, last = batch(http, enter(symbol), element, enter(symbol))
    assert (first["status"], last["status"]) == (200, 200)
    assert int(last["body"]["order_id"]) == int(first["body"]["order_id"]) + 1  # it was not sequenced
    assert (bad["status"], bad["body"]["error_code"], bad["body"]["details"].get("field")) == (400, code, field)
    assert re.fullmatch(r"[0-9a-f]{16}", bad["body"]["request_id"])


def test_a_batch_of_nothing_but_malformed_elements_is_answered(http: Http) -> None:
    assert statuses(batch(http, {}, 1)) == ["MISSING_FIELD", "INVALID_VALUE"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "MALFORMED_JSON"),
        (b'{"orders": [{"a": tru}]}', "MALFORMED_JSON"),
        (b'{"orders": [{"op": "enter", "price": NaN}]}', "NOT_FINITE"),
        (b"[" * 100_000, "MALFORMED_JSON"),
        (b'{"orders": ' + b"[" * 100_000, "MALFORMED_JSON"),
        (b"[]", "INVALID_VALUE"),
        (b"{}", "MISSING_FIELD"),
        (b'{"orders": null}', "INVALID_VALUE"),
        (b'{"orders": {}}', "INVALID_VALUE"),
        (b'{"orders": []}', "INVALID_VALUE"),
        (b'{"orders": [{}], "account": 1}', "UNKNOWN_FIELD"),
    ],
)
def test_what_is_no_batch_is_refused_as_a_whole(http: Http, body: bytes, code: str) -> None:
    http.call("POST", "/orders/batch", body).refused(400, code)


def test_a_batch_has_at_most_1000_orders(http: Http, symbol: str) -> None:
    refused = http.post("/orders/batch", {"orders": [enter(symbol)] * (MOST + 1)}).refused(400, "INVALID_VALUE")
    assert refused["error"] == "A batch has 1 to 1000 orders, and this one 1001."
    assert refused["details"] == {"field": "orders"}
    assert http.depth(symbol) == ([], [])


def test_1000_orders_in_one_batch_rest_in_their_order(http: Http, symbol: str) -> None:
    results = batch(http, *(enter(symbol, quantity=f"{number}") for number in range(1, MOST + 1)))
    assert {(result["status"], result["body"]["status"]) for result in results} == {(200, "resting")}
    assert [result["body"]["quantity"] for result in results] == [f"{number}.000" for number in range(1, MOST + 1)]
    book = http.get(f"/book/{symbol}/orders")
    assert [order["order_id"] for order in book["bids"]] == [result["body"]["order_id"] for result in results]
    amends = [{"op": "amend", "order_id": result["body"]["order_id"], "quantity": "0.5"} for result in results]
    assert {result["body"]["priority"] for result in batch(http, *amends)} == {"kept"}
    cancels = [{"op": "cancel", "order_id": result["body"]["order_id"]} for result in results]
    assert set(statuses(batch(http, *cancels))) == {200}
    assert http.depth(symbol) == ([], [])


def test_1000_operations_of_every_kind_succeed_and_fail_each_in_its_place(http: Http, symbol: str) -> None:
    rounds = MOST // 8
    resting = [result["body"]["order_id"] for result in batch(http, *([enter(symbol)] * rounds))]
    mixed: list[dict[str, Any]] = []
    for number, order_id in enumerate(resting):
        name, this = f"{symbol}-{number}", {"order_id": order_id}
        mixed += [
            enter(symbol, price="99.00", client_order_id=name),
            {"op": "amend", **this, "quantity": "0.5"},
            enter(symbol, side="sell", quantity="0.25"),  # trades with the one just amended, the first in its queue
            {"op": "cancel", **this},
            {"op": "cancel", **this},
            {"op": "amend", **this, "quantity": "0.4"},
            {"op": "amend", **this},
            {"op": "cancel", "client_order_id": name, "symbol": symbol},
        ]
    results = batch(http, *mixed)
    assert len(mixed) == MOST
    assert statuses(results) == [200, 200, 200, 200, "TOO_LATE", "TOO_LATE", "MISSING_FIELD", 200] * rounds
    bodies = [result["body"] for result in results]
    entered, amended, sold, cancelled, late, _, _, named = (bodies[at::8] for at in range(8))
    assert [body["client_order_id"] for body in entered] == [f"{symbol}-{number}" for number in range(rounds)]
    assert [(body["order_id"], body["priority"], body["quantity"]) for body in amended] == [
        (order_id, "kept", "0.500") for order_id in resting
    ]
    assert [[trade["maker_order_id"] for trade in body["trades"]] for body in sold] == [[each] for each in resting]
    assert [(body["order_id"], body["filled_quantity"]) for body in cancelled] == [(each, "0.250") for each in resting]
    assert [body["details"]["order_id"] for body in late] == resting
    assert [body["order_id"] for body in named] == [body["order_id"] for body in entered]
    seqs = [
        body["seq"] for body in bodies if "seq" in body and "priority" not in body
    ]  # an amended order's is that of the look
    assert seqs == sorted(seqs)
    assert http.depth(symbol) == ([], [])


def test_nothing_of_anybody_else_comes_in_between(running_server: RunningServer, http: Http, symbol: str) -> None:
    done = threading.Event()

    def disturb() -> None:
        client = Http(running_server.url)
        while not done.is_set():
            client.enter(symbol, "buy", "1", "50.00")
        client.close()

    others = [threading.Thread(target=disturb) for _ in range(3)]
    for other in others:
        other.start()
    try:
        runs = [
            [result["body"]["seq"] for result in batch(http, *([enter(symbol, side="sell")] * 50))] for _ in range(10)
        ]
    finally:
        done.set()
        for other in others:
            other.join()
    for seqs in runs:
        assert seqs == list(range(seqs[0], seqs[0] + 50))
    assert any(later[0] > earlier[-1] + 1 for earlier, later in pairwise(runs))  # they did try


def test_a_client_order_id_is_entered_once_within_a_batch_and_when_it_is_sent_again(http: Http, symbol: str) -> None:
    orders = [enter(symbol, client_order_id=f"{symbol}-{number}") for number in (1, 2, 1)]
    changed = enter(symbol, client_order_id=f"{symbol}-1", quantity="5")
    first = batch(http, *orders, changed)
    assert statuses(first) == [200, 200, 200, "DUPLICATE_CLIENT_ORDER_ID"]
    assert [result["body"]["repeated"] for result in first[:3]] == [False, False, True]
    again = batch(http, *orders)
    assert [result["body"]["repeated"] for result in again] == [True] * 3
    ids = [result["body"]["order_id"] for result in first[:3]]
    assert ids == [result["body"]["order_id"] for result in again]
    assert ids[0] == ids[2] != ids[1]
    assert http.depth(symbol)[0] == [["100.00", "2.000", 2]]


def test_the_feed_answers_a_batch_as_rest_does(running_server: RunningServer, http: Http, symbol: str) -> None:
    client = FeedClient(running_server.url)
    orders = [enter(symbol, price="100.10"), {"op": "cancel", "order_id": "x"}, 7, {"op": "amend"}]
    answered, expected = client.call("batch", {"orders": orders})["results"], batch(http, *orders)
    assert [lasting(result) for result in answered] == [lasting(result) for result in expected]
    check_shape(answered[0]["body"], ORDER_ANSWER)
    unfit: list[Any] = [{"orders": []}, {"orders": [7] * (MOST + 1)}, {"orders": 7}, [], None]
    for data in unfit:
        assert client.call("batch", data)["error_code"] == "INVALID_VALUE"
    client.close()


def test_orders_of_a_batch_are_cancelled_when_the_connection_ends(
    running_server: RunningServer, http: Http, symbol: str
) -> None:
    kept = http.enter(symbol, "buy", "1", "99.00")["order_id"]
    client = FeedClient(running_server.url, {"cancel_on_disconnect": True})
    amend = {"op": "amend", "order_id": kept, "quantity": "0.5"}
    results = client.call("batch", {"orders": [enter(symbol), amend, {}, enter(symbol, price="98.00")]})["results"]
    assert statuses(results) == [200, 200, "MISSING_FIELD", 200]
    client.close()
    eventually(lambda: http.depth(symbol)[0] == [["99.00", "0.500", 1]])


@pytest.fixture
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A whole server without its port, to break."""
    server = Server(Settings(data=tmp_path_factory.mktemp("batch")))
    yield server
    server.close()


def test_a_venue_that_does_not_accept_says_so_for_the_whole_batch(whole: Server) -> None:
    whole.sequencer.stop()
    answer = whole.app.test_client().post("/orders/batch", json={"orders": [enter("BTC-USDT"), {}]})
    assert (answer.status_code, answer.get_json()["error_code"]) == (503, "NOT_ACCEPTING")
    assert answer.headers["Retry-After"] == "1"


def test_what_is_wrong_with_many_elements_is_freed_without_the_collector(whole: Server) -> None:
    client, wrong = whole.app.test_client(), {"orders": [{"symbol": "BTC-USDT"}, enter("BTC-USDT", price="x"), 1] * 300}
    gc.collect()
    gc.disable()
    try:
        results = client.post("/orders/batch", json=wrong).get_json()["results"]
        assert len(results) == len(wrong["orders"])
        assert gc.collect() < len(results)  # it would hold everybody up to look through them
    finally:
        gc.enable()


def test_what_needs_a_history_that_is_gone_fails_alone(whole: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "DONE_MAX", 0)  # what is done is in the history alone
    client = whole.app.test_client()
    order = enter("AAPL-USD", price="190.00", client_order_id="once")
    done = enter("AAPL-USD", price="180.00", order_type="ioc")
    assert [client.post("/order", json=each).status_code for each in (order, done)] == [200, 200]
    whole.historian.access.close()
    unknown = {"op": "cancel", "client_order_id": "nobodys"}
    body = {"orders": [unknown, order, enter("AAPL-USD", price="190.00"), unknown]}
    results = client.post("/orders/batch", json=body).get_json()["results"]
    assert statuses(results) == ["HISTORY_BEHIND", 200, 200, "HISTORY_BEHIND"]
    assert [result["status"] for result in results] == [503, 200, 200, 503]
