"""Which handshakes of the second wire are taken: by path, by page, by name; and who sends too much."""

from __future__ import annotations

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.api.binance.streams.socket_client import SocketClient
from tests.attacks.raw import connect, request
from tests.server import Http, RunningServer

PATHS = (
    "/ws",
    "/ws/",
    "/ws/btcusdt@trade",
    "/ws/btcusdt@trade/ethusdt@depth",
    "/stream",
    "/stream/ws",
    "/stream/ws/1",
    "/stream/ws/BTCUSDT@trade",
    "/stream?streams=btcusdt@trade/!ticker@arr",
    "/ws-api/v3",
)


@pytest.mark.parametrize("path", PATHS)
def test_every_path_of_the_wire_is_a_websocket(running_server: RunningServer, path: str) -> None:
    with SocketClient(running_server.url, path) as client:
        assert client.ask("LIST_SUBSCRIPTIONS" if "api" not in path else "ping")["id"] == 1


@pytest.mark.parametrize(
    ("path", "status"),
    [("/ws/nobody@trade", 400), ("/stream?streams=btcusdt@nothing", 400), ("/ws/" + "0" * 64, 400), ("/wsx", 404)],
)
def test_what_is_no_stream_is_refused(running_server: RunningServer, path: str, status: int) -> None:
    with pytest.raises(InvalidStatus) as refused, SocketClient(running_server.url, path):
        pass
    assert refused.value.response.status_code == status


@pytest.mark.parametrize("path", ["/ws/btcusdt@trade", "/ws-api/v3"])
def test_a_page_of_another_site_opens_none(running_server: RunningServer, path: str) -> None:
    with pytest.raises(InvalidStatus) as refused, SocketClient(running_server.url, path, origin="https://evil.example"):
        pass
    assert refused.value.response.status_code == 403
    with SocketClient(running_server.url, path, origin=running_server.url):
        pass


def test_a_name_that_is_not_ours_opens_none(running_server: RunningServer) -> None:
    handshake = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version": "13",
    }
    secret = "4d" * 32
    renamed = request("GET", f"/ws/{secret}", headers=handshake).replace(b"Host: 127.0.0.1", b"Host: evil.example")
    with connect(running_server.url) as connection:
        connection.send(renamed)
        assert connection.answer().status == 421
    assert secret not in running_server.log


def test_a_plain_request_is_answered_with_what_to_do(http: Http) -> None:
    http.call("GET", "/ws").refused(426, "BAD_HANDSHAKE")


def test_a_listen_key_is_not_in_the_log(running_server: RunningServer) -> None:
    secret = "5e" * 32
    with pytest.raises(InvalidStatus), SocketClient(running_server.url, f"/ws/{secret}"):
        pass
    assert secret not in running_server.log


def flood(client: SocketClient) -> None:
    for _ in range(150):
        client.ask("LIST_SUBSCRIPTIONS")


def test_who_sends_without_end_is_closed(running_server: RunningServer) -> None:
    with SocketClient(running_server.url) as client:
        with pytest.raises(ConnectionClosed):
            flood(client)
        assert client.connection.close_code == 1008
    with SocketClient(running_server.url) as client:
        client.connection.send(b"bytes")
        with pytest.raises(ConnectionClosed):
            client.receive()
        assert client.connection.close_code == 1003
