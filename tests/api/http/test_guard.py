"""Who may call the server by which name, and from which page; what the page's files may do."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.server import ROOT, Answer, Http, RunningServer, command, environment

ORDER = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "1", "price": "1"}
POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
}
OTHER_SITE = "https://desk.example"
AS_JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with a trusted name, and a trusted site whose pages may call it."""
    with RunningServer(
        tmp_path_factory.mktemp("open") / "data", "--cors-origins", OTHER_SITE, "--trusted-hosts", "Bells.example"
    ) as server:
        yield server


def called(http: Http, host: str, path: str = "/health") -> Answer:
    """GET with a Host header of our own."""
    return http.call("GET", path, headers={"Host": host})


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:5000", "[::1]:5000", "[::1]", "192.0.2.7"])
def test_it_goes_by_its_own_names_and_by_any_address(http: Http, host: str) -> None:
    assert called(http, host).granted()["accepting"] is True


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:5000",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "",
        "[evil",
        "[evil]:5000",
        "][",
        f"127.0.0.1:{'5' * 300}",
    ],
)
@pytest.mark.parametrize("path", ["/health", "/", "/static/main.js", "/socket.io/?EIO=4&transport=polling"])
def test_a_foreign_name_is_421_on_every_path(http: Http, host: str, path: str) -> None:
    called(http, host, path).refused(421, "UNKNOWN_HOST")


def test_a_trusted_name_is_its_own(open_server: RunningServer) -> None:
    for host in ("bells.example", "BELLS.EXAMPLE:443"):
        called(open_server.http, host).granted()
    called(open_server.http, "example").refused(421, "UNKNOWN_HOST")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost", ""])
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/order"), ("POST", "/cancel"), ("DELETE", "/orders"), ("PATCH", "/order/1")]
)
def test_a_foreign_page_changes_nothing(http: Http, method: str, path: str, origin: str) -> None:
    http.call(method, path, ORDER, {"Origin": origin}).refused(403, "FOREIGN_ORIGIN")


def test_the_own_page_may_trade(running_server: RunningServer, http: Http) -> None:
    order = http.call("POST", "/order", ORDER, {"Origin": running_server.url, **AS_JSON}).granted()
    http.call("DELETE", f"/order/{order['order_id']}", headers={"Origin": running_server.url}).granted()
    by_name = running_server.url.replace("127.0.0.1", "localhost")
    headers = {"Origin": by_name, "Host": urlsplit(by_name).netloc}
    http.call("DELETE", "/orders?symbol=BTC-USDT", headers=headers).granted()


def test_no_page_of_another_site_may_read_unless_it_is_named(running_server: RunningServer, http: Http) -> None:
    answer = http.call("GET", "/health", headers={"Origin": OTHER_SITE})
    assert answer.status == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_named_site_may_read_and_trade(open_server: RunningServer) -> None:
    http = open_server.http
    preflight = http.call(
        "OPTIONS",
        "/order",
        headers={
            "Origin": OTHER_SITE,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        },
    )
    assert preflight.status == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == OTHER_SITE
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert preflight.headers["Access-Control-Allow-Headers"] == "content-type"
    answer = http.call("POST", "/order", ORDER, {"Origin": OTHER_SITE, **AS_JSON})
    answer.granted()
    assert answer.headers["Access-Control-Allow-Origin"] == OTHER_SITE
    refused = http.call("POST", "/order", ORDER | {"price": "x"}, {"Origin": OTHER_SITE, **AS_JSON})
    refused.refused(400, "INVALID_VALUE")
    assert refused.headers["Access-Control-Allow-Origin"] == OTHER_SITE


def test_a_site_that_is_not_named_is_refused_beside_one_that_is(open_server: RunningServer) -> None:
    http = open_server.http
    foreign = "https://desk.example.evil.example"
    http.call("POST", "/order", ORDER, {"Origin": foreign}).refused(403, "FOREIGN_ORIGIN")
    preflight = http.call("OPTIONS", "/order", headers={"Origin": foreign, "Access-Control-Request-Method": "POST"})
    assert "Access-Control-Allow-Origin" not in preflight.headers


@pytest.mark.parametrize("path", ["/", "/static/index.html", "/static/main.js", "/static/favicon.svg", "/favicon.ico"])
def test_the_pages_policy_allows_its_own_files_and_nothing_else(http: Http, path: str) -> None:
    answer = http.call("GET", path)
    assert answer.status == 200
    policy = re.sub(r" 'sha256-[\w+/]{43}='", "", answer.headers["Content-Security-Policy"], count=1)  # the import map
    assert set(policy.split("; ")) == POLICY
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_the_page_needs_nothing_from_elsewhere_and_nothing_inline(http: Http) -> None:
    page = http.call("GET", "/").content.decode()
    named = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert named
    for path in named:
        assert urlsplit(path).netloc == ""
        assert http.call("GET", path if path.startswith("/") else f"/{path}").status == 200
    assert re.findall(r'<script(?![^>]*\bsrc=)(?! type="importmap">)[^>]*>(?!\s*</script>)', page) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=", page) == []


def test_a_sandbox_is_not_opened_to_others_by_accident(tmp_path: Path) -> None:
    started = subprocess.run(
        command("--host", "0.0.0.0", "--port", "0", "--data", str(tmp_path / "data")),  # noqa: S104
        cwd=ROOT,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert started.returncode == 2
    assert "--host 0.0.0.0 would let other machines trade" in " ".join(started.stderr.split())
    assert "--allow-remote" in started.stderr
    assert not (tmp_path / "data").exists()
