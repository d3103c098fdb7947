"""Who guesses a password: a guesser keeps nobody out, and what they did is in the log and the audit trail."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.access.cast import OPERATOR, appoint, key_of
from tests.api.clients import PASSWORD, START_GRACE_S, bearer, call_signed, kept_waiting, sign_up
from tests.server import Http, RunningServer, eventually

GUESS = "a guess that is wrong"


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    data = tmp_path_factory.mktemp("guessed") / "data"
    appoint(data)
    with RunningServer(data, "--profile", "secured", "--login-rate", "16/hour") as server:
        time.sleep(START_GRACE_S)
        yield server


def log_in(http: Http, name: str, password: str = PASSWORD) -> Any:
    return http.post("/auth/login", {"name": name, "password": password})


def test_a_stranger_who_guesses_waits_longer_each_time_and_keeps_nobody_out(venue: RunningServer) -> None:
    http, guesser = venue.http, Http(venue.url, "127.0.0.2")
    key = key_of(http, log_in(http, OPERATOR).granted(), "read", "trade")
    trader = sign_up(http)["name"]
    for name in (OPERATOR, trader.upper()):
        assert [log_in(guesser, name, GUESS).status for _ in range(3)] == [401, 401, 401]
        kept_waiting(partial(log_in, guesser, name, GUESS), 401, "BAD_LOGIN")
        log_in(guesser, name).refused(429, "TOO_MANY_REQUESTS")  # the right one is not judged either
    statuses = [log_in(guesser, f"nobody{number}", GUESS).status for number in range(12)]
    assert statuses == sorted(statuses)  # so many in an hour, whatever the name
    assert statuses[-1] == 429
    started = time.monotonic()
    for name in (OPERATOR, trader):
        log_in(http, name).granted()
    call_signed(guesser, key, "GET", "/admin/check").granted()  # by key even from there
    assert time.monotonic() - started < 5
    guesser.close()

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


def test_who_has_a_session_guesses_its_users_password_no_faster(venue: RunningServer) -> None:
    thief = Http(venue.url, "127.0.0.3")
    stolen = bearer(sign_up(venue.http))
    wanted = {"scopes": ["withdraw"], "password": GUESS}
    for _ in range(3):
        thief.call("POST", "/auth/keys", wanted, stolen).refused(403, "BAD_PASSWORD")
    kept_waiting(lambda: thief.call("POST", "/auth/keys", wanted, stolen), 403, "BAD_PASSWORD")
    thief.call("POST", "/auth/keys", wanted | {"password": PASSWORD}, stolen).refused(429, "TOO_MANY_REQUESTS")
    thief.close()
