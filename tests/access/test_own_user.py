"""What users change of themselves: password, second factor, sessions; and what needs the password once more."""

from __future__ import annotations

import time
from itertools import count
from typing import Any

import pyotp
import pytest

from tests.access.cast import Cast, key_of, status_and_code
from tests.api.clients import PASSWORD, FeedClient, bearer, call_signed, created, sign_up
from tests.server import Http, eventually

NEW_PASSWORD = "another battery staple"  # noqa: S105
WRONG_PASSWORD = "never was this one"  # noqa: S105

_numbers = count()


@pytest.fixture
def http(secured_cast: Cast) -> Http:
    return secured_cast.http


def log_in(http: Http, name: str, password: str = PASSWORD, **code: str) -> dict[str, Any]:
    body: dict[str, Any] = http.post("/auth/login", {"name": name, "password": password, **code}).granted()
    return body


class Authenticator:
    """The app of a user. A step that ends in the middle of a test changes nothing.

    The server takes codes of the steps before and after its own, each once.
    """

    def __init__(self, uri: str) -> None:
        app = pyotp.parse_uri(uri)
        assert isinstance(app, pyotp.TOTP)
        self._app, self._opened_at = app, time.time()
        self.secret: str = app.secret
        self.names = app.name, app.issuer
        self.first = app.at(int(self._opened_at))

    def next(self) -> str:
        """A code that is good, and not the first."""
        return self._app.at(int(max(time.time(), self._opened_at + self._app.interval)))

    def near(self, steps: range = range(-2, 4)) -> set[str]:
        """Those of some steps around now: by default every one that is good now or soon."""
        return {self._app.at(int(time.time()) + step * self._app.interval) for step in steps}


def with_second_factor(http: Http) -> tuple[dict[str, Any], Authenticator]:
    """A user who is asked for codes; its first is used up."""
    who = sign_up(http)
    begun = http.call("POST", "/auth/totp", {"password": PASSWORD}, bearer(who)).granted()
    app = Authenticator(begun["uri"])
    assert (app.secret, *app.names) == (begun["secret"], who["name"], "Openbell")
    assert len({len(begun["qr"].split()), *map(len, begun["qr"].split())}) == 1  # a square
    http.call("POST", "/auth/totp/confirm", {"code": app.first}, bearer(who)).granted()
    return who, app


def test_a_changed_password_ends_every_other_session_and_its_feed_and_keeps_this_one_and_the_keys(
    secured_cast: Cast, http: Http
) -> None:
    ada = sign_up(http)
    other, key = log_in(http, ada["name"]), key_of(http, ada, "read")
    feed = FeedClient(secured_cast.server.url, {"token": other["token"]})
    wanted = {"password": PASSWORD, "new_password": NEW_PASSWORD}
    http.call("POST", "/auth/password", wanted, bearer(ada)).granted()
    http.call("GET", "/orders", headers=bearer(other)).refused(401, "SESSION_ENDED")
    eventually(lambda: feed.ended)
    feed.close()
    http.call("GET", "/orders", headers=bearer(ada)).granted()
    http.post("/auth/refresh", {"refresh_token": ada["refresh_token"]}).granted()
    call_signed(http, key, "GET", "/orders").granted()
    http.post("/auth/login", {"name": ada["name"], "password": PASSWORD}).refused(401, "BAD_LOGIN")
    log_in(http, ada["name"], NEW_PASSWORD)


def test_a_password_is_changed_by_whoever_knows_it_only(http: Http) -> None:
    ada = sign_up(http)
    wanted = {"password": WRONG_PASSWORD, "new_password": NEW_PASSWORD}
    http.call("POST", "/auth/password", wanted, bearer(ada)).refused(403, "BAD_PASSWORD")
    log_in(http, ada["name"])


def test_a_password_that_is_guessed_soon_is_not_taken(http: Http) -> None:
    ada = sign_up(http)
    for weak in ("PassWord1234!", PASSWORD):
        wanted = {"password": PASSWORD, "new_password": weak}
        refused = http.call("POST", "/auth/password", wanted, bearer(ada)).refused(400, "WEAK_PASSWORD")
        assert refused["details"] == {"field": "new_password"}
    for name, weak in (("adaada", "PassWord1234!"), ("long.name_012", "Long.Name_012")):
        refused = http.post("/auth/signup", {"name": name, "password": weak}).refused(400, "WEAK_PASSWORD")
        assert refused["details"] == {"field": "password"}
    for length in (11, 257):
        http.post("/auth/signup", {"name": "adaa", "password": "x" * length}).refused(400, "INVALID_VALUE")
        wanted = {"password": PASSWORD, "new_password": "x" * length}
        http.call("POST", "/auth/password", wanted, bearer(ada)).refused(400, "INVALID_VALUE")


def test_sessions_are_listed_with_where_they_were_opened_and_all_are_ended_at_once(http: Http) -> None:
    ada = sign_up(http)
    wanted = {"name": ada["name"], "password": PASSWORD}
    phone = http.call("POST", "/auth/login", wanted, {"User-Agent": "A phone é" + "." * 300}).granted()
    listed = {
        item["session_id"]: item
        for item in http.call("GET", "/auth/sessions", headers=bearer(ada)).granted()["sessions"]
    }
    assert set(listed) == {ada["session_id"], phone["session_id"]}
    found = listed[phone["session_id"]]
    assert (found["address"], found["user_agent"][:7], len(found["user_agent"])) == ("127.0.0.1", "A phone", 200)
    assert found["created_at"] <= found["used_at"] <= time.time() < found["expires_at"]
    assert http.call("DELETE", "/auth/sessions", headers=bearer(ada)).granted() == {"count": 2}
    for who in (ada, phone):
        http.call("GET", "/orders", headers=bearer(who)).refused(401, "SESSION_ENDED")


def test_signing_in_asks_for_a_code_that_is_good_once_and_only_whoever_has_the_password(http: Http) -> None:
    ada, app = with_second_factor(http)
    login = {"name": ada["name"], "password": PASSWORD}
    http.post("/auth/login", login).refused(401, "CODE_NEEDED")
    http.post("/auth/login", {**login, "password": WRONG_PASSWORD}).refused(401, "BAD_LOGIN")
    http.post("/auth/login", {**login, "code": app.first}).refused(401, "BAD_CODE")  # it turned the factor on
    good = app.next()
    http.post("/auth/login", {**login, "code": good}).granted()
    http.post("/auth/login", {**login, "code": good}).refused(401, "BAD_CODE")
    http.post("/auth/login", {**login, "code": app.near(range(9, 10)).pop()}).refused(401, "BAD_CODE")
    for malformed in ("12345", "１２３４５６", "", "1234567"):
        http.post("/auth/login", {**login, "code": malformed}).refused(400, "INVALID_VALUE")


def test_codes_are_not_guessed(http: Http) -> None:
    ada = sign_up(http)
    begun = http.call("POST", "/auth/totp", {"password": PASSWORD}, bearer(ada)).granted()
    app = Authenticator(begun["uri"])
    guessed, good = ("000000", "111111", "222222", "333333", "444444", "555555"), app.near()
    wrong = next(text for text in guessed if text not in good)
    guesses = [http.call("POST", "/auth/totp/confirm", {"code": wrong}, bearer(ada)) for _ in range(11)]
    assert {status_and_code(guess) for guess in guesses[:10]} == {(403, "BAD_CODE")}
    assert status_and_code(guesses[10]) == (429, "TOO_MANY_REQUESTS")
    http.call("POST", "/auth/totp/confirm", {"code": app.next()}, bearer(ada)).refused(429, "TOO_MANY_REQUESTS")
    log_in(http, ada["name"])  # whoever has no second factor signs in as ever


def test_a_second_factor_is_turned_off_by_password_and_code(http: Http) -> None:
    ada, app = with_second_factor(http)
    assert http.call("GET", "/auth/user", headers=bearer(ada)).granted()["totp"] is True
    http.call("POST", "/auth/totp", {"password": PASSWORD}, bearer(ada)).refused(409, "TOTP_ON")
    http.call("POST", "/auth/totp/confirm", {"code": app.next()}, bearer(ada)).refused(409, "TOTP_ON")
    change = {"password": PASSWORD, "new_password": NEW_PASSWORD}
    http.call("POST", "/auth/password", change, bearer(ada)).refused(403, "CODE_NEEDED")
    off = {"password": PASSWORD, "code": app.first}
    http.call("POST", "/auth/totp/off", off, bearer(ada)).refused(403, "BAD_CODE")
    off = {"password": WRONG_PASSWORD, "code": app.next()}
    http.call("POST", "/auth/totp/off", off, bearer(ada)).refused(403, "BAD_PASSWORD")
    http.call("POST", "/auth/totp/off", {"password": PASSWORD, "code": app.next()}, bearer(ada)).granted()
    assert http.call("GET", "/auth/user", headers=bearer(ada)).granted()["totp"] is False
    log_in(http, ada["name"])


def test_a_second_factor_that_was_not_confirmed_asks_for_nothing(http: Http) -> None:
    ada = sign_up(http)
    http.call("POST", "/auth/totp", {"password": WRONG_PASSWORD}, bearer(ada)).refused(403, "BAD_PASSWORD")
    http.call("POST", "/auth/totp", {"password": PASSWORD}, bearer(ada)).granted()
    http.call("POST", "/auth/totp/confirm", {"code": "000000"}, bearer(ada)).refused(403, "BAD_CODE")
    log_in(http, ada["name"])


def test_a_key_that_withdraws_is_made_by_whoever_shows_the_password_and_a_code_once_more(http: Http) -> None:
    ada, app = with_second_factor(http)
    who, wanted = bearer(ada), {"scopes": ["read", "withdraw"]}
    http.call("POST", "/auth/keys", wanted, who).refused(403, "PASSWORD_NEEDED")
    http.call("POST", "/auth/keys", {**wanted, "password": WRONG_PASSWORD}, who).refused(403, "BAD_PASSWORD")
    http.call("POST", "/auth/keys", {**wanted, "password": PASSWORD}, who).refused(403, "CODE_NEEDED")
    assert http.call("GET", "/auth/keys", headers=who).granted()["keys"] == []
    created(http.call("POST", "/auth/keys", {**wanted, "password": PASSWORD, "code": app.next()}, who))
    created(http.call("POST", "/auth/keys", {"scopes": ["read", "trade"]}, who))  # moves no money out
    guest = created(http.post("/auth/guest", None))
    created(http.call("POST", "/auth/keys", wanted, bearer(guest)))  # has nothing else to show


def test_no_password_secret_or_code_is_in_the_log_or_the_audit_trail(secured_cast: Cast, http: Http) -> None:
    ada, app = with_second_factor(http)
    used = app.next()
    change = {"password": PASSWORD, "new_password": NEW_PASSWORD, "code": used}
    http.call("POST", "/auth/password", change, bearer(ada)).granted()
    trail = http.call("GET", "/admin/audit?limit=50", headers=secured_cast.operator.bearer)
    done = [item["action"] for item in trail.granted()["entries"] if item["subject"] == ada["name"]]
    assert done == ["password_changed", "totp_on", "user_created"]
    for text in (secured_cast.server.log, trail.content.decode()):
        assert [hidden for hidden in (PASSWORD, NEW_PASSWORD, app.secret, f'"{used}"') if hidden in text] == []
