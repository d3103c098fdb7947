"""Every error has the id of its request: in its header, its body and the log; a client's own is given back."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import Http, RunningServer, eventually

ORDER = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.1", "price": "1.00"}
MALFORMED = ORDER | {"quantity": "x"}
WAYS = [  # a request that is granted by the lane, and one by Flask; then one that is refused by each
    ("POST", "/order", ORDER, 200),
    ("GET", "/bbo/BTC-USDT", None, 200),
    ("POST", "/order", MALFORMED, 400),
    ("GET", "/bbo/NOWHERE", None, 404),
]


@pytest.fixture(scope="module", params=["text", "json"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    data = tmp_path_factory.mktemp("ids") / "data"
    with RunningServer(data, "--log-format", request.param) as running:
        yield running


@pytest.mark.parametrize(("method", "path", "body", "status"), WAYS)
def test_an_id_that_a_client_gives_is_given_back(http: Http, method: str, path: str, body: object, status: int) -> None:
    answer = http.call(method, path, body, {"X-Request-Id": "proxy-1.a_7"})
    assert (answer.status, answer.headers.get_all("X-Request-Id")) == (status, ["proxy-1.a_7"])
    if status != 200:
        assert answer.json["request_id"] == "proxy-1.a_7"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "<script>", "a\tb", 'a"b', "\u00e9"])
@pytest.mark.parametrize(("method", "path", "body", "status"), WAYS)
def test_what_is_no_id_is_not_repeated(
    http: Http, given: str, method: str, path: str, body: object, status: int
) -> None:
    answer = http.call(method, path, body, {"X-Request-Id": given})
    assert answer.status == status
    (shown,) = answer.headers.get_all("X-Request-Id") or [""]
    assert re.fullmatch("[0-9a-f]{16}", shown)


@pytest.mark.parametrize("target", ["/bbo/BTC-USDT", "/bbo/NOWHERE"])
def test_of_two_ids_neither_is_repeated_and_the_answer_has_a_fresh_one(
    running_server: RunningServer, target: str
) -> None:
    with socket.create_connection(("127.0.0.1", running_server.port), 30) as connection:
        connection.sendall(
            f"GET {target} HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: one\r\nX-Request-Id: two\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        head = connection.makefile("rb").read().partition(b"\r\n\r\n")[0].decode()
    (shown,) = [line for line in head.splitlines() if line.startswith("X-Request-Id: ")]
    assert re.fullmatch("X-Request-Id: [0-9a-f]{16}", shown)


@pytest.mark.parametrize(("method", "path", "body", "status"), WAYS[2:])
def test_each_error_has_an_id_of_its_own(http: Http, method: str, path: str, body: object, status: int) -> None:
    answers = [http.call(method, path, body) for _ in range(2)]
    ids = [answer.error()["request_id"] for answer in answers]
    assert ids == [answer.headers["X-Request-Id"] for answer in answers]
    assert ids[0] != ids[1]


def test_what_is_no_request_has_an_id_too(http: Http, running_server: RunningServer) -> None:
    with socket.create_connection(("127.0.0.1", running_server.port), 30) as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        answer = connection.makefile("rb").read()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert f"X-Request-Id: {json.loads(body)['request_id']}\r\n" in f"{head.decode()}\r\n"


def test_the_log_names_the_request_that_it_refused(server: RunningServer) -> None:
    answer = server.http.call("POST", "/order", MALFORMED, {"X-Request-Id": "mine-1"})
    assert answer.json["request_id"] == "mine-1"
    eventually(lambda: "mine-1" in server.log)
    (line,) = (line for line in server.log.splitlines() if "mine-1" in line)
    if not line.startswith("{"):
        assert line.endswith("POST /order from 127.0.0.1 (request mine-1)")
        return
    found = json.loads(line)
    assert found.pop("time").endswith("Z")
    assert found == {
        "level": "INFO",
        "logger": "api.http.refusals",
        "message": f"refused with {found['error_code']}: POST /order from 127.0.0.1",
        "request_id": "mine-1",
        "error_code": answer.json["error_code"],
        "method": "POST",
        "path": "/order",
        "address": "127.0.0.1",
    }


def test_every_line_of_a_json_log_is_an_object(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data", "--log-format", "json", "--debug") as server:
        for path in ("/health", "/%0aforged", "/order/%E2%80%A8"):
            server.http.call("GET", path)
        for child in server.process.children():
            child.kill()
        eventually(lambda: "another is started" in server.log)
    lines = server.log.splitlines()
    assert len(lines) > 5
    for line in lines:
        found = json.loads(line)
        assert found.keys() >= {"time", "level", "logger", "message"}, line
