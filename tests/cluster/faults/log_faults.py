"""Faults of the log itself that take more than a signal: no space, and an older backup in the place of its data."""

from __future__ import annotations

import shutil
import time

from cluster.etcd.etcd_members import EtcdMembers
from cluster.etcd.etcd_store import EtcdStore
from cluster.store import Delete, OutOfSpace, Put, StoreError, Transaction
from tests.cluster.faults.clustered import Cluster

JUNK = "/elsewhere/"  # keys of somebody who shares the log's space
JUNK_BYTES = 2**20
JUNK_KEYS = 200  # more than the small quota of this fault takes
FULL_S = 2.0  # for which there is no space
OLDER_S = 1.5  # of trading that the backup does not have
NOTICES_S = 60.0  # within which all nodes have noticed, on a busy machine
REFUSES_S = 3.0  # for which they take nothing then
CALL_S = 10.0


def out_of_space(venue: Cluster) -> float:
    """Somebody fills the log's space; a person makes room later: clients count from then."""
    store = EtcdStore(venue.log.parsed)
    try:
        for number in range(JUNK_KEYS):
            try:
                store.transact(Transaction(then=(Put(f"{JUNK}{number:06}", b"x" * JUNK_BYTES),)), CALL_S)
            except OutOfSpace:
                break
            except StoreError:  # on a busy machine the members elect another leader under such a load
                time.sleep(0.5)
        else:
            raise AssertionError("the log took everything")
        time.sleep(FULL_S)
        freed = store.transact(Transaction(then=(Delete(JUNK, f"{JUNK}~"),)), CALL_S)
    finally:
        store.close()
    members = EtcdMembers(venue.log.parsed)
    try:
        members.compact(freed.revision, CALL_S)
        for address in members.addresses:
            members.defragment(address, CALL_S)
        for alarm in members.alarms(CALL_S):
            members.disarm(alarm, CALL_S)
    finally:
        members.close()
    return time.monotonic()


def old_backup(venue: Cluster) -> float:
    """Members are started on an older copy of their data: no node may take an order. A person brings the newer back."""
    _stop(venue)
    for member in venue.log.members:
        shutil.copytree(member.folder / "data", member.folder / "older")
    venue.log.start()
    venue.accepting()
    time.sleep(OLDER_S)
    _stop(venue)
    for member in venue.log.members:
        (member.folder / "data").rename(member.folder / "newer")
        (member.folder / "older").rename(member.folder / "data")
    venue.log.start()
    deadline = time.monotonic() + NOTICES_S
    while time.monotonic() < deadline:
        accepting = [node.name for node in venue.nodes if node.accepts()]
        if not accepting:
            break
        time.sleep(0.1)
    time.sleep(REFUSES_S)
    accepting = [node.name for node in venue.nodes if node.accepts()]
    assert not accepting, f"{accepting} take orders on a log that was restored from an older backup"
    for node in venue.nodes:
        node.end()
    _stop(venue)
    for member in venue.log.members:
        shutil.rmtree(member.folder / "data")
        (member.folder / "newer").rename(member.folder / "data")
    venue.log.start()
    for node in venue.nodes:
        node.launch()
    return time.monotonic()


def _stop(venue: Cluster) -> None:
    for member in venue.log.members:
        member.kill()
