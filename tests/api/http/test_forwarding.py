"""Requests that are passed on to the writer: what is said where it is away, or goes before it has answered."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO
from typing import Any

import msgspec
import pytest

from api.http.forwarding import APPLIED, CLIENT, IN_FLIGHT_MAX, Forwarding
from api.http.front.environ import TARGET
from api.http.front.serving import ClientGone

ANSWER = b"HTTP/1.1 201 CREATED\r\nContent-Type: text/x\r\nX-Openbell-Applied: 7\r\nContent-Length: 5\r\n\r\nhello"


class Writer:
    """A server that answers each connection's requests with `answers`, one after the other, and then goes."""

    def __init__(self, *answers: bytes) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.requests: list[bytes] = []
        self.connections = 0
        self._answers = list(answers)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def connect(self) -> socket.socket:
        """A connection to it. Raises OSError."""
        return socket.create_connection(self._listening.getsockname(), 5)

    def close(self) -> None:
        """End it."""
        self._listening.close()

    def _serve(self) -> None:
        while self._answers:
            connection, _ = self._listening.accept()
            self.connections += 1
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            while request := connection.recv(65536):
                self.requests.append(request)
                answer = self._answers.pop(0)
                if not answer:
                    break
                connection.sendall(answer)


class Answered:
    """What a client got."""

    def __init__(
        self,
        app: Forwarding,
        method: str,
        path: str = "/auth/keys",
        body: bytes = b"",
        *,
        protocol: str = "HTTP/1.1",
    ) -> None:
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            TARGET: f"{path}?a=%20",
            "wsgi.input": BytesIO(body),
            "REMOTE_ADDR": "10.1.2.3",
            "REMOTE_PORT": "99",
            "wsgi.url_scheme": "https",
            "SERVER_PROTOCOL": protocol,
            "HTTP_HOST": "venue",
            "SERVER_NAME": "s",
            "SERVER_PORT": "5",
            "HTTP_CONNECTION": "close",
            "HTTP_X_OPENBELL_DOOR": "forged",
        }
        self.content = b"".join(app(environ, self._start))

    def _start(self, status: str, headers: list[tuple[str, str]]) -> None:
        self.status, self.headers = status, headers

    @property
    def code(self) -> str:
        code: str = msgspec.json.decode(self.content)["error_code"]
        return code


Made = Callable[..., Forwarding]


@pytest.fixture
def forwarding() -> Iterator[Made]:
    """Makes one that passes on everything below /auth."""
    made: list[Forwarding] = []

    def make(writer: Writer, applied: list[int], *, is_there: bool = False) -> Forwarding:
        def app(_environ: Any, start: Any) -> list[bytes]:
            start("200 OK", [])
            return [b"own"]

        def is_forwarded(_method: str, path: str) -> bool:
            return path.startswith("/auth")

        made.append(
            Forwarding(app, writer.connect, is_forwarded, lambda seq, _s: applied.append(seq), lambda: is_there)
        )
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_a_request_comes_whole_with_who_sent_it_and_its_answer_goes_back_as_it_is(forwarding: Made) -> None:
    applied: list[int] = []
    with closing(Writer(ANSWER, ANSWER)) as writer:
        app = forwarding(writer, applied)
        assert Answered(app, "GET", "/book").content == b"own"
        for _ in range(2):
            answered = Answered(app, "POST", body=b'{"x":1}')
            assert (answered.status, answered.content) == ("201 CREATED", b"hello")
            assert answered.headers == [("Content-Type", "text/x"), ("Content-Length", "5")]
            assert APPLIED not in dict(answered.headers)
        assert applied == [7, 7]  # the door had come as far before it answered
        assert writer.connections == 2  # what changes something never goes by a kept one
        head, _, body = writer.requests[0].partition(b"\r\n\r\n")
        assert head.startswith(b"POST /auth/keys?a=%20 HTTP/1.1\r\n")
        assert f"{CLIENT}: 10.1.2.3 99 https s 5".encode() in head
        assert b"forged" not in head
        assert b"Connection:" not in head
        assert body == b'{"x":1}'


def test_what_changes_something_goes_by_a_connection_that_nobody_closes_just_then(forwarding: Made) -> None:
    with closing(Writer(ANSWER, ANSWER, ANSWER)) as writer:
        app = forwarding(writer, [])
        assert [Answered(app, method).content for method in ("GET", "GET", "POST")] == [b"hello"] * 3
        assert writer.connections == 2


def test_a_request_of_an_older_http_is_passed_on_as_one(forwarding: Made) -> None:
    with closing(Writer(ANSWER)) as writer:  # it needs no Host
        Answered(forwarding(writer, []), "GET", protocol="HTTP/1.0")
        assert writer.requests[0].startswith(b"GET /auth/keys?a=%20 HTTP/1.0\r\n")


def test_what_goes_wrong_behind_an_answer_leaves_room_for_others(forwarding: Made) -> None:
    def fail(_seq: int, _wait_s: float) -> None:
        raise RuntimeError

    with closing(Writer(*[ANSWER] * (IN_FLIGHT_MAX + 1))) as writer:
        app = Forwarding(lambda _environ, _start: [], writer.connect, lambda _method, _path: True, fail)
        for _ in range(IN_FLIGHT_MAX + 1):
            with pytest.raises(RuntimeError):
                Answered(app, "GET")


def test_a_writer_that_cannot_be_reached_is_a_503_for_every_request(forwarding: Made) -> None:
    writer = Writer()
    writer.close()
    for method in ("GET", "POST"):
        answered = Answered(forwarding(writer, []), method)
        assert (answered.status[:3], answered.code) == ("503", "WRITER_AWAY")


def test_what_changes_something_is_never_said_to_have_failed_where_nobody_knows(forwarding: Made) -> None:
    for method, status, code in (("GET", "503", "WRITER_AWAY"), ("POST", "504", "OUTCOME_UNKNOWN")):
        with closing(Writer(b"")) as writer:
            answered = Answered(forwarding(writer, []), method)
            assert (answered.status[:3], answered.code) == (status, code)


def test_a_read_is_asked_again_where_a_kept_connection_has_been_closed(forwarding: Made) -> None:
    with closing(Writer(ANSWER, b"", ANSWER)) as writer:
        app = forwarding(writer, [])
        assert [Answered(app, "GET").content for _ in range(2)] == [b"hello", b"hello"]
        assert writer.connections == 2


def test_a_writer_that_is_there_and_ends_a_connection_was_asked_to_by_a_fault(forwarding: Made) -> None:
    with closing(Writer(b"")) as writer, pytest.raises(ClientGone):
        Answered(forwarding(writer, [], is_there=True), "POST")
