"""Accepting goes on, whatever becomes of a connection before its first byte, and however many one address has."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks import attackers
from tests.attacks.bystander import assert_fair, quiet
from tests.attacks.probe import Probe
from tests.attacks.raw import ATTACKER, connect, request, tcp
from tests.server import RunningServer, eventually, self_signed

EACH_MAX = 40  # connections of one address
CLOSES_S = 10.0
LOST = """
import os, runpy, signal, socket, sys

def lose(*_):
    for fd in (int(name) for name in os.listdir("/proc/self/fd")):
        try:
            found = socket.socket(fileno=os.dup(fd))
        except OSError:
            continue
        if found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            found.shutdown(socket.SHUT_RDWR)

signal.signal(signal.SIGUSR1, lose)
sys.argv[0] = "api/app.py"
sys.path.insert(0, ".")
runpy.run_path("api/app.py", run_name="__main__")
"""
ORDINARY = request("GET", "/bbo/BTC-USDT", headers={"Connection": "close"})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that speaks TLS and grants few connections to one address."""
    folder = tmp_path_factory.mktemp("accept")
    cert, key = self_signed(folder)
    tls = ("--tls-cert", str(cert), "--tls-key", str(key))
    with RunningServer(
        folder / "data", "--profile", "secured", "--max-connections-per-address", str(EACH_MAX), *tls
    ) as running:
        yield running


def assert_served(server: RunningServer) -> None:
    """Somebody else is answered on a connection of their own."""
    with connect(server.url) as connection:
        connection.send(ORDINARY)
        assert connection.answer().status == 200


@pytest.mark.parametrize(
    "begun",
    [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01", b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 600],
    ids=["nothing", "a byte", "a hello", "HTTP", "zeros"],
)
def test_a_connection_that_is_reset_before_its_handshake_ends_nothing(server: RunningServer, begun: bytes) -> None:
    with Probe(server) as probe:
        assert attackers.resets(server.url, 0.3, begun) > 20
        assert_served(server)
        eventually(lambda: probe.more_descriptors <= 0)
        assert probe.log == ""


def test_what_is_no_handshake_is_closed_at_once_without_a_line(server: RunningServer) -> None:
    with Probe(server) as probe:
        with contextlib.closing(tcp(server.url, source=ATTACKER)) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                while sock.recv(4096):
                    pass
        assert probe.log == ""


def test_handshakes_take_turns_with_the_requests_of_others(server: RunningServer) -> None:
    answered: list[int] = []
    before = quiet(server.url)
    assert_fair(server.url, lambda: answered.append(attackers.hellos(server.url, 1.0, EACH_MAX)), before)
    assert answered[-1] > EACH_MAX


def test_one_address_has_its_share_of_connections_and_others_have_theirs(server: RunningServer) -> None:
    with Probe(server) as probe:
        held = attackers.idle(server.url, 5 * EACH_MAX)
        try:
            eventually(lambda: probe.more_descriptors == EACH_MAX)
            assert_served(server)
            eventually(lambda: probe.more_descriptors == EACH_MAX)
        finally:
            for connection in held:
                connection.close()
        eventually(lambda: probe.more_descriptors <= 0)
        with connect(server.url, source=ATTACKER) as connection:  # its share is free again
            connection.send(ORDINARY)
            assert connection.answer().status == 200


def test_a_server_that_can_accept_nothing_any_more_ends_with_a_status_and_a_reason(tmp_path: Path) -> None:
    class Losing(RunningServer):
        program = ("-c", LOST)  # loses its listening socket when it is sent SIGUSR1

    with Losing(tmp_path / "data") as server:
        probe = Probe(server)
        server.process.send_signal(signal.SIGUSR1)
        eventually(lambda: not probe.alive)
        assert server.stop() == 1
        assert "listening socket is lost" in server.log
        assert "Traceback" not in server.log
