"""Nobody forges a line of the log or fills it: hostile names, paths, headers, symbols, ids, events, at debug level."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from logs.lines import CONTINUED
from tests.api.clients import FeedClient, bearer, sign_up
from tests.server import Http, RunningServer

MARK = "2026-01-01T00:00:00.000Z CRITICAL sequencer: forged"
BREAKS = ["\n", "\r\n", "\x1b[2K\x1b[1G", "\x85", "\u2028", "\x00"]
HEAD = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARNING|ERROR|CRITICAL) +([\w.-]+): ")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("forged") / "data", "--debug", "--login-rate", "off") as running:
        yield running


def sent(server: RunningServer, head: str, body: bytes = b"") -> None:
    """Send a request as it is written, whatever comes of it."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(head.encode("utf-8", "surrogateescape") + body)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65_536):
            pass


def forgeries(text: str) -> list[tuple[str, str, Any, dict[str, str]]]:
    """Requests that carry `text` wherever a client may say something: method, path, body, headers."""
    there = quote(text)
    order = {
        "symbol": text,
        "side": text,
        "order_type": "limit",
        "quantity": text,
        "price": text,
        "client_order_id": text,
    }
    known = order | {"symbol": "BTC-USDT", "side": "buy", "quantity": "1", "price": "1"}
    return [
        ("POST", "/order", order, {}),
        ("POST", "/order", known, {}),
        ("POST", "/orders/batch", {"orders": [order, known]}, {}),
        ("POST", "/auth/login", {"name": text[:60], "password": text[:60]}, {}),
        ("POST", "/auth/signup", {"name": text, "password": text}, {}),
        ("POST", "/auth/refresh", {"refresh_token": text}, {}),
        ("POST", "/admin/symbols", {"symbol": text}, {}),
        ("POST", f"/{there}", {text: text}, {}),
        ("GET", f"/book/{there}", None, {}),
        ("GET", f"/orders?symbol={there}&{there}={there}", None, {}),
        ("GET", f"/static/{there}", None, {}),
        ("DELETE", f"/order/{there}", None, {}),
        ("PATCH", f"/order/{there}", {"price": text}, {}),
    ]


def test_no_client_writes_a_line_of_its_own(server: RunningServer) -> None:
    http, started = server.http, len(server.log)
    trader = sign_up(http)
    for text in (f"x{line_break}{MARK}" for line_break in BREAKS):
        for method, path, body, headers in forgeries(text):
            assert http.call(method, path, msgspec.json.encode(body) if body else None, headers).status < 500
        http.call("POST", "/auth/keys", {"label": text[:64], "scopes": ["read"]}, bearer(trader))
        for name in ("Host", "Origin", "Authorization", "X-Openbell-Key", "User-Agent", "Cookie", "X-Forwarded-For"):
            sent(server, f"DELETE /orders HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{name}: {text}\r\n\r\n")
        sent(server, f"{text} / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        sent(server, f"GET /{text} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        sent(server, f"GET / HTTP/{text}\r\n\r\n")
        sent(server, f"{text}\r\n\r\n")
        client = FeedClient(server.url)
        client.call(text, {text: text})
        client.call("subscribe", {"type": text, "symbol": text})
        client.call("order", {"symbol": text})
        client.close()
        FeedClient(server.url, {"token": text, "flow": text}).close()
    time.sleep(0.2)
    log = server.log[started:]
    lines = log.split("\n")
    assert [line for line in lines if line and not (HEAD.match(line) or line.startswith(CONTINUED))] == []
    assert [line for line in lines if not line.isprintable()] == []
    heads = [HEAD.match(line) for line in lines]
    assert "sequencer" not in {head[2] for head in heads if head}
    assert "CRITICAL" not in {head[1] for head in heads if head}
    assert "Traceback" not in log


REFUSED = {
    "BAD_TOKEN": (401, {"Authorization": "Bearer x.y.z"}),
    "UNKNOWN_KEY": (401, {"X-Openbell-Key": "nobody"}),
    "FOREIGN_ORIGIN": (403, {"Origin": "https://evil.example"}),
    "UNKNOWN_HOST": (421, {"Host": "evil.example"}),
    "OPERATOR_NEEDED": (403, {}),
}


def test_a_flood_of_refusals_is_a_line_of_each_kind(server: RunningServer) -> None:
    started = len(server.log)
    http = Http(server.url, "127.0.0.9")
    for _ in range(40):
        for code, (status, headers) in REFUSED.items():
            http.call("DELETE", "/admin/orders", None, headers).refused(status, code)
    http.close()
    for code in REFUSED:
        assert server.log[started:].count(f"refused with {code}: ") <= 1
        assert f"refused with {code}: " in server.log  # at the latest now
