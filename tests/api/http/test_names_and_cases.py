"""Words and symbols in any case, an order by two names, the target that is signed, older paths, names of assets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from listings.instruments_file import DEFAULT_INSTRUMENTS, ListingError, read_instruments
from tests.access.cast import operator, with_operator
from tests.api.clients import START_GRACE_S, FeedClient, bearer, call_signed, funded, new_key, signed
from tests.server import Http, RunningServer

SHOUTED = {"symbol": "BTC-usdt", "side": "BUY", "order_type": "Limit", "time_in_force": "GTC"}
FIGURES = {"quantity": "0.01", "price": "20000.00"}
SAID = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "time_in_force": "gtc"}


def says_alike(answer: dict[str, Any]) -> bool:
    return {name: answer[name] for name in SAID} == SAID


@pytest.fixture
def feed(running_server: RunningServer) -> Iterator[FeedClient]:
    client = FeedClient(running_server.url)
    yield client
    client.close()


# -- any case


def test_words_and_symbols_of_an_order_are_read_in_any_case_on_every_way_in(http: Http, feed: FeedClient) -> None:
    order = SHOUTED | FIGURES
    (batched,) = http.post("/orders/batch", {"orders": [order]}).granted()["results"]
    for answer in (http.post("/order", order).granted(), batched["body"], feed.call("order", order)):
        assert says_alike(answer), answer
        assert http.get(f"/order/{answer['order_id']}?symbol=btc-USDT")["symbol"] == "BTC-USDT"
        cancel = {"order_id": answer["order_id"], "symbol": "btc-usdt"}
        assert http.post("/cancel", cancel).granted()["success"] is True
    assert says_alike(http.post("/order/test", order).granted())
    for kind in ("MARKET", "Ioc", "FOK"):
        http.post("/order/test", order | {"order_type": kind, "time_in_force": None}).granted()


@pytest.mark.parametrize(
    "path",
    [
        "/book/{}", "/book/{}/orders", "/bbo/{}", "/quote/{}?side=BUY&quantity=1", "/trades/{}", "/ticker/{}",
        "/candles/{}", "/status/{}", "/statistics?symbol={}", "/orders?symbol={}", "/account/fills?symbol={}",
    ],
)  # fmt: skip
def test_symbols_of_paths_and_queries_are_read_in_any_case(http: Http, path: str) -> None:
    varying = {"timestamp", "uptime_seconds", "orders_per_second", "latency_ms", "seq"}

    def view(symbol: str) -> dict[str, Any]:
        return {key: value for key, value in http.get(path.format(symbol)).items() if key not in varying}

    assert view("btc-usdt") == view("Btc-uSdT") == view("BTC-USDT")
    http.call("GET", path.format("btc-us\u017ft".encode().hex())).refused(404, "UNKNOWN_SYMBOL")


def test_subscriptions_read_symbols_in_any_case_and_tell_them_as_they_are_listed(feed: FeedClient) -> None:
    for kind in ("l2_updates", "l2_deltas", "bbo", "ticker", "trades", "status", "candles", "l3"):
        assert feed.call("subscribe", {"type": kind, "symbol": "eth-usdt"})["symbol"] == "ETH-USDT"
        assert feed.call("unsubscribe", {"type": kind, "symbol": "Eth-Usdt"})["symbol"] == "ETH-USDT"


def test_cancelling_all_reads_symbol_and_side_in_any_case(http: Http, symbol: str, feed: FeedClient) -> None:
    for ask in (
        lambda: http.call("DELETE", f"/orders?symbol={symbol.lower()}&side=BUY").granted(),
        lambda: feed.call("cancel_all", {"symbol": symbol.lower(), "side": "Buy"}),
    ):
        order = http.enter(symbol, "buy", "1", "100")
        assert ask()["cancelled"] == [order["order_id"]]


@pytest.mark.parametrize("name", ["symbol", "side"])
@pytest.mark.parametrize("text", ["null", "NULL", "Null", "", "undefined", "%00"])
def test_what_is_written_for_nothing_does_not_cancel_everything(http: Http, symbol: str, name: str, text: str) -> None:
    order = http.enter(symbol, "buy", "1", "100")
    assert http.call("DELETE", f"/orders?{name}={text}").status in (400, 404)
    assert http.get(f"/order/{order['order_id']}")["status"] == "resting"
    http.call("DELETE", f"/order/{order['order_id']}").granted()


# -- an order by its symbol, and by two names


@pytest.mark.parametrize("other", ["ETH-USDT", "NO-SUCH", "null", ""])
def test_an_order_of_another_symbol_is_neither_cancelled_nor_changed(http: Http, symbol: str, other: str) -> None:
    number = http.enter(symbol, "buy", "2", "100")["order_id"]
    status = 400 if other in ("null", "") else 404
    assert http.call("DELETE", f"/order/{number}?symbol={other}").status == status
    assert http.call("PATCH", f"/order/{number}?symbol={other}", {"quantity": "1"}).status == status
    assert http.call("GET", f"/order/{number}?symbol={other}").status == status
    order = http.get(f"/order/{number}?symbol={symbol}")
    assert (order["status"], order["quantity"]) == ("resting", "2.000")
    assert http.call("PATCH", f"/order/{number}?symbol={symbol}", {"quantity": "1"}).granted()["quantity"] == "1.000"
    assert http.call("DELETE", f"/order/{number}?symbol={symbol.lower()}").granted()["success"] is True
    http.call("PATCH", f"/order/{number}?symbol={symbol}", {"quantity": "1"}).refused(409, "TOO_LATE")


def test_a_cancel_by_two_ids_acts_only_where_both_name_one_order(http: Http, symbol: str, feed: FeedClient) -> None:
    first = http.enter(symbol, "buy", "1", "100", client_order_id=f"{symbol}-1")
    other = http.enter(symbol, "buy", "1", "100", client_order_id=f"{symbol}-2")
    nameless = http.enter(symbol, "buy", "1", "100")
    both = (
        {"order_id": first["order_id"], "client_order_id": f"{symbol}-2"},
        {"order_id": other["order_id"], "client_order_id": f"{symbol}-1"},
        {"order_id": nameless["order_id"], "client_order_id": f"{symbol}-1"},
        {"order_id": first["order_id"], "client_order_id": f"{symbol}-none"},
        {"order_id": "999999999", "client_order_id": f"{symbol}-1"},
    )
    for cancel in both:
        refusal = http.post("/cancel", cancel).refused(400, "CONTRADICTION")
        assert refusal["details"]["fields"] == ["order_id", "client_order_id"]
        assert "order_id and client_order_id" in refusal["error"]
        assert feed.call("cancel", cancel)["error_code"] == "CONTRADICTION"
    results = http.post("/orders/batch", {"orders": [{"op": "cancel", **cancel} for cancel in both]}).granted()
    assert [result["body"]["error_code"] for result in results["results"]] == ["CONTRADICTION"] * len(both)
    assert len(http.get(f"/orders?symbol={symbol}&status=open")["orders"]) == 3
    http.post("/cancel", {"order_id": "999999999", "client_order_id": f"{symbol}-none"}).refused(404, "UNKNOWN_ORDER")
    same = {"order_id": first["order_id"], "client_order_id": f"{symbol}-1"}
    assert http.post("/cancel", same).granted()["order_id"] == first["order_id"]
    http.post("/cancel", same).refused(409, "TOO_LATE")
    done_and_open = {"order_id": first["order_id"], "client_order_id": f"{symbol}-2"}
    http.post("/cancel", done_and_open).refused(400, "CONTRADICTION")
    assert http.get(f"/order/{other['order_id']}")["status"] == "resting"
    http.call("DELETE", f"/orders?symbol={symbol}").granted()


def test_two_ids_tell_nothing_of_a_strangers_order(secured: RunningServer) -> None:
    ours, theirs = funded(secured.http), funded(secured.http)
    order = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.01", "price": "20000.00"}
    entered = secured.http.call("POST", "/order", order | {"client_order_id": "mine"}, bearer(theirs)).granted()
    cancel = {"order_id": entered["order_id"], "client_order_id": "mine"}
    secured.http.call("POST", "/cancel", cancel, bearer(ours)).refused(404, "UNKNOWN_ORDER")
    assert secured.http.call("POST", "/cancel", cancel, bearer(theirs)).granted()["success"] is True


# -- what is signed is what was sent


@pytest.mark.parametrize(
    "target",
    ["/orders?", "//orders", "///orders?limit=1", "/orders?limit=1&", "/orders?&limit=1", "/orders?symbol=btc%2Dusdt",
     "/order%73", "//orders?", "/orders?symbol=BTC-USDT?"],
)  # fmt: skip
def test_a_client_that_signs_what_it_sends_is_let_in(secured: RunningServer, target: str) -> None:
    key = new_key(secured.http, "read", "trade")
    answer = call_signed(secured.http, key, "GET", target)
    assert answer.status in (200, 308, 404), answer.content
    assert secured.http.call("GET", target, headers=signed(key, "GET", f"{target}x")).status == 401


@pytest.mark.parametrize("target", ["/orders?", "//orders", "//orders?"])
def test_an_empty_query_and_a_double_slash_are_the_route_itself(secured: RunningServer, target: str) -> None:
    key = new_key(secured.http, "read", "trade")
    assert call_signed(secured.http, key, "GET", target).granted()["orders"] == []


# -- older paths


@pytest.mark.parametrize(
    ("method", "path", "suggestion"),
    [
        ("POST", "/orders", "POST /order enters an order, and POST /orders/batch many"),
        ("POST", "/orders/", "POST /order enters an order"),
        ("GET", "/order", "GET /order/{order_id}"),
        ("GET", "/orders/17", "GET /order/{order_id}"),
        ("DELETE", "/orders/17", "DELETE /order/{order_id}"),
        ("PUT", "/order/17", "PATCH /order/{order_id}"),
        ("POST", "/cancel/17", "POST /cancel"),
        ("POST", "/cancel_order", "POST /cancel"),
        ("DELETE", "/cancel", "POST /cancel"),
        ("GET", "/orderbook/BTC-USDT", "GET /book/{symbol}"),
        ("GET", "/book", "GET /book/{symbol}"),
        ("GET", "/bbo", "GET /bbo/{symbol}"),
        ("GET", "/trades", "GET /trades/{symbol}"),
        ("GET", "/stats", "GET /statistics"),
    ],
)
def test_an_error_of_an_older_path_says_which_route_is_meant(
    http: Http, method: str, path: str, suggestion: str
) -> None:
    answer = http.call(method, path, {} if method in ("POST", "PUT") else None)
    assert answer.status in (404, 405), answer.content
    assert suggestion in answer.error()["error"]


@pytest.mark.parametrize(
    ("method", "path", "refusal"),
    [
        ("POST", "/order/", "POST /order enters an order."),
        ("GET", "/orders/", "No path ends with a slash: leave it out."),
        ("GET", "/symbols/", "No path ends with a slash: leave it out."),
        ("DELETE", "/orders/", "No path ends with a slash: leave it out."),
    ],
)
def test_a_path_with_a_slash_behind_it_says_that_none_has_one(http: Http, method: str, path: str, refusal: str) -> None:
    answer = http.call(method, path, {} if method == "POST" else None)
    assert answer.refused(404, "NOT_FOUND")["error"] == f"There is nothing at {path}. {refusal}"


def test_a_method_that_a_path_does_not_have_is_told_with_those_it_has(http: Http) -> None:
    refusal = http.call("PUT", "/symbols").refused(405, "METHOD_NOT_ALLOWED")
    assert refusal["error"] == "There is no PUT /symbols, only GET."


# -- what may be listed

INSANE = ["", " ", "US D", "USD\n", "\u00dcSD", "\uff35\uff33\uff24", "a/b", "a?b", "<b>", "a%20", "..", ".", "-x", "_",
          "x" * 33, "U$D", "\u0421OIN", "USD\u200b"]  # fmt: skip
LISTING = {
    "symbol": "NEW-USDT", "base": "NEW", "quote": "USDT", "tick_size": "0.01", "lot_size": "1", "quote_scale": 10,
    "max_quantity": "1000", "max_notional": "1000000",
}  # fmt: skip


@pytest.mark.parametrize("field", ["symbol", "base", "quote"])
@pytest.mark.parametrize("name", INSANE)
def test_a_file_with_an_insane_name_is_refused(tmp_path: Path, field: str, name: str) -> None:
    path = tmp_path / "instruments.toml"
    values = LISTING | {field: name}
    lines = [f"{key} = {value if isinstance(value, int) else _toml(value)}" for key, value in values.items()]
    path.write_text("[[instrument]]\n" + "\n".join(lines), encoding="utf-8")
    with pytest.raises(ListingError, match="letters, digits"):
        read_instruments(path)


def _toml(text: str) -> str:
    return '"' + "".join(f"\\u{ord(c):04x}" for c in text) + '"'


@pytest.mark.parametrize(("field", "twin"), [("symbol", "btc-usdt"), ("base", "usdT"), ("quote", "Usdt")])
def test_a_file_with_names_that_differ_only_in_case_is_refused(tmp_path: Path, field: str, twin: str) -> None:
    values = LISTING | {field: twin}
    lines = [f"{key} = {value if isinstance(value, int) else _toml(value)}" for key, value in values.items()]
    path = tmp_path / "instruments.toml"
    path.write_text(DEFAULT_INSTRUMENTS.read_text() + "\n[[instrument]]\n" + "\n".join(lines), encoding="utf-8")
    with pytest.raises(ListingError, match=r"differ only in case|the same asset"):
        read_instruments(path)


def test_an_operator_lists_sane_names_only_and_none_that_differs_in_case_alone(tmp_path: Path) -> None:
    with with_operator(tmp_path / "data") as server:
        http = server.http
        time.sleep(START_GRACE_S)
        boss = operator(http).bearer

        def listed(**changed: Any) -> Any:
            return http.call("POST", "/admin/symbols", LISTING | changed, boss)

        seq = http.get("/health")["seq"]
        for name in INSANE:
            for field in ("symbol", "base", "quote"):
                listed(**{field: name}).refused(400, "INVALID_VALUE")
        listed(base="btc").refused(400, "INVALID_VALUE")
        listed(base="usdt").refused(400, "INVALID_VALUE")
        assert http.get("/health")["seq"] == seq
        assert listed().granted()["symbol"] == "NEW-USDT"
        assert listed(symbol="new-usdt", max_quantity="500").granted()["symbol"] == "NEW-USDT"
        assert http.get("/symbols")["symbol_info"]["NEW-USDT"]["limits"]["max_quantity"] == "500"
        for path in ("/admin/accounts/\u0663", "/admin/accounts/1_5", "/admin/accounts/+1", "/admin/accounts/%D9%A3"):
            target = path.replace("\u0663", "%D9%A3")
            assert http.call("GET", target, headers=boss).status == 404, path


@pytest.mark.parametrize("route", ["deposit", "withdraw"])
@pytest.mark.parametrize("asset", ["NOSUCH", "usdt", "BTCC"])
def test_money_of_an_asset_that_nobody_trades_is_an_unknown_asset(http: Http, route: str, asset: str) -> None:
    http.post(f"/account/{route}", {"asset": asset, "amount": "1"}).refused(404, "UNKNOWN_ASSET")


def test_a_ledger_of_an_unknown_asset_is_refused_and_not_empty(http: Http) -> None:
    http.call("GET", "/account/ledger?asset=NOSUCH").refused(404, "UNKNOWN_ASSET")
