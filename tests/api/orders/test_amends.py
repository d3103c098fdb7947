"""PATCH /order/{order_id}: the order after the change, and what the change brought about."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.orders.shapes import ORDER, check_shape
from tests.server import Http

AMENDED = ORDER | {"fills": list, "priority": str, "trades": list, "bbo": dict}


def test_an_amend_answers_with_the_order_and_whether_it_kept_its_place(http: Http, symbol: str) -> None:
    path = f"/order/{http.enter(symbol, 'buy', '2', '100')['order_id']}"
    less = http.call("PATCH", path, {"quantity": "1"}).granted()
    check_shape(less, AMENDED | {"queue_position": dict})
    assert (less["priority"], less["quantity"], less["fills"], less["trades"]) == ("kept", "1.000", [], [])
    assert (less["bbo"]["best_bid"], less["bbo"]["bid_size"]) == ("100.00", "1.000")
    more = http.call("PATCH", path, {"quantity": 2}).granted()
    assert more["priority"] == "lost"
    moved = http.call("PATCH", path, {"price": 99.5}).granted()
    assert (moved["priority"], moved["price"]) == ("lost", "99.50")
    check_shape(http.get(path), ORDER | {"fills": list, "queue_position": dict})
    http.enter(symbol, "sell", "0.5", "101")
    partly = http.call("PATCH", path, {"price": "101"}).granted()
    check_shape(partly, AMENDED | {"queue_position": dict})
    http.enter(symbol, "sell", "1.5", "102")
    crossed = http.call("PATCH", path, {"price": "102"}).granted()
    check_shape(crossed, AMENDED)
    assert (crossed["status"], crossed["average_price"], crossed["priority"]) == ("filled", "101.75", "lost")
    assert [fill["quantity"] for fill in crossed["fills"]] == ["0.500", "1.500"]
    assert [(trade["price"], trade["quantity"]) for trade in crossed["trades"]] == [("102.00", "1.500")]
    assert http.get(path)["fills"] == crossed["fills"]
    http.call("PATCH", path, {"price": "99"}).refused(409, "TOO_LATE")
    http.call("PATCH", "/order/999999999999", {"price": "99"}).refused(404, "UNKNOWN_ORDER")


def test_an_amend_to_what_is_filled_cancels_the_rest(http: Http, symbol: str) -> None:
    order = http.enter(symbol, "buy", "2", "100")
    http.enter(symbol, "sell", "1", "100")
    amended = http.call("PATCH", f"/order/{order['order_id']}", {"quantity": "1"}).granted()
    check_shape(amended, AMENDED)
    assert (amended["status"], amended["reason"], amended["filled"]) == ("cancelled", "amended_below_filled", "1.000")
    assert (amended["priority"], len(amended["fills"]), amended["trades"]) == ("lost", 1, [])


def test_an_entry_amended_beyond_its_exits_is_refused(http: Http, symbol: str) -> None:
    entry = http.enter(symbol, "buy", "2", "99", take_profit="110", stop_loss="90")
    http.call("PATCH", f"/order/{entry['order_id']}", {"price": "115"}).refused(422, "BAD_TRIGGER")
    assert http.depth(symbol)[0] == [["99.00", "2.000", 1]]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"price": "100.001"}, "BAD_TICK"),
        ({"quantity": "1.0001"}, "BAD_LOT"),
        ({"quantity": 1e7}, "QUANTITY_TOO_LARGE"),
    ],
)
def test_a_refused_amend_says_422_and_changes_nothing(
    http: Http, symbol: str, change: dict[str, Any], code: str
) -> None:
    order = http.enter(symbol, "buy", "2", "100")
    http.call("PATCH", f"/order/{order['order_id']}", change).refused(422, code)
    assert http.depth(symbol)[0] == [["100.00", "2.000", 1]]
