"""Which results are given to which elements of a batch that comes again, when what they ask for reads otherwise."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from api.json.errors import ApiError
from api.orders.batch import BatchCommand
from api.orders.mass_cancels import ORDERS_A_BATCH
from api.orders.repeated_batch import results_by_element
from engine.commands import AmendOrder, CancelOrder, EnterOrder
from engine.events import CommandResult
from engine.types import SANDBOX_ACCOUNT, Lots, OrderId, OrderType, Seq, Side, Ticks, TimeInForce
from tests.server import Http

AMEND = AmendOrder(SANDBOX_ACCOUNT, OrderId(7), Ticks(900), Lots(3))
AMEND_OF_ONE_DONE = AmendOrder(SANDBOX_ACCOUNT, OrderId(7), "9", "3")  # whose instrument nobody knows any more
ENTER = EnterOrder(SANDBOX_ACCOUNT, "X", Side.BUY, OrderType.LIMIT, TimeInForce.GTC, Lots(3), Ticks(900))
MALFORMED = ApiError(400, "INVALID_VALUE", "No.")


def came_of(*commands: BatchCommand) -> list[CommandResult]:
    return [CommandResult(Seq(seq), 0, command, []) for seq, command in enumerate(commands, 1)]


@pytest.mark.parametrize(
    ("asked", "sequenced"),
    [
        (AMEND_OF_ONE_DONE, AMEND),
        (AMEND, AMEND_OF_ONE_DONE),
        (replace(ENTER, quantity="3", price="9"), ENTER),  # of a symbol that is not listed any more
    ],
)
def test_what_reads_otherwise_now_has_its_result(asked: BatchCommand, sequenced: BatchCommand) -> None:
    results = came_of(sequenced, ENTER)
    assert results_by_element([asked, MALFORMED, ENTER], results) == [results[0], None, results[1]]


@pytest.mark.parametrize(
    "asked",
    [
        replace(AMEND_OF_ONE_DONE, order_id=OrderId(8)),
        replace(AMEND_OF_ONE_DONE, price=None),
        replace(AMEND_OF_ONE_DONE, stop_price="9"),
        replace(AMEND, price=Ticks(901)),
        CancelOrder(SANDBOX_ACCOUNT, OrderId(7)),
    ],
)
def test_what_asks_for_something_else_has_none(asked: BatchCommand) -> None:
    assert results_by_element([asked], came_of(AMEND)) is None


def test_where_two_elements_that_differ_may_have_had_a_result_neither_is_given_it() -> None:
    another = replace(AMEND_OF_ONE_DONE, price="10")
    assert results_by_element([another, AMEND_OF_ONE_DONE], came_of(AMEND)) is None
    assert results_by_element([AMEND_OF_ONE_DONE, AMEND_OF_ONE_DONE], came_of(AMEND)) == [*came_of(AMEND), None]


def test_an_amend_in_a_batch_that_comes_again_is_answered_when_its_order_is_done(http: Http, symbol: str) -> None:
    order_id = http.enter(symbol, "buy", "2", "10")["order_id"]
    order = {"symbol": symbol, "side": "buy", "order_type": "limit", "quantity": "1", "price": "9"}
    amends = [{"op": "amend", "order_id": order_id, "price": price} for price in ("8", "1e9")]
    body, key = {"orders": [*amends, order]}, {"Idempotency-Key": f"amended-{symbol}"}
    first = http.call("POST", "/orders/batch", body, key).granted()
    assert [result["status"] for result in first["results"]] == [200, 422, 200]
    http.call("DELETE", "/orders").granted()
    again = http.call("POST", "/orders/batch", body, key).granted()
    assert again["repeated"] is True
    for now, before in zip(again["results"], first["results"], strict=True):
        assert now["status"] == before["status"]
        for name in ("order_id", "price", "trades", "error", "error_code", "details"):
            assert now["body"].get(name) == before["body"].get(name)


def test_an_element_that_was_left_out_and_would_be_taken_now_is_said_to_have_done_nothing(http: Http) -> None:
    token = http.call("POST", "/auth/guest").json["token"]
    shown = {"Authorization": f"Bearer {token}"}
    order = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.001", "price": "100.00"}
    http.call("POST", "/orders/batch", {"orders": [order] * (ORDERS_A_BATCH + 1)}, shown).granted()
    body, keyed = {"orders": [{"op": "cancel_all"}, order]}, {**shown, "Idempotency-Key": "left-out"}
    first = http.call("POST", "/orders/batch", body, keyed).granted()["results"]
    assert (first[0]["body"]["error_code"], first[1]["status"]) == ("TOO_MANY_OPEN_ORDERS", 200)
    http.call("DELETE", "/orders", None, shown).granted()
    again = http.call("POST", "/orders/batch", body, keyed).granted()
    assert again["repeated"] is True
    left_out, entered = again["results"]
    assert (left_out["status"], left_out["body"]["error_code"]) == (409, "WAS_REFUSED")
    assert entered["body"]["order_id"] == first[1]["body"]["order_id"]
    assert http.call("GET", "/orders?status=open", None, shown).granted()["orders"] == []
