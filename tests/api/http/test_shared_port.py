"""One port for several processes of one server, and for nobody else."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from api.http.listener import listen_at
from api.http.shared_port import SharedPort, listen_again


@pytest.fixture
def port() -> Iterator[tuple[SharedPort, tuple[str, int]]]:
    """A port of loopback, with one process that listens, and its address."""
    first = listen_at(("127.0.0.1", 0))
    address = first.getsockname()
    shared = SharedPort(first)
    yield shared, address
    shared.close()


def refused(address: tuple[str, int]) -> bool:
    """Whether another server is refused the port."""
    try:
        listen_at(address).close()
    except OSError as problem:
        return "another server has that port" in str(problem)
    return False


def test_connections_are_spread_over_those_that_listen(port: tuple[SharedPort, tuple[str, int]]) -> None:
    shared, address = port
    second = shared.of(2)
    clients = [socket.create_connection(address) for _ in range(40)]
    shared.of(1).setblocking(True)
    for _ in clients:  # the second is bound, and does not listen yet
        shared.of(1).accept()[0].close()
    listen_again(second)
    shared.listens(2)
    clients += [socket.create_connection(address) for _ in range(60)]
    second.settimeout(10)
    second.accept()[0].close()
    for client in clients:
        client.close()


def test_another_server_is_refused_whichever_of_ours_have_ended(port: tuple[SharedPort, tuple[str, int]]) -> None:
    shared, address = port
    listen_again(shared.of(2))
    shared.listens(2)
    assert refused(address)
    shared.ended(1)
    assert refused(address)
    shared.ended(2)  # the last: its socket waits for the next
    assert refused(address)
    with socket.create_connection(address):
        shared.of(2).settimeout(10)
        shared.of(2).accept()[0].close()
    listen_again(shared.of(1))
    shared.listens(1)
    assert refused(address)
    shared.close()
    assert not refused(address)
