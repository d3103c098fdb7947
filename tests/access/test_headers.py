"""No part of a request is left unread because of how its headers are written: byte for byte, on a bare socket."""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from tests.api.clients import FeedClient, bearer, sign_up
from tests.server import Http, RunningServer, eventually

BODY = b'{"symbol":"ETH-USDT"}'
CHUNKS = b"15\r\n" + BODY + b"\r\n0\r\n\r\n"
ORDER = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.01", "price": "20000.00"}
HIDDEN_BODIES = [
    (["Transfer-Encoding: identity"], BODY, "Transfer-Encoding"),
    (["Transfer-Encoding: gzip, chunked"], CHUNKS, "Transfer-Encoding"),
    (["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], CHUNKS, "Transfer-Encoding"),
    (["Transfer-Encoding:"], CHUNKS, "Transfer-Encoding"),
    (["Transfer-Encoding : chunked"], CHUNKS, "headers"),
    (["Content-Length: 0", "Content-Length: 21"], BODY, "Content-Length"),
    (["content-length: 21", "Content-Length: 0"], BODY, "Content-Length"),
    (["Content-Length : 21"], BODY, "headers"),
    (["X-Note : a", "Content-Length: 21"], BODY, "headers"),
    (["no header", "Content-Length: 21"], BODY, "headers"),
    ([": nameless", "Content-Length: 21"], BODY, "headers"),
    (["X-Folded: a", "\tb", "Content-Length: 21"], BODY, "headers"),
]
BROKEN_LINES = [["X-Note : a"], ["no header"], [": nameless"], ["{}"]]


def sent(server: RunningServer, head: str, lines: list[str], body: bytes = b"") -> tuple[int, Any]:
    """Status and body of the answer, behind which the connection ends."""
    address = urlsplit(server.url)
    request = "\r\n".join([f"{head} HTTP/1.1", f"Host: {address.netloc}", *lines, "", ""])
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=30) as connection:
        connection.sendall(request.encode("latin-1") + body)
        received = b"".join(iter(lambda: connection.recv(65_536), b""))
    reply, _, content = received.partition(b"\r\n\r\n")
    assert content.count(b"HTTP/1.1") == 0  # what followed was not taken for another request
    return int(reply.split()[1]), msgspec.json.decode(content)


@pytest.mark.parametrize(("lines", "body", "field"), HIDDEN_BODIES)
def test_a_body_that_the_headers_hide_cancels_nothing(
    running_server: RunningServer, http: Http, lines: list[str], body: bytes, field: str
) -> None:
    order = http.enter("BTC-USDT", "buy", "0.01", "20000.00")
    status, reply = sent(running_server, "DELETE /orders", lines, body)
    assert (status, reply["error_code"], reply["details"]) == (400, "MALFORMED_HEADERS", {"field": field}), reply
    assert http.call("DELETE", f"/order/{order['order_id']}").granted()["success"] is True


@pytest.mark.parametrize("lines", BROKEN_LINES)
def test_credentials_behind_a_line_that_is_no_header_are_not_left_out(
    running_server: RunningServer, lines: list[str]
) -> None:
    for shown in ("Authorization: Bearer nobody", "X-Openbell-Key: nobody"):
        status, reply = sent(running_server, "GET /account", [*lines, shown])
        assert (status, reply["error_code"]) == (400, "MALFORMED_HEADERS"), reply
    status, reply = sent(running_server, "GET /account", ["Authorization : Bearer nobody"])
    assert (status, reply["error_code"]) == (400, "MALFORMED_HEADERS"), reply


@pytest.mark.parametrize(
    "lines",
    [
        ["Connection: close", "Content-Length: 0"],
        ["Connection: close", "Transfer-Encoding: CHUNKED"],
        ["Connection: close", "X-Empty:", "X-Twice: 1", "X-Twice: 2"],
    ],
)
def test_headers_as_clients_write_them_are_read(running_server: RunningServer, lines: list[str]) -> None:
    body = b"0\r\n\r\n" if "CHUNKED" in lines[-1] else b""
    assert sent(running_server, "DELETE /orders?side=sell", lines, body)[0] == 200


@pytest.mark.parametrize("name", ["Signature", "Timestamp", "Window"])
def test_a_signature_without_its_key_is_not_taken_for_the_sandbox_account(
    running_server: RunningServer, http: Http, name: str
) -> None:
    header = {f"X-Openbell-{name}": "1"}
    for method, path, body in (("GET", "/account", None), ("POST", "/order", ORDER), ("DELETE", "/orders", None)):
        http.call(method, path, body, header).refused(401, "UNKNOWN_KEY")
    client = FeedClient(running_server.url, {name.lower(): "1"})
    eventually(lambda: client.ended)
    assert [reply["error_code"] for reply in client.events("error")] == ["UNKNOWN_KEY"]
    client.close()
    who = sign_up(http)  # whoever shows a token is that user, whatever else there is
    assert http.call("GET", "/account", headers=header | bearer(who)).status == 200
