"""Refresh tokens in cookies: no script reads them, no other site uses them, and each is its session's alone."""

from __future__ import annotations

import re
import ssl
import time
from http.cookies import Morsel, SimpleCookie
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import msgspec
import pytest

from tests.access.cast import Cast
from tests.api.clients import bearer, created
from tests.server import Answer, Http, RunningServer

JSON = {"Content-Type": "application/json"}
HALF_A_DAY_S = 12 * 3600


def cookie(answer: Answer) -> Morsel[str]:
    """The one cookie that an answer sets."""
    (written,) = answer.headers.get_all("Set-Cookie") or []
    (found,) = SimpleCookie(written).values()
    return found


def shown(*cookies: Morsel[str]) -> dict[str, str]:
    """The header that a browser sends them in."""
    return {"Cookie": "; ".join(f"{one.key}={one.value}" for one in cookies)}


@pytest.fixture
def http(secured_cast: Cast) -> Http:
    return secured_cast.http


@pytest.fixture
def own(secured_cast: Cast) -> dict[str, str]:
    """What a page of the server itself sends with each POST."""
    return {"Origin": secured_cast.server.url} | JSON


def signed_up(http: Http) -> tuple[dict[str, Any], Morsel[str]]:
    """A guest as a page becomes one, and the cookie."""
    answer = http.post("/auth/guest", None)
    return created(answer), cookie(answer)


def refreshed(http: Http, session_id: str, headers: dict[str, str]) -> Answer:
    return http.call("POST", "/auth/refresh", {"session_id": session_id}, headers)


def test_a_page_gets_no_refresh_token_but_a_cookie_that_no_script_reads_and_no_other_site_sends(http: Http) -> None:
    guest, kept = signed_up(http)
    assert "refresh_token" not in guest
    assert kept.key == f"openbell-{guest['session_id']}"
    assert (kept["httponly"], kept["samesite"], kept["path"], kept["domain"]) == (True, "Strict", "/auth", "")
    assert 0 <= HALF_A_DAY_S - int(kept["max-age"]) < 60
    assert 0 <= time.time() + HALF_A_DAY_S - guest["session_expires_at"] < 60


def test_a_cookie_refreshes_its_own_session_and_is_replaced(http: Http, own: dict[str, str]) -> None:
    guest, first = signed_up(http)
    answer = refreshed(http, guest["session_id"], own | shown(first))
    second = cookie(answer)
    assert answer.granted()["session_id"] == guest["session_id"]
    assert "refresh_token" not in answer.json
    assert (second.key, second.value != first.value) == (first.key, True)
    http.call("GET", "/orders", headers=bearer(answer.json)).granted()
    other = cookie(refreshed(http, guest["session_id"], own | shown(first)))  # another tab, at the same moment
    assert other.value == second.value
    third = cookie(refreshed(http, guest["session_id"], own | shown(second)))
    answer = refreshed(http, guest["session_id"], own | shown(first))
    answer.refused(401, "REFRESH_TOKEN_REUSED")
    assert cookie(answer)["max-age"] == "0"  # the browser forgets what is good for nothing
    refreshed(http, guest["session_id"], own | shown(third)).refused(401, "BAD_REFRESH_TOKEN")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", ""])
def test_another_sites_page_can_neither_refresh_nor_sign_out_by_a_cookie(http: Http, origin: str) -> None:
    guest, kept = signed_up(http)
    headers = {"Origin": origin} | JSON | shown(kept)
    refreshed(http, guest["session_id"], headers).refused(403, "FOREIGN_ORIGIN")
    http.call("POST", "/auth/logout", None, headers | bearer(guest)).refused(403, "FOREIGN_ORIGIN")
    refreshed(http, guest["session_id"], JSON | shown(kept)).refused(403, "FOREIGN_ORIGIN")
    http.call("GET", "/orders", headers=bearer(guest)).granted()


def test_a_page_that_is_let_in_by_cors_origins_uses_no_cookie(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data", "--cors-origins", "https://desk.example") as server:
        guest, kept = signed_up(server.http)
        answer = refreshed(server.http, guest["session_id"], {"Origin": "https://desk.example"} | JSON | shown(kept))
        answer.refused(403, "FOREIGN_ORIGIN")
        token = created(server.http.post("/auth/guest?refresh=body", None))["refresh_token"]
        server.http.post("/auth/refresh", {"refresh_token": token}).granted()


def test_a_cookie_stands_for_no_credentials_and_for_no_other_session(http: Http, own: dict[str, str]) -> None:
    ada, kept = signed_up(http)
    eve, eves = signed_up(http)
    http.call("GET", "/orders", headers=own | shown(kept)).refused(401, "UNAUTHENTICATED")
    refreshed(http, ada["session_id"], own | shown(eves)).refused(401, "BAD_REFRESH_TOKEN")
    forged: Morsel[str] = Morsel()
    forged.set(kept.key, eves.value, eves.value)
    refreshed(http, ada["session_id"], own | shown(forged)).refused(401, "BAD_REFRESH_TOKEN")
    for who in (ada, eve):
        http.call("GET", "/orders", headers=bearer(who)).granted()


def test_signing_out_forgets_the_cookie(http: Http, own: dict[str, str]) -> None:
    for method, path in (("POST", "/auth/logout"), ("DELETE", "/auth/sessions"), ("DELETE", "/auth/sessions/{}")):
        guest, kept = signed_up(http)
        answer = http.call(method, path.format(guest["session_id"]), None, own | shown(kept) | bearer(guest))
        answer.granted()
        gone = cookie(answer)
        assert (gone.key, gone["max-age"], gone["path"]) == (kept.key, "0", "/auth")
        refreshed(http, guest["session_id"], own | shown(kept)).refused(401, "BAD_REFRESH_TOKEN")


def test_a_browser_with_many_sessions_forgets_the_oldest(http: Http, own: dict[str, str]) -> None:
    kept = [signed_up(http)[1] for _ in range(17)]
    written = http.call("POST", "/auth/guest", None, own | shown(*kept)).headers.get_all("Set-Cookie") or []
    assert [re.split("[=;]", one)[0] for one in written[:-1]] == [kept[0].key, kept[1].key]
    assert all("Max-Age=0" in one for one in written[:-1])
    assert "Max-Age=0" not in written[-1]


def test_a_program_that_asks_for_it_has_the_refresh_token_in_the_body_and_no_cookie(
    http: Http, own: dict[str, str]
) -> None:
    answer = http.post("/auth/guest?refresh=body", None)
    assert answer.headers.get_all("Set-Cookie") is None
    following = http.post("/auth/refresh", {"refresh_token": created(answer)["refresh_token"]})
    assert following.headers.get_all("Set-Cookie") is None
    moved = http.post("/auth/refresh?refresh=cookie", {"refresh_token": following.granted()["refresh_token"]})
    assert "refresh_token" not in moved.granted()
    session_id = moved.json["session_id"]
    back = http.call("POST", "/auth/refresh?refresh=body", {"session_id": session_id}, own | shown(cookie(moved)))
    back.refused(400, "INVALID_VALUE")  # what came in a cookie never comes to a script
    for body in ({}, {"refresh_token": "x", "session_id": "x"}):
        http.post("/auth/refresh", body).refused(400, "MISSING_FIELD")
    http.post("/auth/guest?refresh=page", None).refused(400, "INVALID_VALUE")


def test_under_tls_the_cookie_is_this_very_hosts(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    with RunningServer(tmp_path / "data", "--tls-cert", str(cert), "--tls-key", str(key)) as server:
        trusting = ssl.create_default_context(cafile=str(cert))

        def post(path: str, body: bytes, headers: dict[str, str]) -> tuple[Any, Morsel[str]]:
            wanted = Request(server.url + path, body, headers, method="POST")  # noqa: S310
            with urlopen(wanted, context=trusting, timeout=30) as answer:  # noqa: S310
                (kept,) = SimpleCookie(answer.headers["Set-Cookie"]).values()
                return msgspec.json.decode(answer.read()), kept

        guest, kept = post("/auth/guest", b"", {})
        assert kept.key == f"__Host-openbell-{guest['session_id']}"
        assert (kept["secure"], kept["path"], kept["domain"]) == (True, "/", "")
        body = msgspec.json.encode({"session_id": guest["session_id"]})
        again, _ = post("/auth/refresh", body, {"Origin": server.url} | JSON | shown(kept))
        assert again["session_id"] == guest["session_id"]
