"""What a node says of itself in the store, and whom it knows, over a store in memory."""

from __future__ import annotations

import socket
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import msgspec
import pytest

from cluster import known_nodes as known_nodes_module
from cluster.keys import Keys
from cluster.known_nodes import (
    KEEP_S,
    READ_S,
    KnownNodes,
    addresses_of,
    ask_to_stand_down,
    forget_node,
    nodes_of,
)
from cluster.last_known import nodes_last_known, states_of
from cluster.peer_client import PeerError
from cluster.peer_frames import NodeState
from cluster.peer_server import PeerServer
from cluster.store import Delete, LogStore, NoAnswer, OutOfSpace, Put, Transaction
from journal.snapshots import SnapshotFolder
from tests.cluster.kept_store import KeptStore
from tests.ports import free_port

KEYS = Keys("kept")


class Clock:
    """The monotonic clock that nodes go by."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        monkeypatch.setattr(known_nodes_module, "time", SimpleNamespace(monotonic=lambda: self.now))


class Seen:
    """A node over a store, which reads at each round."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(known_nodes_module, "READ_S", 0.0)
        self.kept = KeptStore()
        self.store = cast(LogStore, self.kept)
        self.state = NodeState(name="a", boot="a1", role="follower", url="http://127.0.0.1:5001", peer="127.0.0.1:6001")
        self.nodes = KnownNodes(self.store, KEYS, lambda state: state)

    def rounds(self, count: int = 2) -> None:
        for _ in range(count):
            self.nodes.tend(self.state)

    def puts(self) -> int:
        return len([transaction for transaction in self.kept.asked if len(transaction.then) == 2])


def test_a_node_says_what_it_is_when_it_begins_and_when_its_role_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    node = Seen(monkeypatch)
    node.rounds(3)
    assert nodes_of(node.store, KEYS) == [node.state]
    assert addresses_of(node.store, KEYS) == {"a": node.state.url}
    assert (node.puts(), node.nodes.known, node.nodes.urls) == (1, {}, {})


def test_a_node_that_was_removed_while_it_ran_is_known_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It did not answer whoever removed it, and its lease has not ended."""
    node = Seen(monkeypatch)
    node.rounds()
    forget_node(node.store, KEYS, "a")
    assert nodes_of(node.store, KEYS) == []
    node.rounds()
    assert nodes_of(node.store, KEYS) == [node.state]
    assert addresses_of(node.store, KEYS) == {"a": node.state.url}
    assert node.puts() == 2


def test_a_node_that_a_full_log_lets_say_nothing_knows_the_others_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who knows no address of the writer would take it for one that is silent, and end its epoch."""
    node = Seen(monkeypatch)
    other = msgspec.structs.replace(node.state, name="b", peer="127.0.0.1:6002")
    KnownNodes(node.store, KEYS, lambda state: state).tend(other)
    assert node.nodes.known_at == float("-inf")
    node.kept.fails.append(OutOfSpace("full"))
    node.rounds(1)
    assert nodes_of(node.store, KEYS) == [other]
    assert node.nodes.peer_of("b") == other.peer
    assert node.nodes.known_at > 0
    node.kept.fails.extend([None, None, NoAnswer("late")])
    known_at = node.nodes.known_at
    node.rounds(1)
    assert node.nodes.known_at == known_at


def without_address(node: Seen, name: str) -> NodeState:
    """A node of the version before, which says where clients reach it on its lease alone; it runs."""
    state = msgspec.structs.replace(node.state, name=name, url=f"http://{name}.example:5000")
    value = msgspec.json.encode(state).replace(b"{", b'{"something_older": 1,', 1)
    node.store.transact(Transaction(then=(Put(KEYS.node(name), value),)), 1.0)
    return state


def test_where_clients_reach_a_node_of_the_version_before_stays_known_when_it_is_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its pages ask another node then, which lets them in by that address."""
    node = Seen(monkeypatch)
    older = without_address(node, "b")
    node.rounds(1)
    assert node.nodes.known == {"b": older}
    node.store.transact(Transaction(then=(Delete(KEYS.node("b")),)), 1.0)  # its lease has ended
    node.rounds(1)
    assert (node.nodes.known, node.nodes.urls) == ({}, {"b": older.url})
    forget_node(node.store, KEYS, "b")
    node.rounds(2)
    assert node.nodes.urls == {}


def test_the_address_of_a_node_that_is_removed_meanwhile_or_is_none_is_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node = Seen(monkeypatch)
    node.rounds()
    without_address(node, "b")

    def remove(transaction: Transaction) -> None:
        if transaction.compares:
            node.kept.before = lambda transaction: None
            forget_node(node.store, KEYS, "b")

    node.kept.before = remove
    node.rounds()
    nowhere = msgspec.structs.replace(node.state, name="c", url="javascript:x")
    node.store.transact(Transaction(then=(Put(KEYS.node("c"), msgspec.json.encode(nowhere)),)), 1.0)
    node.rounds()
    assert addresses_of(node.store, KEYS) == {"a": node.state.url}


def test_its_lease_is_kept_when_that_is_due_and_another_is_granted_where_it_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, node, kept = Clock(monkeypatch), Seen(monkeypatch), list[int]()
    keep = node.kept.keep_lease

    def noted(lease: int, timeout_s: float) -> float:
        kept.append(lease)
        return keep(lease, timeout_s)

    monkeypatch.setattr(node.kept, "keep_lease", noted)
    node.rounds(1)
    (lease,) = node.kept.log.leases
    clock.now += KEEP_S - 0.1
    node.rounds(1)
    assert kept == []
    clock.now += 0.2
    node.rounds(2)
    assert kept == [lease]
    node.kept.log.revoke(lease)
    assert nodes_of(node.store, KEYS) == []
    clock.now += KEEP_S
    node.rounds(3)
    assert kept == [lease, lease]
    (another,) = node.kept.log.leases
    assert another != lease
    assert nodes_of(node.store, KEYS) == [node.state]
    assert node.puts() == 2


def test_who_there_is_is_read_when_that_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, node = Clock(monkeypatch), Seen(monkeypatch)
    monkeypatch.setattr(known_nodes_module, "READ_S", READ_S)

    def reads() -> int:
        return len([transaction for transaction in node.kept.asked if len(transaction.then) == 3])

    node.rounds(3)
    assert reads() == 1
    clock.now += READ_S
    node.rounds(3)
    assert reads() == 2


def test_a_node_that_ends_is_known_of_no_more_and_where_it_was_is(monkeypatch: pytest.MonkeyPatch) -> None:
    node = Seen(monkeypatch)
    node.nodes.withdraw()  # which has said nothing yet
    node.rounds()
    node.kept.fails.append(NoAnswer("late"))
    node.nodes.withdraw()
    assert nodes_of(node.store, KEYS) == [node.state]
    node.nodes.withdraw()
    assert nodes_of(node.store, KEYS) == []
    assert addresses_of(node.store, KEYS) == {"a": node.state.url}


def test_a_wish_to_stand_down_is_heard_once_by_whom_it_names_and_not_by_who_began_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node, heard = Seen(monkeypatch), list[str]()
    node.nodes = KnownNodes(node.store, KEYS, lambda state: state, on_stand_down=lambda: heard.append("a"))
    ask_to_stand_down(node.store, KEYS, "a", "boss")
    node.rounds()
    assert heard == []
    ask_to_stand_down(node.store, KEYS, "b", "boss")
    node.rounds()
    assert heard == []
    ask_to_stand_down(node.store, KEYS, "a", "boss")
    node.rounds(3)
    assert heard == ["a"]


def test_changes_of_the_others_are_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    node, said = Seen(monkeypatch), list[tuple[list[str], dict[str, str]]]()
    node.nodes = KnownNodes(
        node.store, KEYS, lambda state: state, lambda known, urls: said.append((sorted(known), dict(urls)))
    )
    other = msgspec.structs.replace(node.state, name="b", url="http://127.0.0.1:5002", peer="127.0.0.1:6002")
    node.rounds()
    assert said == []
    KnownNodes(node.store, KEYS, lambda state: state).tend(other)
    node.rounds(3)
    assert said == [(["b"], {"b": other.url})]
    for changed in ({"peer": "127.0.0.1:6003"}, {"url": "http://127.0.0.1:5003"}):
        other = msgspec.structs.replace(other, **changed)
        KnownNodes(node.store, KEYS, lambda state: state).tend(other)
        node.rounds(3)
    assert said[1:] == [(["b"], {"b": "http://127.0.0.1:5002"}), (["b"], {"b": "http://127.0.0.1:5003"})]
    assert node.nodes.peer_of("b") == other.peer


def test_a_log_that_does_not_answer_is_said_once_until_it_does(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    node = Seen(monkeypatch)
    for times in (1, 2):
        node.kept.fails.extend([NoAnswer("late")] * 3)
        node.rounds(3)
        assert caplog.text.count("do not know of each other just now") == times
        assert node.kept.members == 3 * times  # each time the next one is asked
        node.rounds()


def test_of_members_that_run_alone_the_newest_of_what_each_has_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    ahead, away, behind = Seen(monkeypatch), Seen(monkeypatch), Seen(monkeypatch)
    behind.state = msgspec.structs.replace(ahead.state, role="writer")
    ahead.state = msgspec.structs.replace(ahead.state, wall_ns=5)
    for node in (ahead, away, behind):
        node.rounds()
    away.kept.fails.append(NoAnswer("it does not run"))
    assert nodes_last_known([behind.store, away.store, ahead.store], KEYS) == [ahead.state]
    assert nodes_last_known([ahead.store, behind.store], KEYS) == [ahead.state]


def test_a_node_that_answers_is_as_it_says_now_and_one_that_does_not_as_it_was_known(tmp_path: Path) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    now = NodeState(name="a", boot="a2", role="writer", peer=f"127.0.0.1:{listening.getsockname()[1]}", n=9)
    was = msgspec.structs.replace(now, boot="a1", role="follower", n=7)
    away = NodeState(name="b", boot="b1", role="writer", peer=f"127.0.0.1:{free_port()}", n=8)
    server = PeerServer(listening, lambda: now, SnapshotFolder(tmp_path, "test"), None)
    try:
        assert states_of([was, away], [], None) == ([(now, True), (away, False)], [away.peer])
    finally:
        server.close()


def test_a_node_whose_ports_are_not_said_is_not_asked_and_what_is_no_address_is_refused() -> None:
    """OPENBELL_NODE_LISTEN may be 127.0.0.1:0, which is what nodes have without it."""
    listening = f"127.0.0.1:{free_port(2)}"
    silent = f"127.0.0.1:{int(listening.rpartition(':')[2]) + 1}"
    assert states_of([], ["127.0.0.1:0", listening], None) == ([], [silent])
    with pytest.raises(PeerError, match="no host and port"):
        states_of([], ["b"], None)
