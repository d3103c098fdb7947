"""`python -m tools.clients`: configurations for clients that people already have, and the keys in them."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.api.clients import PASSWORD, bearer, call_signed, sign_up
from tests.ports import free_port
from tests.server import ROOT, Http, RunningServer, environment
from tools.clients_settings import CLIENTS

Done = subprocess.CompletedProcess[str]


def clients(*arguments: str, typed: str = "", **variables: str) -> Done:
    """Run the program, with something typed and some variables set."""
    return subprocess.run(
        [sys.executable, "-m", "tools.clients", *arguments],
        cwd=ROOT,
        env=environment(variables),
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def key_of(text: str) -> dict[str, Any]:
    """The key in a configuration."""
    (key_id,) = re.findall(r"ob-[0-9a-f]+", text)
    (secret,) = re.findall(r"\b[0-9a-f]{64}\b", text)
    return {"key_id": key_id, "secret": secret}


@pytest.mark.parametrize("name", CLIENTS)
def test_each_client_has_a_configuration_with_a_key_of_a_guest_with_money(
    name: str, running_server: RunningServer
) -> None:
    done = clients(name, "--url", running_server.url, "--symbol", "BTCUSDT")
    assert (done.returncode, done.stderr) == (0, "")
    assert running_server.url in done.stdout
    http = Http(running_server.url)
    balances = call_signed(http, key_of(done.stdout), "GET", "/account/balances").granted()["balances"]
    assert {"asset": "USDT", "available": "100000", "held": "0", "total": "100000"} in balances
    http.close()


def test_the_list_needs_no_server_and_names_every_client() -> None:
    done = clients("list")
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(CLIENTS)


def test_freqtrade_has_json_with_every_pair_of_the_quote_asset(running_server: RunningServer) -> None:
    config = json.loads(clients("freqtrade", "--url", running_server.url, "--symbol", "ethusdt").stdout)
    assert config["exchange"]["pair_whitelist"] == ["ETH/USDT", "BTC/USDT", "BNB/USDT", "SOL/USDT"]
    assert config["dry_run"] is False
    addresses = config["exchange"]["ccxt_config"]["urls"]["api"]
    assert {address for address in addresses.values() if isinstance(address, str)} == {
        address for address in addresses.values() if str(address).startswith(running_server.url)
    }


def test_a_file_is_for_its_owner_only_and_replaces_what_was_there(
    running_server: RunningServer, tmp_path: Path
) -> None:
    path = tmp_path / "openbell.py"
    path.write_text("older")
    path.chmod(0o644)
    done = clients("ccxt", "--url", running_server.url, "--out", str(path))
    assert (done.returncode, done.stdout) == (0, "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "ccxt.binance(SETTINGS)" in path.read_text(encoding="utf-8")
    assert os.listdir(tmp_path) == ["openbell.py"]


def test_a_file_that_cannot_be_written_is_an_error_in_a_sentence(running_server: RunningServer, tmp_path: Path) -> None:
    done = clients("ccxt", "--url", running_server.url, "--out", str(tmp_path / "none" / "openbell.py"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr


def test_the_key_of_a_user_is_theirs_and_no_session_is_left(secured: RunningServer) -> None:
    user = sign_up(secured.http)
    done = clients("ccxt", "--url", secured.url, "--user", user["name"], typed=f"{PASSWORD}\n")
    assert done.returncode == 0, done.stderr
    account = call_signed(secured.http, key_of(done.stdout), "GET", "/account/balances").granted()["account"]
    assert account == str(user["account"])
    sessions = secured.http.call("GET", "/auth/sessions", None, bearer(user)).granted()["sessions"]
    assert [session["current"] for session in sessions] == [True]


def test_a_token_makes_a_key_with_the_scopes_and_addresses_asked_for(secured: RunningServer) -> None:
    user = sign_up(secured.http)
    options = ("--scope", "read", "--ip", "127.0.0.0/8", "--label", "mine")
    done = clients("curl", "--url", secured.url, *options, OPENBELL_TOKEN=user["token"])
    assert done.returncode == 0, done.stderr
    (key,) = secured.http.call("GET", "/auth/keys", None, bearer(user)).granted()["keys"]
    assert (key["scopes"], key["ip_list"], key["label"]) == (["read"], ["127.0.0.0/8"], "mine")
    assert key["key_id"] == key_of(done.stdout)["key_id"]


def test_a_key_that_there_is_already_is_written_as_it_is(running_server: RunningServer) -> None:
    key = {"OPENBELL_KEY": "ob-00ff", "OPENBELL_SECRET": "ab" * 32}
    done = clients("ccxt", "--url", running_server.url, **key)
    assert key_of(done.stdout) == {"key_id": "ob-00ff", "secret": "ab" * 32}
    half = clients("ccxt", "--url", running_server.url, OPENBELL_KEY="ob-00ff")
    assert half.returncode == 1
    assert "go together" in half.stderr


@pytest.mark.parametrize(("name", "status"), [("curl", 1), ("python-binance", 1), ("ccxt", 0)])
def test_a_private_key_is_refused_for_what_signs_by_hmac(name: str, status: int, running_server: RunningServer) -> None:
    key = {"OPENBELL_KEY": "ob-00ff", "OPENBELL_SECRET": "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----"}
    done = clients(name, "--url", running_server.url, **key)
    assert done.returncode == status
    assert ("signs by HMAC" in done.stderr) == (status == 1)
    assert ("MC4=" in done.stdout) == (status == 0)
    assert "MC4=" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ccxt", "--url", "nonsense"), "is no address"),
        (("ccxt", "--url", f"http://127.0.0.1:{free_port()}"), "no answer from"),
        (("ccxt", "--symbol", "NONEUSDT"), "is not listed"),
        (("ccxt", "--user", "nobody-here", "--password", "wrong horse battery"), "password"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    arguments: tuple[str, ...], words: str, running_server: RunningServer
) -> None:
    done = clients(*arguments, OPENBELL_URL=running_server.url)
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr
