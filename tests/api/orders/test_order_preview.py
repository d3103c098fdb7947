"""POST /order/test: it says what POST /order then does, in numbers, and changes nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.api.clients import bearer, created
from tests.server import Http


@pytest.fixture
def book(http: Http, symbol: str) -> str:
    """A symbol with bids of 1 at 99 and 98, and asks of 1 at 100 and 101, all of account 1."""
    for side, price in (("buy", "99"), ("buy", "98"), ("sell", "100"), ("sell", "101")):
        http.enter(symbol, side, "1", price)
    return symbol


def body(symbol: str, side: str, quantity: str, price: str | None = None, **further: Any) -> dict[str, Any]:
    """An order: limit with a price, market without."""
    fields = {"symbol": symbol, "side": side, "order_type": "limit" if price else "market", "quantity": quantity}
    return fields | ({"price": price} if price else {}) | further


def preview(http: Http, order: dict[str, Any]) -> Any:
    """What the test of an order that would be accepted says."""
    answer = http.post("/order/test", order).granted()
    assert answer["accepted"] is True, answer
    return answer


def test_a_test_tells_price_slippage_fees_and_hold_and_the_order_does_so(http: Http, book: str) -> None:
    digest = http.get("/health?digest=true")["digest"]
    order = body(book, "buy", "2.5", "101")
    said = preview(http, order)
    expected: dict[str, Any] = {
        "status": "partially_filled",
        "reason": None,
        "asked_price": "101.00",
        "price": "101.00",
        "quantity": "2.500",
        "filled_quantity": "2.000",
        "resting_quantity": "0.500",
        "average_price": "100.50",
        "worst_price": "101.00",
        "notional": "201",
        "trades": 2,
        "mid_price": "99.50",
        "slippage": "1.00",
        "slippage_percent": "1.005",
        "taker_fee": "0.1005",
        "maker_fee": "0.0101",
        "held": "50.52525",
        "held_asset": "CASH",
        "protections": [],
    }
    assert {name: said[name] for name in expected} == expected
    assert http.get("/health?digest=true")["digest"] == digest
    answer = http.post("/order", order).granted()
    for name in ("status", "filled_quantity", "average_price", "quantity", "price"):
        assert answer[name] == said[name]
    assert (answer["remaining_quantity"], answer["total_taker_fees"]) == ("0.500", "0.1005")


def test_selling_at_the_market_slips_downwards(http: Http, book: str) -> None:
    said = preview(http, body(book, "sell", "3"))
    assert (said["status"], said["reason"], said["filled_quantity"]) == ("cancelled", "no_liquidity", "2.000")
    assert (said["average_price"], said["slippage"], said["slippage_percent"]) == ("98.50", "1.00", "1.005")
    assert (said["resting_quantity"], said["held"], said["held_asset"], said["price"]) == ("0.000", "0", "COIN", None)


def test_what_rests_is_told_with_what_it_would_hold_and_pay(http: Http, book: str) -> None:
    said = preview(http, body(book, "sell", "2", "105"))
    assert (said["status"], said["resting_quantity"], said["trades"], said["average_price"]) == (
        "resting", "2.000", 0, None,
    )  # fmt: skip
    assert (said["held"], said["held_asset"], said["maker_fee"], said["slippage"]) == ("2", "COIN", "0.042", None)


def test_what_waits_is_told(http: Http, book: str) -> None:
    http.enter(book, "buy", "0.5", "100")
    said = preview(http, body(book, "buy", "1", order_type="stop", stop_price="110"))
    assert (said["status"], said["resting_quantity"], said["held"]) == ("pending_trigger", "1.000", "121.0605")


@pytest.mark.parametrize(
    ("further", "protections", "price"),
    [
        ({"price": "101", "post_only": "slide"}, ["post_only_slide"], "99.99"),
        ({"price": "101", "self_trade_prevention": "cancel_oldest"}, ["self_trade"], "101.00"),
        ({"price": "101", "post_only": False}, [], "101.00"),
    ],
)
def test_what_protects_is_named(
    http: Http, book: str, further: dict[str, Any], protections: list[str], price: str
) -> None:
    order = body(book, "buy", "1", **further)
    said = preview(http, order)
    assert (said["protections"], said["price"], said["asked_price"]) == (protections, price, "101.00")
    assert http.post("/order", order).granted()["price"] == price


def test_the_collar_that_ends_a_market_order_is_named(http: Http) -> None:
    http.call("DELETE", "/orders?symbol=STRICT").granted()
    for price in ("100", "115"):
        http.enter("STRICT", "sell", "1", price)
    order = body("STRICT", "buy", "5")
    said = preview(http, order)
    assert (said["filled_quantity"], said["reason"], said["protections"]) == ("1.0", "no_liquidity", ["collar"])
    assert http.post("/order", order).granted()["filled_quantity"] == "1.0"
    http.call("DELETE", "/orders?symbol=STRICT").granted()


def test_the_stops_that_its_trades_would_reach_are_counted(http: Http, book: str) -> None:
    for stop_price in ("98.5", "98", "90"):
        http.enter(book, "sell", "0.1", order_type="stop", stop_price=stop_price)
    order = body(book, "sell", "1.5", "98")
    assert (preview(http, order)["would_trigger"], preview(http, order | {"quantity": "1"})["would_trigger"]) == (2, 0)
    assert preview(http, order | {"price": "120"})["would_trigger"] == 0
    http.post("/order", order).granted()
    assert len(http.get(f"/orders?symbol={book}&status=pending_trigger")["orders"]) == 1


@pytest.mark.parametrize(
    ("side", "price", "exits", "expected"),
    [
        ("buy", "100", {"take_profit": "120", "stop_loss": "90"}, ("at_once", "1.000", "1", "COIN", None)),
        ("buy", "97", {"take_profit": "120"}, ("when_it_ends", "2.000", "2", "COIN", None)),
        ("sell", "99", {"stop_loss": "105"}, ("at_once", "1.000", "115.55775", "CASH", None)),
        ("sell", "99", {}, None),
    ],
)
def test_the_exits_of_a_bracket_are_told_with_what_they_would_hold(
    http: Http, book: str, side: str, price: str, exits: dict[str, str], expected: Any
) -> None:
    order = body(book, side, "2" if price == "97" else "1", price, **exits)
    said = preview(http, order)["exits"]
    assert (
        said and (*(said[name] for name in ("entered", "quantity", "held", "held_asset")), said["reason"])
    ) == expected
    answer = http.post("/order", order).granted()
    assert ("legs" in answer) is (said is not None and said["entered"] == "at_once")


def test_who_cannot_pay_for_the_exits_is_told_so_and_the_entry_goes_ahead(http: Http, book: str) -> None:
    signed_in = created(http.post("/auth/guest", None))
    http.call("POST", "/account/withdraw", {"asset": "CASH", "amount": "100000"}, bearer(signed_in)).granted()
    order = body(book, "sell", "1", "99", stop_loss="105")
    said = http.call("POST", "/order/test", order, bearer(signed_in)).granted()
    assert (said["accepted"], said["status"], said["exits"]["reason"]) == (True, "filled", "insufficient_funds")
    answer = http.call("POST", "/order", order, bearer(signed_in)).granted()
    assert (answer["status"], "legs" in answer) == ("filled", False)


def test_who_cannot_pay_is_told_so(http: Http, book: str) -> None:
    guest = created(http.post("/auth/guest", None))
    order = body(book, "buy", "100000", "101")
    refused = http.call("POST", "/order/test", order, bearer(guest)).granted()
    assert (refused["accepted"], refused["error_code"]) == (False, "INSUFFICIENT_FUNDS")
    http.call("POST", "/order", order, bearer(guest)).refused(400, "INSUFFICIENT_FUNDS")
    http.post("/order/test", order | {"quantity": "NaN"}).refused(400, "NOT_FINITE")
    assert http.post("/order/test", order | {"symbol": "NONE"}).granted()["error_code"] == "UNKNOWN_SYMBOL"


@pytest.mark.parametrize("stop_limit", [None, "99"])
def test_a_pair_whose_stop_price_is_reached_is_told_with_its_stop_leg(
    http: Http, symbol: str, stop_limit: str | None
) -> None:
    http.enter(symbol, "buy", "1", "100")
    http.enter(symbol, "sell", "1", "100")
    if stop_limit is None:
        http.enter(symbol, "buy", "20", "99")
    further = {"stop_limit_price": stop_limit} if stop_limit else {}
    order = body(symbol, "sell", "16", "110", stop_price="100", **further) | {"order_type": "oco"}
    said, before = preview(http, order), http.get("/account/balances")["balances"]
    answer = http.post("/order", order).granted()
    assert [said[name] for name in ("status", "reason", "price", "quantity")] == [
        answer[name] for name in ("status", "reason", "price", "quantity")
    ]
    [leg], [done] = said["legs"], answer["legs"]
    for name in ("order_type", "quantity", "price", "status", "reason", "filled_quantity", "stop_price"):
        assert leg[name] == done[name]
    filled, held = ("16.000", "0") if stop_limit is None else ("0.000", "16")
    assert (said["filled_quantity"], said["held"], leg["filled_quantity"], leg["held"]) == (filled, held, filled, held)
    assert (said["notional"], said["trades"]) == (("1584", 1) if stop_limit is None else ("0", 0))
    held_before, held_after = (
        next(row["held"] for row in balances if row["asset"] == "COIN")
        for balances in (before, http.get("/account/balances")["balances"])
    )
    assert Decimal(held_after) - Decimal(held_before) == Decimal(held)


def test_a_pair_whose_limit_leg_trades_holds_for_the_rest_of_that_leg_alone(http: Http, book: str) -> None:
    order = body(book, "buy", "5", "101", stop_price="110") | {"order_type": "oco"}
    said = preview(http, order)
    alone = preview(http, body(book, "buy", "5", "101"))
    assert (said["filled_quantity"], said["held"]) == ("2.000", alone["held"])
    assert [(leg["status"], leg["reason"], leg["held"]) for leg in said["legs"]] == [
        ("cancelled", "one_cancels_other", "0")
    ]


def test_the_exits_that_are_entered_at_once_are_told_as_legs(http: Http, book: str) -> None:
    order = body(book, "buy", "1", take_profit="120", stop_loss="90")
    said = preview(http, order)["legs"]
    answer = http.post("/order", order).granted()["legs"]
    assert [(leg["order_type"], leg["status"], leg["price"], leg["stop_price"]) for leg in said] == [
        ("limit", "resting", "120.00", None), ("stop", "pending_trigger", None, "90.00"),
    ]  # fmt: skip
    for leg, done in zip(said, answer, strict=True):
        assert {name: leg[name] for name in leg.keys() & done.keys()} == {
            name: done[name] for name in leg.keys() & done.keys()
        }


def test_what_a_triggered_stop_holds_for_is_named_where_there_is_no_collar(http: Http, symbol: str) -> None:
    for price in ("100", "150"):
        http.enter(symbol, "sell", "1", price)
    http.enter(symbol, "buy", "0.5", "100")
    order = body(symbol, "buy", "5", order_type="stop", stop_price="100")
    said = preview(http, order)
    assert (said["filled_quantity"], said["reason"], said["protections"]) == ("0.500", "no_liquidity", ["held_funds"])
