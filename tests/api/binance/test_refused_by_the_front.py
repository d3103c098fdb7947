"""What is refused before it is a request is answered in the shape of the wire whose path it names."""

from __future__ import annotations

import json

import pytest

from tests.attacks.raw import connect
from tests.server import Http

TARGETS = {
    "/api/v3/order?symbol=BTCUSDT": True,
    "/sapi/v1/capital/config/getall": True,
    "http://127.0.0.1/api/v3/time": True,
    "/%61pi/v3/time": True,
    "/ws-api/v3": True,
    "/order": False,
    "/apis": False,
}
HOST = b"Host: 127.0.0.1\r\n"
REFUSED = {
    "a body too large": (413, b"POST %b HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999999\r\n\r\n"),
    "a head too large": (431, b"GET %b HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 70_000 + b"\r\n\r\n"),
    "too many headers": (431, b"GET %b HTTP/1.1\r\n" + HOST + b"X: x\r\n" * 500 + b"\r\n"),
    "two lengths": (400, b"POST %b HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n"),
    "no length": (400, b"POST %b HTTP/1.1\r\n" + HOST + b"Content-Length: one\r\n\r\n"),
    "no host": (400, b"GET %b HTTP/1.1\r\n\r\n"),
    "two hosts": (400, b"GET %b HTTP/1.1\r\n" + HOST + HOST + b"\r\n"),
    "no header": (400, b"GET %b HTTP/1.1\r\n" + HOST + b"no header\r\n\r\n"),
    "no chunk": (400, b"POST %b HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "another expectation": (417, b"POST %b HTTP/1.1\r\n" + HOST + b"Expect: wonders\r\nContent-Length: 1\r\n\r\n"),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", REFUSED)
def test_the_shape_is_that_of_the_path(http: Http, target: str, kind: str) -> None:
    status, request = REFUSED[kind]
    with connect(http.url) as connection:
        connection.send(request.replace(b"%b", target.encode(), 1))
        answer = connection.answer()
    assert answer.status == status
    assert answer.closes
    said = json.loads(answer.body)
    if TARGETS[target]:
        assert said == {"code": -1100, "msg": said["msg"]}
    else:
        assert set(said) == {"error", "error_code", "details", "request_id"}


def test_behind_an_answer_the_refusal_has_the_shape_of_its_own_path(http: Http) -> None:
    with connect(http.url) as connection:
        connection.send(b"GET /time HTTP/1.1\r\n" + HOST + b"\r\nGET /api/v3/time HTTP/1.1\r\n\r\n")
        connection.answer()
        assert json.loads(connection.answer().body)["code"] == -1100


def test_what_has_no_request_line_is_answered_in_the_first_wires_shape(http: Http) -> None:
    with connect(http.url) as connection:
        connection.send(b"\x16\x03\x01 /api/v3/time HTTP/1.1\r\n\r\n")
        assert json.loads(connection.answer().body)["error_code"] == "MALFORMED_REQUEST"


def test_a_head_is_refused_without_a_body(http: Http) -> None:
    with connect(http.url) as connection:
        connection.send(b"HEAD /api/v3/time HTTP/1.1\r\n\r\n")
        assert connection.answer(head=True).status == 400
        assert connection.answers() == []
