"""Without the database of users: nobody signs in, which is said at once; who is signed in trades; and it comes back."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests import postgres
from tests.access.cast import Cast, key_of, with_operator
from tests.access.operators import subprocess_create
from tests.access.routes import ORDER
from tests.api.clients import PASSWORD, START_GRACE_S, bearer, call_signed, sign_up
from tests.server import Http, RunningServer, eventually

AT_ONCE_S = 8.0  # what a busy machine makes of two seconds
LOGIN = {"name": "ada", "password": PASSWORD}


class Fault(NamedTuple):
    """A venue, and how its database is taken away."""

    cast: Cast
    away: Any  # () -> a context in which it is away


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """The SQLite file held by somebody else's transaction."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def fault(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fault]:
    """A secured venue over each kind of database."""
    data = tmp_path_factory.mktemp("away") / "data"
    if request.param == "sqlite":
        with with_operator(data, "--profile", "secured") as server:
            time.sleep(START_GRACE_S)
            yield Fault(Cast(server), lambda: locked(data / "identity.sqlite"))
        return
    if why := postgres.absent():
        pytest.skip(why)
    with postgres.running() as url:
        subprocess_create(data, "--identity-url", url)
        with RunningServer(data, "--login-rate", "off", "--profile", "secured", "--identity-url", url) as server:
            time.sleep(START_GRACE_S)
            yield Fault(Cast(server), lambda: postgres.away(url))


def routes(cast: Cast) -> list[tuple[str, str, Any, dict[str, str]]]:
    """Every request that needs the database, well formed."""
    ada = sign_up(cast.http)
    key, own, boss = key_of(cast.http, ada, "read"), bearer(ada), cast.operator.bearer
    return [
        ("POST", "/auth/login", LOGIN, {}),
        ("POST", "/auth/signup", {"name": "newcomer", "password": PASSWORD}, {}),
        ("POST", "/auth/guest", None, {}),
        ("POST", "/auth/refresh", {"refresh_token": ada["refresh_token"]}, {}),
        ("GET", "/auth/sessions", None, own),
        ("DELETE", f"/auth/sessions/{ada['session_id']}", None, own),
        ("POST", "/auth/keys", {"scopes": ["read"]}, own),
        ("GET", "/auth/keys", None, own),
        ("DELETE", f"/auth/keys/{key['key_id']}", None, own),
        ("GET", "/auth/user", None, own),
        ("POST", "/auth/password", {"password": PASSWORD, "new_password": "another battery staple"}, own),
        ("POST", "/auth/totp", {"password": PASSWORD}, own),
        ("POST", "/auth/totp/confirm", {"code": "000000"}, own),
        ("POST", "/auth/totp/off", {"password": PASSWORD, "code": "000000"}, own),
        ("POST", "/auth/keys", {"scopes": ["withdraw"], "password": PASSWORD}, own),
        ("GET", "/admin/users/ada", None, boss),
        ("POST", "/admin/users/ada/disable", None, boss),
        ("POST", "/admin/users/ada/password", None, boss),
        ("DELETE", "/admin/users/ada/sessions/x", None, boss),
        ("DELETE", "/auth/sessions", None, own),
        ("GET", "/admin/audit", None, boss),
        ("GET", "/admin/accounts", None, boss),
        ("PUT", "/admin/accounts/999999", {"tier": "x"}, boss),
        ("POST", "/auth/logout", None, own),
    ]


def test_every_route_that_needs_it_answers_503_at_once_and_works_again_afterwards(fault: Fault) -> None:
    http, asked = fault.cast.http, routes(fault.cast)
    with fault.away():
        for method, path, body, headers in asked:
            began = time.monotonic()
            answer = http.call(method, path, body, headers)
            error = answer.refused(503, "IDENTITY_AWAY")
            assert error["error"].startswith("Signing in and what belongs to it do not work just now")
            assert answer.headers["Retry-After"] == "1"
            assert time.monotonic() - began < AT_ONCE_S, path
    eventually(lambda: http.post("/auth/guest", None).status == 201)
    outcomes = {path: http.call(method, path, body, headers).status for method, path, body, headers in asked}
    assert set(outcomes.values()) <= {200, 201, 401, 403, 404}, outcomes  # nobody is called ada


def test_who_is_signed_in_trades_and_operators_keep_their_switches(fault: Fault) -> None:
    cast, http = fault.cast, fault.cast.http
    boss, trader = cast.operator.bearer, cast.trader
    account = f"/admin/accounts/{trader.account}"
    with fault.away():
        http.call("POST", "/order", ORDER, trader.bearer).granted()
        call_signed(http, trader.key, "GET", "/orders").granted()
        http.call("POST", "/admin/symbols/ETH-USDT/halt", None, boss).granted()
        assert http.call("POST", f"{account}/stop", None, boss).granted()["status"] == "stopped"
        http.call("POST", f"{account}/start", None, boss).granted()
        http.call("POST", "/admin/symbols/ETH-USDT/resume", None, boss).granted()

    def noted() -> bool:
        answer = http.call("GET", "/admin/audit?limit=4", None, boss)
        if answer.status != 200:
            return False
        return [entry["action"] for entry in answer.json["entries"]] == ["resume", "start", "stop", "halt"]

    eventually(noted)  # what could not be noted then is noted now


def test_many_who_wait_do_not_add_up(fault: Fault) -> None:
    def ask(_: int) -> int:
        client = Http(fault.cast.server.url)
        try:
            return client.post("/auth/guest", None).status
        finally:
            client.close()

    with fault.away():
        began = time.monotonic()
        with ThreadPoolExecutor(30) as threads:
            statuses = set(threads.map(ask, range(30)))
        assert statuses == {503}
        assert time.monotonic() - began < 2 * AT_ONCE_S
    eventually(lambda: ask(0) == 201)


def test_what_is_logged_of_it_holds_no_statement(fault: Fault) -> None:
    away: AbstractContextManager[None] = fault.away()
    with away:
        fault.cast.http.post("/auth/login", LOGIN)
    log = fault.cast.server.log
    assert "the identity store is away" in log
    assert "SELECT" not in log
    assert "Traceback" not in log
    eventually(lambda: fault.cast.http.post("/auth/guest", None).status == 201)
