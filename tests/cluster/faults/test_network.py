"""Hosts of the tests reach each other until they are cut, one way or both, and again when they are healed."""

from __future__ import annotations

import select
import socket
import subprocess
import sys

import pytest

from tests.cluster.faults.network import Hosts, can_isolate
from tests.cluster.faults.relay import Relay

LISTEN = """
import socket, sys
listening = socket.create_server((sys.argv[1], 7000))
print("listens", flush=True)
while True:
    connection, _ = listening.accept()
    connection.sendall(b"hello")
    connection.close()
"""
ASK = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 7000), timeout=float(sys.argv[2])).recv(5)
except OSError:
    sys.exit(1)
"""


def reaches(hosts: Hosts, sender: str, receiver: str, within_s: float) -> bool:
    """Whether a connection is made and answered."""
    command = [*hosts.prefix(sender), sys.executable, "-c", ASK, hosts.address(receiver), str(within_s)]
    return subprocess.run(command, check=False, timeout=60).returncode == 0


@pytest.mark.skipif(not can_isolate(), reason="no network namespaces can be made here")
def test_a_cut_host_reaches_nobody_until_it_is_healed() -> None:
    with Hosts(["a", "b", "c"]) as hosts:
        servers = [
            subprocess.Popen(
                [*hosts.prefix(name), sys.executable, "-c", LISTEN, hosts.address(name)], stdout=subprocess.PIPE
            )
            for name in hosts.names
        ]
        try:
            for server in servers:
                assert server.stdout is not None
                assert server.stdout.readline() == b"listens\n"
            assert reaches(hosts, "a", "b", 20)
            hosts.isolate("a")
            assert not reaches(hosts, "a", "b", 0.3)
            assert not reaches(hosts, "c", "a", 0.3)
            assert reaches(hosts, "b", "c", 20)
            hosts.heal()
            assert reaches(hosts, "a", "b", 20)
            hosts.lose("b", "a")  # answers are lost, so nothing is made either way
            assert not reaches(hosts, "a", "b", 0.3)
            assert reaches(hosts, "a", "c", 20)
            hosts.heal()
            assert reaches(hosts, "a", "b", 20)
        finally:
            for server in servers:
                server.kill()
                server.wait()
                assert server.stdout is not None
                server.stdout.close()


def test_a_relay_holds_one_way_or_both_without_ending_a_connection() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        Relay(listening.getsockname()[1]) as relay,
        socket.create_connection(("127.0.0.1", relay.port), timeout=20) as ours,
    ):
        theirs, _ = listening.accept()
        theirs.settimeout(20)
        ours.sendall(b"one")
        assert theirs.recv(10) == b"one"
        relay.hold("there")
        ours.sendall(b"two")
        theirs.sendall(b"back")
        assert ours.recv(10) == b"back"
        assert is_silent(theirs)
        relay.go_on()
        assert theirs.recv(10) == b"two"
        relay.hold()
        theirs.sendall(b"three")
        assert is_silent(ours)
        relay.go_on()
        assert ours.recv(10) == b"three"
        theirs.close()
        assert ours.recv(10) == b""


def is_silent(sock: socket.socket) -> bool:
    """Whether nothing comes for a third of a second."""
    return select.select([sock], [], [], 0.3)[0] == []
