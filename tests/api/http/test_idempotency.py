"""`Idempotency-Key`: what is sent again is done once, and answered with what became of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.server import Answer, Http, RunningServer

_numbers = count()


def new_key() -> str:
    return f"key-{next(_numbers)}"


def keyed(http: Http, key: str, method: str, path: str, body: Any = None, token: str | None = None) -> Answer:
    shown = {} if token is None else {"Authorization": f"Bearer {token}"}
    return http.call(method, path, body, {"Idempotency-Key": key, **shown})


class Guest:
    """Somebody with a little money."""

    def __init__(self, http: Http) -> None:
        self.http = http
        self.token = str(http.call("POST", "/auth/guest").json["token"])

    def keyed(self, key: str, way: str, amount: str = "7", asset: str = "USDT") -> Answer:
        """Pay in or out."""
        return keyed(self.http, key, "POST", f"/account/{way}", {"asset": asset, "amount": amount}, self.token)

    def total(self, asset: str = "USDT") -> Decimal:
        shown = {"Authorization": f"Bearer {self.token}"}
        balances = self.http.call("GET", "/account/balances", None, shown).granted()["balances"]
        return next(Decimal(balance["total"]) for balance in balances if balance["asset"] == asset)


def resting(http: Http, symbol: str, price: str = "10", quantity: str = "2") -> str:
    return str(http.enter(symbol, "buy", quantity, price)["order_id"])


def without(answer: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in ("processing_time_ms", *names)}


@pytest.mark.parametrize("by", ["cancel", "delete"])
def test_a_cancel_that_comes_again_is_answered_as_the_first(http: Http, symbol: str, by: str) -> None:
    order_id, key = resting(http, symbol), new_key()
    way: tuple[Any, ...] = (
        ("POST", "/cancel", {"order_id": order_id}) if by == "cancel" else ("DELETE", f"/order/{order_id}")
    )
    first = keyed(http, key, *way).granted()
    again = keyed(http, key, *way).granted()
    assert first["success"] is True
    assert "repeated" not in first
    assert again.pop("repeated") is True
    assert without(again, "bbo") == without(first, "bbo")
    keyed(http, new_key(), *way).refused(409, "TOO_LATE")


def test_an_amend_that_comes_again_changes_nothing_even_when_the_order_is_done(http: Http, symbol: str) -> None:
    order_id, key = resting(http, symbol), new_key()
    change = ("PATCH", f"/order/{order_id}?symbol={symbol}", {"quantity": "3"})
    first = keyed(http, key, *change).granted()
    http.enter(symbol, "buy", "1", "10")
    again = keyed(http, key, *change).granted()
    assert again["repeated"] is True
    assert (again["order_id"], again["priority"], again["quantity"]) == (order_id, first["priority"], first["quantity"])
    http.call("DELETE", f"/order/{order_id}").granted()
    assert keyed(http, key, *change).granted()["repeated"] is True
    keyed(http, new_key(), *change).refused(409, "TOO_LATE")


def test_money_moves_once(http: Http) -> None:
    guest, into, out = Guest(http), new_key(), new_key()
    before = guest.total("CASH")
    for repeated in (None, True, True):
        assert guest.keyed(into, "deposit", asset="CASH").granted().get("repeated") is repeated
        assert guest.total("CASH") == before + 7
    for repeated in (None, True, True):
        assert guest.keyed(out, "withdraw", asset="CASH").granted().get("repeated") is repeated
        assert guest.total("CASH") == before


def test_what_was_refused_is_refused_again_though_it_would_be_taken_now(http: Http) -> None:
    guest, key = Guest(http), new_key()
    more = str(guest.total("CASH") + 1)
    guest.keyed(key, "withdraw", more, "CASH").refused(422, "INSUFFICIENT_FUNDS")
    guest.keyed(new_key(), "deposit", "5", "CASH").granted()
    guest.keyed(key, "withdraw", more, "CASH").refused(422, "INSUFFICIENT_FUNDS")
    guest.keyed(new_key(), "withdraw", more, "CASH").granted()


def test_a_key_is_an_accounts_own(http: Http) -> None:
    one, other, key = Guest(http), Guest(http), new_key()
    assert "repeated" not in one.keyed(key, "deposit", asset="CASH").granted()
    assert "repeated" not in other.keyed(key, "deposit", asset="CASH").granted()


def test_a_key_stands_for_one_request_alone(http: Http, symbol: str) -> None:
    one, other, key = resting(http, symbol), resting(http, symbol, "11"), new_key()
    keyed(http, key, "DELETE", f"/order/{one}").granted()
    keyed(http, key, "DELETE", f"/order/{other}").refused(409, "KEY_REUSED")
    keyed(http, key, "POST", "/account/deposit", {"asset": "CASH", "amount": "1"}).refused(409, "KEY_REUSED")
    assert http.get(f"/order/{other}")["status"] == "resting"
    http.call("DELETE", f"/order/{other}").granted()


def test_many_who_send_the_same_at_once_do_it_once(http: Http) -> None:
    guest, key, answers = Guest(http), new_key(), list[Any]()
    before = guest.total("CASH")

    def send() -> None:
        own = Http(http.url)
        body = {"asset": "CASH", "amount": "1"}
        answers.append(keyed(own, key, "POST", "/account/deposit", body, guest.token).granted())
        own.close()

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum("repeated" not in answer for answer in answers) == 1
    assert guest.total("CASH") == before + 1


def lasting(answer: dict[str, Any]) -> dict[str, Any]:
    """Of the answer to a batch what is the same whenever it is given."""
    passing = ("bbo", "processing_time_ms", "repeated", "request_id", "queue_position")
    return answer | {
        "repeated": None,
        "results": [
            {**result, "body": {name: value for name, value in result["body"].items() if name not in passing}}
            for result in answer["results"]
        ],
    }


def test_a_batch_that_comes_again_is_answered_as_the_first(http: Http, symbol: str) -> None:
    one, other, key = resting(http, symbol), resting(http, symbol), new_key()
    order = {"symbol": symbol, "side": "buy", "order_type": "limit", "quantity": "1", "price": "10"}
    elements = [
        order | {"client_order_id": "batch-again"},
        order | {"side": "sell", "order_type": "sideways"},
        {"op": "cancel", "order_id": one},
        {"op": "cancel", "order_id": one},
        {"op": "amend", "order_id": other, "quantity": "3"},
        {"op": "cancel_all", "symbol": symbol, "side": "sell"},
        order,
        order | {"price": "10.0000001"},
        order,
    ]
    way: tuple[str, str, Any] = ("POST", "/orders/batch", {"orders": elements})
    first = keyed(http, key, *way).granted()
    assert [result["status"] for result in first["results"]] == [200, 400, 200, 409, 200, 200, 200, 400, 200]
    before = http.get("/health")["seq"]
    again = keyed(http, key, *way).granted()
    assert ("repeated" in first, again["repeated"]) == (False, True)
    assert [result["body"].get("repeated") for result in again["results"] if result["status"] == 200] == [True] * 6
    assert lasting(again) == lasting(first)
    assert http.get("/health")["seq"] == before
    assert len(http.get(f"/orders?symbol={symbol}&status=open")["orders"]) == 4
    keyed(http, key, "POST", "/orders/batch", {"orders": elements[:-1]}).refused(409, "KEY_REUSED")
    again = keyed(http, new_key(), *way).granted()  # the same under another key is another batch
    assert len(http.get(f"/orders?symbol={symbol}&status=open")["orders"]) == 6
    http.call("DELETE", f"/orders?symbol={symbol}").granted()


@pytest.mark.parametrize("orders", [3, 250])
def test_a_mass_cancel_that_comes_again_leaves_what_was_entered_meanwhile(http: Http, symbol: str, orders: int) -> None:
    order = {"symbol": symbol, "side": "buy", "order_type": "limit", "quantity": "1", "price": "10"}
    entered = http.call("POST", "/orders/batch", {"orders": [order] * orders}).granted()["results"]
    key, way = new_key(), ("DELETE", f"/orders?symbol={symbol}")
    first = keyed(http, key, *way).granted()
    assert first["cancelled"] == [result["body"]["order_id"] for result in entered]
    assert (first["count"], "repeated" in first) == (orders, False)
    later = resting(http, symbol)
    assert keyed(http, key, *way).granted() == first | {"repeated": True}
    keyed(http, key, *way[:1], f"/orders?symbol={symbol}&side=buy").refused(409, "KEY_REUSED")
    assert http.get(f"/order/{later}")["status"] == "resting"
    assert keyed(http, new_key(), *way).granted()["cancelled"] == [later]


@pytest.mark.parametrize("key", ["", " ", "a b", "k" * 65, "k\u00e9y"])
def test_what_is_no_key_is_refused(http: Http, key: str) -> None:
    body = {"asset": "CASH", "amount": "1"}
    keyed(http, key, "POST", "/account/deposit", body).refused(400, "INVALID_VALUE")


def test_where_nothing_is_known_by_a_key_it_is_refused(http: Http, symbol: str) -> None:
    order = {"symbol": symbol, "side": "buy", "order_type": "limit", "quantity": "1", "price": "10"}
    said = keyed(http, new_key(), "POST", "/order", order).refused(400, "KEY_NOT_TAKEN")
    assert "client_order_id" in said["error"]
    keyed(http, new_key(), "POST", "/order/test", order).refused(400, "KEY_NOT_TAKEN")
    assert keyed(http, new_key(), "GET", f"/bbo/{symbol}").granted()


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[RunningServer]:
    """A server of this test's own."""
    with RunningServer(tmp_path / "data") as server:
        yield server


def test_a_key_is_known_after_a_kill(mortal: RunningServer) -> None:
    guest, key = Guest(mortal.http), new_key()
    guest.keyed(key, "deposit").granted()
    before = guest.total()
    mortal.kill_all()
    mortal.start()
    guest.http = mortal.http
    again = guest.keyed(key, "deposit")
    if again.status == 409:  # its historian wrote a snapshot, which has the key and not what came of it
        again.refused(409, "OUTCOME_FORGOTTEN")
    else:
        assert again.granted()["repeated"] is True
    guest.keyed(key, "deposit", "8").refused(409, "KEY_REUSED")
    assert guest.total() == before
