"""What the command line changes beside a running server counts in it within a second: sessions, tokens, keys, feed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import postgres
from tests.access.cast import Cast, connecting, key_of, operator, with_operator
from tests.access.operators import beside, subprocess_create
from tests.api.clients import PASSWORD, START_GRACE_S, FeedClient, bearer, call_signed, sign_up
from tests.server import ROOT, Answer, RunningServer, eventually

SOON_S = 5.0  # a second, on a busy machine
NEW_PASSWORD = "another battery staple"  # noqa: S105


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def venue(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    """A secured server that runs, its users in each kind of database."""
    data = tmp_path_factory.mktemp("beside") / "data"
    if request.param == "sqlite":
        with with_operator(data, "--profile", "secured") as server:
            time.sleep(START_GRACE_S)
            yield Cast(server)
        return
    if why := postgres.absent():
        pytest.skip(why)
    with postgres.running() as url:
        subprocess_create(data, "--identity-url", url)
        arguments = ("--login-rate", "off", "--profile", "secured", "--identity-url", url)
        with RunningServer(data, *arguments) as server:
            time.sleep(START_GRACE_S)
            yield Cast(server)


def identity_of(venue: Cast) -> list[str]:
    """The options that name the server's store of users."""
    arguments = venue.server.options
    return arguments[arguments.index("--identity-url") :][:2] if "--identity-url" in arguments else []


def shown(venue: Cast, who: dict[str, Any]) -> Answer:
    """Asking for one's account by a token."""
    return venue.http.call("GET", "/account", headers=bearer(who))


@pytest.mark.parametrize("command", ["revoke", "disable", "create", "dismiss"])
def test_a_change_of_the_command_line_ends_sessions_keys_and_feed_connections_in_the_running_server(
    venue: Cast, command: str
) -> None:
    who, bystander = sign_up(venue.http), sign_up(venue.http)
    key = key_of(venue.http, who, "read", "trade")
    feeds = [FeedClient(venue.server.url, {"token": who["token"]}), FeedClient(venue.server.url, connecting(key))]
    kept = FeedClient(venue.server.url, {"token": bystander["token"]})
    shown(venue, who).granted()
    call_signed(venue.http, key, "GET", "/account").granted()
    beside(venue.server.data, command, who["name"], *identity_of(venue), password=NEW_PASSWORD)
    eventually(lambda: shown(venue, who).status == 401, SOON_S)
    shown(venue, who).refused(401, "SESSION_ENDED")
    call_signed(venue.http, key, "GET", "/account").refused(401, "UNKNOWN_KEY")
    venue.http.post("/auth/refresh", {"refresh_token": who["refresh_token"]}).refused(401, "BAD_REFRESH_TOKEN")
    eventually(lambda: all(feed.ended for feed in feeds), SOON_S)
    shown(venue, bystander).granted()
    assert not kept.ended
    for feed in (*feeds, kept):
        feed.close()
    login = {"name": who["name"], "password": NEW_PASSWORD if command == "create" else PASSWORD}
    answer = venue.http.post("/auth/login", login)
    if command == "disable":
        answer.refused(401, "BAD_LOGIN")
        beside(venue.server.data, "enable", who["name"], *identity_of(venue))
        answer = venue.http.post("/auth/login", login)
    assert answer.granted()["role"] == ("operator" if command == "create" else "trader")
    trail = venue.http.call("GET", "/admin/audit?limit=20", headers=operator(venue.http).bearer).granted()
    assert who["name"] in {entry["subject"] for entry in trail["entries"] if entry["actor_name"] == "command line"}


def test_a_user_that_nobody_is_is_told_in_one_sentence(venue: Cast) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "identity.operators", "revoke", "nobody"),
            *("--data", str(venue.server.data), *identity_of(venue)),
        ],
        cwd=ROOT,
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "Error: there is no user nobody.\n")


def test_nobody_new_is_appointed_on_a_journal_whose_accounts_are_not_known_yet(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with RunningServer(data) as server:
        server.http.post("/auth/guest", None)
    for path in data.glob("identity*"):
        path.unlink()
    command = [sys.executable, "-m", "identity.operators", "create", "boss", "--data", str(data)]
    for status in (1, 0):
        done = subprocess.run(
            command, cwd=ROOT, input=f"{PASSWORD}\n", text=True, capture_output=True, timeout=60, check=False
        )
        assert done.returncode == status, done.stderr
        if status == 1:
            assert "start the server on it once" in done.stderr
            with RunningServer(data):
                pass
    assert "account 1001" in done.stdout  # 1000 is the lost guest's, with its money
