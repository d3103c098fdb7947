"""The operator's command line, against a real server with an operator that the project's own command made."""

from __future__ import annotations

import json
import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest

from tests.access.cast import OPERATOR, Cast, expired, guest, key_of, with_operator
from tests.api.clients import PASSWORD, START_GRACE_S, bearer, created, sign_up
from tests.tools.operated import Program

LISTING = """
[[instrument]]
symbol = "GOLD-USDT"
base = "GOLD"
quote = "USDT"
tick_size = 0.01
lot_size = "0.001"
quote_scale = 10
max_quantity = "1000"
max_notional = "10000000"
maker_fee_bps = -0.5
taker_fee_bps = "2"
"""


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    """A server with an operator, and people at it."""
    with with_operator(tmp_path_factory.mktemp("operated") / "data", "--profile", "secured") as server:
        time.sleep(START_GRACE_S)
        yield Cast(server)


@pytest.fixture
def program(cast: Cast, tmp_path: Path) -> Program:
    """Signed in."""
    program = Program(cast.server.url, tmp_path / "state" / "session.json")
    assert program.ask("login", OPERATOR, password=PASSWORD)["role"] == "operator"
    return program


def test_a_session_is_kept_for_its_owner_only_and_ends_with_logout(program: Program) -> None:
    assert stat.S_IMODE(program.session.stat().st_mode) == 0o600
    assert PASSWORD not in program.session.read_text()
    kept = program.session.read_text()
    program.ask("logout")
    assert not program.session.exists()
    assert "not signed in" in program.refused("check")
    program.session.write_text(kept)
    assert "SESSION_ENDED" in program.refused("check")


def test_a_token_whose_time_is_up_is_refreshed_unseen(program: Program, cast: Cast) -> None:
    kept = json.loads(program.session.read_text())
    old = kept | {"token": expired(cast.server, token=kept["token"])}
    program.session.write_text(json.dumps(old))
    assert program.ask("check")["balanced"] is True
    renewed = json.loads(program.session.read_text())
    assert renewed["token"] != old["token"]
    assert renewed["refresh_token"] != old["refresh_token"]
    assert program.ask("check")["balanced"] is True


def test_a_wrong_password_and_a_trader_are_refused(cast: Cast, tmp_path: Path) -> None:
    program = Program(cast.server.url, tmp_path / "session.json")
    assert "BAD_LOGIN" in program.refused("login", OPERATOR, password=PASSWORD + "x")
    trader = sign_up(cast.http)
    assert "is not an operator" in program.refused("login", trader["name"], password=PASSWORD)
    assert not program.session.exists()


def test_users_are_shown_changed_and_given_another_password(program: Program, cast: Cast, tmp_path: Path) -> None:
    who = sign_up(cast.http)
    name, (session_id,) = who["name"], [one["session_id"] for one in program.ask("user", who["name"])["sessions"]]
    assert session_id == who["session_id"]
    assert "127.0.0.1" in program.run("user", name).stdout
    assert program.ask("end-session", name, session_id)["success"] is True
    for command, role in (("promote", "operator"), ("demote", "trader"), ("revoke", "trader"), ("promote", "operator")):
        assert program.ask(command, name)["user"]["role"] == role
    assert program.ask("disable", name)["user"]["disabled"] is True
    assert program.ask("enable", name)["user"]["disabled"] is False
    password = program.ask("reset-password", name)["password"]
    other = Program(cast.server.url, tmp_path / "other.json")
    assert other.ask("login", name, password=password)["role"] == "operator"

    boss = {"Authorization": f"Bearer {json.loads(other.session.read_text())['token']}"}
    begun = cast.http.call("POST", "/auth/totp", {"password": password}, boss).granted()
    app = pyotp.TOTP(begun["secret"])
    opened_at = int(time.time())
    before = {"code": app.at(opened_at)}
    cast.http.call("POST", "/auth/totp/confirm", before, boss).granted()
    assert "BAD_CODE" in other.refused("login", name, password=f"{password}\n{before['code']}")
    after = app.at(int(max(time.time(), opened_at + app.interval)))
    assert other.ask("login", name, password=f"{password}\n{after}")["role"] == "operator"
    assert program.ask("reset-totp", name)["user"]["totp"] is False
    assert "UNKNOWN_USER" in program.refused("revoke", "nobody")
    assert "SESSION_ENDED" in other.refused("check")


def test_symbols_are_halted_resumed_closed_and_listed(program: Program, cast: Cast, tmp_path: Path) -> None:
    commands = {"halt": "halted", "close": "closed", "pre-open": "pre_open", "auction": "auction", "resume": "trading"}
    for command, status in commands.items():
        assert program.ask(command, "ETH-USDT")["status"] == status
        assert cast.http.get("/symbols")["symbol_info"]["ETH-USDT"]["status"] == status
        assert program.ask("status", "ETH-USDT")["status"] == status
    called = program.ask("auction", "ETH-USDT", "--seconds", "3600")
    assert program.ask("status", "ETH-USDT")["next_change"] == {"status": "trading", "at": called["opens_at"]}
    assert program.ask("resume", "ETH-USDT")["status"] == "trading"
    assert program.ask("status", "ETH-USDT")["next_change"] is None
    assert program.run("auction", "ETH-USDT", "--seconds", "0").returncode == 2
    assert "UNKNOWN_SYMBOL" in program.refused("halt", "NO-WHERE")
    file = tmp_path / "gold.toml"
    file.write_text(LISTING)
    assert [row["symbol"] for row in program.ask("list", str(file))["listed"]] == ["GOLD-USDT"]
    info = program.ask("symbols")["symbol_info"]["GOLD-USDT"]
    assert (info["tick_size"], info["fees"]) == ("0.01", {"maker_percent": "-0.005", "taker_percent": "0.02"})
    file.write_text(LISTING.replace("0.01", "0.1"))
    assert "INSTRUMENT_CONFLICT" in program.refused("list", str(file))
    for wrong in ("instrument = 5", "[[instrument", ""):
        file.write_text(wrong)
        assert "gold.toml" in program.refused("list", str(file))


def test_accounts_are_credited_configured_stopped_and_started(program: Program, cast: Cast) -> None:
    account = str(guest(cast.http).account)
    total = {row["asset"]: row["total"] for row in program.ask("credit", account, "USDT", "0.0000000001")["balances"]}
    assert total["USDT"] == "100000.0000000001"
    configured = program.ask("configure", account, "--tier", "vip", "--maker-fee-bps", "-1", "--max-open-orders", "3")
    prevented = program.ask("configure", account, "--tier", "vip", "--self-trade-prevention", "decrement")
    assert prevented["self_trade_prevention"] == "decrement"
    assert (configured["tier"], configured["fees"]["maker_percent"], configured["limits"]["max_open_orders"]) == (
        "vip",
        "-0.01",
        3,
    )
    assert program.ask("stop", account)["status"] == "stopped"
    assert program.ask("account", account)["account"]["status"] == "stopped"
    assert program.ask("start", account)["status"] == "active"
    assert "BAD_AMOUNT" in program.refused("credit", account, "USDT", "0")
    assert program.run("configure", account).returncode == 2
    actions = [entry["action"] for entry in program.ask("audit", "--limit", "4")["entries"]]
    assert actions == ["start", "stop", "configure", "configure"]


def test_accounts_are_listed_in_pages_found_by_name_and_operated_on_by_it(program: Program, cast: Cast) -> None:
    name, account = cast.trader.signed_in["name"], str(cast.trader.account)
    everybody = program.ask("accounts")
    assert everybody["count"] == len(everybody["accounts"]) > 2
    assert {"account": account, "name": name} in [
        {key: row[key] for key in ("account", "name")} for row in everybody["accounts"]
    ]
    some = program.ask("accounts", "--limit", "2")
    assert some["accounts"] == everybody["accounts"][: some["count"]]
    assert some["next"] == some["accounts"][-1]["name"]  # what is asked for after it leaves nobody out
    assert [row["name"] for row in program.ask("accounts", "--name", name[:-1].upper())["accounts"]] == [name]
    assert program.ask("account", name.upper())["account"]["id"] == account
    assert program.ask("account", name)["user"] == {"name": name, "role": "trader", "guest": True, "disabled": False}
    assert program.ask("stop", name)["status"] == "stopped"
    assert program.ask("start", name)["status"] == "active"
    assert program.ask("configure", name, "--tier", "vip")["tier"] == "vip"
    assert program.ask("credit", name, "USDT", "1")["account"] == account
    assert program.ask("cancel-all", name)["count"] == 0
    assert "nobody is called nobody" in program.refused("stop", "nobody")
    assert "UNKNOWN_ACCOUNT" in program.refused("stop", "424242")


@pytest.mark.parametrize("columns", [40, 60, 100, 200])
def test_tables_fit_the_terminal_cut_nothing_off_and_tell_times_in_utc(program: Program, columns: int) -> None:
    program.ask("halt", "SOL-USDT")
    program.ask("resume", "SOL-USDT")
    program.ask("auction", "ETH-USDT", "--seconds", "3600")
    narrow = Program(program.url, program.session, COLUMNS=str(columns))
    commands = (("symbols",), ("accounts",), ("account", OPERATOR), ("audit", "--limit", "5"), ("status", "ETH-USDT"))
    for command in commands:
        done = narrow.run(*command)
        assert done.returncode == 0, done.stderr
        assert max(map(len, done.stdout.splitlines())) <= columns, command
        assert "\u2026" not in done.stdout, command
    joined = re.sub(r"\s", "", narrow.run("audit", "--limit", "3").stdout)
    if columns >= 100:
        assert re.search(r"\d{4}-\d\d-\d\d\d\d:\d\d:\d\dUTC", joined)
        assert f"{OPERATOR}resumeSOL-USDT" in joined
    assert not re.search(r"\d{19}", joined)  # epoch nanoseconds are for programs
    assert re.search(r"opens_at|next_change", narrow.run("status", "ETH-USDT").stdout.replace("\n", ""))
    assert "UTC" in narrow.run("status", "ETH-USDT").stdout
    program.ask("resume", "ETH-USDT")


def test_people_are_shown_the_clock_in_utc_and_that_a_symbol_has_no_schedule(program: Program) -> None:
    for command in ("clock", "health"):
        shown = program.run(command).stdout
        assert re.search(r"time +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", shown)
        assert not re.search(r"\d{10}\.", shown)
    assert "around the clock, no schedule" in program.run("schedule", "BTC-USDT").stdout
    assert program.ask("schedule", "BTC-USDT")["schedule"] is None
    assert "there is nothing to accept" in program.refused("clock", "accept")


def test_anybodys_order_is_cancelled(program: Program, cast: Cast) -> None:
    order = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.1", "price": "29000.00"}
    entered = cast.http.call("POST", "/order", order, cast.trader.bearer).granted()
    assert program.ask("cancel", entered["order_id"])["account"] == str(cast.trader.account)
    assert "UNKNOWN_ORDER" in program.refused("cancel", entered["order_id"])


def test_every_order_of_an_account_is_cancelled_and_it_may_go_on(program: Program, cast: Cast) -> None:
    order = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.1", "price": "29000.00"}
    ids = [cast.http.call("POST", "/order", order, cast.trader.bearer).granted()["order_id"] for _ in range(2)]
    assert set(ids) <= set(program.ask("cancel-all", str(cast.trader.account))["cancelled"])
    again = cast.http.call("POST", "/order", order, cast.trader.bearer).granted()
    assert program.ask("cancel", again["order_id"])["success"] is True


def test_everybodys_orders_are_cancelled_by_symbol_and_for_the_venue_with_a_word_to_confirm(
    program: Program, cast: Cast
) -> None:
    order = {"symbol": "BNB-USDT", "side": "buy", "order_type": "limit", "quantity": "0.1", "price": "290.00"}
    for options in (("--symbol", "BNB-USDT"), ("--venue", "all")):
        cast.http.call("POST", "/order", order, cast.trader.bearer).granted()
        assert program.ask("cancel-all", *options)["count"] >= 1
        assert program.ask("cancel-all", *options)["count"] == 0
    assert "INVALID_VALUE" in program.refused("cancel-all", "--venue", "yes")
    for wrong in ((), ("1", "--symbol", "BNB-USDT"), ("--symbol", "BNB-USDT", "--venue", "all")):
        assert program.run("cancel-all", *wrong).returncode == 2


def test_an_api_key_of_the_environment_operates_too(cast: Cast, tmp_path: Path) -> None:
    key = key_of(cast.http, cast.operator.signed_in, "read", "trade")
    keys = {"OPENBELL_KEY": key["key_id"], "OPENBELL_SECRET": key["secret"]}
    program = Program(cast.server.url, tmp_path / "session.json", **keys)
    assert program.ask("check")["balanced"] is True
    assert program.ask("halt", "AAPL-USD")["status"] == "halted"
    assert program.ask("resume", "AAPL-USD")["status"] == "trading"
    assert program.ask("audit", "--limit", "2")["count"] == 2
    assert not program.session.exists()
    traders = {"OPENBELL_KEY": cast.trader.key["key_id"], "OPENBELL_SECRET": cast.trader.key["secret"]}
    assert "OPERATOR_NEEDED" in Program(cast.server.url, tmp_path / "session.json", **traders).refused("check")
    half = Program(cast.server.url, tmp_path / "session.json", OPENBELL_KEY="ob-1").run("check")
    assert (half.returncode, "go together" in half.stderr) == (2, True)


def test_tables_for_people_say_what_json_says(program: Program, cast: Cast) -> None:
    account = str(guest(cast.http).account)
    for arguments, word in (
        (("symbols",), "BTC-USDT"),
        (("account", account), "100000"),
        (("credit", account, "BTC", "1.5"), "101.5"),
        (("check",), "balanced"),
        (("audit",), "credit"),
        (("health",), "accepting"),
    ):
        done = program.run(*arguments)
        assert (done.returncode, word in done.stdout) == (0, True), (arguments, done.stdout, done.stderr)


def test_a_failure_is_told_as_json_where_json_is_asked_for(program: Program, tmp_path: Path) -> None:
    done = program.run("--json", "halt", "NOWHERE")
    assert (done.returncode, json.loads(done.stdout)["error_code"]) == (1, "UNKNOWN_SYMBOL")
    nowhere = Program("http://127.0.0.1:9", tmp_path / "session.json")
    assert "no answer from http://127.0.0.1:9" in nowhere.refused("health")
    assert json.loads(nowhere.run("--json", "health").stdout)["error_code"] == "NOT_ASKED"
    assert "is no address" in Program("localhost", tmp_path / "session.json").run("health").stderr
    elsewhere = Program("http://127.0.0.1:9", program.session)
    assert "signed in at" in elsewhere.refused("check")


def test_nothing_that_a_trader_says_speaks_to_the_operators_terminal(program: Program, cast: Cast) -> None:
    trader, label = sign_up(cast.http), "\x1b[2J\x1b[1;31m\r\nbalanced \u202e\x9b31m [red]"
    created(cast.http.call("POST", "/auth/keys", {"label": label, "scopes": ["read"]}, bearer(trader)))
    shown = program.run("audit", "--limit", "3").stdout
    assert r"\x1b[2J\x1b[1;31m" in re.sub(r"\s", "", shown)
    assert "[red]" in shown
    assert [each for each in shown if not each.isprintable() and each != "\n"] == []
