"""Who sends or reads a little at a time has a deadline, after which its connection and its descriptor are free."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks import attackers
from tests.attacks.probe import Probe
from tests.attacks.raw import ATTACKER, Connection, connect, request, tcp
from tests.server import RunningServer, eventually, self_signed

DEADLINE_S = 1  # of a head, of a whole request and between two
LATE_S = 3.0  # with a busy machine, and two sweeps a second
BODY = request("POST", "/order", headers={"Content-Length": "100"})
CHUNKED = request("POST", "/order", headers={"Transfer-Encoding": "chunked"})
ORDINARY = request("GET", "/bbo/BTC-USDT")


def short(server_options: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Options with deadlines that a test can wait for."""
    named = ("--head-timeout-s", "--request-timeout-s", "--idle-timeout-s")
    return ("--profile", "secured", *server_options, *(word for name in named for word in (name, str(DEADLINE_S))))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with short deadlines that speaks TLS."""
    folder = tmp_path_factory.mktemp("slow")
    cert, key = self_signed(folder)
    with RunningServer(folder / "data", *short(("--tls-cert", str(cert), "--tls-key", str(key)))) as running:
        yield running


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with short deadlines."""
    with RunningServer(tmp_path_factory.mktemp("slow") / "data", *short()) as running:
        yield running


def lived(connection: Connection) -> float:
    """After how many seconds, at most `LATE_S`, the server closes."""
    began = time.monotonic()
    assert connection.closed_within(LATE_S)
    return time.monotonic() - began


@pytest.mark.parametrize(
    "begun",
    [b"", b"GET /bbo/BTC", BODY + b"a", CHUNKED + b"5\r\nab", ORDINARY],
    ids=["nothing", "a head", "a body", "chunks", "idle"],
)
def test_a_request_that_does_not_come_gives_its_place_back(plain: RunningServer, begun: bytes) -> None:
    with Probe(plain) as probe, connect(plain.url, source=ATTACKER) as connection:
        connection.send(begun)
        assert lived(connection) > DEADLINE_S / 2
        eventually(lambda: probe.more_descriptors <= 0, LATE_S)


def test_a_byte_at_a_time_does_not_prolong_it(plain: RunningServer) -> None:
    with Probe(plain) as probe:
        for head in (b"GET /", BODY, CHUNKED + b"50;"):
            ended = attackers.drip(plain.url, 3, head, LATE_S, every_s=0.1)
            assert len(ended) == 3
        eventually(lambda: probe.more_descriptors <= 0, LATE_S)
        probe.assert_calm_log()


@pytest.mark.parametrize("begun", [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01"], ids=["nothing", "a byte", "a hello"])
def test_a_handshake_that_does_not_come_gives_its_place_back(server: RunningServer, begun: bytes) -> None:
    with Probe(server) as probe, Connection(tcp(server.url, source=ATTACKER)) as connection:
        connection.send(begun)
        assert lived(connection) > DEADLINE_S / 2
        eventually(lambda: probe.more_descriptors <= 0, LATE_S)


def test_an_answer_that_nobody_takes_gives_its_place_back(plain: RunningServer) -> None:
    with Probe(plain) as probe, connect(plain.url, source=ATTACKER, receive_buffer=4096) as connection:
        connection.send(request("GET", "/openapi.json") * 50)
        eventually(lambda: probe.more_descriptors >= 1, LATE_S)
        eventually(lambda: probe.more_descriptors <= 0, 2 * LATE_S)
        probe.assert_calm_log()


def test_the_answer_to_a_slow_request_says_so(tmp_path: Path, plain: RunningServer) -> None:
    with connect(plain.url, source=ATTACKER) as connection:
        connection.send(BODY + b"a")
        answer = connection.answer(LATE_S)
    assert (answer.status, answer.closes) == (408, True)
