"""Fifty clients spend one balance at once: exactly what can be paid is accepted, to the minor unit."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction
from threading import Barrier, local
from typing import Any

import pytest

from tests.access.cast import Cast, Person, guest
from tests.server import Http

CLIENTS = 50
REQUESTS = 500  # over all clients
BUY_COST = (
    Fraction("29000") * Fraction("0.1") * (1 + Fraction(5, 10_000))
)  # with the taker's fee, the highest it may pay


def buying(number: int) -> tuple[str, Any]:
    """A buy that rests."""
    return "/order", _order("buy", "0.1", "29000.00", number)


def selling(number: int) -> tuple[str, Any]:
    """A sell that rests."""
    return "/order", _order("sell", "1.5", "32000.00", number)


def withdrawing(asset: str, amount: str) -> tuple[str, Any]:
    return "/account/withdraw", {"asset": asset, "amount": amount}


def _order(side: str, quantity: str, price: str, number: int) -> dict[str, Any]:
    order = {"symbol": "BTC-USDT", "side": side, "order_type": "limit", "quantity": quantity, "price": price}
    return order | {"client_order_id": f"{side}-{number}"}


def all_at_once(cast: Cast, who: Person, requests: list[tuple[str, Any]]) -> list[tuple[str, Any, int, str | None]]:
    """Send all requests over fifty connections: path, body, status and error code of each."""
    mine, start = local(), Barrier(CLIENTS)
    opened: list[Http] = []

    def connect() -> None:
        mine.http = Http(cast.server.url)
        opened.append(mine.http)
        start.wait(60)

    def send(request: tuple[str, Any]) -> tuple[str, Any, int, str | None]:
        path, body = request
        answer = mine.http.call("POST", path, body, who.bearer)
        return path, body, answer.status, None if answer.status == 200 else answer.error()["error_code"]

    with ThreadPoolExecutor(CLIENTS, initializer=connect) as pool:
        outcomes = list(pool.map(send, requests))
    for http in opened:
        http.close()
    return outcomes


def balances(cast: Cast, who: Person) -> dict[str, dict[str, Decimal]]:
    """Available, held and total of each asset."""
    rows = cast.http.call("GET", "/account/balances", headers=who.bearer).granted()["balances"]
    return {row["asset"]: {name: Decimal(row[name]) for name in ("available", "held", "total")} for row in rows}


@pytest.fixture
def spender(secured_cast: Cast) -> Person:
    """Somebody with 100,000 USDT and 100 BTC."""
    who = guest(secured_cast.http)
    found = balances(secured_cast, who)
    assert (found["USDT"]["available"], found["BTC"]["available"]) == (Decimal(100_000), Decimal(100))
    return who


def test_buys_alone_are_accepted_as_long_as_they_can_be_paid(secured_cast: Cast, spender: Person) -> None:
    outcomes = all_at_once(secured_cast, spender, [buying(number) for number in range(REQUESTS)])
    accepted = Fraction(100_000) // BUY_COST
    assert Counter(code for *_, code in outcomes) == {
        None: accepted,
        "INSUFFICIENT_FUNDS": REQUESTS - accepted,
    }
    usdt = balances(secured_cast, spender)["USDT"]
    assert Fraction(usdt["held"]) == accepted * BUY_COST
    assert Fraction(usdt["available"]) == 100_000 - accepted * BUY_COST


def test_buys_sells_and_withdrawals_never_spend_more_than_there_is(secured_cast: Cast, spender: Person) -> None:
    requests = [
        (
            buying(number),
            selling(number),
            withdrawing("USDT", "1234.0000000001"),
            withdrawing("BTC", "0.70000001"),
        )[number % 4]
        for number in range(REQUESTS)
    ]
    outcomes = all_at_once(secured_cast, spender, requests)
    spent = {"USDT": Fraction(0), "BTC": Fraction(0)}
    held = {"USDT": Fraction(0), "BTC": Fraction(0)}
    cheapest = {"USDT": Fraction("1234.0000000001"), "BTC": Fraction("0.70000001")}
    for path, body, _, code in outcomes:
        assert code in (None, "INSUFFICIENT_FUNDS")
        if code is None and path == "/account/withdraw":
            spent[body["asset"]] += Fraction(body["amount"])
        elif code is None and body["side"] == "buy":
            held["USDT"] += BUY_COST
        elif code is None:
            held["BTC"] += Fraction(body["quantity"])
    found = balances(secured_cast, spender)
    for asset, initially in (("USDT", 100_000), ("BTC", 100)):
        assert Fraction(found[asset]["held"]) == held[asset]
        assert Fraction(found[asset]["available"]) == initially - held[asset] - spent[asset] >= 0
        assert found[asset]["available"] < cheapest[asset]  # all that could be paid was taken
    secured_cast.http.call("GET", "/admin/check", headers=secured_cast.operator.bearer).granted()
    listed = secured_cast.http.call("GET", "/orders?status=open&limit=1000", headers=spender.bearer).granted()["orders"]
    named = {body["client_order_id"] for path, body, _, code in outcomes if path == "/order" and code is None}
    assert {order["client_order_id"] for order in listed} == named


def test_market_orders_at_once_never_spend_more_than_there_is(secured_cast: Cast, spender: Person) -> None:
    maker = guest(secured_cast.http)
    ask = {"symbol": "ETH-USDT", "side": "sell", "order_type": "limit", "quantity": "100", "price": "2000.00"}
    secured_cast.http.call("POST", "/order", ask, maker.bearer).granted()
    buy = {"symbol": "ETH-USDT", "side": "buy", "order_type": "market", "quantity": "0.7"}
    outcomes = all_at_once(secured_cast, spender, [("/order", buy)] * 150)
    cost = Fraction("0.7") * 2000 * (1 + Fraction(5, 10_000))
    bought = Fraction(100_000) // cost
    assert Counter(code for *_, code in outcomes) == {None: bought, "INSUFFICIENT_FUNDS": 150 - bought}
    found = balances(secured_cast, spender)
    assert Fraction(found["USDT"]["available"]) == 100_000 - bought * cost
    assert (Fraction(found["ETH"]["total"]), found["USDT"]["held"]) == (100 + bought * Fraction("0.7"), Decimal(0))
    secured_cast.http.call("DELETE", "/orders", headers=maker.bearer).granted()
