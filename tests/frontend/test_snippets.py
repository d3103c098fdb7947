"""The code that the API tab shows does what the page did: it is run as it is pasted, against real servers."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.server import RunningServer
from tests.frontend.pasted import bare, pasted, run_by_python, run_by_shell

HERE = Path(__file__).parent
NODE = shutil.which("node")
SHELLS = [shell for shell in ("sh", "bash", "zsh") if shutil.which(shell)]
ORDER = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.01", "price": "29000.00"}
PASSWORD = "long enough, I hope"  # noqa: S105 - of a test
# Answers a POST with its own body.
ECHO = """
from http.server import BaseHTTPRequestHandler, HTTPServer

class Echo(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

server = HTTPServer(("127.0.0.1", 0), Echo)
print(server.server_port, flush=True)
server.serve_forever()
"""
pytestmark = [
    pytest.mark.skipif(NODE is None, reason="node is not installed"),
    pytest.mark.skipif(not all(map(shutil.which, ("curl", "openssl"))), reason="curl or openssl is not installed"),
]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that asks for no credentials."""
    with RunningServer(tmp_path_factory.mktemp("sandbox") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that asks for credentials."""
    with RunningServer(tmp_path_factory.mktemp("secured") / "data", "--profile", "secured") as running:
        yield running


def _asks(server: RunningServer, path: str, body: object, token: str = "") -> Any:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = Request(server.url + path, json.dumps(body).encode(), headers, method="POST")  # noqa: S310 - our own
    with urlopen(request, timeout=30) as answer:  # noqa: S310 - our own server
        return json.load(answer)


class Account:
    """Somebody with a token and an API key, as the page makes them; or whoever shows no credentials."""

    def __init__(self, server: RunningServer, signed_in: Any = None) -> None:
        self.server = server
        self.signed = signed_in is not None
        self.asker = {"name": "sandbox", "account": "1"}
        self.credentials: dict[str, Any] = {"none": None}
        if self.signed:
            self.asker = {"name": signed_in["name"], "account": str(signed_in["account"])}
            token = signed_in["token"]
            key = _asks(server, "/auth/keys", {"label": "made on the page", "scopes": ["read", "trade"]}, token)
            self.credentials = {
                "token": {"kind": "token", "token": token},
                "key": {"kind": "key", "key_id": key["key_id"], "secret": key["secret"]},
            }

    def code(self, method: str, path: str, body: object = None, credentials: object = None) -> tuple[str, str]:
        """The call by curl and by Python."""
        call = {"method": method, "path": path, "signed": self.signed, "asker": self.asker}
        asked = {"call": call | ({} if body is None else {"body": body}), "origin": self.server.url}
        printed = subprocess.run(
            [NODE or "node", HERE / "snippet.js", json.dumps(asked | {"credentials": credentials})],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        curl, python = json.loads(printed.stdout)
        return curl, python










def _trades(account: Account, tmp_path: Path) -> None:
    """Enter, look, amend and cancel, by every shell, by Python, by each kind of credentials; none is told twice."""
    ids: list[str] = []
    for credentials in account.credentials.values():
        body = ORDER | {"client_order_id": "web-of-the-page-1"}
        curl, python = account.code("POST", "/order", body, credentials)
        for shell in SHELLS:
            for _ in range(2):  # pasted twice
                answer = run_by_shell(curl, shell)
                assert "order_id" in answer, answer
                ids.append(answer["order_id"])
        for _ in range(2):
            status, entered = run_by_python(python, tmp_path)
            assert (status, entered["status"]) == (200, "resting")
            ids.append(entered["order_id"])
        assert len(set(ids)) == len(ids), "each is an order of its own"
        path = "/orders?status=open&limit=5&symbol=BTC-USDT"
        curl, python = account.code("GET", path, credentials=credentials)
        assert [order["order_id"] for order in run_by_shell(curl)["orders"]] == ids[::-1][:5]
        assert run_by_python(python, tmp_path)[1]["orders"][0]["order_id"] == ids[-1]
        curl, python = account.code("PATCH", f"/order/{ids[-1]}", {"price": "28999.50"}, credentials)
        assert run_by_shell(curl)["price"] == "28999.50"
        curl, python = account.code("DELETE", f"/order/{ids[-1]}", credentials=credentials)
        assert run_by_python(python, tmp_path)[1]["success"] is True
        assert "error_code" in run_by_shell(curl), "it is cancelled already"
        curl, _ = account.code("DELETE", "/orders?symbol=BTC-USDT", credentials=credentials)
        assert run_by_shell(curl)["count"] == len(ids) - 1
        ids = []


def test_what_anybody_may_ask_is_asked_as_it_is_pasted(sandbox: RunningServer, tmp_path: Path) -> None:
    anybody = Account(sandbox)
    anybody.asker = {}
    curl, python = anybody.code("GET", "/book/BTC-USDT?levels=3")
    assert run_by_shell(curl)["symbol"] == "BTC-USDT"
    assert run_by_python(python, tmp_path)[0] == 200
    curl, python = anybody.code("POST", "/auth/guest")
    assert run_by_shell(curl)["guest"] is run_by_python(python, tmp_path)[1]["guest"] is True
    curl, python = anybody.code("GET", "/book/NOPE")
    assert run_by_shell(curl)["error_code"] == "UNKNOWN_SYMBOL"
    assert run_by_python(python, tmp_path)[0] == 404


def test_the_code_of_the_sandbox_account_trades_without_credentials(sandbox: RunningServer, tmp_path: Path) -> None:
    account = Account(sandbox)
    curl, python = account.code("POST", "/order", ORDER)
    assert "Without credentials, as sandbox, account 1" in curl
    assert "Authorization" not in curl + python
    _trades(account, tmp_path)


def test_the_code_of_a_guest_trades_by_token_and_by_key(sandbox: RunningServer, tmp_path: Path) -> None:
    guest = Account(sandbox, _asks(sandbox, "/auth/guest", {}))
    curl, python = guest.code("POST", "/order", ORDER, guest.credentials["key"])
    for code in (curl, python):
        assert f"As {guest.asker['name']}, account {guest.asker['account']}" in code
    _trades(guest, tmp_path)


def test_the_code_of_a_user_of_a_secured_venue_trades_by_token_and_by_key(secured: RunningServer, tmp_path: Path) -> None:
    user = Account(secured, _asks(secured, "/auth/signup", {"name": "ada", "password": PASSWORD}))
    token = user.credentials["token"]
    curl, python = user.code("POST", "/account/deposit", {"asset": "USDT", "amount": "100000"}, token)
    assert run_by_shell(curl)["balances"]
    assert run_by_python(python, tmp_path)[0] == 200
    _trades(user, tmp_path)
    # what a key may not ask is asked by a token, and by that of the environment where there is none
    withdrawal = {"asset": "USDT", "amount": "1"}
    curl, python = user.code("POST", "/account/withdraw", withdrawal, user.credentials["key"])
    assert run_by_shell(curl, OPENBELL_TOKEN=token["token"])["balances"]
    curl, python = user.code("POST", "/account/withdraw", withdrawal)
    assert run_by_python(python, tmp_path, OPENBELL_TOKEN=token["token"])[0] == 200


def test_without_a_token_the_code_says_what_is_missing(secured: RunningServer, tmp_path: Path) -> None:
    user = Account(secured, _asks(secured, "/auth/signup", {"name": "bob", "password": PASSWORD}))
    curl, python = user.code("GET", "/account")
    for shell in SHELLS:
        ran = pasted(curl, shell)
        assert "OPENBELL_TOKEN" in ran.stderr
        assert ran.stdout == ""
    (tmp_path / "pasted.py").write_text(python, encoding="utf-8")
    command = [sys.executable, "-I", str(tmp_path / "pasted.py")]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, env=bare(), check=False)
    assert "OPENBELL_TOKEN" in ran.stderr


def test_what_was_covered_is_named_and_one_puts_in_ones_own(secured: RunningServer, tmp_path: Path) -> None:
    _asks(secured, "/auth/signup", {"name": "eve", "password": PASSWORD})
    visitor = Account(secured)
    visitor.asker = {}
    curl, python = visitor.code("POST", "/auth/login", {"name": "eve", "password": "<password>"})
    assert all("Put your own in place of <password>" in code for code in (curl, python))
    assert run_by_shell(curl.replace("<password>", PASSWORD))["token"]
    assert run_by_python(python.replace("<password>", PASSWORD), tmp_path)[0] == 200


def test_a_quote_in_what_was_sent_breaks_neither(sandbox: RunningServer, tmp_path: Path) -> None:
    account = Account(sandbox)
    odd = {"name": 'it\'s "$HOME" `x` \\ {stamp} ü \u2028'}
    curl, python = account.code("POST", "/signup-of-nobody", odd)
    listener = subprocess.Popen([sys.executable, "-c", ECHO], stdout=subprocess.PIPE, text=True)
    assert listener.stdout
    port = listener.stdout.readline().strip()
    try:
        for shell in SHELLS:
            assert run_by_shell(curl.replace(sandbox.url, f"http://127.0.0.1:{port}"), shell) == odd
        assert run_by_python(python.replace(sandbox.url, f"http://127.0.0.1:{port}"), tmp_path) == (200, odd)
    finally:
        listener.kill()
        listener.wait()
        listener.stdout.close()


def test_the_comments_of_curl_are_no_comments_so_that_any_shell_takes_them(sandbox: RunningServer) -> None:
    curl, _ = Account(sandbox).code("POST", "/order", ORDER | {"client_order_id": "x"})
    assert re.search(r"^\s*#", curl, re.MULTILINE) is None
    assert curl.startswith(": '")
