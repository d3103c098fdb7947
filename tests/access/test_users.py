"""What operators do with users, at a running server: what ends, ends at once, feed connections too."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.access.cast import OPERATOR, Cast, connecting, key_of, operator, with_operator
from tests.api.clients import PASSWORD, FeedClient, bearer, call_signed, sign_up
from tests.server import Answer, Http, eventually

NEW_PASSWORD = "another battery staple"  # noqa: S105


@pytest.fixture
def http(secured_cast: Cast) -> Http:
    return secured_cast.http


@pytest.fixture
def boss(secured_cast: Cast) -> dict[str, str]:
    """An operator's token, of a session that nothing here ends."""
    return secured_cast.operator.bearer


class Watched:
    """A user with a session, a key and a feed connection by each."""

    def __init__(self, cast: Cast) -> None:
        self.http = cast.http
        self.signed_in = sign_up(cast.http)
        self.name: str = self.signed_in["name"]
        self.key = key_of(cast.http, self.signed_in, "read")
        self.feeds = [
            FeedClient(cast.server.url, {"token": self.signed_in["token"]}),
            FeedClient(cast.server.url, connecting(self.key)),
        ]

    def is_out_at_once(self) -> None:
        """Nothing that let them in lets them in any more."""
        self.http.call("GET", "/account", headers=bearer(self.signed_in)).refused(401, "SESSION_ENDED")
        call_signed(self.http, self.key, "GET", "/account").refused(401, "UNKNOWN_KEY")
        token = {"refresh_token": self.signed_in["refresh_token"]}
        self.http.post("/auth/refresh", token).refused(401, "BAD_REFRESH_TOKEN")
        eventually(lambda: all(feed.ended for feed in self.feeds))

    def log_in(self, password: str = PASSWORD) -> Answer:
        return self.http.post("/auth/login", {"name": self.name, "password": password})


@pytest.fixture
def watched(secured_cast: Cast) -> Iterator[Watched]:
    who = Watched(secured_cast)
    yield who
    for feed in who.feeds:
        feed.close()


def test_a_reset_of_the_password_ends_everything_at_once_and_gives_another_for_a_day(
    watched: Watched, boss: dict[str, str], http: Http
) -> None:
    reset = http.call("POST", f"/admin/users/{watched.name}/password", headers=boss)
    password = reset.granted()["password"]
    assert (reset.json["sessions_ended"], reset.json["keys_revoked"]) == (1, 1)
    assert reset.headers["Cache-Control"] == "no-store"
    watched.is_out_at_once()
    watched.log_in().refused(401, "BAD_LOGIN")
    again = watched.log_in(password).granted()
    assert 23 * 3600 < again["change_password_by"] - time.time() <= 24 * 3600
    same = {"password": password, "new_password": password}
    http.call("POST", "/auth/password", same, bearer(again)).refused(400, "WEAK_PASSWORD")
    wanted = {"password": password, "new_password": NEW_PASSWORD}
    http.call("POST", "/auth/password", wanted, bearer(again)).granted()
    assert watched.log_in(NEW_PASSWORD).granted()["change_password_by"] is None
    trail = http.call("GET", "/admin/audit?limit=20", headers=boss)
    (line,) = [item for item in trail.granted()["entries"] if item["action"] == "password_reset"]
    assert (line["actor_name"], line["subject"]) == (OPERATOR, watched.name)
    assert password.encode() not in trail.content


def test_a_password_of_a_reset_lets_nobody_in_after_its_day(
    secured_cast: Cast, boss: dict[str, str], http: Http
) -> None:
    name = sign_up(http)["name"]
    password = http.call("POST", f"/admin/users/{name}/password", headers=boss).granted()["password"]
    with closing(sqlite3.connect(secured_cast.server.data / "identity.sqlite", timeout=30)) as store, store:
        store.execute("UPDATE users SET password_until_ns = ? WHERE name = ?", (time.time_ns(), name))
    http.post("/auth/login", {"name": name, "password": password}).refused(401, "PASSWORD_EXPIRED")
    http.post("/auth/login", {"name": name, "password": PASSWORD}).refused(401, "BAD_LOGIN")


def test_a_user_who_is_disabled_is_out_at_once_until_they_are_enabled(
    watched: Watched, boss: dict[str, str], http: Http
) -> None:
    path = f"/admin/users/{watched.name.upper()}"
    assert http.call("POST", f"{path}/disable", headers=boss).granted()["user"]["disabled"] is True
    watched.is_out_at_once()
    watched.log_in().refused(401, "BAD_LOGIN")
    assert http.call("GET", path, headers=boss).granted()["user"]["disabled"] is True
    http.call("POST", f"{path}/enable", headers=boss).granted()
    watched.log_in().granted()


def test_a_user_is_promoted_and_demoted_and_signs_in_anew_as_what_they_are(
    watched: Watched, boss: dict[str, str], http: Http
) -> None:
    path = f"/admin/users/{watched.name}"
    assert http.call("POST", f"{path}/promote", headers=boss).granted()["user"]["role"] == "operator"
    watched.is_out_at_once()
    promoted = watched.log_in().granted()
    http.call("GET", "/admin/check", headers=bearer(promoted)).granted()
    http.call("POST", f"{path}/demote", headers=boss).granted()
    http.call("GET", "/admin/check", headers=bearer(promoted)).refused(401, "SESSION_ENDED")
    http.call("GET", "/admin/check", headers=bearer(watched.log_in().granted())).refused(403, "OPERATOR_NEEDED")


def test_an_operator_sees_where_a_user_is_signed_in_and_ends_one_session(
    watched: Watched, boss: dict[str, str], http: Http
) -> None:
    other = watched.log_in().granted()
    path = f"/admin/users/{watched.name}"
    answer = http.call("GET", path, headers=boss)
    found = answer.granted()
    assert (found["user"]["name"], found["user"]["totp"]) == (watched.name, False)
    assert {item["session_id"] for item in found["sessions"]} == {watched.signed_in["session_id"], other["session_id"]}
    assert [item["key_id"] for item in found["keys"]] == [watched.key["key_id"]]
    assert watched.key["secret"].encode() not in answer.content
    session = f"{path}/sessions/{other['session_id']}"
    http.call("DELETE", session, headers=boss).granted()
    http.call("GET", "/account", headers=bearer(other)).refused(401, "SESSION_ENDED")
    http.call("GET", "/account", headers=bearer(watched.signed_in)).granted()
    http.call("DELETE", session, headers=boss).refused(404, "UNKNOWN_SESSION")
    http.call("DELETE", f"/admin/users/{OPERATOR}/sessions/{watched.signed_in['session_id']}", headers=boss).refused(
        404, "UNKNOWN_SESSION"
    )
    (line, *_) = http.call("GET", "/admin/audit?limit=20", headers=boss).granted()["entries"]
    assert (line["actor_name"], line["action"], line["subject"]) == (OPERATOR, "session_revoked", other["session_id"])


@pytest.mark.parametrize("action", ["promote", "password"])
def test_a_guest_becomes_no_operator_and_gets_no_password(
    secured_cast: Cast, boss: dict[str, str], http: Http, action: str
) -> None:
    name = secured_cast.trader.signed_in["name"]
    http.call("POST", f"/admin/users/{name}/{action}", headers=boss).refused(409, "NO_PASSWORD")
    http.call("GET", "/account", headers=secured_cast.trader.bearer).granted()


def test_the_last_operator_can_neither_be_disabled_nor_demoted_and_nobody_resets_their_own(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with with_operator(tmp_path_factory.mktemp("last") / "data") as server:
        boss: Any = operator(server.http).bearer
        for action in ("disable", "demote"):
            server.http.call("POST", f"/admin/users/{OPERATOR}/{action}", headers=boss).refused(409, "LAST_OPERATOR")
        for path in ("password", "reset_totp"):  # who has a session may not know the password
            mine = server.http.call("POST", f"/admin/users/{OPERATOR.upper()}/{path}", headers=boss)
            mine.refused(403, "ANOTHER_OPERATOR_NEEDED")
        other = sign_up(server.http)["name"]
        server.http.call("POST", f"/admin/users/{other}/promote", headers=boss).granted()
        server.http.call("POST", f"/admin/users/{OPERATOR}/demote", headers=boss).granted()
        server.http.call("GET", "/admin/check", headers=boss).refused(401, "SESSION_ENDED")
        assert "Traceback" not in server.log
