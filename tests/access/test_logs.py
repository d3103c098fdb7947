"""No secret reaches a log at debug level, the operator's screen, or a file that it is not kept in."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from tests.access.cast import ELSEWHERE, OPERATOR, Cast, connecting, key_of, with_operator
from tests.api.clients import PASSWORD, START_GRACE_S, FeedClient, call_signed, sign_up, signed
from tests.tools.operated import Program

WRONG = "never the right password"
ORDER = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.001", "price": "29000.00"}


def secrets_of(*answers: dict[str, Any]) -> set[str]:
    """What of these answers nobody else may know."""
    named = ("token", "refresh_token", "secret", "signature", "X-Openbell-Signature")
    return {answer[name] for answer in answers for name in named if name in answer}


def trading(cast: Cast) -> set[str]:
    """Requests and connections with every kind of credentials, good and bad; the secrets that were sent."""
    http, key = cast.http, cast.trader.key
    hidden = secrets_of(cast.trader.signed_in, cast.operator.signed_in, cast.operator.key, key, cast.elsewhere)
    http.call("POST", "/order", ORDER, cast.trader.bearer).granted()
    call_signed(http, key, "POST", "/account/withdraw", {"asset": "USDT", "amount": "1"}).granted()
    for headers, _, _ in cast.refused_headers("GET", "/orders", b"").values():
        hidden |= secrets_of(headers)
        http.call("GET", "/orders", headers=headers)
    for path in ("/account", "/account/ledger"):
        headers = signed(key, "GET", path)
        hidden |= secrets_of(headers)
        http.call("GET", path, headers=headers).granted()
        http.call("GET", path, headers=headers).refused(401, "SIGNATURE_REPLAYED")
    connections = [auth for auth, _ in cast.refused_auth().values()]
    connections += [connecting(key), {"token": cast.trader.signed_in["token"], "cancel_on_disconnect": True}]
    for auth in connections:
        hidden |= secrets_of(auth)
        client = FeedClient(cast.server.url, auth)
        if not client.ended:
            client.call("subscribe", {"type": "orders"})
            client.call("order", ORDER)
        client.close()
    return hidden


def signing_in(cast: Cast) -> set[str]:
    """Everything under /auth, well and badly; the secrets that were sent or told."""
    http = cast.http
    ada = sign_up(http)
    again = http.post("/auth/refresh", {"refresh_token": ada["refresh_token"]}).granted()
    http.post("/auth/refresh", {"refresh_token": again["refresh_token"]}).granted()
    http.post("/auth/refresh", {"refresh_token": ada["refresh_token"]}).refused(401, "REFRESH_TOKEN_REUSED")
    for path in ("/auth/login", "/auth/signup"):
        assert http.post(path, {"name": "x", "password": WRONG}).status in (400, 401)
        assert http.post(path, {"name": ada["name"], "password": WRONG, "further": 1}).status == 400
        assert http.call("POST", path, f'{{"name": "x", "password": "{WRONG}'.encode()).status == 400
    key = key_of(http, cast.trader.signed_in, "read", ip_list=ELSEWHERE)
    http.call("DELETE", f"/auth/keys/{key['key_id']}", headers=cast.trader.bearer).granted()
    return secrets_of(ada, again, key) | {WRONG}


def operating(cast: Cast, folder: Path) -> tuple[set[str], str]:
    """The operator's command line with a session and with a key; the secrets, and all that it printed."""
    key = key_of(cast.http, cast.operator.signed_in, "read", "trade")
    by_name = Program(cast.server.url, folder / "session.json")
    by_key = Program(cast.server.url, folder / "none", OPENBELL_KEY=key["key_id"], OPENBELL_SECRET=key["secret"])
    done = [by_name.run("login", OPERATOR, password=WRONG), by_name.run("login", OPERATOR, password=PASSWORD)]
    kept = by_name.session.read_text()
    done += [by_name.run("halt", "ETH-USDT"), by_name.run("audit"), by_name.run("logout"), by_name.run("check")]
    done += [by_key.run("--json", "resume", "ETH-USDT"), by_key.run("halt", "NOWHERE"), by_key.run("--json", "audit")]
    parts = kept.split('"')
    hidden = {parts[parts.index(name) + 2] for name in ("token", "refresh_token")} | secrets_of(key)
    return hidden, "".join(run.stdout + run.stderr for run in done)


def test_no_secret_is_written_where_it_does_not_belong(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with with_operator(data, "--profile", "secured", "--debug") as server:
        time.sleep(START_GRACE_S)
        cast = Cast(server)
        hidden = trading(cast) | signing_in(cast)
        of_operator, printed = operating(cast, tmp_path)
        hidden |= of_operator | {(data / "secret.key").read_text(encoding="ascii").strip()}
        server.restart()
        log = server.log
    assert "POST /account/withdraw" in log  # it is the whole log, at debug level
    assert "halted" in printed
    hidden |= {PASSWORD} | {secret.rpartition(".")[2] for secret in hidden}
    hidden -= {"0" * 64, "z"}  # no secrets: a signature and a token that are made up
    assert [secret for secret in hidden if secret in log] == []
    assert [secret for secret in hidden if secret in printed] == []
    for text in (log, printed):
        assert "$argon2" not in text
        assert "Traceback" not in text
    for path in data.rglob("*"):
        if path.is_file() and path.name != "secret.key":
            content = path.read_bytes()
            assert [secret for secret in hidden if secret.encode() in content] == [], path.name
