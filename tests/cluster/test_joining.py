"""How a node comes to have what the log has, and where it refuses."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec
import pytest

from cluster.etcd.etcd_store import EtcdStore
from cluster.joining import catch_up
from cluster.log_reader import PAGE_RECORDS
from cluster.peer_client import PeerClient, PeerError
from cluster.peer_frames import NodeState
from cluster.store import Delete, Read, Transaction
from journal.codec import BatchRecord
from journal.sqlite import SqliteJournal
from openbell.programs import PROGRAMS
from tests.cluster.nodes import Nodes, nodes, state_of
from tests.cluster.replicated_log import ReplicatedLog, next_record
from tests.etcd import EtcdCluster, needs_etcd, running_etcd
from tests.programs import run
from tests.server import RunningServer, eventually

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
        for _ in range(3):  # records behind the snapshot, which the log has
            first.http.enter("BTC-USDT", "buy", "0.01", "30000.00")
        second = made.start("b")
        assert "begun with the snapshot of another node" in second.log
        assert second.http.get(f"/order/{ids[0]}")["order_id"] == ids[0]
        made.agree()


class CountingJournal(SqliteJournal):
    """Counts how often it was written to, which is a flush or two each."""

    writes = 0

    def append(self, record: BatchRecord) -> None:
        self.writes += 1
        super().append(record)


def test_a_node_that_catches_up_flushes_records_by_the_page(tmp_path: Path, log: ReplicatedLog) -> None:
    appender = log.appender(log.claim())
    for _ in range(PAGE_RECORDS + 30):
        appender.append(next_record(appender.head.head.position))
    applied: list[BatchRecord] = []
    with contextlib.closing(CountingJournal(tmp_path / "journal.sqlite")) as journal:
        head = catch_up(log.store(), log.keys, journal, applied.append, lambda seq: None)
        assert journal.writes <= 2
        assert applied == list(journal.read()) == log.all_records()
        assert head.n == len(applied) >= PAGE_RECORDS + 30


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


def test_a_cluster_is_founded_with_what_the_folder_of_a_server_alone_has(tmp_path: Path, etcd: EtcdCluster) -> None:
    with nodes(tmp_path, etcd) as made:
        alone = RunningServer(tmp_path / "a")
        alone.start()
        order_id = alone.http.enter("BTC-USDT", "buy", "0.01", "30000.00")["order_id"]
        assert alone.stop() == 0

        def found(folder: Path) -> tuple[int, str]:
            words = ("--cluster", etcd.url, "--cluster-name", made.cluster, "found", "--data", str(folder))
            done = run("-m", PROGRAMS["cluster"].module, *words)
            return done.returncode, done.stdout + done.stderr

        status, said = found(tmp_path)
        assert (status, "no journal" in said, (tmp_path / "journal.sqlite").exists()) == (1, True, False), said
        for _ in range(2):  # who hears nothing of it does it again
            status, said = found(tmp_path / "a")
            assert (status, "the log begins behind record" in said) == (0, True), said
        first = made.start("a")
        assert first.http.get(f"/order/{order_id}")["status"] == "resting"
        other = RunningServer(tmp_path / "other")
        other.start()
        assert other.stop() == 0
        status, said = found(tmp_path / "other")
        assert (status, "There is a log already" in said) == (1, True), said


def test_a_process_with_the_name_of_a_node_that_answers_does_not_start(tmp_path: Path, etcd: EtcdCluster) -> None:
    with nodes(tmp_path, etcd, "a") as made:
        second = made.make("b")
        second.options[second.options.index("--node") + 1] = "a"
        status, _ = second.fails_to_start()
        assert (status, "is node a already" in second.log) == (1, True), second.log
        made["a"].kill_all()
        made["a"].start()  # the same node again
        eventually(lambda: state_of(made["a"])["role"] == "writer")


def test_a_node_with_another_secret_than_one_that_runs_does_not_start(tmp_path: Path, etcd: EtcdCluster) -> None:
    with nodes(tmp_path, etcd, "a") as made:
        second = made.make("b", "--secret-file", str(tmp_path / "another.key"))
        status, _ = second.fails_to_start()
        assert (status, "Node a signs with another secret" in second.log) == (1, True), second.log
        made["a"].stop()
        second.start()  # nobody runs who would differ


def test_nodes_speak_to_each_other_and_to_the_log_by_mutual_tls_alone(tmp_path: Path) -> None:
    with running_etcd(tmp_path / "etcd", 1, secure=True) as etcd, nodes(tmp_path / "nodes", etcd, "ab") as made:
        follower = made.follower()
        assert follower.http.enter("BTC-USDT", "buy", "0.01", "30000.00")["status"] == "resting"
        eventually(lambda: [peer["answers"] for peer in state_of(follower)["cluster"]["peers"]] == [True])
        made.agree()
        store = EtcdStore(etcd.parsed)
        try:
            entries = store.transact(Transaction(then=(Read(made.keys.nodes, made.keys.nodes_end),)), 5).reads[0]
        finally:
            store.close()
        for entry in entries:
            address = msgspec.json.decode(entry.value, type=NodeState).peer
            with pytest.raises(PeerError), contextlib.closing(PeerClient(address)) as client:
                client.state()
