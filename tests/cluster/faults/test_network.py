"""Hosts of the tests reach each other until they are cut, one way or both, and again when they are healed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cluster.faults.network import Hosts, can_isolate

pytestmark = pytest.mark.skipif(not can_isolate(), reason="no network namespaces can be made here")

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
