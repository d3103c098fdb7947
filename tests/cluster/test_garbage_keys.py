"""Values that nobody can read in the store's keys of a cluster: the nodes go on, and say which key it is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import cast

import grpc
import pytest

from cluster.etcd.etcd_store import EtcdStore
from cluster.etcd.wire_pb2 import PutRequest, PutResponse
from cluster.keys import Keys, SnapshotNote
from cluster.ownership import UNREADABLE, OwnerKey
from cluster.store import Delete, LogStore, Outcome, Put, Read, Transaction
from cluster.trimming import Trimmer
from tests.cluster.nodes import Nodes, nodes, state_of
from tests.cluster.scripted_store import ScriptedStore, entry
from tests.etcd import EtcdCluster, needs_etcd
from tests.server import eventually

KEYS = Keys("c")
GARBAGE = [b"", b"{", b"\xff", b'{"node":"\xff","boot_id":"x","address":"y"}', b'{"node":5}', b"[]"]


def store_with(*entries: tuple[str, bytes]) -> LogStore:
    """A store that reads these keys, once."""
    found = tuple(entry(key, value) for key, value in entries)
    return cast(LogStore, ScriptedStore([Outcome(True, 10, (found,))]))


@pytest.mark.parametrize("value", GARBAGE)
def test_an_owner_that_cannot_be_read_owns_the_log_in_its_epoch(value: bytes) -> None:
    owner = OwnerKey(store_with((KEYS.owner, value)), KEYS, UNREADABLE).current()
    assert owner is not None
    assert (owner.owner, owner.writer, owner.epoch) == (UNREADABLE, None, entry(KEYS.owner, value).created)


@pytest.mark.parametrize("value", GARBAGE)
def test_a_snapshot_note_that_cannot_be_read_hides_no_other(value: bytes) -> None:
    there = SnapshotNote("b", 7, "", "", "", 1, "b.example:7001")
    noted = b'{"node":"b","n":7,"chain":"","digest":"","sha256":"","size_bytes":1,"address":"b.example:7001"}'
    store = store_with((KEYS.snapshot("a"), value), (KEYS.snapshot("b"), noted))
    assert Trimmer(store, KEYS).notes() == [there]


@pytest.fixture(scope="module")
def venue(etcd: EtcdCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Two nodes."""
    with nodes(tmp_path_factory.mktemp("garbage"), etcd, "ab") as made:
        yield made


@needs_etcd
@pytest.mark.parametrize("is_new", [False, True])
def test_an_owner_key_of_garbage_stops_no_node_and_another_epoch_begins(venue: Nodes, is_new: bool) -> None:
    """Put over the writer's own, or in its place, on no lease, by whoever can write to etcd."""
    before = venue.writer()
    epoch = state_of(before)["epoch"]
    with contextlib.closing(EtcdStore(venue.etcd.parsed)) as store:
        key = venue.keys.owner
        if is_new:
            store.transact(Transaction(then=(Delete(key),)), 5)
        store.transact(Transaction(then=(Put(key, b"\xff\xfe garbage"),)), 5)
        read = Transaction(then=(Read(key),))
        eventually(lambda: all(b"garbage" not in entry.value for entry in store.transact(read, 5).reads[0]))
    eventually(lambda: state_of(venue.writer())["epoch"] > epoch)
    for name in "ab":
        assert venue[name].runs
        eventually(lambda name=name: state_of(venue[name])["accepting"])
        assert venue[name].http.enter("BTC-USDT", "buy", "0.01", "30000.00")["status"] == "resting"
    assert any(f"{venue.keys.owner} cannot be read" in venue[name].log for name in "ab")
    venue.agree()


@needs_etcd
def test_keys_that_are_no_text_hide_no_node(venue: Nodes) -> None:
    """They are beside those that a node reads by their beginning."""
    with contextlib.closing(EtcdStore(venue.etcd.parsed)) as store:
        for beginning in (venue.keys.nodes, venue.keys.snapshots):
            put_raw(venue, beginning.encode() + b"\xff")
            assert store.transact(Transaction(then=(Read(beginning, beginning[:-1] + "0"),)), 5).succeeded
    assert venue["a"].http.enter("BTC-USDT", "buy", "0.01", "30000.00")["status"] == "resting"


def put_raw(venue: Nodes, key: bytes) -> None:
    """Put a key that our client would not."""
    with grpc.insecure_channel(venue.etcd.parsed.addresses[0]) as channel:
        channel.unary_unary(
            "/etcdserverpb.KV/Put",
            request_serializer=PutRequest.SerializeToString,
            response_deserializer=PutResponse.FromString,
        )(PutRequest(key=key, value=b"garbage"), timeout=5)
