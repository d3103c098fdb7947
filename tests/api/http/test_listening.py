"""One port, one server: a second one is refused, whatever the address family, before it touches its folder."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from api.http.listener import listen
from api.settings import Settings
from tests.ports import free_port
from tests.server import RunningServer

READY_S = 60
HAS_IPV6 = socket.has_ipv6 and Path("/proc/net/if_inet6").exists()
OVERLAPPING = [
    ("127.0.0.1", "127.0.0.1"),
    ("0.0.0.0", "127.0.0.1"),  # noqa: S104
    ("127.0.0.1", "0.0.0.0"),  # noqa: S104
    ("::1", "::1"),
    ("::", "::1"),
    ("::", "127.0.0.1"),
    ("127.0.0.1", "::"),
    ("0.0.0.0", "::"),  # noqa: S104
    ("::", "0.0.0.0"),  # noqa: S104
]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningServer]:
    """A server on a port that was asked for, as people do."""
    server = RunningServer(tmp_path / "first")
    server.start(free_port())
    yield server
    server.stop()


@pytest.mark.parametrize(("first", "second"), OVERLAPPING)
def test_a_second_server_on_an_overlapping_address_is_refused(first: str, second: str) -> None:
    if not HAS_IPV6 and ":" in first + second:
        pytest.skip("this machine has no IPv6")
    port = free_port()
    with closing(listen(Settings(host=first, port=port))), pytest.raises(OSError, match=f"--port {port + 1}"):
        listen(Settings(host=second, port=port)).close()


def test_a_second_server_on_a_port_with_tls_is_refused(certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    settings = Settings(port=free_port(), tls_cert=cert, tls_key=key)
    with closing(listen(settings)), pytest.raises(OSError, match="--port"):
        listen(settings).close()


def test_a_port_whose_owner_would_share_it_is_refused_too() -> None:
    with socket.socket() as other:  # as an older version of ours listened
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(OSError, match="--port"):
            listen(Settings(port=other.getsockname()[1])).close()


def test_ipv4_and_ipv6_addresses_that_do_not_overlap_share_a_port() -> None:
    if not HAS_IPV6:
        pytest.skip("this machine has no IPv6")
    port = free_port()
    with closing(listen(Settings(host="127.0.0.1", port=port))):
        listen(Settings(host="::1", port=port)).close()


def test_an_address_that_is_not_ours_is_refused_with_what_to_do() -> None:
    for host in ("192.0.2.1", "nowhere.invalid"):
        with pytest.raises(OSError, match="--host"):
            listen(Settings(host=host, port=0)).close()


def test_the_second_program_says_which_option_helps_and_touches_no_data(running: RunningServer, tmp_path: Path) -> None:
    port, first = running.port, running.data
    before = {path.name: path.read_bytes() for path in first.glob("journal*")}
    for data in (tmp_path / "second", first):
        second = RunningServer(data)
        status, out = second.fails_to_start(port)
        err = second.log
        assert status == 1, (out, err)
        assert "is open" not in out
        assert f"--port {port + 1}" in err
        assert f"PORT={port + 1}" in err
        assert "Traceback" not in err
    assert not (tmp_path / "second").exists()
    assert {path.name: path.read_bytes() for path in first.glob("journal*")} == before


def test_a_restart_right_after_a_stop_takes_the_same_port(tmp_path: Path) -> None:
    server = RunningServer(tmp_path / "data")
    port = free_port()
    for _ in range(2):
        server.start(port)
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert client.recv(4096)
            # it closes first: its end of the connection lingers in TIME_WAIT
            assert server.stop() == 0
            deadline = time.monotonic() + READY_S
            while client.recv(4096) and time.monotonic() < deadline:
                pass
