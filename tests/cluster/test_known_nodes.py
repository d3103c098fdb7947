"""What a node says of itself in the store, and whom it knows, over a store in memory."""

from __future__ import annotations

from typing import cast

import msgspec
import pytest

from cluster import known_nodes as known_nodes_module
from cluster.keys import Keys
from cluster.known_nodes import KnownNodes, addresses_of, forget_node, nodes_of
from cluster.last_known import nodes_last_known, states_of
from cluster.peer_client import PeerError
from cluster.peer_frames import NodeState
from cluster.store import Delete, LogStore, NoAnswer, OutOfSpace, Put, Transaction
from tests.cluster.kept_store import KeptStore
from tests.ports import free_port

KEYS = Keys("kept")


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


def test_of_members_that_run_alone_the_newest_of_what_each_has_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    ahead, away, behind = Seen(monkeypatch), Seen(monkeypatch), Seen(monkeypatch)
    behind.state = msgspec.structs.replace(ahead.state, role="writer")
    ahead.state = msgspec.structs.replace(ahead.state, wall_ns=5)
    for node in (ahead, away, behind):
        node.rounds()
    away.kept.fails.append(NoAnswer("it does not run"))
    assert nodes_last_known([behind.store, away.store, ahead.store], KEYS) == [ahead.state]


def test_a_node_whose_ports_are_not_said_is_not_asked_and_what_is_no_address_is_refused() -> None:
    """OPENBELL_NODE_LISTEN may be 127.0.0.1:0, which is what nodes have without it."""
    listening = f"127.0.0.1:{free_port(2)}"
    silent = f"127.0.0.1:{int(listening.rpartition(':')[2]) + 1}"
    assert states_of([], ["127.0.0.1:0", listening], None) == ([], [silent])
    with pytest.raises(PeerError, match="no host and port"):
        states_of([], ["b"], None)
