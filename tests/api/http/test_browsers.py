"""What a page can make a browser send, and what every answer forbids it to do."""

from __future__ import annotations

import pytest

from tests.server import Http, RunningServer

ORDER = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.001", "price": "1000.00"}
JSON = "application/json"
SIMPLE = [
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain",
    "text/plain;charset=UTF-8",
]
POLLING = "/socket.io/?EIO=4&transport=polling"


@pytest.mark.parametrize("kind", [*SIMPLE, "", "application/jsonp", "text/json", "application/json-patch+json"])
@pytest.mark.parametrize("mark", ["Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Cookie"])
def test_a_browser_changes_nothing_by_another_body_than_json(
    running_server: RunningServer, http: Http, kind: str, mark: str
) -> None:
    headers = {mark: running_server.url if mark == "Origin" else "same-origin", "Content-Type": kind}
    for method, path in (("POST", "/order"), ("POST", "/auth/guest"), ("DELETE", "/orders"), ("PATCH", "/order/1")):
        http.call(method, path, ORDER, headers).refused(415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("kind", [None, *SIMPLE])
def test_a_program_is_not_asked_for_the_kind_of_its_body(http: Http, kind: str | None) -> None:
    order = http.call("POST", "/order", ORDER, {} if kind is None else {"Content-Type": kind}).granted()
    http.call("DELETE", f"/order/{order['order_id']}").granted()


@pytest.mark.parametrize("kind", [JSON, "application/json; charset=utf-8", "Application/JSON"])
def test_the_page_sends_json_or_nothing(running_server: RunningServer, http: Http, kind: str) -> None:
    headers = {"Origin": running_server.url, "Sec-Fetch-Site": "same-origin"}
    order = http.call("POST", "/order", ORDER, headers | {"Content-Type": kind}).granted()
    http.call("DELETE", f"/order/{order['order_id']}", headers=headers).granted()


@pytest.mark.parametrize("query", ["&j=0", "&j=", "&%6a=0", "&j=0&j=1", "&j=alert(1)//"])
def test_the_feed_is_not_given_as_a_script(http: Http, query: str) -> None:
    refusal = http.call("GET", POLLING + query).refused(400, "JSONP_NOT_SUPPORTED")
    assert refusal["details"] == {"field": "j"}
    http.call("POST", f"{POLLING}&sid=x{query}", b"d=1").refused(400, "JSONP_NOT_SUPPORTED")


def require_private(http: Http, method: str, path: str, body: bytes | None = None, **headers: str) -> None:
    """Assert that nobody may keep the answer, nor take it for something else."""
    answer = http.call(method, path, body, headers)
    assert answer.headers.get_all("X-Content-Type-Options") == ["nosniff"], path
    assert answer.headers.get_all("Cache-Control") == ["no-store"], path
    assert answer.headers["Strict-Transport-Security"] is None


def test_no_answer_of_the_feed_or_an_error_is_kept(http: Http) -> None:
    opened = http.call("GET", POLLING)
    sid = opened.content.decode().partition('"sid":"')[2].partition('"')[0]
    assert sid
    require_private(http, "GET", POLLING)
    require_private(http, "POST", f"{POLLING}&sid={sid}", b"40/market,")
    require_private(http, "GET", f"{POLLING}&sid={sid}")
    for path in (f"{POLLING}&sid=unknown", f"{POLLING}&j=1", "/socket.io/?EIO=3&transport=polling", "/socket.io/"):
        require_private(http, "GET", path)
    for method, path in (("GET", "/nowhere"), ("PUT", "/order"), ("OPTIONS", "/order"), ("HEAD", "/account")):
        require_private(http, method, path)
    require_private(http, "GET", "/health", Host="evil.example")
    require_private(http, "POST", "/order", b"{}", Origin="https://evil.example")
    require_private(http, "POST", "/order", b"{", Origin="null")
