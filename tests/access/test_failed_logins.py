"""Who guesses a password: a stranger keeps nobody out, and what they did is in the log and the audit trail."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.access.cast import OPERATOR, appoint, key_of
from tests.api.clients import PASSWORD, START_GRACE_S, call_signed, sign_up
from tests.server import Http, RunningServer, eventually

GUESS = "a guess that is wrong"


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    data = tmp_path_factory.mktemp("guessed") / "data"
    appoint(data)
    with RunningServer(data, "--profile", "secured") as server:
        time.sleep(START_GRACE_S)
        yield server


def log_in(http: Http, name: str, password: str = PASSWORD) -> Any:
    return http.post("/auth/login", {"name": name, "password": password})


def test_a_stranger_who_guesses_waits_longer_each_time_and_keeps_nobody_out(venue: RunningServer) -> None:
    http, stranger = venue.http, Http(venue.url, "127.0.0.2")
    key = key_of(http, log_in(http, OPERATOR).granted(), "read", "trade")
    trader = sign_up(http)["name"]
    for name in (OPERATOR, trader.upper()):
        assert [log_in(stranger, name, GUESS).status for _ in range(3)] == [401, 401, 401]
        refusal = log_in(stranger, name)  # the right one is not judged either
        refusal.refused(429, "TOO_MANY_REQUESTS")
        assert 1 <= int(refusal.headers["Retry-After"]) <= 2
    others = [log_in(stranger, f"nobody{number}", GUESS).status for number in range(3)]
    assert others == [401, 401, 429]  # ten a minute, whatever the name
    started = time.monotonic()
    for name in (OPERATOR, trader):
        log_in(http, name).granted()
    call_signed(stranger, key, "GET", "/admin/check").granted()  # by key even from there
    assert time.monotonic() - started < 5
    stranger.close()

    def guesses() -> list[dict[str, Any]]:
        entries = call_signed(http, key, "GET", "/admin/audit").granted()["entries"]
        return [entry for entry in entries if entry["action"] == "login_failed"]

    eventually(guesses)
    for entry in guesses():
        assert (entry["actor_name"], entry["details"]["address"]) == ("server", "127.0.0.2")
        assert entry["subject"] in (OPERATOR, trader, "unknown name")
    log = venue.log
    assert f"attempts to sign in as {OPERATOR} from 127.0.0.2 were wrong" in log
    assert "refused with TOO_MANY_REQUESTS: POST /auth/login from 127.0.0.2" in log
    assert GUESS not in log
