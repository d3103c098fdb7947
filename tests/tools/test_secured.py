"""The tools at a venue that asks who they are: with a key, a session, a user; and what they say without."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from openbell_client import Client, ConfigureRequest, Session
from tests.access.cast import OPERATOR, with_operator
from tests.api.clients import PASSWORD
from tests.programs import tool
from tests.server import ROOT, RunningServer, environment


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that asks for credentials, with an operator who may trade with himself."""
    with with_operator(tmp_path_factory.mktemp("tools") / "data", "--profile", "secured") as server:
        yield server


@pytest.fixture(scope="module")
def key_file(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key of the operator's, whose account is configured for traders that meet each other."""
    path = tmp_path_factory.mktemp("key") / "key.json"
    with Client(server.url) as boss:
        account = boss.log_in(OPERATOR, PASSWORD).account
        boss.operator.configure(account, ConfigureRequest(tier="simulated", self_trade_prevention="none"))
        for asset, amount in (("USDT", "10000000"), ("USD", "10000000"), ("BTC", "1000"), ("AAPL", "100000")):
            boss.operator.credit(account, asset, amount)
        made = boss.create_key(["read", "trade"])
        path.write_text(json.dumps({"key_id": made.key_id, "secret": made.secret}))
    return path


def ran(*arguments: str, password: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """A tool, run to its end."""
    return subprocess.run(
        tool(*arguments),
        cwd=ROOT,
        env=environment(variables),
        input=f"{password}\n",
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def test_the_traders_sign_with_a_key_and_are_declared(server: RunningServer, key_file: Path) -> None:
    flow = ("-m", "tools.flow", "--url", server.url, "--rate", "100", "--symbols", "BTC-USDT", "--duration", "4")
    done = ran(*flow, "--format", "json", "--key-file", str(key_file))
    assert done.returncode == 0, done.stderr
    assert "will not say" not in done.stderr
    summary = json.loads(done.stdout)
    assert summary["counts"]["orders"] > 50
    assert summary["counts"]["trades"] > 0
    assert set(summary["rejects"]) <= {"TOO_LATE"}


def test_a_trader_who_is_no_operator_is_not_declared_and_told_so(server: RunningServer, tmp_path: Path) -> None:
    session = tmp_path / "session.json"
    with Client(server.url) as guest:
        guest.guest()
        assert isinstance(guest.credentials, Session)
        session.write_text(json.dumps({"token": guest.credentials.token, "refresh_token": "r"}))
    flow = ("-m", "tools.flow", "--url", server.url, "--rate", "20", "--symbols", "BTC-USDT", "--duration", "1")
    done = ran(*flow, "--token-file", str(session))
    assert done.returncode == 0, done.stderr
    assert "the page will not say" in done.stderr


def test_a_recording_is_played_by_a_user(server: RunningServer, tmp_path: Path) -> None:
    recording = tmp_path / "AAPL_2012-06-21_flow.csv"
    recording.write_text(
        "time,action,id,side,price,quantity\n0.1,new,a,sell,190.00,5\n0.2,new,b,buy,190.00,2\n", encoding="utf-8"
    )
    play = ("-m", "tools.replay", "csv", str(recording), "--url", server.url, "--symbol", "AAPL-USD", "--speed", "max")
    done = ran(*play, "--user", OPERATOR, "--format", "json", password=PASSWORD)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["counts"]["orders"] == 2


def test_the_load_test_takes_a_key_from_the_environment(server: RunningServer, key_file: Path) -> None:
    key = json.loads(key_file.read_text())
    load = ("tests/advanced_load_test.py", "--url", server.url, "--rate", "20", "--duration", "2", "--slack", "20")
    variables = {"OPENBELL_KEY": key["key_id"], "OPENBELL_SECRET": key["secret"]}
    done = ran(*load, "--symbols", "BTC-USDT", **variables)
    assert "Every answer was right." in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "The flow ends: "),
        (("--key-file", "/nowhere/key.json"), "No such file"),
        (("--user", OPERATOR), "BAD_LOGIN"),
    ],
)
def test_without_good_credentials_the_traders_say_so_and_end(
    server: RunningServer, arguments: tuple[str, ...], said: str
) -> None:
    done = ran("-m", "tools.flow", "--url", server.url, "--symbols", "BTC-USDT", *arguments, password=PASSWORD + "x")
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
