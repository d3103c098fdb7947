"""Connections of the front, over real sockets: what they are answered, when they end, and what stays of them."""

from __future__ import annotations

import gc
import select
import socket
import ssl
import time
from pathlib import Path

import pytest

from api.http.front.connection import Connection
from api.http.front.parser import Request, RequestParser
from tests.api.http.front.serving import LAST, counted, received, serving, statuses
from tests.server import eventually

GET = b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_requests_of_one_connection_are_answered_in_their_order() -> None:
    with serving() as front:
        answers = front.sent(GET % b"/late" + GET % b"/b?c=d" + b"HEAD /c HTTP/1.1\r\nHost: a\r\n\r\n" + LAST)
    assert statuses(answers) == [200] * 4
    assert answers.index(b"GET /late") < answers.index(b"GET /b?c=d") < answers.index(b"GET /last")
    assert b"HEAD /c" not in answers


def test_an_answer_whose_length_nobody_knows_comes_in_chunks_or_ends_with_the_connection() -> None:
    with serving() as front:
        assert (
            front.sent(GET % b"/pieces" + LAST)
            .split(b"\r\n\r\n", 1)[1]
            .startswith(b"4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n")
        )
        head, _, rest = front.sent(b"HEAD /pieces HTTP/1.1\r\nHost: a\r\n\r\n" + LAST).partition(b"\r\n\r\n")
        assert b"chunked" in head
        assert rest.startswith(b"HTTP/1.1 200 ")  # of the next request: not even the end of the chunks is a body
        old = front.sent(b"GET /pieces HTTP/1.0\r\n\r\n")
        assert b"Transfer-Encoding" not in old
        assert old.endswith(b"\r\n\r\none two")


@pytest.mark.parametrize("path", [b"/fails", b"/forged"])
def test_a_fault_of_the_application_is_a_500_and_ends_that_connection_alone(path: bytes) -> None:
    with serving() as front:
        answers = front.sent(GET % path + LAST)
        assert statuses(answers) == [500]
        assert b"a fault of the application" not in answers
        assert statuses(front.sent(LAST)) == [200]


def test_who_ends_its_half_of_the_connection_still_gets_its_answer() -> None:
    with serving() as front, front.connect() as connection:
        connection.sendall(GET % b"/late")
        connection.shutdown(socket.SHUT_WR)
        assert statuses(received(connection)) == [200]


def test_a_refusal_follows_the_answers_to_the_requests_before_it() -> None:
    with serving() as front:
        assert statuses(front.sent(GET % b"/late" + GET % b"/a" + b"nonsense\r\n\r\n" + GET % b"/b")) == [200, 200, 400]


@pytest.mark.parametrize("before", [b"", GET % b"/late"], ids=["first", "pipelined"])
def test_who_asks_whether_to_send_a_body_is_told_to_go_on(before: bytes) -> None:
    with serving() as front, front.connect() as connection:
        head = b"POST /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        connection.sendall(before + head)
        sentence = b""
        while not sentence.endswith(b"HTTP/1.1 100 Continue\r\n\r\n"):
            sentence += connection.recv(1_000)
        connection.sendall(b"hello")
        assert b"POST /a? 5" in received(connection)


def test_a_connection_can_be_given_to_another_protocol() -> None:
    with serving() as front, front.connect() as connection:
        connection.sendall(b"GET /echo HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nfirst ")
        connection.sendall(b"second")
        connection.shutdown(socket.SHUT_WR)
        assert received(connection).endswith(b"\r\n\r\nFIRST SECOND")


def test_a_slow_request_is_told_so_and_ends() -> None:
    with serving(head_s=0.5) as front:
        began = time.monotonic()
        assert statuses(front.sent(b"GET / HTTP/1.1\r\nHost:")) == [408]
        assert front.sent(b"") == b""  # not a byte came: nobody to tell
        assert time.monotonic() - began < 8


def test_a_body_has_a_deadline_and_a_least_rate() -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"
    with serving(request_s=1) as front:
        assert statuses(front.sent(head + b"x" * 999)) == [408]
    with serving(bytes_per_s=100_000, grace_s=0.5) as front, front.connect() as connection:
        connection.sendall(head)
        began = time.monotonic()
        while not select.select([connection], [], [], 0.2)[0]:
            connection.sendall(b"x")
        assert statuses(received(connection)) == [408]
        assert 0.5 < time.monotonic() - began < 8


def test_who_does_not_take_an_answer_is_not_waited_for_for_ever() -> None:
    with serving(answer_s=1) as front, front.connect() as connection:
        connection.sendall(GET % b"/large")
        assert connection.recv(1)  # of an answer that is longer than what anybody buffers
        eventually(lambda: len(front.connections) == 0)


def test_what_is_sent_behind_a_refusal_is_read_within_bounds_so_that_it_is_heard() -> None:
    with serving() as front:
        body = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\n" + b"x" * 100_000
        assert statuses(front.sent(body)) == [413]
        with front.connect() as connection, pytest.raises((ConnectionResetError, BrokenPipeError)):
            connection.sendall(body + bytes(200_000_000))


def test_an_address_has_no_more_than_its_share_of_connections() -> None:
    with serving(connections_per_address=3) as front:
        held = [front.connect() for _ in range(3)]
        eventually(lambda: len(front.connections) == 3)
        assert front.sent(LAST) in (b"", b"<reset>")
        held.pop().close()
        eventually(lambda: len(front.connections) == 2)
        assert statuses(front.sent(LAST)) == [200]
        for each in held:
            each.close()


@pytest.mark.parametrize(("trusted", "status"), [((), 503), (("127.0.0.0/8",), 200)])
def test_a_trusted_proxy_brings_everybody_so_its_address_has_no_share(trusted: tuple[str, ...], status: int) -> None:
    head = b"POST /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 90000\r\n\r\n"
    with serving(connections_per_address=2, body_bytes=16_777_216, trusted=trusted) as front, front.connect() as half:
        half.sendall(head + b"x" * 80_000)  # takes the one place for large bodies that an address has
        eventually(lambda: front.connections.shared.large_bodies._free < 4)
        assert statuses(front.sent(head + b"x" * 90_000)) == [status]


def test_idle_connections_give_way_to_new_ones() -> None:
    with serving(connections=10) as front:
        idle = [front.connect() for _ in range(30)]
        assert statuses(front.sent(LAST)) == [200]
        assert len(front.connections) <= 10
        for each in idle:
            each.close()


def test_those_that_wait_longest_give_way_first_though_their_deadlines_come_last() -> None:
    with serving(connections=4, head_s=5, idle_s=60) as front:
        kept = [front.connect() for _ in range(3)]
        for each in kept:
            each.sendall(GET % b"/a")
            assert each.recv(1_000)
        new = front.connect()
        eventually(lambda: len(front.connections) == 4)
        assert statuses(front.sent(LAST)) == [200]
        new.sendall(LAST)
        assert statuses(received(new)) == [200]
        for each in (*kept, new):
            each.close()


def test_tls_that_begins_and_stops_or_is_none_holds_up_nobody(certificate: tuple[Path, Path]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    trusting = ssl.create_default_context(cafile=str(certificate[0]))
    trusting.check_hostname = False
    with serving(context=context, head_s=3) as front:
        silent, wrong = front.connect(), front.connect()
        wrong.sendall(GET % b"/")
        reset = front.connect()
        reset.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        reset.close()
        with front.connect(trusting) as connection:
            connection.sendall(GET % b"/late" + b"POST /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n")
            connection.sendall(b"Content-Length: 150000\r\n\r\n" + b"x" * 150_000)
            answers = received(connection)
        assert statuses(answers) == [200, 200]
        assert b"POST /b? 150000" in answers
        assert received(silent) == b""  # ended by its deadline
        wrong.close()
        silent.close()
        eventually(lambda: len(front.connections) == 0)


def test_nothing_of_a_closed_connection_waits_for_the_collector() -> None:
    with serving() as front:
        gc.collect()
        gc.disable()
        kinds = (Connection, RequestParser, Request)
        before = [counted(kind) for kind in kinds]  # of tests that failed
        try:
            front.sent(GET % b"/a" + LAST)
            front.sent(b"nonsense\r\n\r\n")
            front.sent(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n")
            front.sent(b"GET nowhere HTTP/1.1\r\nHost: a\r\n\r\n")
            front.connect().close()
            with front.connect() as half:
                half.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\n" + b"x" * 80_000)
            eventually(lambda: len(front.connections) == 0)
            eventually(lambda: [counted(kind) for kind in kinds] == before)
        finally:
            gc.enable()
