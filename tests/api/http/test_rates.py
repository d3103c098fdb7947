"""Rate limits by account and by address, counted in memory or in a real Redis."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from flask import Flask

from api.http import limits
from api.json.errors import ApiError
from api.settings import Settings
from tests.api.clients import bearer, sign_up
from tests.redis_server import needs_redis, running_redis
from tests.server import Answer, Http, RunningServer

RATE = 12
SECURED = ("--profile", "secured", "--login-rate", "off", "--rate-limit", f"{RATE}/hour")


def until_refused(http: Http, headers: dict[str, str]) -> tuple[int, Answer]:
    """How many requests are answered, and the first that is not."""
    for answered in range(RATE + 1):
        answer = http.call("GET", "/symbols", None, headers)
        if answer.status != 200:
            return answered, answer
    raise AssertionError("no request was refused")


def test_each_account_has_a_budget_of_its_own_and_those_without_one_share_their_address(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data", *SECURED) as server:
        ann, bob = bearer(sign_up(server.http)), bearer(sign_up(server.http))  # two requests of this address
        answered, refusal = until_refused(server.http, ann)
        assert answered == RATE
        refusal.refused(429, "TOO_MANY_REQUESTS")
        assert int(refusal.headers["Retry-After"]) > 0
        assert until_refused(server.http, bob)[0] == RATE
        assert until_refused(server.http, {})[0] == RATE - 2


@needs_redis
def test_servers_that_share_a_redis_share_the_budgets(tmp_path: Path) -> None:
    with running_redis(tmp_path) as url:
        shared = (*SECURED, "--rate-limit-storage", url)
        with RunningServer(tmp_path / "one", *shared) as one, RunningServer(tmp_path / "two", *shared) as two:
            assert [one.http.call("GET", "/symbols").status for _ in range(RATE - 5)] == [200] * (RATE - 5)
            assert two.http.call("GET", "/symbols").status == 200  # it does not know yet, and asks behind
            time.sleep(1)
            assert until_refused(two.http, {})[0] == 4


@needs_redis
def test_without_its_redis_a_server_counts_in_memory_and_goes_on(tmp_path: Path) -> None:
    with running_redis(tmp_path) as url:
        server = RunningServer(tmp_path / "data", *SECURED, "--rate-limit-storage", url)
        server.start()
    try:
        assert until_refused(server.http, {})[0] == RATE
    finally:
        server.stop()


def test_messages_of_the_feed_are_counted_in_memory_while_the_storage_is_away() -> None:
    app = Flask("limited")
    away = Settings(profile="secured", rate_limit=f"{RATE}/minute", rate_limit_storage="redis://127.0.0.1:1/0")
    found = limits.install(app, away)
    assert found is not None
    with app.test_request_context("/", environ_base={"REMOTE_ADDR": "192.0.2.7"}):
        for _ in range(RATE):
            found.charge(1)
        with pytest.raises(ApiError, match="Too many requests"):
            found.charge(1)
    found.close()
