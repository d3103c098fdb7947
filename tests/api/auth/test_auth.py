"""Signing in, tokens, signatures and who may do what, against running servers of both profiles."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.api.clients import (
    PASSWORD,
    START_GRACE_S,
    bearer,
    call_signed,
    created,
    funded,
    new_key,
    now_ms,
    sign_up,
    signed,
)
from tests.server import Http, RunningServer

ORDER = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.5", "price": "30000.00"}


@pytest.fixture
def http(secured: RunningServer) -> Iterator[Http]:
    """A connection of one's own."""
    client = Http(secured.url)
    yield client
    client.close()


# -- sessions


def test_whoever_signs_up_trades_with_their_own_account(http: Http) -> None:
    ada, bob = funded(http), sign_up(http)
    assert ada["account"] != bob["account"] >= 1000
    order = http.call("POST", "/order", ORDER, bearer(ada)).granted()
    path = f"/order/{order['order_id']}"
    assert http.call("GET", path, headers=bearer(ada)).granted()["status"] == "resting"
    http.call("GET", path, headers=bearer(bob)).refused(404, "UNKNOWN_ORDER")
    http.call("DELETE", path, headers=bearer(bob)).refused(404, "UNKNOWN_ORDER")
    assert http.call("GET", "/orders", headers=bearer(bob)).granted()["orders"] == []
    http.call("DELETE", path, headers=bearer(ada)).granted()


def test_a_login_is_refused_alike_for_a_wrong_name_and_a_wrong_password(http: Http) -> None:
    ada = sign_up(http)
    again = http.post("/auth/login", {"name": ada["name"].upper(), "password": PASSWORD}).granted()
    assert (again["account"], again["name"]) == (ada["account"], ada["name"])
    sentences = {
        http.post("/auth/login", {"name": name, "password": password}).refused(401, "BAD_LOGIN")["error"]
        for name, password in ((ada["name"], "wrong horse"), ("nobody", PASSWORD), ("", ""), ("né\n", "x"))
    }
    assert len(sentences) == 1


def test_a_guest_has_no_password_to_sign_in_with(http: Http) -> None:
    guest = created(http.post("/auth/guest", None))
    assert guest["guest"] is True
    http.call("GET", "/orders", headers=bearer(guest)).granted()
    for password in ("", "nobody has this password"):
        http.post("/auth/login", {"name": guest["name"], "password": password}).refused(401, "BAD_LOGIN")


def test_a_name_is_taken_in_any_case(http: Http) -> None:
    name = sign_up(http)["name"]
    http.post("/auth/signup", {"name": name.upper(), "password": PASSWORD}).refused(409, "NAME_TAKEN")


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/auth/signup", {"name": "a", "password": PASSWORD}, "INVALID_VALUE"),
        ("/auth/signup", {"name": "a b c", "password": PASSWORD}, "INVALID_VALUE"),
        ("/auth/signup", {"name": "ada\n", "password": PASSWORD}, "INVALID_VALUE"),
        ("/auth/signup", {"name": "adaa", "password": "short"}, "INVALID_VALUE"),
        ("/auth/signup", {"name": "adaa", "password": "x" * 257}, "INVALID_VALUE"),
        ("/auth/signup", {"name": "adaa", "password": PASSWORD, "role": "operator"}, "UNKNOWN_FIELD"),
        ("/auth/signup", {"name": "adaa"}, "MISSING_FIELD"),
        ("/auth/login", [], "INVALID_VALUE"),
        ("/auth/refresh", {"refresh_token": 1}, "INVALID_VALUE"),
    ],
)
def test_what_is_malformed_is_400_and_repeats_no_password(http: Http, path: str, body: Any, code: str) -> None:
    answer = http.post(path, body)
    answer.refused(400, code)
    assert PASSWORD.encode() not in answer.content


def test_a_refresh_gives_a_new_token_and_reuse_ends_the_session(http: Http) -> None:
    first = sign_up(http)
    second = http.post("/auth/refresh", {"refresh_token": first["refresh_token"]}).granted()
    again = http.post("/auth/refresh", {"refresh_token": first["refresh_token"]}).granted()  # as if no answer had come
    assert again["refresh_token"] == second["refresh_token"]
    assert second["session_id"] == first["session_id"]
    http.call("GET", "/orders", headers=bearer(second)).granted()
    second = http.post("/auth/refresh", {"refresh_token": second["refresh_token"]}).granted()
    http.post("/auth/refresh", {"refresh_token": first["refresh_token"]}).refused(401, "REFRESH_TOKEN_REUSED")
    for token in (first, second):
        http.call("GET", "/orders", headers=bearer(token)).refused(401, "SESSION_ENDED")
    http.post("/auth/refresh", {"refresh_token": second["refresh_token"]}).refused(401, "BAD_REFRESH_TOKEN")
    http.post("/auth/refresh", {"refresh_token": "made.up"}).refused(401, "BAD_REFRESH_TOKEN")


def test_logging_out_ends_the_token_at_once(http: Http) -> None:
    ada = sign_up(http)
    http.call("POST", "/auth/logout", headers=bearer(ada)).granted()
    http.call("GET", "/orders", headers=bearer(ada)).refused(401, "SESSION_ENDED")
    http.post("/auth/refresh", {"refresh_token": ada["refresh_token"]}).refused(401, "BAD_REFRESH_TOKEN")


def test_a_session_is_seen_and_ended_by_its_user_only(http: Http) -> None:
    ada, eve = sign_up(http), sign_up(http)
    other = http.post("/auth/login", {"name": ada["name"], "password": PASSWORD}).granted()
    listed = http.call("GET", "/auth/sessions", headers=bearer(ada)).granted()["sessions"]
    assert {item["session_id"]: item["current"] for item in listed} == {
        ada["session_id"]: True,
        other["session_id"]: False,
    }
    path = f"/auth/sessions/{other['session_id']}"
    http.call("DELETE", path, headers=bearer(eve)).refused(404, "UNKNOWN_SESSION")
    http.call("GET", "/orders", headers=bearer(other)).granted()
    http.call("DELETE", path, headers=bearer(ada)).granted()
    http.call("GET", "/orders", headers=bearer(other)).refused(401, "SESSION_ENDED")
    http.call("GET", "/orders", headers=bearer(ada)).granted()


def test_sessions_and_keys_outlive_a_restart_and_revocations_too(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data", "--profile", "secured") as server:
        ada, gone = sign_up(server.http), sign_up(server.http)
        key = created(server.http.call("POST", "/auth/keys", {"scopes": ["read"]}, bearer(ada)))
        server.http.call("POST", "/auth/logout", headers=bearer(gone)).granted()
        from_before = signed(key, "GET", "/orders", b"")  # it may have been used then: nobody knows any more
        server.restart()
        server.http.call("GET", "/orders", headers=bearer(ada)).granted()
        server.http.call("GET", "/orders", headers=bearer(gone)).refused(401, "SESSION_ENDED")
        server.http.call("GET", "/orders", headers=from_before).refused(401, "TIMESTAMP_OUTSIDE_WINDOW")
        time.sleep(START_GRACE_S)
        call_signed(server.http, key, "GET", "/orders").granted()


# -- what needs credentials

PRIVATE = [
    ("POST", "/order"),
    ("POST", "/cancel"),
    ("GET", "/order/1"),
    ("DELETE", "/order/1"),
    ("PATCH", "/order/1"),
    ("GET", "/orders"),
    ("DELETE", "/orders"),
    ("POST", "/auth/logout"),
    ("GET", "/auth/sessions"),
    ("DELETE", "/auth/sessions/1"),
    ("POST", "/auth/keys"),
    ("GET", "/auth/keys"),
    ("DELETE", "/auth/keys/1"),
]


@pytest.mark.parametrize(("method", "path"), PRIVATE)
def test_what_is_private_needs_good_credentials(http: Http, method: str, path: str) -> None:
    body: dict[str, Any] | None = {} if method in ("POST", "PATCH") else None
    http.call(method, path, body).refused(401, "UNAUTHENTICATED")
    http.call(method, path, body, {"Authorization": "Bearer x.y.z"}).refused(401, "BAD_TOKEN")
    http.call(method, path, body, {"Authorization": "Basic YTpi"}).refused(401, "BAD_TOKEN")
    http.call(method, path, body, {"X-Openbell-Key": "ob-none"}).refused(401, "UNKNOWN_KEY")
    both = {"Authorization": "Bearer x", "X-Openbell-Key": "ob-none"}
    http.call(method, path, body, both).refused(401, "AMBIGUOUS_CREDENTIALS")


@pytest.mark.parametrize(
    "path", ["/health", "/symbols", "/book/BTC-USDT", "/trades/BTC-USDT", "/ticker", "/statistics"]
)
def test_market_data_needs_none(http: Http, path: str) -> None:
    http.get(path)


def test_the_page_needs_none(http: Http) -> None:
    assert http.call("GET", "/").status == 200


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Authorization": "Bearer x.y.z"}, "BAD_TOKEN"),
        ({"Authorization": ""}, "BAD_TOKEN"),
        ({"Authorization": "Bearer é"}, "BAD_TOKEN"),
        ({"X-Openbell-Key": ""}, "UNKNOWN_KEY"),
    ],
)
def test_bad_credentials_are_never_taken_for_the_sandbox_account(
    running_server: RunningServer, headers: dict[str, str], code: str
) -> None:
    http = Http(running_server.url)
    http.call("POST", "/order", ORDER, headers).refused(401, code)
    http.call("GET", "/orders", headers=headers).refused(401, code)
    http.close()


def test_in_a_sandbox_a_user_trades_beside_the_built_in_account(running_server: RunningServer, symbol: str) -> None:
    http = Http(running_server.url)
    own = http.enter(symbol, "buy", "1", "10")
    guest = created(http.post("/auth/guest", None))
    http.call("GET", f"/order/{own['order_id']}", headers=bearer(guest)).refused(404, "UNKNOWN_ORDER")
    http.get(f"/order/{own['order_id']}")
    http.call("POST", "/auth/logout").refused(401, "UNAUTHENTICATED")
    http.close()


# -- API keys


def test_a_signed_request_trades(http: Http) -> None:
    key = new_key(http, "read", "trade")
    order = call_signed(http, key, "POST", "/order", ORDER).granted()
    listed = call_signed(http, key, "GET", "/orders?symbol=BTC-USDT&limit=5").granted()["orders"]
    assert [item["order_id"] for item in listed] == [order["order_id"]]
    call_signed(http, key, "DELETE", f"/order/{order['order_id']}").granted()


def test_a_signature_is_over_the_exact_bytes(http: Http) -> None:
    key = new_key(http, "read", "trade")
    content = msgspec.json.encode(ORDER)
    good = signed(key, "POST", "/order", content, window="60000")  # it is shown a dozen times
    for method, target, body in (
        ("POST", "/order", content.replace(b"0.5", b"5.0")),
        ("POST", "/order", content + b" "),
        ("POST", "/order?", None),
        ("POST", "/order?x=1", content),
        ("POST", "/cancel", content),
        ("POST", "/%6frder", content),
        ("DELETE", "/orders", None),
    ):
        http.call(method, target, body, good).refused(401, "BAD_SIGNATURE")
    for name, value in (
        ("X-Openbell-Signature", "0" * 64),
        ("X-Openbell-Signature", ""),
        ("X-Openbell-Signature", "é"),
        ("X-Openbell-Timestamp", now_ms(1)),
    ):
        http.call("POST", "/order", content, good | {name: value}).refused(401, "BAD_SIGNATURE")
    http.call("POST", "/order", content, good).granted()


def test_a_signature_is_good_once_whatever_the_window_and_the_case(http: Http) -> None:
    key = new_key(http, "read")
    headers = signed(key, "GET", "/orders", window="30000")
    http.call("GET", "/orders", headers=headers).granted()
    for changed in ({}, {"X-Openbell-Window": "60000"}):
        http.call("GET", "/orders", headers=headers | changed).refused(401, "SIGNATURE_REPLAYED")
    upper = {"X-Openbell-Signature": headers["X-Openbell-Signature"].upper()}
    http.call("GET", "/orders", headers=headers | upper).refused(401, "SIGNATURE_REPLAYED")


def test_a_signature_is_good_within_its_window(http: Http, secured: RunningServer) -> None:
    key = new_key(http, "read")
    for offset_ms, window in ((-6_000, None), (5_000, None), (-61_000, "60000"), (-400, "200")):
        headers = signed(key, "GET", "/orders", offset_ms=offset_ms, window=window)
        http.call("GET", "/orders", headers=headers).refused(401, "TIMESTAMP_OUTSIDE_WINDOW")
    for window in ("0", "-1", "60001", "x", "5e3", "9" * 400):
        headers = signed(key, "GET", "/orders", window=window)
        http.call("GET", "/orders", headers=headers).refused(401, "BAD_SIGNATURE_TIME")
    for timestamp in ("", "x", "-1", "1.5", "²", "9" * 400):
        headers = signed(key, "GET", "/orders") | {"X-Openbell-Timestamp": timestamp.encode().decode("latin-1")}
        http.call("GET", "/orders", headers=headers).refused(401, "BAD_SIGNATURE_TIME")
    http.call("GET", "/orders", headers=signed(key, "GET", "/orders", offset_ms=500)).granted()


def test_a_key_does_what_its_scopes_say(http: Http) -> None:
    reader, trader, withdrawer = new_key(http, "read"), new_key(http, "trade"), new_key(http, "withdraw")
    call_signed(http, reader, "GET", "/orders").granted()
    call_signed(http, trader, "DELETE", "/orders").granted()
    for key, method, path in (
        (reader, "DELETE", "/orders"),
        (trader, "GET", "/orders"),
        (withdrawer, "GET", "/orders"),
        (withdrawer, "DELETE", "/orders"),
    ):
        call_signed(http, key, method, path).refused(403, "SCOPE_MISSING")
    call_signed(http, reader, "POST", "/order", ORDER).refused(403, "SCOPE_MISSING")


def test_no_key_makes_keys_or_ends_sessions(http: Http) -> None:
    key = new_key(http, "read", "trade", "withdraw")
    call_signed(http, key, "POST", "/auth/keys", {"scopes": ["read"]}).refused(403, "SESSION_NEEDED")
    for method, path in (("GET", "/auth/keys"), ("GET", "/auth/sessions"), ("POST", "/auth/logout")):
        call_signed(http, key, method, path).refused(403, "SESSION_NEEDED")


def test_a_key_is_used_from_its_addresses_only(http: Http) -> None:
    call_signed(http, new_key(http, "read", ip_list=("10.0.0.0/8", "127.0.0.1")), "GET", "/orders").granted()
    for written in ("::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:127.0.0.0/104"):
        call_signed(http, new_key(http, "read", ip_list=(written,)), "GET", "/orders").granted()
    elsewhere = new_key(http, "read", ip_list=("10.0.0.0/8", "::1"))
    call_signed(http, elsewhere, "GET", "/orders").refused(403, "ADDRESS_NOT_ALLOWED")


def test_a_key_is_listed_without_its_secret_and_revoked_at_once_by_its_user(http: Http) -> None:
    ada, eve = sign_up(http), sign_up(http)
    key = created(http.call("POST", "/auth/keys", {"label": "bot", "scopes": ["read"]}, bearer(ada)))
    answer = http.call("GET", "/auth/keys", headers=bearer(ada))
    assert [item["key_id"] for item in answer.granted()["keys"]] == [key["key_id"]]
    assert key["secret"].encode() not in answer.content
    assert http.call("GET", "/auth/keys", headers=bearer(eve)).granted()["keys"] == []
    path = f"/auth/keys/{key['key_id']}"
    http.call("DELETE", path, headers=bearer(eve)).refused(404, "UNKNOWN_KEY")
    call_signed(http, key, "GET", "/orders").granted()
    http.call("DELETE", path, headers=bearer(ada)).granted()
    call_signed(http, key, "GET", "/orders").refused(401, "UNKNOWN_KEY")


@pytest.mark.parametrize(
    "body",
    [{}, {"scopes": []}, {"scopes": ["admin"]}, {"scopes": ["read"], "ip_list": ["x"]}, {"scopes": ["read"] * 4}],
)
def test_a_key_that_makes_no_sense_is_not_made(http: Http, body: Any) -> None:
    assert http.call("POST", "/auth/keys", body, bearer(sign_up(http))).status == 400
