"""What a node makes of keys that others have put, deleted or put over: its own, and those of nodes."""

from __future__ import annotations

from typing import cast

import msgspec
import pytest

from cluster.keys import Keys, SnapshotNote
from cluster.known_nodes import KnownNodes, addresses_of, nodes_of
from cluster.peer_frames import NodeState
from cluster.store import Delete, LogStore, Put, Read, Transaction
from cluster.trimming import Trimmer
from tests.cluster.kept_store import KeptStore

KEYS = Keys("known")
A = NodeState(name="a", boot="a1", role="follower", url="http://a.example:5000", peer="a.example:7001")
NO_NAMES = ["", "\x1b[31m", "a\nb", "A", "é", "a" * 33]


def known_by(store: KeptStore) -> KnownNodes:
    """What node a, which has said what it is, knows."""
    nodes = KnownNodes(cast(LogStore, store), KEYS, lambda state: state)
    nodes.tend(A)
    return nodes


def put(store: KeptStore, key: str, value: bytes) -> None:
    store.transact(Transaction(then=(Put(key, value),)), 1.0)


def said(store: KeptStore) -> list[bytes]:
    """The values of a's own keys."""
    reads = (Read(KEYS.node("a")), Read(KEYS.address("a")))
    return [entry.value for entries in store.transact(Transaction(then=reads), 1.0).reads for entry in entries]


def turn_again(nodes: KnownNodes) -> None:
    """It reads at this turn what it mends in the next."""
    nodes._read_at = 0.0
    nodes.tend(A)
    nodes.tend(A)


@pytest.mark.parametrize("key", [KEYS.node("a"), KEYS.address("a")])
@pytest.mark.parametrize("is_there", [False, True])
def test_a_node_that_runs_says_again_what_was_deleted_or_put_over(key: str, is_there: bool) -> None:
    store = KeptStore()
    nodes = known_by(store)
    first = said(store)
    if is_there:
        put(store, key, b"\xff garbage")
    else:
        store.transact(Transaction(then=(Delete(key),)), 1.0)
    assert said(store) != first
    turn_again(nodes)
    assert said(store) == first
    writes = [asked for asked in store.asked if any(isinstance(step, Put) for step in asked.then)]
    turn_again(nodes)
    assert [asked for asked in store.asked if any(isinstance(step, Put) for step in asked.then)] == writes


@pytest.mark.parametrize("name", NO_NAMES)
def test_what_goes_by_no_name_of_a_node_is_none(name: str) -> None:
    store = KeptStore()
    put(store, KEYS.node(name), msgspec.json.encode(msgspec.structs.replace(A, name=name)))
    put(store, KEYS.address(name), b"http://x.example:5000")
    put(store, KEYS.snapshot(name), msgspec.json.encode(SnapshotNote(name, 7, "", "", "", 1, "x.example:7001")))
    port = cast(LogStore, store)
    assert (nodes_of(port, KEYS), addresses_of(port, KEYS), Trimmer(port, KEYS).notes()) == ([], {}, [])


def test_what_stands_under_another_nodes_key_says_nothing_of_a_node() -> None:
    store = KeptStore()
    known_by(store)
    put(store, KEYS.node("x"), msgspec.json.encode(msgspec.structs.replace(A, peer="elsewhere.example:1")))
    put(store, KEYS.snapshot("x"), msgspec.json.encode(SnapshotNote("a", 7, "", "", "", 1, "x.example:7001")))
    assert nodes_of(cast(LogStore, store), KEYS) == [A]
    assert Trimmer(cast(LogStore, store), KEYS).notes() == []


@pytest.mark.parametrize(
    "value", [b"", b"\xff\xfe", b"garbage", b"javascript:x", b"http://", b"http://a b", b"http://a\n"]
)
def test_an_address_that_is_none_sends_nobody_there(value: bytes) -> None:
    store = KeptStore()
    put(store, KEYS.address("x"), value)
    assert addresses_of(cast(LogStore, store), KEYS) == {}
    nodes = known_by(store)
    assert nodes.urls == {}
