"""What a node says of itself in the store, and whom it knows, over a store in memory."""

from __future__ import annotations

from typing import cast

import pytest

from cluster import known_nodes as known_nodes_module
from cluster.keys import Keys
from cluster.known_nodes import KnownNodes, addresses_of, forget_node, nodes_of
from cluster.peer_frames import NodeState
from cluster.store import LogStore
from tests.cluster.kept_store import KeptStore

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
