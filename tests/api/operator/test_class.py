"""Resetting accounts, users for a class and the ranking, against a real server in the sandbox profile."""

from __future__ import annotations

import csv
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.access.cast import OPERATOR, Person, guest, operator, status_and_code, with_operator
from tests.api.clients import PASSWORD, START_GRACE_S, bearer, sign_up, signed
from tests.server import Http, RunningServer
from tests.tools.operated import Program, ProgramHere

SYMBOL = "BTC-USDT"
HEADER = "name,tier,USDT,BTC\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A sandbox with an operator, which shows the ranking without names."""
    with with_operator(tmp_path_factory.mktemp("class") / "data", "--ranking", "anonymous") as running:
        time.sleep(START_GRACE_S)
        yield running


@pytest.fixture(scope="module")
def boss(server: RunningServer) -> Person:
    return operator(server.http)


@pytest.fixture(scope="module")
def program(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Signed in."""
    program = ProgramHere(server.url, tmp_path_factory.mktemp("state") / "session.json")
    program.ask("login", OPERATOR, password=PASSWORD)
    return program


class Trader:
    """A guest, who asks with their token."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self.person = guest(http)
        self.account = self.person.account

    def call(self, method: str, path: str, body: Any = None) -> Any:
        return self._http.call(method, path, body, self.person.bearer)

    def enters(self, side: str, quantity: str, price: str) -> Any:
        body = {"symbol": SYMBOL, "side": side, "order_type": "limit", "quantity": quantity, "price": price}
        return self.call("POST", "/order", body).granted()

    def balances(self) -> dict[str, tuple[str, str]]:
        rows = self.call("GET", "/account/balances").granted()["balances"]
        return {row["asset"]: (row["available"], row["held"]) for row in rows}

    def fills(self) -> int:
        return sum(row["fills"] for row in self.call("GET", "/account/profit").granted()["positions"])


def cleared(http: Http, boss: Person) -> None:
    """Nothing rests any more."""
    http.call("DELETE", "/admin/orders?confirm=all", headers=boss.bearer).granted()


def test_a_ranking_without_anybody_says_why(program: Program) -> None:
    assert "Nobody has traded yet" in program.run("ranking", "--asset", "AAPL").stdout


def test_a_reset_frees_what_is_held_and_leaves_exactly_what_is_asked(server: RunningServer, boss: Person) -> None:
    ann, bob = Trader(server.http), Trader(server.http)
    ann.enters("sell", "0.5", "30000.00")
    bob.enters("buy", "0.2", "30000.00")
    ann.enters("buy", "1", "20000.00")
    assert ann.fills() == 1
    after = ann.call("POST", "/account/reset", {"balances": {"USDT": "1000.5", "BTC": "0"}}).granted()
    assert after["cancelled"] == 2
    held = {asset: amounts for asset, amounts in ann.balances().items() if amounts[0].strip("0.") or amounts[1] != "0"}
    assert {asset: float(available) for asset, (available, _) in held.items() if float(available)} == {"USDT": 1000.5}
    assert all(float(held) == 0 for _, held in ann.balances().values())
    assert (ann.fills(), bob.fills()) == (0, 1)
    assert ann.call("GET", "/orders?status=open").granted()["orders"] == []
    ann.enters("buy", "0.01", "20000.00")  # it trades again
    server.http.call("GET", "/admin/check", headers=boss.bearer).granted()
    cleared(server.http, boss)


def test_a_reset_that_cannot_be_is_refused_and_changes_nothing(server: RunningServer, boss: Person) -> None:
    ann = Trader(server.http)
    before = ann.balances()
    wrong: list[tuple[dict[str, str], tuple[int, str]]] = [
        ({"NONE": "1"}, (404, "UNKNOWN_ASSET")),
        ({"USDT": "-1"}, (422, "BAD_AMOUNT")),
        ({"USDT": "0.00000000000001"}, (422, "BAD_AMOUNT")),
        ({"USDT": "1000001"}, (422, "DEPOSIT_LIMIT_EXCEEDED")),
        ({"USDT": "lots"}, (400, "INVALID_VALUE")),
    ]
    for balances, expected in wrong:
        answer = ann.call("POST", "/account/reset", {"balances": balances})
        assert status_and_code(answer) == expected, balances
    assert ann.balances() == before
    path = f"/admin/accounts/{ann.account}"
    server.http.call("POST", f"{path}/stop", headers=boss.bearer).granted()
    assert status_and_code(ann.call("POST", "/account/reset", {"balances": {}}))[1] == "ACCOUNT_STOPPED"
    assert status_and_code(ann.call("POST", f"{path}/reset", {"balances": {}})) == (403, "OPERATOR_NEEDED")
    server.http.call("POST", f"{path}/reset", {"balances": {"USDT": "5000000"}}, boss.bearer).granted()
    view = server.http.call("GET", path, headers=boss.bearer).granted()
    assert view["account"]["status"] == "stopped"
    assert {row["asset"]: float(row["total"]) for row in view["balances"] if float(row["total"])} == {"USDT": 5e6}


def test_an_operator_resets_by_name_from_the_command_line(server: RunningServer, program: Program) -> None:
    signed_in = sign_up(server.http)
    body = program.ask("reset", signed_in["name"], "USDT=250", "BTC=1.5")
    assert {row["asset"]: float(row["total"]) for row in body["balances"]} == {"USDT": 250, "BTC": 1.5}
    assert "once" in program.run("reset", signed_in["name"], "USDT").stderr
    entry = program.ask("audit", "--limit", "1")["entries"][0]
    assert (entry["action"], entry["subject"]) == ("reset", str(signed_in["account"]))


def test_a_class_is_made_from_a_file_once(server: RunningServer, program: Program, tmp_path: Path) -> None:
    file, out = tmp_path / "class.csv", tmp_path / "credentials.csv"
    file.write_text(HEADER + "".join(f"pupil{number},novice,1000,\n" for number in range(2)) + "tutor,,5,0.5\n")
    made = program.ask("class", "create", str(file), "--out", str(out))
    assert (made["users"], made["created"]) == (3, 3)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [row["name"] for row in rows] == [f"pupil{number}" for number in range(2)] + ["tutor"]
    login = server.http.post("/auth/login", {"name": "tutor", "password": rows[-1]["password"]}).granted()
    balances = server.http.call("GET", "/account/balances", headers=bearer(login)).granted()["balances"]
    assert {row["asset"]: float(row["total"]) for row in balances} == {"USDT": 5, "BTC": 0.5}
    account = program.ask("account", "pupil1")
    assert account["account"]["tier"] == "novice"
    before = out.read_text()
    again = program.ask("class", "create", str(file), "--out", str(out))
    assert (again["users"], again["created"], out.read_text()) == (3, 0, before)
    assert program.ask("account", "pupil1")["balances"] == account["balances"]
    secrets = [row["password"] for row in rows]
    assert not [secret for secret in secrets if secret in server.log or secret in str(program.ask("audit"))]


def test_a_class_gets_keys_that_sign(server: RunningServer, program: Program, tmp_path: Path) -> None:
    file, out = tmp_path / "bots.csv", tmp_path / "keys.csv"
    file.write_text("name,USDT\nbot-one,10\n")
    program.ask("class", "create", str(file), "--out", str(out), "--credentials", "key")
    (row,) = csv.DictReader(out.read_text().splitlines())
    who = server.http.call("GET", "/account", headers=signed(row, "GET", "/account")).granted()
    assert who["id"] == row["account"]
    withdrawal = signed(row, "POST", "/account/withdraw", b"")
    assert status_and_code(server.http.call("POST", "/account/withdraw", b"", withdrawal)) == (403, "SCOPE_MISSING")


def test_every_line_that_is_wrong_is_named_and_nothing_is_made(program: Program, tmp_path: Path) -> None:
    file, out = tmp_path / "wrong.csv", tmp_path / "out.csv"
    file.write_text(HEADER + "ok-name,,1,\nx,,1,\nok-name,,1,\nother,,lots,\nshort,1\n")
    said = program.refused("class", "create", str(file), "--out", str(out))
    assert [f"line {line}:" in said for line in (2, 3, 4, 5, 6)] == [False, True, True, True, True]
    assert "nobody is called ok-name" in program.refused("account", "ok-name")
    file.write_text("name,usdt\nok-name,1\n")
    assert "not usdt" in program.refused("class", "create", str(file), "--out", str(out))
    file.write_text("name,NONE\nok-name,1\n")
    assert "ok-name: there is no asset NONE" in program.refused(
        "class", "create", str(file), "--out", str(tmp_path / "none.csv")
    )
    assert not out.exists()
    out.write_text("what somebody wrote\n")
    out.chmod(0o600)
    file.write_text("name,USDT\nok-name,1\n")
    assert "something else" in program.refused("class", "create", str(file), "--out", str(out))


def test_the_ranking_is_by_profit_with_what_was_deposited_taken_out(
    server: RunningServer, boss: Person, program: Program
) -> None:
    cleared(server.http, boss)
    ann, bob, cat = (Trader(server.http) for _ in range(3))
    ann.enters("sell", "1", "30000.00")
    bob.enters("buy", "0.4", "30000.00")
    cat.enters("buy", "0.6", "30000.00")
    ann.enters("sell", "0.001", "31000.00")
    cat.enters("buy", "0.001", "31000.00")  # the last price
    time.sleep(1.1)  # a ranking is kept for a second
    ours = {str(who.account): who for who in (ann, bob, cat)}
    rows = program.ask("ranking", "--asset", "USDT")["ranking"]
    assert [row["rank"] for row in rows] == sorted(row["rank"] for row in rows)
    found = {row["account"]: row for row in rows if row["account"] in ours}
    by_profit = {str(who.account): row for who in (ann, bob, cat) for row in (found[str(who.account)],)}
    fees = {
        account: sum(float(row["fees"]) for row in ours[account].call("GET", "/account/profit").granted()["totals"])
        for account in ours
    }
    expected = {ann: -1000.0, bob: 400.0, cat: 600.0}
    for who, gross in expected.items():
        account = str(who.account)
        assert float(by_profit[account]["profit"]) == pytest.approx(gross - fees[account])
    assert next(row["name"] for row in rows if row["account"] in ours).startswith("guest-")
    seen = ann.call("GET", "/account/ranking").granted()["ranking"]
    named = [row for row in seen if row["name"] is not None or row["account"] is not None]
    assert [(row["own"], row["account"]) for row in named] == [(True, str(ann.account))]
    assert status_and_code(ann.call("GET", "/admin/ranking")) == (403, "OPERATOR_NEEDED")
    assert status_and_code(ann.call("GET", "/account/ranking?asset=NONE")) == (404, "UNKNOWN_ASSET")
