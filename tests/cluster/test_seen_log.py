"""A node knows an etcd that was restored from a backup, also where it has no records that this has not."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from cluster import seen_log
from cluster.etcd.etcd_store import EtcdStore
from cluster.failures import LogRestored
from cluster.keys import Keys
from cluster.seen_log import FILE, SeenStore, forget_seen
from cluster.store import LogStore, Outcome, Put, Read, Transaction
from openbell.programs import PROGRAMS
from tests.cluster.kept_store import KeptStore
from tests.cluster.nodes import nodes, state_of
from tests.cluster.scripted_store import ScriptedStore
from tests.etcd import EtcdCluster, needs_etcd, running_etcd
from tests.programs import run
from tests.server import eventually

ONE, OTHER = 0xA1, 0xB2


class Store(ScriptedStore):
    """Says of which cluster and revision it is."""

    def __init__(self, *said: tuple[int, int]) -> None:
        super().__init__([Outcome(True, revision, cluster_id=cluster) for cluster, revision in said])

    def close(self) -> None:
        """Nothing is open."""


def seen(folder: Path, *said: tuple[int, int]) -> SeenStore:
    """A store of a node that was asked so often."""
    store = SeenStore(cast(LogStore, Store(*said)), folder)
    for _ in said:
        store.transact(Transaction(), 1)
    return store


def test_an_etcd_that_goes_on_is_followed_over_starts(tmp_path: Path) -> None:
    seen(tmp_path, (ONE, 5), (ONE, 5), (ONE, 9)).close()
    seen(tmp_path, (ONE, 9), (ONE, 12)).close()
    seen(tmp_path, (0, 1))  # a store that does not say which it is


@pytest.mark.parametrize("said", [(ONE, 8), (OTHER, 9), (OTHER, 100)])
def test_one_that_went_back_or_is_another_is_refused_at_once_and_after_a_start(
    tmp_path: Path, said: tuple[int, int]
) -> None:
    with pytest.raises(LogRestored, match="openbell cluster accept --data"):
        seen(tmp_path, (ONE, 5), (ONE, 9), said)
    seen(tmp_path, (ONE, 9)).close()
    with pytest.raises(LogRestored):
        seen(tmp_path, said)
    forget_seen(tmp_path)
    seen(tmp_path, said).close()
    with pytest.raises(LogRestored):
        seen(tmp_path, (said[0], said[1] - 1))


def test_what_was_seen_is_written_now_and_then_and_at_the_end(tmp_path: Path) -> None:
    store = seen(tmp_path, (ONE, 5), *[(ONE, revision) for revision in range(6, 100)])
    assert b'"revision":5' in (tmp_path / FILE).read_bytes()
    store.close()
    assert b'"revision":99' in (tmp_path / FILE).read_bytes()


def test_what_was_seen_is_written_again_when_that_is_due(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000.0]
    monkeypatch.setattr(seen_log, "time", SimpleNamespace(monotonic=lambda: now[0]))
    store = SeenStore(cast(LogStore, Store((ONE, 5), (ONE, 6), (ONE, 7), (ONE, 8))), tmp_path)
    for after_s, written in ((0.0, 5), (seen_log.WRITE_S - 0.1, 5), (0.1, 7), (1.0, 7)):
        now[0] += after_s
        store.transact(Transaction(), 1)
        assert f'"revision":{written}' in (tmp_path / FILE).read_text()


def test_a_folder_that_cannot_be_written_is_said_once_until_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(seen_log, "WRITE_S", 0.0)
    folder = tmp_path / "data"
    store = SeenStore(cast(LogStore, Store(*[(ONE, revision) for revision in range(1, 8)])), folder)
    for times in (1, 2):
        for _ in range(2):
            store.transact(Transaction(), 1)
        assert caplog.text.count("could not be written") == times
        folder.mkdir()
        store.transact(Transaction(), 1)
        shutil.rmtree(folder)


def test_all_else_is_asked_of_the_store_itself(tmp_path: Path) -> None:
    kept = KeptStore()
    store = SeenStore(cast(LogStore, kept), tmp_path)
    lease = store.grant_lease(15, 1)
    assert store.keep_lease(lease, 1) == 15
    assert store.watch("key") is not None
    store.revoke_lease(lease, 1)
    assert store.keep_lease(lease, 1) == 0
    store.next_member()
    assert kept.members == 1


def test_a_file_that_cannot_be_read_keeps_no_node_from_its_start(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"\xff")
    seen(tmp_path, (ONE, 5)).close()
    assert b'"revision":5' in (tmp_path / FILE).read_bytes()


def restore(backup: EtcdCluster, into: EtcdCluster, keys: Keys) -> None:
    """Have another etcd hold what this one has of a cluster's log now."""
    with contextlib.closing(EtcdStore(backup.parsed)) as source, contextlib.closing(EtcdStore(into.parsed)) as target:
        reads = (Read(keys.format), Read(keys.head), Read(keys.logs, keys.logs_end))
        for entries in source.transact(Transaction(then=reads), 5).reads:
            for entry in entries:
                target.transact(Transaction(then=(Put(entry.key, entry.value),)), 5)


@needs_etcd
def test_a_node_that_was_behind_and_none_that_is_ahead_follows_a_restored_etcd_once_that_is_accepted(
    tmp_path: Path,
) -> None:
    with (
        running_etcd(tmp_path / "etcd", 1) as etcd,
        running_etcd(tmp_path / "restored", 1) as restored,
        nodes(tmp_path / "nodes", etcd, "ab") as made,
    ):
        behind = made["b"]
        assert behind.stop() == 0
        made["a"].http.enter("BTC-USDT", "buy", "0.01", "30000.00")
        restore(etcd, restored, made.keys)
        made["a"].http.enter("BTC-USDT", "buy", "0.01", "30000.00")  # acknowledged, and lost by the backup
        made["a"].kill_all()
        behind.options[behind.options.index("--cluster") + 1] = restored.url
        status, _ = behind.fails_to_start()
        assert (status, "another etcd" in behind.log) == (1, True), behind.log

        def accept(folder: Path) -> tuple[int, str]:
            words = ("--cluster", restored.url, "--cluster-name", made.cluster, "accept", "--data", str(folder))
            done = run("-m", PROGRAMS["cluster"].module, *words)
            return done.returncode, done.stdout + done.stderr

        ahead = made["a"].data
        status, said = accept(ahead)
        assert (status, "has what the log has lost" in said, (ahead / FILE).exists()) == (1, True, True), said
        status, said = accept(tmp_path)
        assert (status, "no journal" in said, (tmp_path / "journal.sqlite").exists()) == (1, True, False), said
        status, said = accept(behind.data)
        assert (status, "the log ends at record" in said) == (0, True), said
        behind.start()
        eventually(lambda: state_of(behind)["accepting"])
