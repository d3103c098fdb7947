"""Every JSON answer is one line that ends: what comes next in a terminal begins on a line of its own."""

from __future__ import annotations

import http.client
import socket
import subprocess
from urllib.parse import urlsplit

import pytest

from tests.server import RunningServer
from tests.tidy.examples import needs_curl

ANSWERS = [
    ("GET", "/health", {}, 200),
    ("GET", "/symbols", {}, 200),
    ("GET", "/book/BTC-USDT", {}, 200),
    ("GET", "/account/balances", {}, 200),
    ("GET", "/openapi.json", {}, 200),
    ("GET", "/book/NONE", {}, 404),
    ("GET", "/book/BTC-USDT?levels=none", {}, 400),
    ("GET", "/nothing", {}, 404),
    ("PUT", "/order", {}, 405),
    ("POST", "/order", {}, 400),
    ("GET", "/account", {"Authorization": "Bearer x.y.z"}, 401),
    ("GET", "/health", {"Host": "elsewhere.example"}, 421),
    ("POST", "/order", {"Origin": "https://elsewhere.example"}, 403),
    ("GET", "/trade/999999/explain", {}, 404),
]


@pytest.mark.parametrize(("method", "path", "headers", "status"), ANSWERS)
def test_every_answer_is_one_line_as_long_as_it_says(
    running_server: RunningServer, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answered, length, content = asked(running_server, method, path, headers)
    assert answered == status
    assert content.endswith(b"}\n")
    assert content.count(b"\n") == 1
    assert length == str(len(content))
    if method == "GET":
        answered, length, content = asked(running_server, "HEAD", path, headers)
        assert (answered, content) == (status, b"")
        assert length is not None


def test_nothing_follows_the_head_of_what_the_guard_refuses(running_server: RunningServer) -> None:
    address = urlsplit(running_server.url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=30) as connection:
        connection.sendall(b"HEAD /health HTTP/1.1\r\nHost: elsewhere.example\r\nConnection: close\r\n\r\n")
        received = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, _, rest = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 421 ")
    assert rest == b""


@needs_curl
def test_what_curl_shows_ends_with_its_line(running_server: RunningServer) -> None:
    shown = subprocess.run(
        ["curl", "-s", f"{running_server.url}/bbo/BTC-USDT"], capture_output=True, check=True, timeout=30
    ).stdout
    assert shown.endswith(b"}\n")


def asked(server: RunningServer, method: str, path: str, headers: dict[str, str]) -> tuple[int, str | None, bytes]:
    """Status, length as told, and body, over a connection of its own."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return response.status, response.headers["Content-Length"], response.read()
    finally:
        connection.close()
