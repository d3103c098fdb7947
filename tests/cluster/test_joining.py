"""How a node comes to have what the log has, and where it refuses."""

from __future__ import annotations

from pathlib import Path

from cluster.etcd.etcd_store import EtcdStore
from cluster.store import Delete, Read, Transaction
from tests.cluster.nodes import Nodes, nodes, state_of
from tests.etcd import EtcdCluster, needs_etcd
from tests.server import eventually

pytestmark = needs_etcd

SNAPSHOTS = ("--snapshot-every", "1000", "--snapshot-seconds", "1")


def trim(made: Nodes, store: EtcdStore) -> int:
    """Wait for a snapshot to be noted, and remove every record that it covers; how many there were."""
    keys = made.keys

    def noted() -> int:
        note = store.transact(Transaction(then=(Read(keys.snapshots, keys.snapshots_end),)), 5).reads[0]
        return len(note)

    eventually(lambda: noted() == 1)
    covered = int(made["a"].http.get("/health")["history"]["record"])
    entry = store.transact(Transaction(then=(Read(keys.snapshots, keys.snapshots_end),)), 5).reads[0][0]
    until = int(entry.value.split(b'"n":')[1].split(b",")[0])
    assert until <= covered
    return store.transact(Transaction(then=(Delete(keys.log(1), keys.log(until + 1)),)), 5).deleted


def test_a_node_behind_a_trimmed_log_begins_with_another_nodes_snapshot(tmp_path: Path, etcd: EtcdCluster) -> None:
    with nodes(tmp_path, etcd) as made:
        first = made.start("a", *SNAPSHOTS)
        ids = [first.http.enter("BTC-USDT", "buy", "0.01", "30000.00")["order_id"] for _ in range(5)]
        store = EtcdStore(etcd.parsed)
        try:
            assert trim(made, store) > 5
        finally:
            store.close()
        second = made.start("b")
        assert "begun with the snapshot of another node" in second.log
        assert second.http.get(f"/order/{ids[0]}")["order_id"] == ids[0]
        made.agree()


def test_a_node_that_has_what_the_log_has_not_refuses_and_changes_nothing(tmp_path: Path, etcd: EtcdCluster) -> None:
    with nodes(tmp_path, etcd) as made:
        first = made.start("a")
        first.http.enter("BTC-USDT", "buy", "0.01", "30000.00")
        n = state_of(first)["n"]
        assert first.stop() == 0
        store = EtcdStore(etcd.parsed)
        try:
            store.transact(Transaction(then=(Delete(made.keys.prefix, made.keys.prefix[:-1] + "0"),)), 5)
            status, _ = first.fails_to_start()
            assert (status, "it does not make one by itself" in first.log) == (1, True)
            assert store.transact(Transaction(then=(Read(made.keys.head),)), 5).reads == ((),)
        finally:
            store.close()
        made.start("b")  # on an empty folder it makes a log
        status, _ = first.fails_to_start()
        assert (status, f"this node has {n}" in first.log or "another record" in first.log) == (1, True), first.log
