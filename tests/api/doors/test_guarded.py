"""Who may come in, and how much they may ask, is the same at every front door at every moment."""

from __future__ import annotations

import time
from collections.abc import Iterator

import msgspec
import pytest

from tests.access.cast import OPERATOR, appoint, operator
from tests.api.binance.streams.socket_client import SocketClient
from tests.api.clients import PASSWORD, START_GRACE_S, FeedClient, bearer, call_signed, new_key, sign_up, signed
from tests.api.doors.serving import each_door, server_with_doors
from tests.server import RunningServer, eventually

RATE = 60
ORDER = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.1", "price": "10"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A secured server with two front doors."""
    options = ("--profile", "secured", "--rate-limit", f"{RATE}/minute", "--login-rate", "3/minute")
    data = tmp_path_factory.mktemp("guarded") / "data"
    appoint(data)
    with server_with_doors(data, *options) as server:
        time.sleep(START_GRACE_S)
        yield server


def test_a_session_is_good_at_every_door_at_once_and_when_it_ends_at_none(guarded: RunningServer) -> None:
    with each_door(guarded, "127.0.1.1") as (one, other):
        who = sign_up(one)
        assert other.call("GET", "/account", None, bearer(who)).status == 200
        feed = FeedClient(other.url, {"token": who["token"]})
        assert feed.events("connected")
        one.call("POST", "/auth/logout", {}, bearer(who)).granted()
        for http in (other, one):
            http.call("GET", "/account", None, bearer(who)).refused(401, "SESSION_ENDED")
        eventually(lambda: feed.ended)
        feed.close()


def test_a_key_is_good_at_every_door_its_signature_once_at_all_of_them(guarded: RunningServer) -> None:
    with each_door(guarded, "127.0.1.2") as (one, other):
        key = new_key(one, "read", "trade")
        for http in (one, other):
            call_signed(http, key, "POST", "/order", ORDER).granted()
        content = msgspec.json.encode(ORDER)
        headers = signed(key, "POST", "/order", content)
        one.call("POST", "/order", content, headers).granted()
        other.call("POST", "/order", content, headers).refused(401, "SIGNATURE_REPLAYED")


def test_an_operators_mass_cancel_is_done_once_at_whichever_door(guarded: RunningServer) -> None:
    with each_door(guarded, "127.0.1.9") as (one, other):
        boss, key = operator(one), new_key(one, "read", "trade")
        call_signed(one, key, "POST", "/order", ORDER).granted()
        shown = boss.bearer | {"Idempotency-Key": "of-this-test"}
        first = one.call("DELETE", "/admin/symbols/BTC-USDT/orders", None, shown).granted()
        since = call_signed(other, key, "POST", "/order", ORDER).granted()["order_id"]
        again = other.call("DELETE", "/admin/symbols/BTC-USDT/orders", None, shown).granted()
        assert again == first | {"repeated": True}
        assert first["count"] >= 1
        call_signed(one, key, "DELETE", f"/order/{since}").granted()


def test_a_listen_key_that_one_door_made_is_followed_at_the_other(guarded: RunningServer) -> None:
    with each_door(guarded, "127.0.1.3") as (one, other):
        key = new_key(one, "read", "trade")
        made = one.call("POST", "/api/v3/userDataStream", None, {"X-MBX-APIKEY": key["key_id"]}).granted()
        with SocketClient(other.url, f"/ws/{made['listenKey']}") as stream:
            call_signed(one, key, "POST", "/order", ORDER).granted()
            assert stream.event("executionReport")["p"] == "10.00"


def test_the_doors_processes_are_said_to_operators_alone(guarded: RunningServer) -> None:
    with each_door(guarded, "127.0.1.8") as (one, other):
        boss = one.post("/auth/login", {"name": OPERATOR, "password": PASSWORD}).granted()
        nobody, trader = None, bearer(sign_up(one))
        for http in (one, other):
            for shown in (nobody, trader, {"Authorization": "Bearer nobody"}):
                found = http.call("GET", "/health", None, shown).granted()["doors"]
                assert [(door["door"], door["process"]) for door in found] == [(1, None), (2, None)], shown
            found = http.call("GET", "/health", None, bearer(boss)).granted()["doors"]
            assert all(door["process"] > 1 for door in found)


def test_requests_at_all_doors_are_counted_together(guarded: RunningServer) -> None:
    with each_door(guarded, "127.0.1.4") as (one, other):
        statuses = [http.call("GET", "/symbols").status for _ in range(RATE // 2) for http in (one, other)]
        assert statuses == [200] * RATE
        for http in (one, other):
            assert http.call("GET", "/symbols").status == 429
            assert http.call("GET", "/health").status == 429  # the writer counts what is passed on with the rest


def test_guesses_of_a_password_at_all_doors_are_counted_together(guarded: RunningServer) -> None:
    with each_door(guarded, "127.0.1.5") as (one, other):
        who = sign_up(one)
    with each_door(guarded, "127.0.1.6") as (one, other):
        wrong = {"name": who["name"], "password": "wrong horse"}
        statuses = [http.post("/auth/login", wrong).status for http in (one, other, one, other)]
        assert statuses == [401, 401, 401, 429]


def test_what_an_operator_does_is_there_at_every_door_when_it_is_answered(guarded: RunningServer) -> None:
    with each_door(guarded, "127.0.1.7") as (one, other):
        boss = one.post("/auth/login", {"name": OPERATOR, "password": PASSWORD}).granted()
        for action, status in (("halt", "halted"), ("resume", "trading")) * 3:
            one.call("POST", f"/admin/symbols/ETH-USDT/{action}", {}, bearer(boss)).granted()
            assert other.get("/status/ETH-USDT")["status"] == status
        faults = {"step": [{"kind": "error", "status": 502, "on": ["orders"]}]}
        key = new_key(one, "trade")
        one.call("PUT", "/admin/faults", faults, bearer(boss)).granted()
        for http in (other, one):
            assert call_signed(http, key, "POST", "/order", ORDER).status == 502
        one.call("DELETE", "/admin/faults", None, bearer(boss)).granted()
        assert call_signed(other, key, "POST", "/order", ORDER).status == 200
