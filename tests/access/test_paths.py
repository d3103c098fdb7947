"""Whatever stands in a path, nobody gets at another file, and nothing of ours fails."""

from __future__ import annotations

import socket

import pytest

from tests.access.cast import Cast
from tests.server import RunningServer

LONG = "a" * 300  # longer than the name of a file may be
DEEP = "a/" * 1_000
TRAVERSALS = ["..", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", "..%c0%af", "%c0%ae%c0%ae/", "..%252f", "....//", "..;/"]
ODD = [
    "%00",
    "x%00.js",
    "\x00",
    "%ff",
    "%f0%9f%98%80",
    "%d9%a1",
    "%",
    "%zz",
    "\x7f",
    "\xff",
    "%0a",
    "%1b[2J",
    "con",
    "-1",
]
PATHS = [
    *(f"/{odd}" for odd in [*ODD, LONG, DEEP, "/" * 3_000, "%2f" * 1_000, "9" * 5_000]),
    *(
        f"{before}{odd}{behind}"
        for before, behind in (
            ("/static/", ""),
            ("/book/", ""),
            ("/candles/", ""),
            ("/order/", ""),
            ("/order/", "/explain"),
            ("/command/", "/explain"),
            ("/auth/sessions/", ""),
            ("/auth/keys/", ""),
            ("/admin/accounts/", ""),
            ("/socket.io/", ""),
        )
        for odd in [*ODD, LONG, DEEP, "9" * 300, "//"]
    ),
    *(f"{before}{step * depth}etc/passwd" for before in ("/", "/static/") for step in TRAVERSALS for depth in (1, 12)),
    *(f"/static/{step * depth}pyproject.toml" for step in TRAVERSALS for depth in (1, 2)),
    *(f"/socket.io/?EIO=4&transport=polling&sid={odd}" for odd in [*ODD, LONG]),
    *(f"/static/main.js?v={odd}" for odd in [*ODD, LONG]),
    *(f"{path}?{odd}={odd}" for path in ("/", "/health", "/orders", "/ticker", "/openapi.json") for odd in ODD),
    "*",
    "/static/",
    "/static/css",
]
METHODS = ("GET", "POST", "DELETE")


def answers(server: RunningServer, requests: list[tuple[str, str]], headers: dict[str, str]) -> list[bytes]:
    """The answer to each request, over a connection of its own: what cannot be read ends it."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    found = []
    for method, path in requests:
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{lines}\r\n"
            connection.sendall(head.encode("latin-1"))
            found.append(b"".join(iter(lambda: connection.recv(65_536), b"")))
    return found


@pytest.mark.parametrize("method", METHODS)
def test_no_path_is_more_than_an_address(secured_cast: Cast, method: str) -> None:
    server, before = secured_cast.server, len(secured_cast.server.log)
    for shown in ({}, secured_cast.operator.bearer):
        for path, answer in zip(PATHS, answers(server, [(method, path) for path in PATHS], shown), strict=True):
            status = int(answer.split()[1])
            assert status < 500, (path, answer)
            assert b"root:x:0" not in answer, path
            assert b"[project]" not in answer, path
            if LONG in path and method == "GET" and "?" not in path and "socket.io" not in path:
                assert status in (401, 404, 405), (path, answer)
            if path == f"/static/{LONG}":
                assert status == (404 if method == "GET" else 405)
    written = server.log[before:]
    assert "Traceback" not in written
    assert "\x1b" not in written
    assert "\x00" not in written
