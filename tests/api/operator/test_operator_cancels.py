"""Operators cancel everybody's orders: in a symbol, or in the whole venue and then only when they confirm it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.access.cast import Person, guest, operator, with_operator
from tests.server import Answer, RunningServer

ORDER = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.001", "price": "29000.00"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with an operator, on which this module trades alone."""
    with with_operator(tmp_path_factory.mktemp("cancelled") / "data") as running:
        yield running


@pytest.fixture
def traders(server: RunningServer) -> list[Person]:
    """Two, each with two orders in BTC-USDT and one in ETH-USDT."""
    people = [guest(server.http) for _ in range(2)]
    for who in people:
        for symbol, price in (("BTC-USDT", "29000.00"), ("BTC-USDT", "28900.00"), ("ETH-USDT", "1900.00")):
            server.http.call("POST", "/order", ORDER | {"symbol": symbol, "price": price}, who.bearer).granted()
    return people


def open_symbols(server: RunningServer, who: Person) -> list[str]:
    """The symbols of somebody's open orders."""
    page = server.http.call("GET", "/orders?status=open", headers=who.bearer).granted()
    return [order["symbol"] for order in page["orders"]]


def test_everybodys_orders_of_a_symbol_and_of_the_venue_are_cancelled(
    server: RunningServer, traders: list[Person]
) -> None:
    boss = operator(server.http)
    of_symbol = server.http.call("DELETE", "/admin/symbols/BTC-USDT/orders", None, boss.bearer).granted()
    assert (of_symbol["symbol"], of_symbol["count"], of_symbol["accounts"]) == ("BTC-USDT", 4, 2)
    assert [open_symbols(server, who) for who in traders] == [["ETH-USDT"], ["ETH-USDT"]]
    for path in ("/admin/orders", "/admin/orders?confirm=yes"):
        server.http.call("DELETE", path, None, boss.bearer).error()
    assert [open_symbols(server, who) for who in traders] == [["ETH-USDT"], ["ETH-USDT"]]
    of_venue = server.http.call("DELETE", "/admin/orders?confirm=all", None, boss.bearer).granted()
    assert (of_venue["symbol"], of_venue["count"], of_venue["accounts"]) == (None, 2, 2)
    assert [open_symbols(server, who) for who in traders] == [[], []]
    again = server.http.call("DELETE", "/admin/orders?confirm=all", None, boss.bearer).granted()
    assert (again["count"], again["seq"]) == (0, of_venue["seq"])
    audit = server.http.call("GET", "/admin/audit?limit=3", headers=boss.bearer).granted()["entries"]
    assert [(entry["action"], entry["subject"], entry["details"]["count"]) for entry in audit] == [
        ("cancel_all", "every symbol", "0"),
        ("cancel_all", "every symbol", "2"),
        ("cancel_all", "BTC-USDT", "4"),
    ]
    server.http.call("DELETE", "/admin/symbols/NO-WHERE/orders", None, boss.bearer).refused(404, "UNKNOWN_SYMBOL")


def again(server: RunningServer, boss: Person, key: str, path: str) -> Answer:
    """An operator's request under a key."""
    return server.http.call("DELETE", path, None, boss.bearer | {"Idempotency-Key": key})


@pytest.mark.parametrize("path", ["/admin/symbols/BTC-USDT/orders", "/admin/orders?confirm=all"])
def test_a_mass_cancel_that_comes_again_is_answered_as_the_first_and_spares_what_was_entered_since(
    server: RunningServer, traders: list[Person], path: str
) -> None:
    boss, key = operator(server.http), f"mass {path}".replace(" ", "-")
    first = again(server, boss, key, path).granted()
    assert first["count"] >= 4
    since = server.http.call("POST", "/order", ORDER, traders[0].bearer).granted()
    repeated = again(server, boss, key, path).granted()
    assert {name: repeated[name] for name in first} == first
    assert (repeated["repeated"], "repeated" in first) == (True, False)
    assert (
        server.http.call("GET", f"/order/{since['order_id']}", None, traders[0].bearer).granted()["status"] == "resting"
    )
    again(server, boss, key, "/admin/symbols/ETH-USDT/orders").refused(409, "KEY_REUSED")
    assert again(server, boss, f"{key}-later", path).granted()["count"] >= 1


def test_the_cancel_of_an_account_or_of_one_order_that_comes_again_is_answered_as_the_first(
    server: RunningServer, traders: list[Person]
) -> None:
    boss, who = operator(server.http), traders[0]
    order_id = server.http.call("POST", "/order", ORDER, who.bearer).granted()["order_id"]
    one = again(server, boss, "one", f"/admin/orders/{order_id}").granted()
    assert again(server, boss, "one", f"/admin/orders/{order_id}").granted() == one | {"repeated": True}
    again(server, boss, "other", f"/admin/orders/{order_id}").refused(404, "UNKNOWN_ORDER")
    path = f"/admin/accounts/{one['account']}/orders"
    every = again(server, boss, "every", path).granted()
    assert every["count"] == 3
    server.http.call("POST", "/order", ORDER, who.bearer).granted()
    repeated = again(server, boss, "every", path).granted()
    assert (repeated["cancelled"], repeated["repeated"]) == (every["cancelled"], True)
    assert open_symbols(server, who) == ["BTC-USDT"]
