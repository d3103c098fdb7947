"""The worst of a full log: its writer dies while nobody can claim it, and no person does anything but make room."""

from __future__ import annotations

import contextlib
from contextlib import closing
from pathlib import Path

from cluster.etcd.etcd_store import EtcdStore
from cluster.store import Delete, OutOfSpace, Put, StoreError, Transaction
from openbell.programs import PROGRAMS
from tests.cluster.nodes import nodes, state_of
from tests.etcd import EtcdCluster, needs_etcd, running_etcd
from tests.programs import run
from tests.server import eventually

pytestmark = needs_etcd

QUOTA_BYTES = 64 * 2**20
JUNK = "/elsewhere/"
JUNK_BYTES = 2**20
CALL_S = 10.0
ORDER = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.01", "price": "30000.00"}


def fill(etcd: EtcdCluster) -> None:
    """Somebody fills the space, until nothing is taken."""
    with closing(EtcdStore(etcd.parsed)) as store:
        number = 0
        while True:
            try:
                store.transact(Transaction(then=(Put(f"{JUNK}{number:06}", b"x" * JUNK_BYTES),)), CALL_S)
            except OutOfSpace:
                return
            except StoreError:
                continue
            number += 1


def remove(etcd: EtcdCluster) -> None:
    """They take it back: the members have the space again when that is compacted and defragmented."""
    with closing(EtcdStore(etcd.parsed)) as store, contextlib.suppress(OutOfSpace):
        store.transact(Transaction(then=(Delete(JUNK, f"{JUNK}~"),)), CALL_S)


def test_a_writer_that_dies_while_the_log_is_full_is_followed_by_another_without_a_person(tmp_path: Path) -> None:
    flags = ("--quota-backend-bytes", str(QUOTA_BYTES))
    with running_etcd(tmp_path / "etcd", 1, flags=flags) as etcd, nodes(tmp_path, etcd, "ab") as venue:
        writer, other = venue.writer(), venue.follower()
        order = writer.http.enter("BTC-USDT", "buy", "0.01", "30000.00", client_order_id="before")
        fill(etcd)
        writer.kill()
        remove(etcd)
        eventually(lambda: state_of(other)["role"] == "writer" and state_of(other)["accepting"])
        assert other.http.get(f"/order/{order['order_id']}")["client_order_id"] == "before"
        asked = {**ORDER, "client_order_id": "after"}
        eventually(lambda: other.http.call("POST", "/order", asked).status == 200)
        other.kill()  # so that nobody makes room
        fill(etcd)
        done = run(
            *("-m", PROGRAMS["cluster"].module, "--cluster", etcd.url, "--cluster-name", venue.cluster, "status")
        )
        assert done.returncode == 1
        assert "(full)" in done.stdout
        assert f"etcdctl --endpoints {etcd.url} alarm disarm" in done.stdout
