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
from tests.tidy.pages import page

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
            time.sleep(3)  # much longer than that takes
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


def test_long_reads_of_callers_who_are_not_signed_in_have_a_limit_of_their_own(tmp_path: Path) -> None:
    long_read, short = "/candles/BTC-USDT?limit=900", "/candles/BTC-USDT?limit=100"
    options = ("--profile", "secured", "--login-rate", "off", "--read-limit", "9/hour")
    with RunningServer(tmp_path / "data", *options) as server:
        ann = bearer(sign_up(server.http))
        asked = [server.http.call("GET", long_read) for _ in range(4)]
        assert [answer.status for answer in asked] == [200, 200, 200, 429]  # three units each
        asked[3].refused(429, "TOO_MANY_REQUESTS")
        assert int(asked[3].headers["Retry-After"]) > 0
        assert "without signing in" in asked[3].json["error"]
        assert server.http.call("GET", short).status == 200
        assert server.http.call("GET", "/bbo/BTC-USDT").status == 200
        assert [server.http.call("GET", long_read, headers=ann).status for _ in range(6)] == [200] * 6
        elsewhere = Http(server.url, source="127.0.0.9")
        assert elsewhere.call("GET", long_read).status == 200
        elsewhere.close()


def test_what_long_reads_count_is_what_the_settings_say() -> None:
    text = page("settings.md")
    counted = {
        limits.LEVELS_A_UNIT: "one for each 400 levels",
        limits.ORDERS_A_UNIT: "350 orders",
        limits.QUOTED_A_UNIT: "1,000 levels that it walks",
        limits.ROWS_A_UNIT: "one for each 300 rows",
        limits.SYMBOLS_A_UNIT: "one for each 50, 80, 150 symbols",
        limits.OPEN_ORDERS_A_UNIT: "one for each 1,500 of its open orders",
    }
    for number, sentence in counted.items():
        assert sentence in text
        assert f"{number:,}" in sentence
    assert (limits.TICKERS_A_UNIT, limits.FIGURES_A_UNIT) == (80, 150)
