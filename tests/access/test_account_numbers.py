"""A number that nobody has cannot be operated on, and nobody inherits what was ever set for one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.bootstrap import Server
from api.settings import Settings
from engine.commands import ConfigureAccount, Deposit, StopAccount
from engine.types import AccountId
from tests.access.cast import Cast, appoint, guest, with_operator
from tests.server import RunningServer

UNKNOWN = (2, 999, 1_000_000, 2**53, 2**62, 2**62 + 1, 2**63 - 1, 2**63, 2**64)
OPERATIONS: tuple[tuple[str, str, Any], ...] = (
    ("GET", "", None),
    ("PUT", "", {"tier": "vip"}),
    ("POST", "/stop", None),
    ("POST", "/start", None),
    ("POST", "/deposit", {"asset": "USDT", "amount": "1"}),
    ("DELETE", "/orders", None),
)


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    """A venue with an operator and a guest."""
    with with_operator(tmp_path_factory.mktemp("numbers") / "data", "--profile", "secured") as server:
        yield Cast(server)


@pytest.mark.parametrize("number", UNKNOWN)
def test_an_account_that_nobody_has_cannot_be_operated_on(venue: Cast, number: int) -> None:
    seq = venue.http.get("/health")["seq"]
    for method, path, body in OPERATIONS:
        answer = venue.http.call(method, f"/admin/accounts/{number}{path}", body, venue.operator.bearer)
        assert answer.status == 404, (method, path, answer.content)
        answer.refused(404, "UNKNOWN_ACCOUNT")
    assert venue.http.get("/health")["seq"] == seq


def test_the_accounts_of_users_and_the_venues_own_can_be(venue: Cast) -> None:
    for number in (0, 1, venue.trader.account):
        for method, path, body in OPERATIONS:
            venue.http.call(method, f"/admin/accounts/{number}{path}", body, venue.operator.bearer).granted()


def test_who_comes_next_inherits_neither_money_nor_a_stop_nor_a_tier_and_stays_within_reach(tmp_path: Path) -> None:
    data = tmp_path / "data"
    appoint(data)
    slips = (1001, 1002, 1005, 2**62)  # as operators of before could make them
    server = Server(Settings(data=data))
    for number in map(AccountId, slips):
        commands = [Deposit(number, "USDT", "7"), ConfigureAccount(number, "vip"), StopAccount(number, True)]
        server.sequencer.submit_all(commands)
    server.close()
    with RunningServer(data, "--login-rate", "off") as running:
        cast = Cast(running)
        people = [cast.trader, *(guest(cast.http) for _ in range(3))]
        assert not {person.account for person in people} & set(slips)
        assert max(person.account for person in people) < 1020
        for person in people:
            whole = cast.http.call("GET", f"/admin/accounts/{person.account}", None, cast.operator.bearer).granted()
            assert (whole["account"]["tier"], whole["account"]["status"]) == ("standard", "active")
            assert {row["asset"]: row["total"] for row in whole["balances"]}["USDT"] == "100000"
            assert whole["user"]["name"] == person.signed_in["name"]
        path = "/admin/accounts/1005"
        cast.http.call("DELETE", f"{path}/orders", None, cast.operator.bearer).granted()  # what is left can be ended
        cast.http.call("PUT", path, {"tier": "x"}, cast.operator.bearer).refused(404, "UNKNOWN_ACCOUNT")


def test_a_symbol_listed_while_running_gives_the_sandbox_account_its_funds(tmp_path: Path) -> None:
    listing = {
        "symbol": "NEW-FOO",
        "base": "NEW",
        "quote": "FOO",
        "tick_size": "0.01",
        "lot_size": "1",
        "quote_scale": 2,
    }
    listing |= {"quote_scale": 2, "max_quantity": "1000", "max_notional": "1000000"}
    with with_operator(tmp_path / "data") as running:
        cast = Cast(running)
        for _ in range(2):  # the second time it has them
            cast.http.call("POST", "/admin/symbols", listing, cast.operator.bearer).granted()
        owned = {row["asset"]: row["total"] for row in cast.http.get("/account/balances")["balances"]}
        assert (owned["NEW"], owned["FOO"]) == ("1000000000000", "1000000000000.00".removesuffix(".00"))
        assert cast.http.enter("NEW-FOO", "sell", "1", "10.00")["status"] == "resting"


def test_accounts_are_listed_by_name_in_pages(venue: Cast) -> None:
    def page(query: str) -> Any:
        return venue.http.call("GET", f"/admin/accounts?{query}", None, venue.operator.bearer).granted()

    everybody = page("")
    assert [row["name"] for row in everybody["accounts"]] == sorted(row["name"] for row in everybody["accounts"])
    assert everybody["next"] is None
    first = page("limit=1")
    assert first["accounts"] == everybody["accounts"][:1]
    assert page(f"limit=1&after={first['next']}")["accounts"] == everybody["accounts"][1:2]
    name = venue.trader.signed_in["name"]
    (found,) = page(f"name={name.upper()}")["accounts"]
    assert (found["account"], found["name"], found["role"], found["guest"]) == (
        str(venue.trader.account),
        name,
        "trader",
        True,
    )
    assert page("name=nobody")["accounts"] == []
