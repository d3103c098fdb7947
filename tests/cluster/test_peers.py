"""How nodes ask each other how they are, and fetch snapshots."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.challenge import Ping
from cluster.peer_client import PeerClient, PeerError, PeerRefuses, split_address
from cluster.peer_frames import NodeState
from cluster.peer_server import PEERS_MAX, PeerServer
from cluster.probes import Probes
from engine.commands import AdvanceTime
from engine.exchange import Exchange
from journal.codec import seal
from journal.snapshots import SnapshotFolder
from tests.cluster.certificates import Authority
from tests.ports import free_port
from tests.server import eventually


class Peer:
    """A node's peer port."""

    def __init__(self, folder: Path, tls: ssl.SSLContext | None = None) -> None:
        self.state = NodeState(name="b", boot="boot-b", role="follower", n=7)
        self.snapshots = SnapshotFolder(folder / "there", "test")
        listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{listening.getsockname()[1]}"
        self.server = PeerServer(listening, self.said, self.snapshots, tls)

    def said(self) -> NodeState:
        return self.state


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[Peer]:
    """One that answers."""
    made = Peer(tmp_path)
    yield made
    made.server.close()


def snapshot_in(folder: SnapshotFolder) -> int:
    """Write a snapshot there; the record that it is behind."""
    exchange = Exchange()
    record = seal(1, 5, 1, [AdvanceTime()])
    exchange.apply(AdvanceTime(), exchange.seq + 1, 5)  # type: ignore[arg-type]
    return folder.save(exchange, record, {}).n


def test_a_node_says_how_it_is(peer: Peer) -> None:
    with contextlib.closing(PeerClient(peer.address)) as client:
        assert client.state() == peer.state
        assert not client.is_over(0)


def test_a_snapshot_is_fetched_whole_and_proves_right(peer: Peer, tmp_path: Path) -> None:
    n, here = snapshot_in(peer.snapshots), SnapshotFolder(tmp_path / "here")
    with contextlib.closing(PeerClient(peer.address)) as client:
        path = client.fetch_snapshot(n, here.folder)
        assert [file.path for file in here.files()] == [path]
        assert here.load(here.files()[0]).last.n == n
        assert client.state().name == "b"  # the connection goes on


def test_a_snapshot_that_is_not_new_enough_is_none(peer: Peer, tmp_path: Path) -> None:
    n = snapshot_in(peer.snapshots)
    with contextlib.closing(PeerClient(peer.address)) as client, pytest.raises(PeerError, match="asked for"):
        client.fetch_snapshot(n + 1, tmp_path / "here")


def test_nobody_there_is_known_from_somebody_silent() -> None:
    with pytest.raises(PeerRefuses):
        PeerClient(f"127.0.0.1:{free_port()}")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with contextlib.closing(PeerClient(address)) as client, pytest.raises(PeerError):
            client.state(timeout_s=0.1)


def test_a_probe_notices_that_a_node_is_gone_and_that_it_is_back(peer: Peer) -> None:
    probes = Probes(None, lambda: None)
    try:
        probes.follow([peer.address])
        eventually(lambda: probes.answers(peer.address))
        assert [heard.state.name for heard in probes.heard()] == ["b"]
        assert abs(probes.heard()[0].apart_ns - time.time_ns()) < 60 * 10**9  # it says that its clock is at 0
        peer.server.close()
        eventually(lambda: Ping.REFUSED in probes.pings(peer.address))
        assert not probes.answers(peer.address)
    finally:
        probes.close()


def test_a_node_whose_event_loop_stands_still_leaves_questions_unanswered(peer: Peer) -> None:
    peer.state = NodeState(name="b", boot="boot-b", role="writer", loop_age_s=5.0)
    probes = Probes(None, lambda: None)
    try:
        probes.follow([peer.address])
        eventually(lambda: Ping.UNANSWERED in probes.pings(peer.address))
        eventually(lambda: Ping.UNANSWERED in probes.pings(peer.address))
        assert probes.heard() == []
    finally:
        probes.close()


@pytest.mark.parametrize("secure", [False, True])
def test_strangers_who_only_connect_do_not_keep_nodes_from_asking(tmp_path: Path, secure: bool) -> None:
    server_tls = client_tls = None
    if secure:
        authority = Authority(tmp_path, "venue")
        server_tls, client_tls = authority.context("a", is_server=True), authority.context("b", is_server=False)
    peer = Peer(tmp_path, server_tls)
    host, port = split_address(peer.address)
    try:
        with contextlib.closing(PeerClient(peer.address, client_tls)) as known, contextlib.ExitStack() as silent:
            assert known.state().name == "b"
            for _ in range(PEERS_MAX + 5):
                silent.enter_context(socket.create_connection((host, port)))
            with contextlib.closing(PeerClient(peer.address, client_tls, 10)) as another:
                assert another.state(10).name == "b"
            assert known.state(10).name == "b"
    finally:
        peer.server.close()


NO_HOSTS = ["b..example:7001", ".:7001", f"{'b' * 64}:7001", "\ud800:7001"]
NO_PORTS = ["", "b", "b:", ":7001", "b:port", "b:-1", "b:65536", "b:99999999999999999999"]


@pytest.mark.parametrize("address", NO_HOSTS + NO_PORTS)
def test_what_is_no_address_is_no_peer(address: str) -> None:
    with pytest.raises(PeerError, match="no host and port"):
        split_address(address)
