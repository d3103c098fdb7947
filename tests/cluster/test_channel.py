"""A channel carries bytes in order without waiting, plain or by mutual TLS, and is bounded."""

from __future__ import annotations

import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import eventlet
import pytest

from cluster import channel as channel_module
from cluster.channel import Channel, ChannelClosed, accept, connect_tcp, connect_unix, listen_tcp, listen_unix
from tests.cluster.certificates import Authority
from tests.cluster.door import WAIT_S, until

Pair = tuple[Channel, Channel]


def connected(listening: socket.socket, connect: Callable[[], Channel], tls: Any = None) -> Pair:
    """Both ends of a connection."""

    def serve() -> Channel:
        channel = accept(listening)
        if tls is not None:
            channel.begin_tls(tls, is_server=True)
        return channel

    serving = eventlet.spawn(serve)
    return connect(), serving.wait()


@pytest.fixture(params=["unix", "tcp", "tls"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    """Both ends of a connection of each kind."""
    server = client = None
    if request.param == "unix":
        listening = listen_unix(tmp_path / "a.sock")
        ends = connected(listening, lambda: connect_unix(tmp_path / "a.sock"))
    else:
        listening = listen_tcp("127.0.0.1", 0)
        if request.param == "tls":
            authority = Authority(tmp_path, "venue")
            server, client = (authority.context(name, is_server=name == "a") for name in ("a", "b"))
        port = listening.getsockname()[1]
        ends = connected(listening, lambda: connect_tcp("127.0.0.1", port, client), server)
    yield ends
    for end in ends:
        end.close()
    listening.close()


def received(channel: Channel, size: int) -> bytes:
    """So many bytes."""
    found = b""
    while len(found) < size:
        data = channel.receive(WAIT_S)
        assert data
        found += data
    return found


def test_bytes_come_in_order_however_large_and_both_ways_at_once(pair: Pair) -> None:
    sent = [bytes([number % 251]) * (number * 997 % 70_000) for number in range(150)]
    reading = [eventlet.spawn(received, end, sum(map(len, sent))) for end in pair]
    for piece in sent:
        for end in pair:
            end.send(piece)
        eventlet.sleep(0)
    assert [greenlet.wait() for greenlet in reading] == [b"".join(sent)] * 2
    assert [end.waiting_bytes for end in pair] == [0, 0]


def test_who_waits_for_what_does_not_come_goes_on(pair: Pair) -> None:
    assert pair[0].receive(0.02) == b""


def test_the_end_of_one_is_the_end_of_the_other_also_while_it_waits(pair: Pair) -> None:
    one, other = pair
    one.send(b"last")
    assert received(other, 4) == b"last"
    waiting = [eventlet.spawn(_closed, end) for end in pair]
    eventlet.sleep(0.01)
    one.close()
    assert [greenlet.wait() for greenlet in waiting] == [True, True]
    with pytest.raises(ChannelClosed):
        other.send(b"more")


def _closed(channel: Channel) -> bool:
    with pytest.raises(ChannelClosed):
        channel.receive(WAIT_S)
    return channel.is_closed


def test_what_is_not_taken_is_bounded(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_module, "OUT_BYTES_MAX", 2**20)

    def flood() -> None:
        while True:
            pair[0].send(bytes(100_000))
            eventlet.sleep(0)

    with pytest.raises(ChannelClosed, match="bytes wait to be sent"):
        flood()


def test_a_peer_of_another_authority_is_refused(tmp_path: Path) -> None:
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    for server, client in (
        (ours.context("a", is_server=True), theirs.context("b", is_server=False, trusted=ours)),
        (theirs.context("c", is_server=True, trusted=ours), ours.context("d", is_server=False)),
    ):
        listening = listen_tcp("127.0.0.1", 0)
        port = listening.getsockname()[1]
        outcomes: list[Any] = []

        def serve(listening: socket.socket = listening, server: Any = server, outcomes: list[Any] = outcomes) -> None:
            try:
                channel = accept(listening)
                channel.begin_tls(server, is_server=True)
            except ChannelClosed as closed:
                outcomes.append(closed)

        eventlet.spawn_n(serve)
        with pytest.raises((OSError, ChannelClosed), match=r"TLS|closed|reset"):
            connect_tcp("127.0.0.1", port, client).receive(WAIT_S)
        until(lambda outcomes=outcomes: bool(outcomes))  # type: ignore[misc]
        listening.close()


def test_nobody_at_an_address_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="refused"):
        connect_tcp("127.0.0.1", 1, None)
    with pytest.raises(FileNotFoundError):
        connect_unix(tmp_path / "nothing.sock")


def test_a_unix_socket_is_its_owners_and_takes_the_place_of_an_older_one_but_of_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    for _ in range(2):
        with listen_unix(path):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.unlink()
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        listen_unix(path)
