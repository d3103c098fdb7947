"""Order entry over HTTP: the names and shapes of the contract, and what becomes of orders."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.orders.shapes import BBO, CANCEL_ANSWER, ORDER, ORDER_ANSWER, TRADE, check_shape
from tests.server import Http

FILL = {
    "trade_id": str,
    "price": str,
    "quantity": str,
    "fee": str,
    "liquidity": str,
    "timestamp": float,
    "ts_ns": int,
    "ts_ns_text": str,
}
QUEUE_POSITION = {"orders_ahead": int, "quantity_ahead": str}


def limit(symbol: str, **fields: Any) -> dict[str, Any]:
    """The body of a limit order to buy."""
    return {"symbol": symbol, "side": "buy", "order_type": "limit", "quantity": "1", "price": "100.00"} | fields


# -- shapes


def test_an_order_is_answered_in_the_shape_of_the_contract(http: Http, symbol: str) -> None:
    resting = http.enter(symbol, "sell", "2.5", "100.10", client_order_id="a-1")
    taking = http.enter(symbol, "buy", "1", "101")
    for answer in (resting, taking):
        check_shape(answer, ORDER_ANSWER)
        check_shape(answer["bbo"], BBO)
    (trade,) = taking["trades"]
    check_shape(trade, TRADE)
    assert {name: resting[name] for name in ("client_order_id", "status", "price", "quantity", "average_price")} == {
        "client_order_id": "a-1",
        "status": "resting",
        "price": "100.10",
        "quantity": "2.500",
        "average_price": None,
    }
    assert {
        name: trade[name] for name in TRADE if name not in ("timestamp", "ts_ns", "ts_ns_text", "trade_id", "seq")
    } == {
        "symbol": symbol,
        "price": "100.10",
        "quantity": "1.000",
        "aggressor_side": "buy",
        "maker_order_id": resting["order_id"],
        "taker_order_id": taking["order_id"],
        "maker_fee": "0.02002",
        "taker_fee": "0.05005",
        "trade_value": "100.1",
        "auction": False,
        "self_trade": False,
    }
    assert (taking["total_maker_fees"], taking["total_taker_fees"]) == ("0.02002", "0.05005")
    assert (taking["filled_quantity"], taking["remaining_quantity"], taking["average_price"]) == (
        "1.000",
        "0.000",
        "100.10",
    )
    assert taking["bbo"]["best_ask"] == "100.10"
    assert taking["bbo"]["ask_size"] == "1.500"
    assert taking["order_id"] == str(taking["seq"])
    assert taking["seq"] > resting["seq"]
    assert abs(taking["ts_ns"] / 1e9 - taking["timestamp"]) < 2e-6


def test_a_cancel_is_answered_in_the_shape_of_the_contract(http: Http, symbol: str) -> None:
    order = http.enter(symbol, "buy", "1", "100", client_order_id="mine")
    answer = http.post("/cancel", {"symbol": symbol, "order_id": order["order_id"]}).granted()
    check_shape(answer, CANCEL_ANSWER)
    check_shape(answer["bbo"], BBO)
    assert (answer["success"], answer["order_id"], answer["client_order_id"]) == (True, order["order_id"], "mine")
    assert http.depth(symbol) == ([], [])


def test_an_order_is_shown_with_its_fills_and_its_place_in_the_queue(http: Http, symbol: str) -> None:
    http.enter(symbol, "buy", "2", "100")
    order = http.enter(symbol, "buy", "3", "100", client_order_id="second")
    http.enter(symbol, "sell", "2.5", "100")
    view = http.get(f"/order/{order['order_id']}?symbol={symbol}")
    check_shape(view, ORDER | {"fills": list, "queue_position": dict})
    (fill,) = view["fills"]
    check_shape(fill, FILL)
    check_shape(view["queue_position"], QUEUE_POSITION)
    assert (fill["price"], fill["quantity"], fill["liquidity"], fill["fee"]) == ("100.00", "0.500", "maker", "0.01")
    assert (view["status"], view["filled"], view["remaining"]) == ("partially_filled", "0.500", "2.500")
    assert view["queue_position"] == {"orders_ahead": 0, "quantity_ahead": "0.000"}
    behind = http.enter(symbol, "buy", "1", "100")
    position = http.get(f"/order/{behind['order_id']}")["queue_position"]
    assert position == {"orders_ahead": 1, "quantity_ahead": "2.500"}


def test_a_done_order_is_shown_with_every_fill(http: Http, symbol: str) -> None:
    for price in ("100", "101"):
        http.enter(symbol, "sell", "1", price)
    order = http.enter(symbol, "buy", "3", "101", time_in_force="ioc")
    view = http.get(f"/order/{order['order_id']}")
    check_shape(view, ORDER | {"fills": list})
    assert [(fill["price"], fill["liquidity"]) for fill in view["fills"]] == [("100.00", "taker"), ("101.00", "taker")]
    assert (view["status"], view["reason"], view["average_price"], view["fees"]) == (
        "cancelled",
        "immediate_or_cancel",
        "100.50",
        "0.1005",
    )
    assert order["average_price"] == "100.50"


def test_delete_cancels_one_order(http: Http, symbol: str) -> None:
    path = f"/order/{http.enter(symbol, 'buy', '2', '100')['order_id']}"
    check_shape(http.call("DELETE", path).granted(), CANCEL_ANSWER)
    http.call("DELETE", path).refused(409, "TOO_LATE")
    http.call("DELETE", "/order/999999999999").refused(404, "UNKNOWN_ORDER")


def test_orders_of_one_symbol_and_side_are_cancelled_together(http: Http, symbol: str) -> None:
    bids = [http.enter(symbol, "buy", "1", price)["order_id"] for price in ("99", "100", "98")]
    ask = http.enter(symbol, "sell", "1", "110")["order_id"]
    answer = http.call("DELETE", f"/orders?symbol={symbol}&side=buy").granted()
    assert answer.keys() == {"cancelled", "count", "seq"}
    assert (answer["cancelled"], answer["count"]) == (bids, 3)
    assert http.call("DELETE", f"/orders?symbol={symbol}").granted()["cancelled"] == [ask]
    http.call("DELETE", "/orders?symbol=NOPE").refused(404, "UNKNOWN_SYMBOL")
    http.call("DELETE", "/orders?side=both").refused(400, "INVALID_VALUE")


# -- what the issue shows


def test_a_market_sell_takes_the_best_bid(http: Http, symbol: str) -> None:
    http.enter(symbol, "buy", "1", "100")
    http.enter(symbol, "buy", "1", "101")
    sold = http.enter(symbol, "sell", "1")
    assert [trade["price"] for trade in sold["trades"]] == ["101.00"]
    assert http.depth(symbol) == ([["100.00", "1.000", 1]], [])


def test_a_limit_sell_trades_at_the_better_bid_and_never_below_its_limit(http: Http, symbol: str) -> None:
    http.enter(symbol, "buy", "1", "100")
    http.enter(symbol, "buy", "1", "102")
    sold = http.enter(symbol, "sell", "2", "101")
    assert [trade["price"] for trade in sold["trades"]] == ["102.00"]
    assert http.depth(symbol) == ([["100.00", "1.000", 1]], [["101.00", "1.000", 1]])


def test_a_fill_or_kill_fills_in_full_or_leaves_the_book_untouched(http: Http, symbol: str) -> None:
    http.enter(symbol, "sell", "1", "100")
    http.enter(symbol, "sell", "1", "101")
    before = http.get(f"/book/{symbol}")
    killed = http.enter(symbol, "buy", "2.001", "101", order_type="fok")
    assert (killed["status"], killed["reason"], killed["trades"]) == ("cancelled", "fill_or_kill", [])
    after = http.get(f"/book/{symbol}")
    assert (after["asks"], after["seq"]) == (before["asks"], before["seq"])
    filled = http.enter(symbol, "buy", "2", "101", order_type="fok")
    assert (filled["status"], [trade["price"] for trade in filled["trades"]]) == ("filled", ["100.00", "101.00"])


def test_a_market_order_cancels_what_nobody_offers(http: Http, symbol: str) -> None:
    http.enter(symbol, "sell", "1", "100")
    bought = http.enter(symbol, "buy", "3")
    assert (bought["status"], bought["reason"], bought["remaining_quantity"]) == ("cancelled", "no_liquidity", "2.000")
    assert http.depth(symbol) == ([], [])


def test_a_market_order_spends_a_quote_quantity(http: Http, symbol: str) -> None:
    http.enter(symbol, "sell", "1", "100")
    body = {"symbol": symbol, "side": "buy", "order_type": "market", "quote_quantity": "50.04"}
    bought = http.post("/order", body).granted()
    assert (bought["filled_quantity"], bought["trades"][0]["trade_value"]) == ("0.500", "50")


@pytest.mark.parametrize(
    ("field", "written", "code"),
    [
        ("price", b"NaN", "NOT_FINITE"),
        ("price", b'"NaN"', "NOT_FINITE"),
        ("price", b"Infinity", "NOT_FINITE"),
        ("price", b'"-Infinity"', "NOT_FINITE"),
        ("price", b"1e400", "OUT_OF_RANGE"),
        ("price", b'"1e400"', "OUT_OF_RANGE"),
        ("price", b"1e999999999", "OUT_OF_RANGE"),
        ("price", b"1e99999999999999999999", "OUT_OF_RANGE"),
        ("price", b"1e-400", "OUT_OF_RANGE"),
        ("price", b"9" * 5000, "OUT_OF_RANGE"),
        ("price", b"100.001", "BAD_TICK"),
        ("price", b'"100.001"', "BAD_TICK"),
        ("price", b"100.0000000000000000000000000000001", "BAD_TICK"),
        ("price", b"0", "NOT_POSITIVE"),
        ("price", b"-100", "NOT_POSITIVE"),
        ("price", b"-0.0", "NOT_POSITIVE"),
        ("price", b'"abc"', "INVALID_VALUE"),
        ("price", b'""', "INVALID_VALUE"),
        ("price", b"true", "INVALID_VALUE"),
        ("price", b"[100]", "INVALID_VALUE"),
        ("quantity", b"NaN", "NOT_FINITE"),
        ("quantity", b"1e400", "OUT_OF_RANGE"),
        ("quantity", b"0.0001", "BAD_LOT"),
        ("quantity", b'"-1"', "NOT_POSITIVE"),
        ("quantity", b"1000000000000000000", "OUT_OF_RANGE"),
        ("quantity", b"100000000000", "QUANTITY_TOO_LARGE"),
        ("quantity", b'"sNaN"', "NOT_FINITE"),
        ("symbol", b'"NOPE"', "UNKNOWN_SYMBOL"),
        ("symbol", b'""', "INVALID_VALUE"),
        ("symbol", b'"\\u0000"', "INVALID_VALUE"),
        ("symbol", b"7", "INVALID_VALUE"),
        ("side", b'"hold"', "INVALID_VALUE"),
        ("order_type", b'"stopp"', "INVALID_VALUE"),
        ("time_in_force", b'"days"', "INVALID_VALUE"),
        ("client_order_id", b'""', "INVALID_VALUE"),
        ("client_order_id", b'"two words"', "INVALID_VALUE"),
        ("client_order_id", b'"line\\n"', "INVALID_VALUE"),
        ("client_order_id", b'"' + b"x" * 65 + b'"', "INVALID_VALUE"),
        ("prise", b'"100"', "UNKNOWN_FIELD"),
    ],
)
def test_a_wrong_value_has_its_own_answer_and_nothing_rests(
    http: Http, symbol: str, field: str, written: bytes, code: str
) -> None:
    fields = {
        b"symbol": b'"%b"' % symbol.encode(),
        b"side": b'"buy"',
        b"order_type": b'"limit"',
        b"quantity": b'"1"',
        b"price": b'"100"',
        field.encode(): written,
    }
    body = b"{" + b",".join(b'"%b":%b' % pair for pair in fields.items()) + b"}"
    http.post("/order", body).refused(400, code)
    assert http.depth(symbol) == ([], [])


@pytest.mark.parametrize("field", ["symbol", "side", "order_type"])
def test_a_missing_field_is_named(http: Http, symbol: str, field: str) -> None:
    body = limit(symbol)
    del body[field]
    assert http.post("/order", body).refused(400, "MISSING_FIELD")["details"] == {"field": field}


def test_a_market_order_with_a_price_trades_at_that_price_or_better_and_never_rests(http: Http, symbol: str) -> None:
    http.post("/order", limit(symbol, side="sell", price="100.00", quantity="1")).granted()
    http.post("/order", limit(symbol, side="sell", price="101.00", quantity="1")).granted()
    answer = http.post("/order", limit(symbol, order_type="market", price="100.00", quantity="2")).granted()
    assert [trade["price"] for trade in answer["trades"]] == ["100.00"]
    assert (answer["status"], answer["time_in_force"]) == ("cancelled", "ioc")
    assert http.depth(symbol)[0] == []


@pytest.mark.parametrize(
    "fields",
    [
        {"price": None},
        {"quantity": None},
        {"order_type": "market", "time_in_force": "gtc"},
        {"order_type": "market", "price": None, "time_in_force": "gtc"},
        {"order_type": "market", "price": None, "quote_quantity": "10"},
        {"order_type": "ioc", "time_in_force": "fok"},
        {"quote_quantity": "10"},
    ],
)
def test_fields_that_do_not_go_together_are_refused(http: Http, symbol: str, fields: dict[str, Any]) -> None:
    http.post("/order", limit(symbol, **fields)).refused(400, "UNSUPPORTED_COMBINATION")
    assert http.depth(symbol) == ([], [])


@pytest.mark.parametrize(
    ("quantity", "price"),
    [(b'"0.1"', b'"30000.01"'), (b"0.1", b"30000.01"), (b"1e-1", b"3000001e-2"), (b'"1E-1"', b'"30000.0100"')],
)
def test_numbers_and_strings_are_read_exactly(http: Http, symbol: str, quantity: bytes, price: bytes) -> None:
    body = b'{"symbol":"%b","side":"sell","order_type":"limit","quantity":%b,"price":%b}'
    answer = http.post("/order", body % (symbol.encode(), quantity, price)).granted()
    assert (answer["quantity"], answer["price"]) == ("0.100", "30000.01")


def test_quantities_that_a_float_cannot_hold_are_kept(http: Http) -> None:
    body = (
        b'{"symbol":"BTC-USDT","side":"buy","order_type":"limit","quantity":9007.19925475,"price":0.01,'
        b'"client_order_id":"exact"}'
    )
    order = http.post("/order", body).granted()
    assert order["quantity"] == "9007.19925475"
    assert order["seq"] < 2**53
    many = b'{"symbol":"BTC-USDT","side":"buy","order_type":"limit","quantity":900719.92547401,"price":0.01}'
    assert http.post("/order", many).granted()["quantity"] == "900719.92547401"
    http.call("DELETE", "/orders?symbol=BTC-USDT").granted()


# -- client order ids


def test_the_same_order_again_is_answered_with_the_first_ones_state(http: Http, symbol: str) -> None:
    first = http.post("/order", limit(symbol, client_order_id="once")).granted()
    http.enter(symbol, "sell", "0.4", "100")
    again = http.post("/order", limit(symbol, price=100, quantity=1.0, client_order_id="once")).granted()
    check_shape(again, ORDER_ANSWER)
    assert (first["repeated"], again["repeated"]) == (False, True)
    assert (again["order_id"], again["status"], again["filled_quantity"]) == (
        first["order_id"],
        "partially_filled",
        "0.400",
    )
    assert http.depth(symbol) == ([["100.00", "0.600", 1]], [])


def test_a_repeated_taker_is_answered_with_its_trades(http: Http, symbol: str) -> None:
    http.enter(symbol, "sell", "1", "100")
    first = http.post("/order", limit(symbol, client_order_id="taker")).granted()
    again = http.post("/order", limit(symbol, client_order_id="taker")).granted()
    assert again["trades"] == first["trades"]
    same = ("order_id", "status", "average_price", "total_maker_fees", "total_taker_fees", "ts_ns")
    assert {name: again[name] for name in same} == {name: first[name] for name in same}


@pytest.mark.parametrize("other", [{"price": "99"}, {"quantity": "2"}, {"side": "sell"}, {"order_type": "fok"}])
def test_a_client_order_id_with_other_fields_is_a_conflict(http: Http, symbol: str, other: dict[str, Any]) -> None:
    name = f"conflict-{'-'.join(other)}"
    first = http.post("/order", limit(symbol, client_order_id=name)).granted()
    error = http.post("/order", limit(symbol, client_order_id=name, **other)).refused(409, "DUPLICATE_CLIENT_ORDER_ID")
    assert error["details"]["order_id"] == first["order_id"]
    assert http.depth(symbol) == ([["100.00", "1.000", 1]], [])


def test_a_refused_order_does_not_use_up_its_client_order_id(http: Http, symbol: str) -> None:
    http.post("/order", limit(symbol, price="100.001", client_order_id="fresh")).refused(400, "BAD_TICK")
    assert http.post("/order", limit(symbol, client_order_id="fresh")).granted()["repeated"] is False


# -- cancelling


def test_an_order_is_cancelled_by_the_traders_own_name_for_it(http: Http, symbol: str) -> None:
    order = http.enter(symbol, "buy", "1", "100", client_order_id="by-name")
    assert http.post("/cancel", {"client_order_id": "by-name"}).granted()["order_id"] == order["order_id"]
    http.post("/cancel", {"client_order_id": "by-name"}).refused(409, "TOO_LATE")


def test_an_order_id_may_be_a_number(http: Http, symbol: str) -> None:
    order = http.enter(symbol, "buy", "1", "100")
    assert http.post("/cancel", {"order_id": int(order["order_id"])}).granted()["success"] is True


def test_a_cancel_that_cannot_be_says_why(http: Http, symbol: str) -> None:
    order = http.enter(symbol, "buy", "1", "100")
    http.post("/cancel", {"symbol": "BTC-USDT", "order_id": order["order_id"]}).refused(404, "UNKNOWN_ORDER")
    http.post("/cancel", {"symbol": symbol, "order_id": "999999999999"}).refused(404, "UNKNOWN_ORDER")
    http.post("/cancel", {"symbol": symbol, "client_order_id": "nobodys"}).refused(404, "UNKNOWN_ORDER")
    http.post("/cancel", {"symbol": symbol}).refused(400, "MISSING_FIELD")
    http.enter(symbol, "sell", "1", "100")
    http.post("/cancel", {"symbol": symbol, "order_id": order["order_id"]}).refused(409, "TOO_LATE")


@pytest.mark.parametrize("order_id", ["0", "-1", "1.0", "%D9%A1", "abc", "9" * 5000, "1%2F2", "%00", "1e3", "+1"])
def test_what_is_no_order_id_is_an_unknown_order(http: Http, order_id: str) -> None:
    for method, body in (("GET", None), ("DELETE", None), ("PATCH", {"price": "1"})):
        assert http.call(method, f"/order/{order_id}", body).error()["error_code"] in ("UNKNOWN_ORDER", "NOT_FOUND")


def test_an_order_is_shown_only_in_its_symbol(http: Http, symbol: str) -> None:
    order = http.enter(symbol, "buy", "1", "100")
    http.call("GET", f"/order/{order['order_id']}?symbol=BTC-USDT").refused(404, "UNKNOWN_ORDER")
    http.call("DELETE", f"/order/{order['order_id']}")
    http.call("GET", f"/order/{order['order_id']}?symbol=BTC-USDT").refused(404, "UNKNOWN_ORDER")
    assert http.get(f"/order/{order['order_id']}?symbol={symbol}")["status"] == "cancelled"
