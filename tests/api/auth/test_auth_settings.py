"""Settings of signing in: limits, who may reach the server, TLS; and that nothing secret is logged."""

from __future__ import annotations

import itertools
import ssl
import subprocess
import time
from pathlib import Path
from urllib.request import Request, urlopen

import msgspec

from tests.api.clients import (
    PASSWORD,
    START_GRACE_S,
    FeedClient,
    bearer,
    created,
    feed_signature,
    kept_waiting,
    sign_up,
    signed,
)
from tests.server import ROOT, Answer, RunningServer, command, environment


def test_attempts_to_sign_in_are_limited_by_name_and_by_address(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data", "--profile", "secured", "--login-rate", "4/hour") as server:
        name = sign_up(server.http)["name"]
        wrong = {"name": name, "password": "wrong horse"}
        for _ in range(3):
            server.http.post("/auth/login", wrong).refused(401, "BAD_LOGIN")
        answer = server.http.post("/auth/login", wrong)
        answer.refused(429, "TOO_MANY_REQUESTS")
        assert int(answer.headers["Retry-After"]) > 60
        server.http.post("/auth/guest", None).refused(429, "TOO_MANY_REQUESTS")
    with RunningServer(tmp_path / "sandbox", "--login-rate", "4/hour") as server:  # spares loopback, but not a name
        name = [sign_up(server.http)["name"] for _ in range(6)][-1]
        names = itertools.cycle((name, name.upper()))

        def guess() -> Answer:
            return server.http.post("/auth/login", {"name": next(names), "password": "wrong horse"})

        assert [guess().status for _ in range(3)] == [401] * 3
        kept_waiting(guess, 401, "BAD_LOGIN")
        assert guess().status == 429


def test_a_login_that_succeeds_does_not_count(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data", "--login-rate", "2/hour") as server:
        name = sign_up(server.http)["name"]
        for _ in range(4):
            server.http.post("/auth/login", {"name": name, "password": PASSWORD}).granted()


def test_signup_can_be_off(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data", "--profile", "secured", "--signup", "off") as server:
        body = {"name": "adaa", "password": PASSWORD}
        server.http.post("/auth/signup", body).refused(403, "SIGNUP_CLOSED")
        server.http.post("/auth/guest", None).refused(403, "SIGNUP_CLOSED")


def test_other_machines_may_reach_a_secured_server_only(tmp_path: Path) -> None:
    refused = subprocess.run(
        command("--host", "0.0.0.0", "--data", str(tmp_path / "data")),  # noqa: S104
        cwd=ROOT,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 2
    assert "--profile secured" in refused.stderr


def test_it_speaks_tls(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    arguments = ("--profile", "secured", "--tls-cert", str(cert), "--tls-key", str(key))
    with RunningServer(tmp_path / "data", *arguments) as server:
        assert server.url.startswith("https://")
        trusting = ssl.create_default_context(cafile=str(cert))
        with urlopen(f"{server.url}/health", context=trusting, timeout=30) as answer:  # noqa: S310
            assert msgspec.json.decode(answer.read())["accepting"] is True
        for path in ("/", "/static/main.js", "/socket.io/?EIO=4&transport=polling"):  # a browser is to stay there
            for name, promised in ((f"127.0.0.1:{server.port}", "max-age=31536000"), ("localhost:5000", None)):
                asked = Request(server.url + path, headers={"Host": name})  # noqa: S310
                with urlopen(asked, context=trusting, timeout=30) as answer:  # noqa: S310
                    assert answer.headers["Strict-Transport-Security"] == promised
        client = FeedClient(server.url, ssl_verify=False)
        assert client.call("subscribe", {"type": "bbo", "symbol": "BTC-USDT"})["type"] == "bbo"
        client.close()


def test_tls_needs_both_files(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    refused = subprocess.run(
        command("--data", str(tmp_path / "data"), "--tls-cert", str(certificate[0])),
        cwd=ROOT,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 2
    assert "go together" in refused.stderr


def test_no_secret_reaches_the_log_at_debug_level(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data", "--profile", "secured", "--debug", "--login-rate", "off") as server:
        time.sleep(START_GRACE_S)
        http = server.http
        ada = sign_up(http)
        wrong = http.post("/auth/login", {"name": ada["name"], "password": "a wrong password"})
        wrong.refused(401, "BAD_LOGIN")
        malformed = http.post("/auth/signup", {"name": "x", "password": "never accepted"})
        malformed.refused(400, "INVALID_VALUE")
        again = http.post("/auth/refresh", {"refresh_token": ada["refresh_token"]}).granted()
        key = created(http.call("POST", "/auth/keys", {"scopes": ["read", "trade"]}, bearer(again)))
        headers = signed(key, "GET", "/orders")
        http.call("GET", "/orders", headers=headers).granted()
        http.call("GET", "/orders", headers=headers).refused(401, "SIGNATURE_REPLAYED")
        http.call("GET", "/orders", headers={"Authorization": "Bearer made.up.forgery"}).refused(401, "BAD_TOKEN")
        clients = [FeedClient(server.url, auth) for auth in ({"token": again["token"]}, feed_signature(key))]
        for client in clients:
            client.call("subscribe", {"type": "orders"})
            client.close()
        http.post("/auth/refresh", {"refresh_token": again["refresh_token"]}).granted()
        http.post("/auth/refresh", {"refresh_token": ada["refresh_token"]}).refused(401, "REFRESH_TOKEN_REUSED")
        guest = created(http.post("/auth/guest?refresh=body", None))
        http.call("POST", "/auth/logout", headers=bearer(guest)).granted()
        server.restart()
        log = server.log
        secret_key = (tmp_path / "data" / "secret.key").read_text(encoding="ascii").strip()
    hidden = [PASSWORD, "a wrong password", "never accepted", "$argon2", key["secret"], secret_key, "made.up.forgery"]
    hidden += [
        headers["X-Openbell-Signature"],
        *(item[name] for item in (ada, again, guest) for name in ("token", "refresh_token")),
    ]
    assert "POST /auth/signup" in log  # it is the whole log, at debug level
    assert [secret for secret in hidden if secret in log] == []
    assert [secret for secret in hidden if secret.rpartition(".")[2] in log] == []
