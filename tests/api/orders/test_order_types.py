"""Every order type and option on every way in: REST, a batch, the feed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.api.clients import FeedClient
from tests.server import Http, RunningServer, eventually

Enter = Callable[..., Any]
LATER = "4102444800"  # 2100-01-01


@pytest.fixture(scope="module")
def feed(running_server: RunningServer) -> Iterator[FeedClient]:
    """A client of the feed, without credentials."""
    client = FeedClient(running_server.url)
    yield client
    client.close()


@pytest.fixture(params=["rest", "batch", "feed"])
def enter(request: pytest.FixtureRequest, http: Http, feed: FeedClient, symbol: str) -> Enter:
    """Enter an order in one's own symbol on one of the ways in; the answer to it, refused or not."""

    def enter_order(side: str, order_type: str, quantity: str | None = "1", **fields: Any) -> Any:
        body = {"symbol": symbol, "side": side, "order_type": order_type, "quantity": quantity, **fields}
        if request.param == "rest":
            return http.post("/order", body).json
        if request.param == "batch":
            (result,) = http.post("/orders/batch", {"orders": [body]}).granted()["results"]
            return result["body"]
        return feed.call("order", body)

    return enter_order


def trade_at(http: Http, symbol: str, price: str) -> None:
    """Let the last price be `price`, between two orders of which nothing is left."""
    http.enter(symbol, "sell", "0.001", price)
    http.enter(symbol, "buy", "0.001", price)


def order(http: Http, answer: Any) -> Any:
    """An order as GET /order shows it."""
    return http.get(f"/order/{answer['order_id']}")


def test_a_stop_waits_triggers_and_trades(http: Http, symbol: str, enter: Enter) -> None:
    http.enter(symbol, "buy", "5", "90")
    trade_at(http, symbol, "100")
    answer = enter("sell", "stop", stop_price="95", time_in_force="gtd", expire_time=LATER)
    shown = {"stop_price": "95.00", "expire_time": LATER, "price": None, "time_in_force": "gtd"}
    assert {name: answer[name] for name in shown} == shown
    assert (answer["status"], answer["trades"], "legs" in answer) == ("pending_trigger", [], False)
    view = order(http, answer)
    assert {name: view[name] for name in shown} == shown
    assert (view["status"], "queue_position" in view) == ("pending_trigger", False)
    assert http.get(f"/orders?symbol={symbol}&status=pending_trigger")["orders"] == [
        {name: value for name, value in view.items() if name != "fills"}
    ]
    trade_at(http, symbol, "94.99")
    view = order(http, answer)
    assert (view["status"], view["filled"], view["average_price"]) == ("filled", "1.000", "90.00")
    assert [fill["liquidity"] for fill in view["fills"]] == ["taker"]


def test_a_stop_that_is_reached_already_trades_at_once_and_tells_its_own_trades(
    http: Http, symbol: str, enter: Enter
) -> None:
    http.enter(symbol, "buy", "3", "90")
    trade_at(http, symbol, "91")
    other = http.enter(symbol, "sell", "1", order_type="stop", stop_price="90.5")
    answer = enter("sell", "stop", "2", stop_price="95")
    assert (answer["status"], answer["filled_quantity"], len(answer["trades"])) == ("filled", "2.000", 1)
    assert answer["trades"][0]["taker_order_id"] == answer["order_id"]
    assert order(http, other)["status"] == "filled"  # by the same command, of which the answer above tells nothing


def test_a_stop_limit_rests_at_its_limit_once_it_triggers(http: Http, symbol: str, enter: Enter) -> None:
    trade_at(http, symbol, "100")
    answer = enter("buy", "stop_limit", "2", stop_price="105", price="106.50", display_quantity="0.5")
    assert (answer["status"], answer["price"], answer["stop_price"]) == ("pending_trigger", "106.50", "105.00")
    trade_at(http, symbol, "105")
    view = order(http, answer)
    assert (view["status"], view["display_quantity"], view["shown_quantity"]) == ("resting", "0.500", "0.500")
    assert http.depth(symbol)[0] == [["106.50", "0.500", 1]]


def test_a_take_profit_triggers_from_the_other_side_and_can_be_amended_while_it_waits(
    http: Http, symbol: str, enter: Enter
) -> None:
    http.enter(symbol, "buy", "3", "104")
    answer = enter("sell", "take_profit", "2", stop_price="106")
    assert (answer["status"], answer["order_type"], answer["price"]) == ("pending_trigger", "take_profit", None)
    trade_at(http, symbol, "105.99")
    assert order(http, answer)["status"] == "pending_trigger"
    path = f"/order/{answer['order_id']}"
    smaller = http.call("PATCH", path, {"quantity": "1"}).granted()
    assert (smaller["priority"], smaller["stop_price"]) == ("kept", "106.00")
    assert http.call("PATCH", path, {"stop_price": "107"}).granted()["priority"] == "lost"
    trade_at(http, symbol, "107")
    view = order(http, answer)
    assert (view["status"], view["filled"], view["average_price"]) == ("filled", "1.000", "104.00")


def test_a_take_profit_limit_rests_at_its_limit_once_it_triggers_and_its_test_says_what_it_holds(
    http: Http, symbol: str, enter: Enter
) -> None:
    trade_at(http, symbol, "100")
    body = {"symbol": symbol, "side": "buy", "order_type": "take_profit_limit", "quantity": "2", "price": "94"}
    tested = http.post("/order/test", body | {"stop_price": "95"}).granted()
    assert (tested["accepted"], tested["status"], tested["held"]) == (True, "pending_trigger", "188.094")
    reached = http.post("/order/test", body | {"stop_price": "100"}).granted()
    assert (reached["status"], reached["price"]) == ("resting", "94.00")
    answer = enter("buy", "take_profit_limit", "2", stop_price="95", price="94", display_quantity="0.5")
    trade_at(http, symbol, "95")
    view = order(http, answer)
    assert (view["status"], view["stop_price"], view["shown_quantity"]) == ("resting", "95.00", "0.500")


@pytest.mark.parametrize(
    ("trail", "described", "stop_price", "followed"),
    [
        ({"trail_amount": "5"}, {"trail_amount": "5.00"}, "95.00", "115.00"),
        ({"trail_percent": "1.5"}, {"trail_percent": "1.5"}, "98.50", "118.20"),
    ],
)
def test_a_trailing_stop_follows_the_market(
    http: Http, symbol: str, enter: Enter, trail: Any, described: Any, stop_price: str, followed: str
) -> None:
    trade_at(http, symbol, "100")
    answer = enter("sell", "trailing_stop", **trail)
    assert answer["status"] == "pending_trigger"
    assert answer["stop_price"] == stop_price
    assert {name: answer[name] for name in described} == described
    trade_at(http, symbol, "120")
    assert order(http, answer)["stop_price"] == followed


def test_one_cancels_other_is_two_orders_that_name_each_other(http: Http, symbol: str, enter: Enter) -> None:
    trade_at(http, symbol, "100")
    answer = enter("sell", "oco", price="110", stop_price="95", stop_limit_price="94", client_order_id=f"pair-{symbol}")
    (leg,) = answer["legs"]
    assert leg["order_id"] == answer["linked_order_id"] == str(2 * 10**15 + int(answer["order_id"]))
    assert leg["linked_order_id"] == answer["order_id"]
    assert (answer["status"], answer["order_type"], answer["price"]) == ("resting", "limit", "110.00")
    assert (leg["status"], leg["order_type"], leg["price"], leg["stop_price"]) == (
        "pending_trigger", "stop_limit", "94.00", "95.00",
    )  # fmt: skip
    stop = order(http, leg)
    assert (stop["status"], stop["linked_order_id"]) == ("pending_trigger", answer["order_id"])
    page = http.get(f"/orders?symbol={symbol}&limit=2")
    assert [view["order_id"] for view in page["orders"]] == [leg["order_id"], answer["order_id"]]
    further = http.get(f"/orders?symbol={symbol}&limit=1&cursor={leg['order_id']}")["orders"]
    assert [view["order_id"] for view in further] == [answer["order_id"]]
    http.enter(symbol, "buy", "0.25", "110")
    stop, limit = order(http, leg), order(http, answer)
    assert (stop["status"], stop["reason"]) == ("cancelled", "one_cancels_other")
    assert (limit["status"], limit["filled"]) == ("partially_filled", "0.250")
    ids = [view["order_id"] for view in http.get(f"/orders?symbol={symbol}&limit=3")["orders"]]
    assert ids[1:] == [leg["order_id"], answer["order_id"]]


def test_a_bracket_brings_its_exits_once_it_is_filled(http: Http, symbol: str, enter: Enter) -> None:
    http.enter(symbol, "sell", "1", "100")
    answer = enter("buy", "limit", price="100", take_profit="120", stop_loss="90", stop_loss_limit="89")
    assert answer["status"] == "filled"
    assert (answer["take_profit"], answer["stop_loss"], answer["stop_loss_limit"]) == ("120.00", "90.00", "89.00")
    profit, loss = answer["legs"]
    assert [leg["parent_order_id"] for leg in answer["legs"]] == 2 * [answer["order_id"]]
    assert (profit["status"], profit["price"], profit["linked_order_id"]) == ("resting", "120.00", loss["order_id"])
    assert (loss["status"], loss["stop_price"], loss["price"]) == ("pending_trigger", "90.00", "89.00")
    assert http.call("DELETE", f"/order/{profit['order_id']}").granted()["order_id"] == profit["order_id"]
    assert order(http, loss)["reason"] == "one_cancels_other"
    assert order(http, loss)["parent_order_id"] == answer["order_id"]


def test_an_iceberg_shows_a_slice_at_a_time(http: Http, symbol: str, enter: Enter) -> None:
    answer = enter("sell", "limit", "1", price="100", display_quantity="0.2")
    behind = http.enter(symbol, "sell", "1", "100")
    assert answer["display_quantity"] == "0.200"
    assert http.depth(symbol)[1] == [["100.00", "1.200", 2]]
    assert order(http, behind)["queue_position"] == {"orders_ahead": 1, "quantity_ahead": "0.200"}
    http.enter(symbol, "buy", "0.2", "100")
    view = order(http, answer)
    assert (view["remaining"], view["shown_quantity"]) == ("0.800", "0.200")
    assert view["queue_position"] == {"orders_ahead": 1, "quantity_ahead": "1.000"}
    assert order(http, behind)["queue_position"]["orders_ahead"] == 0
    amended = http.call("PATCH", f"/order/{answer['order_id']}", {"quantity": "0.3"}).granted()
    assert (amended["priority"], amended["remaining"], amended["shown_quantity"]) == ("kept", "0.100", "0.100")


def test_post_only_is_refused_or_slides(http: Http, symbol: str, enter: Enter) -> None:
    http.enter(symbol, "sell", "1", "100")
    refused = enter("buy", "limit", price="100", post_only=True)
    assert refused["error_code"] == "POST_ONLY_WOULD_TAKE"
    assert enter("buy", "limit", price="99", post_only=True)["post_only"] is True
    slid = enter("buy", "limit", price="101", post_only="slide")
    assert (slid["status"], slid["price"], slid["post_only"]) == ("resting", "99.99", "slide")
    assert "post_only" not in enter("buy", "limit", price="98", post_only=False)


@pytest.mark.parametrize(
    ("mode", "own", "taker", "trades"),
    [
        ("none", ("filled", None), ("filled", None), 1),
        ("cancel_oldest", ("cancelled", "self_trade"), ("resting", None), 0),
        ("cancel_both", ("cancelled", "self_trade"), ("cancelled", "self_trade"), 0),
        ("decrement", ("cancelled", "self_trade"), ("resting", None), 0),
    ],
)
def test_self_trade_prevention_by_order(
    http: Http, symbol: str, enter: Enter, mode: str, own: Any, taker: Any, trades: int
) -> None:
    mine = http.enter(symbol, "sell", "1", "100")
    answer = enter("buy", "limit", "1" if mode == "none" else "1.5", price="100", self_trade_prevention=mode)
    view = order(http, mine)
    assert (view["status"], view["reason"]) == own
    assert (answer["status"], answer["reason"], len(answer["trades"])) == (*taker, trades)
    assert answer["remaining_quantity"] == {"none": "0.000", "decrement": "0.500"}.get(mode, "1.500")
    assert answer["self_trade_prevention"] == order(http, answer)["self_trade_prevention"] == mode


def test_an_order_tells_the_mode_it_goes_by_open_done_and_in_each_leg(http: Http, symbol: str, enter: Enter) -> None:
    modes = {"self_trade_prevention": "cancel_both", "time_in_force": "gtc"}
    pair = enter("sell", "oco", price="110", stop_price="90", **modes)
    assert [leg["self_trade_prevention"] for leg in (pair, *pair["legs"])] == ["cancel_both"] * 2
    plain = enter("buy", "limit", price="80")
    assert plain["self_trade_prevention"] == "none"  # the built-in account's
    http.call("DELETE", f"/orders?symbol={symbol}").granted()
    done = {listed["order_id"]: listed["self_trade_prevention"] for listed in http.get("/orders?limit=3")["orders"]}
    assert done == {
        pair["order_id"]: "cancel_both",
        pair["linked_order_id"]: "cancel_both",
        plain["order_id"]: "none",
    }


def test_cancel_newest_is_refused_before_anything_happened_and_cancelled_after(
    http: Http, symbol: str, enter: Enter
) -> None:
    http.enter(symbol, "sell", "1", "100")
    refused = enter("buy", "limit", price="100", self_trade_prevention="cancel_newest")
    assert refused["error_code"] == "SELF_TRADE"


def test_times_in_force_of_the_clock(http: Http, symbol: str, enter: Enter) -> None:
    day = enter("buy", "limit", price="10", time_in_force="day")
    midnight = (day["ts_ns"] // (86_400 * 10**9) + 1) * 86_400
    assert (day["time_in_force"], day["expire_time"]) == ("day", str(midnight))
    exact = enter("buy", "limit", price="10", time_in_force="gtd", expire_time="4102444800.000000001")
    assert exact["expire_time"] == "4102444800.000000001"
    number = enter("buy", "limit", price="10", time_in_force="gtd", expire_time=4102444800)
    iso = enter("buy", "limit", price="10", time_in_force="gtd", expire_time="2100-01-01T02:00:00+02:00")
    assert number["expire_time"] == iso["expire_time"] == LATER
    past = enter("buy", "limit", price="10", time_in_force="gtd", expire_time="2020-01-01T00:00:00Z")
    assert past["error_code"] == "EXPIRE_TIME_PASSED"


def test_the_clock_ends_an_order_and_the_history_tells(http: Http, symbol: str) -> None:
    ended = http.get("/health")["timestamp"] + 3  # longer than a busy machine takes to enter it
    answer = http.enter(symbol, "buy", "1", "10", time_in_force="gtd", expire_time=f"{ended:.6f}")
    eventually(lambda: order(http, answer)["status"] == "expired")
    view = order(http, answer)
    assert (view["reason"], view["filled"], view["remaining"]) == (None, "0.000", "1.000")
    assert [each["order_id"] for each in http.get(f"/orders?symbol={symbol}&status=expired")["orders"]] == [
        answer["order_id"]
    ]
    http.post("/cancel", {"order_id": answer["order_id"]}).refused(409, "TOO_LATE")


REFUSED = [
    ("limit", {"price": "100", "post_only": True, "time_in_force": "ioc"}, "UNSUPPORTED_COMBINATION"),
    ("limit", {"price": "100", "stop_price": "100"}, "UNSUPPORTED_COMBINATION"),
    ("limit", {"price": "100", "time_in_force": "gtd"}, "UNSUPPORTED_COMBINATION"),
    ("limit", {"price": "100", "expire_time": LATER}, "UNSUPPORTED_COMBINATION"),
    ("stop", {}, "UNSUPPORTED_COMBINATION"),
    ("stop", {"stop_price": "100", "price": "100"}, "UNSUPPORTED_COMBINATION"),
    ("stop_limit", {"stop_price": "100"}, "UNSUPPORTED_COMBINATION"),
    ("take_profit", {"stop_price": "90", "price": "90"}, "UNSUPPORTED_COMBINATION"),
    ("take_profit_limit", {"price": "90"}, "UNSUPPORTED_COMBINATION"),
    ("take_profit", {"stop_price": "90", "time_in_force": "ioc"}, "UNSUPPORTED_COMBINATION"),
    ("trailing_stop", {"trail_amount": "1", "trail_percent": "1"}, "UNSUPPORTED_COMBINATION"),
    ("oco", {"price": "100", "stop_price": "90", "time_in_force": "fok"}, "UNSUPPORTED_COMBINATION"),
    ("market", {"post_only": True}, "UNSUPPORTED_COMBINATION"),
    ("stop", {"stop_price": "100.001"}, "BAD_TICK"),
    ("take_profit", {"stop_price": "90.001"}, "BAD_TICK"),
    ("trailing_stop", {"trail_percent": "1.00001"}, "BAD_TICK"),
    ("limit", {"price": "100", "display_quantity": "0.0001"}, "BAD_LOT"),
    ("limit", {"price": "100", "display_quantity": "1.001"}, "BAD_DISPLAY_QUANTITY"),
    ("limit", {"price": "100", "display_quantity": "0.009"}, "BAD_DISPLAY_QUANTITY"),
    ("trailing_stop", {"trail_percent": "100"}, "BAD_TRIGGER"),
    ("oco", {"price": "100", "stop_price": "90"}, "BAD_TRIGGER"),  # a buy
    ("limit", {"price": "100", "take_profit": "90"}, "BAD_TRIGGER"),
]


@pytest.mark.parametrize(("order_type", "fields", "code"), REFUSED)
def test_what_does_not_go_together_is_refused_by_the_order_and_by_its_test(
    http: Http, symbol: str, order_type: str, fields: dict[str, Any], code: str
) -> None:
    trade_at(http, symbol, "95")
    body = {"symbol": symbol, "side": "buy", "order_type": order_type, "quantity": "1", **fields}
    refusal = http.post("/order", body).refused(400, code)
    tested = http.post("/order/test", body).granted()
    assert (tested["accepted"], tested["error_code"], tested["error"]) == (False, code, refusal["error"])
    assert {**tested["details"], "seq": refusal["details"]["seq"]} == refusal["details"]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("post_only", "always", "INVALID_VALUE"),
        ("display_quantity", "0", "NOT_POSITIVE"),
        ("self_trade_prevention", "some", "INVALID_VALUE"),
        ("stop_price", "NaN", "NOT_FINITE"),
        ("trail_percent", "1e30", "OUT_OF_RANGE"),
        ("expire_time", "tomorrow", "INVALID_VALUE"),
        ("expire_time", "2031-01-01T00:00:00", "INVALID_VALUE"),
        ("expire_time", "2031-13-01T00:00:00Z", "INVALID_VALUE"),
        ("expire_time", [1], "INVALID_VALUE"),
        ("expire_time", True, "INVALID_VALUE"),
        ("expire_time", -1, "NOT_POSITIVE"),
        ("expire_time", "1e400", "OUT_OF_RANGE"),
        ("expire_time", "4102444800.0000000001", "OUT_OF_RANGE"),
    ],
)
def test_an_option_that_cannot_be_understood_has_its_own_answer(
    enter: Enter, field: str, value: Any, code: str
) -> None:
    refused = enter("buy", "limit", price="100", **{field: value})
    assert (refused["error_code"], refused["details"]) == (code, {"field": field})


def test_a_waiting_order_is_amended_and_mass_cancelled(http: Http, symbol: str) -> None:
    trade_at(http, symbol, "100")
    stop = http.enter(symbol, "buy", "2", order_type="stop", stop_price="110")
    path = f"/order/{stop['order_id']}"
    amended = http.call("PATCH", path, {"stop_price": "112.50", "quantity": "1"}).granted()
    assert (amended["status"], amended["stop_price"], amended["quantity"]) == ("pending_trigger", "112.50", "1.000")
    http.call("PATCH", path, {"price": "112"}).refused(422, "UNSUPPORTED_COMBINATION")
    http.call("PATCH", path, {"stop_price": "0.001"}).refused(422, "BAD_TICK")
    pair = http.enter(symbol, "sell", "1", "120", order_type="oco", stop_price="90")
    http.call("PATCH", f"/order/{pair['order_id']}", {"price": "121"}).refused(422, "UNSUPPORTED_COMBINATION")
    batch = [
        {"op": "amend", "order_id": stop["order_id"], "stop_price": "111"},
        {"op": "enter", "symbol": symbol, "side": "buy", "order_type": "limit", "quantity": "1", "price": "1"},
        {"op": "cancel", "order_id": pair["linked_order_id"]},
    ]
    results = http.post("/orders/batch", {"orders": batch}).granted()["results"]
    assert [result["status"] for result in results] == [200, 200, 200]
    assert results[0]["body"]["stop_price"] == "111.00"
    assert order(http, pair)["reason"] == "one_cancels_other"
    gone = http.call("DELETE", f"/orders?symbol={symbol}").granted()
    assert gone["cancelled"] == [stop["order_id"], results[1]["body"]["order_id"]]


def test_repetitions_are_the_same_order_with_every_field(http: Http, symbol: str) -> None:
    trade_at(http, symbol, "100")
    body = {"symbol": symbol, "side": "sell", "order_type": "oco", "quantity": "1", "price": "110"}
    body |= {
        "stop_price": "95",
        "stop_limit_price": "94",
        "self_trade_prevention": "decrement",
        "client_order_id": f"again-{symbol}",
    }
    first = http.post("/order", body).granted()
    again = http.post("/order", body).granted()
    described = set(first) - {"repeated", "seq", "bbo", "processing_time_ms", "legs"}
    assert (again["repeated"], {name: again[name] for name in described}) == (
        True,
        {name: first[name] for name in described},
    )
    assert http.post("/order/test", body).granted()["repeated"] is True
    for change in ({"stop_limit_price": "93"}, {"stop_limit_price": None}, {"self_trade_prevention": None}):
        other = body | change
        http.post("/order", other).refused(409, "DUPLICATE_CLIENT_ORDER_ID")
        assert http.post("/order/test", other).granted()["error_code"] == "DUPLICATE_CLIENT_ORDER_ID"


def test_pages_of_open_and_done_orders_with_legs_come_in_one_order(http: Http, symbol: str) -> None:
    trade_at(http, symbol, "100")
    http.enter(symbol, "sell", "3", "100")
    mixed = [
        {"side": "buy", "order_type": "limit", "price": "50"},
        {"side": "sell", "order_type": "oco", "price": "130", "stop_price": "80"},
        {"side": "buy", "order_type": "limit", "price": "100", "take_profit": "140", "stop_loss": "70"},
        {"side": "sell", "order_type": "oco", "price": "131", "stop_price": "81"},
        {"side": "buy", "order_type": "trailing_stop", "trail_percent": "5"},
        {"side": "buy", "order_type": "limit", "price": "100", "stop_loss": "71"},
        {"side": "buy", "order_type": "market"},
    ]
    orders = [{"symbol": symbol, "quantity": "1", **fields} for fields in mixed]
    answers = http.post("/orders/batch", {"orders": orders}).granted()["results"]
    assert [answer["status"] for answer in answers] == [200] * len(orders)
    http.call("DELETE", f"/order/{answers[1]['body']['order_id']}").granted()  # its stop leg ends with it
    whole = [view["order_id"] for view in http.get(f"/orders?symbol={symbol}&limit=1000")["orders"]]
    assert whole == sorted(whole, key=lambda order_id: (int(order_id) % 10**15, int(order_id)), reverse=True)
    assert len(whole) == len(set(whole)) == 3 + len(orders) + 2 + 2 + 1
    for size in (1, 2, 5):
        paged: list[str] = []
        cursor = ""
        while True:
            page = http.get(f"/orders?symbol={symbol}&limit={size}{cursor}")
            paged += [view["order_id"] for view in page["orders"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert paged == whole
    for status in ("open", "done"):
        some = [view["order_id"] for view in http.get(f"/orders?symbol={symbol}&status={status}&limit=1000")["orders"]]
        assert some == [order_id for order_id in whole if order_id in some]


def test_a_batch_of_a_thousand_mixes_everything(http: Http, symbol: str) -> None:
    trade_at(http, symbol, "100")
    kinds = [
        {"side": "buy", "order_type": "limit", "price": "90", "display_quantity": "0.1"},
        {"side": "sell", "order_type": "stop", "stop_price": "80"},
        {"side": "buy", "order_type": "trailing_stop", "trail_amount": "7"},
        {"side": "sell", "order_type": "oco", "price": "120", "stop_price": "85", "stop_limit_price": "84"},
        {"side": "buy", "order_type": "take_profit_limit", "stop_price": "85", "price": "86", "time_in_force": "day"},
    ]
    base = int(http.get("/health")["seq"])
    elements: list[dict[str, Any]] = []
    for number in range(500):
        name = f"{symbol}-{base}-{number}"
        elements.append({"symbol": symbol, "quantity": "1", "client_order_id": name, **kinds[number % len(kinds)]})
        elements.append({"op": "cancel", "client_order_id": name} if number % 3 else {"op": "amend", "order_id": "1"})
    results = http.post("/orders/batch", {"orders": elements}).granted()["results"]
    assert {result["status"] for result in results[::2]} == {200}
    assert {result["status"] for result in results[1::2]} == {200, 400}  # an amend of what, is not said
    open_orders = http.get(f"/orders?symbol={symbol}&status=open&limit=1000")["orders"]
    gone = http.call("DELETE", f"/orders?symbol={symbol}").granted()
    assert gone["count"] == len(open_orders) == 167 + 34  # 34 stop legs
    assert sorted(gone["cancelled"]) == sorted(view["order_id"] for view in open_orders)
