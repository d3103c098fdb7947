"""Who sends or reads a little at a time has a deadline, after which its connection and its descriptor are free."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.attacks import attackers
from tests.attacks.probe import Probe
from tests.attacks.raw import ATTACKER, Connection, connect, request, tcp
from tests.server import RunningServer, eventually, self_signed

DEADLINE_S = 4  # of a head, of a whole request and between two
LATE_S = 20.0  # with a machine as busy as a whole run of the tests makes it, and two sweeps a second
BODY = request("POST", "/order", headers={"Content-Length": "100"})
CHUNKED = request("POST", "/order", headers={"Transfer-Encoding": "chunked"})
ORDINARY = request("GET", "/bbo/BTC-USDT")


PLACES = {
    "nothing": b"",
    "a head": b"GET /bbo/BTC",
    "a body": BODY + b"a",
    "chunks": CHUNKED + b"5\r\nab",
    "chunk extension": CHUNKED + b"5;a",
    "idle": ORDINARY,
    "answers that nobody takes": request("GET", "/openapi.json") * 50,
}
HANDSHAKES = {"no handshake": b"", "a byte of one": b"\x16", "a part of one": b"\x16\x03\x01\x02\x00\x01"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with short deadlines that speaks TLS."""
    folder = tmp_path_factory.mktemp("slow")
    cert, key = self_signed(folder)
    named = ("--head-timeout-s", "--request-timeout-s", "--idle-timeout-s")
    short = [word for name in named for word in (name, str(DEADLINE_S))]
    tls = ("--tls-cert", str(cert), "--tls-key", str(key))
    with RunningServer(folder / "data", "--profile", "secured", *tls, *short) as running:
        yield running


def test_what_does_not_come_or_is_not_taken_gives_its_place_back(server: RunningServer) -> None:
    with Probe(server) as probe, ExitStack() as stack:
        held: dict[str, Connection] = {}
        for name, begun in PLACES.items():
            connection = connect(server.url, source=ATTACKER, receive_buffer=4096)
            held[name] = stack.enter_context(connection)
            connection.send(begun)
        for name, begun in HANDSHAKES.items():
            held[name] = stack.enter_context(Connection(tcp(server.url, source=ATTACKER)))
            held[name].send(begun)
        time.sleep(DEADLINE_S / 2)
        eventually(lambda: probe.more_descriptors == len(held), DEADLINE_S / 4)  # they had their time
        eventually(lambda: probe.more_descriptors == 0, LATE_S)
        assert [name for name, connection in held.items() if not connection.closed_within(LATE_S)] == []
        probe.assert_calm_log()


def test_a_byte_at_a_time_does_not_prolong_it(server: RunningServer) -> None:
    heads = [begun for begun in PLACES.values() if begun] + [b"GET / HTTP/1.1\r\nX: "]
    with Probe(server) as probe:
        assert len(attackers.drip(server.url, heads, LATE_S, every_s=0.1)) == len(heads)
        eventually(lambda: probe.more_descriptors <= 0, LATE_S)


def test_the_answer_to_a_slow_request_says_so(server: RunningServer) -> None:
    with connect(server.url, source=ATTACKER) as connection:
        connection.send(BODY + b"a")
        answer = connection.answer(LATE_S)
    assert (answer.status, answer.closes) == (408, True)
