"""What a stranger can do to a quiet symbol, and learn of it, with a guest's account and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.access.cast import Cast, Person, guest

SYMBOL = "BNB-USDT"  # which no other test of this folder trades
PRICES = [600 * 1.09**step for step in range(1, 100)]  # each within the collar, were the one before it the last
MODES = ["none", "cancel_newest", "cancel_oldest", "cancel_both", "decrement", None]


def order(side: str, quantity: str, price: str | None = None, **fields: Any) -> dict[str, Any]:
    """The body of a limit order, or without a price of a market order."""
    body = {"symbol": SYMBOL, "side": side, "order_type": "limit" if price else "market", "quantity": quantity}
    return body | ({"price": price} if price else {}) | fields


def enter(cast: Cast, who: Person, body: dict[str, Any], path: str = "/order") -> Any:
    """What is answered to an order that is taken."""
    return cast.http.call("POST", path, body, who.bearer).granted()


@pytest.fixture
def people(secured_cast: Cast) -> Iterator[tuple[Cast, Person, Person, Person]]:
    """Three guests; two have traded with each other at 600. Nothing of theirs is left behind."""
    cast = secured_cast
    somebody = [guest(cast.http) for _ in range(3)]
    enter(cast, somebody[0], order("sell", "0.01", "600"))
    enter(cast, somebody[1], order("buy", "0.01", "600"))
    yield cast, somebody[0], somebody[1], somebody[2]
    for who in somebody:
        cast.http.call("DELETE", "/orders", None, who.bearer).granted()


@pytest.mark.parametrize("mode", MODES)
def test_one_guest_cannot_walk_the_price_of_a_quiet_symbol(
    people: tuple[Cast, Person, Person, Person], mode: str | None
) -> None:
    cast, honest, other, walker = people
    stop = enter(cast, honest, order("buy", "0.01", order_type="stop", stop_price="650"))
    batch: list[dict[str, Any]] = []
    for price in PRICES[:40]:
        asked = {} if mode is None else {"self_trade_prevention": mode}
        batch += [order(side, "0.001", f"{price:.2f}", **asked) for side in ("sell", "buy")]
    results = cast.http.call("POST", "/orders/batch", {"orders": batch}, walker.bearer).granted()["results"]
    if mode == "none":
        assert {result["body"]["error_code"] for result in results} == {"SELF_TRADE_PREVENTION_NOT_ALLOWED"}
        refused = cast.http.call("POST", "/order", order("buy", "0.001", "600", self_trade_prevention="none"),
                                 walker.bearer).refused(400, "SELF_TRADE_PREVENTION_NOT_ALLOWED")  # fmt: skip
        assert "self-trade prevention" in refused["error"]
    cast.http.call("DELETE", "/orders", None, walker.bearer).granted()
    forecast = cast.http.get(f"/ticker/{SYMBOL}")
    assert forecast["last"] == "600.00"
    waiting = cast.http.call("GET", f"/order/{stop['order_id']}", None, honest.bearer).granted()
    assert waiting["status"] == "pending_trigger"
    enter(cast, other, order("sell", "0.01", "640"))  # and what is honest is within the collar as it was
    assert enter(cast, honest, order("buy", "0.01", "640"))["status"] == "filled"
    enter(cast, other, order("buy", "0.01", "600"))
    enter(cast, honest, order("sell", "0.01", "600"))


def test_a_test_of_an_order_tells_neither_what_others_hide_nor_where_their_stops_are(
    people: tuple[Cast, Person, Person, Person],
) -> None:
    cast, owner, other, asker = people
    enter(cast, owner, order("sell", "1", "610", display_quantity="0.1"))
    enter(cast, other, order("sell", "0.1", "620"))
    for who in (owner, asker):
        enter(cast, who, order("buy", "0.01", order_type="stop", stop_price="615"))

    def forecast(who: Person, body: dict[str, Any]) -> tuple[Any, ...]:
        answer = enter(cast, who, body, "/order/test")
        assert answer["sees"] == "shown_and_own"
        return answer["status"], answer["filled_quantity"], answer["worst_price"], answer["would_trigger"]

    sweep = order("buy", "1.1", "620", time_in_force="ioc", self_trade_prevention="cancel_oldest")
    assert forecast(asker, sweep) == ("cancelled", "0.200000", "620.00", 1)  # its own stop, and what is shown
    assert forecast(other, order("buy", "1", "610", time_in_force="ioc")) == ("cancelled", "0.100000", "610.00", 0)
    all_of_it = order("buy", "1", "610", time_in_force="fok")
    assert forecast(asker, all_of_it) == ("cancelled", "0.000000", None, 0)
    quote = cast.http.get(f"/quote/{SYMBOL}?side=buy&quantity=1")
    assert (quote["filled_quantity"], quote["worst_price"]) == ("0.200000", "620.00")
    assert cast.http.get("/statistics")["active_orders"] == sum(
        symbol["active_orders"] for symbol in cast.http.get("/symbols")["symbol_info"].values()
    )  # which stand in the book: those that wait are nobody's business
    assert enter(cast, asker, all_of_it)["status"] == "filled"  # the order itself finds what is hidden
