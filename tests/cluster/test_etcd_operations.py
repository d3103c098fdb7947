"""What operators do to etcd, and what goes wrong with it: an old backup, a slow disk, TLS, watches."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from cluster.etcd.addresses import Members
from cluster.etcd.etcd_members import EtcdMembers
from cluster.etcd.etcd_store import EtcdStore
from cluster.failures import LogBehind, LogDiverged, LogUnformatted
from cluster.founding import opened_log
from cluster.keys import Keys
from cluster.leadership import SAMPLES, SLOW_S, SlowLeader
from cluster.records import START, position_of
from cluster.store import NoAnswer, Read, StoreError, Transaction, Unreachable
from tests.cluster.replicated_log import KeptClaim, ReplicatedLog, next_record, replicated_log
from tests.cluster.stalling_proxy import stalling_proxy
from tests.etcd import EtcdCluster, EtcdMember, needs_etcd, running_etcd
from tests.ports import free_port
from tests.server import eventually

pytestmark = needs_etcd

SLOW_DISK = (
    *("strace", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null"),
    *("-e", "trace=fdatasync", "-e", "inject=fdatasync:delay_exit=200000"),  # microseconds
)


def etcdctl(etcd: EtcdCluster, *words: str) -> None:
    """Run etcdctl, of API version 3."""
    done = subprocess.run(
        ["etcdctl", "--endpoints", etcd.members[0].client_url, *words],
        env={**os.environ, "ETCDCTL_API": "3"}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def restore(etcd: EtcdCluster, member: EtcdMember, backup: Path) -> None:
    """Have the only member go on with what the backup holds."""
    member.kill()
    shutil.rmtree(member.folder / "data")
    words = ["--name", member.name, "--initial-cluster", f"{member.name}={member.peer_url}"]
    words += ["--initial-advertise-peer-urls", member.peer_url, "--data-dir", str(member.folder / "data")]
    etcdctl(etcd, "snapshot", "restore", str(backup), *words)
    etcd.start()


def test_a_log_restored_from_an_older_backup_is_refused_by_its_writer_and_by_who_follows(tmp_path: Path) -> None:
    with running_etcd(tmp_path / "etcd", 1) as etcd, replicated_log(etcd) as log:
        appender = log.appender(log.claim())
        records = []
        for _ in range(5):
            records.append(next_record(appender.head.head.position))
            appender.append(records[-1])
        etcdctl(etcd, "snapshot", "save", str(tmp_path / "backup"))
        for _ in range(3):
            records.append(next_record(appender.head.head.position))
            appender.append(records[-1])
        restore(etcd, etcd.members[0], tmp_path / "backup")
        eventually(lambda: log.all_records() == records[:5])
        with pytest.raises(LogBehind, match="a person must decide"):
            appender.append(next_record(appender.head.head.position))
        with pytest.raises(LogBehind, match="a person must decide"):
            log.reader().read(position_of(records[7]))
        assert log.all_records() == records[:5]


def test_a_log_with_other_records_than_a_node_has_is_refused(log: ReplicatedLog) -> None:
    appender = log.appender(log.claim())
    appender.append(next_record(START))
    other = position_of(next_record(START, commands=2))
    with pytest.raises(LogDiverged, match="another record 1"):
        log.reader().read(other)
    appender.append(next_record(appender.head.head.position))
    with pytest.raises(LogDiverged, match="not chained"):
        log.reader().read(other)


def test_a_log_that_nobody_made_is_not_taken_for_an_empty_one(etcd: EtcdCluster) -> None:
    with replicated_log(etcd, found=False) as log:
        with pytest.raises(LogUnformatted):
            log.reader().read(START)
        with pytest.raises(LogUnformatted):
            opened_log(log.store(), log.keys)


def test_a_leader_with_a_slow_disk_hands_over(etcd: EtcdCluster) -> None:
    slow = etcd.followers()[0]
    slow.stop()
    slow.start(*SLOW_DISK)
    etcd.wait_until_ready()
    with (
        replicated_log(etcd) as log,
        closing(EtcdMembers(etcd.parsed)) as members,
        closing(KeptClaim(log, "a")) as kept,
    ):
        try:
            lead(etcd, members, slow)
            watched = SlowLeader(members, clock=time.monotonic)
            appender = log.appender(kept.claim)
            taken = []
            while not watched.is_due():
                taken.append(appender.append(next_record(appender.head.head.position)).seconds)
                watched.note(taken[-1])
                if taken[-1] < SLOW_S:  # the others may have elected another
                    lead(etcd, members, slow)
            assert len(taken) >= SAMPLES
            assert watched.move()
            eventually(lambda: etcd.leader() is not slow)
            after = [appender.append(next_record(appender.head.head.position)).seconds for _ in range(5)]
            assert sorted(after)[2] < sorted(taken)[len(taken) // 2]
        finally:
            slow.kill()
            etcd.start()


def lead(etcd: EtcdCluster, members: EtcdMembers, chosen: EtcdMember) -> None:
    """Have that member lead the others, however slow it is."""

    def leads() -> bool:
        statuses, leader = etcd.statuses(), etcd.leader()
        if leader is not chosen:
            with suppress(StoreError):
                members.move_leader(statuses[leader.name], statuses[chosen.name].member_id, 5.0)
        return etcd.leader() is chosen

    eventually(leads)


def test_members_and_clients_know_each_other_by_certificates(tmp_path: Path) -> None:
    with running_etcd(tmp_path / "etcd", 3, secure=True) as etcd:
        with replicated_log(etcd) as log:
            appender = log.appender(log.claim())
            appender.append(next_record(START))
            assert len(log.all_records()) == 1
            watch = log.store().watch(log.keys.head)
            eventually(lambda: watch.wait(1.0))
            watch.close()
        with closing(EtcdStore(Members(etcd.parsed.addresses))) as plain, pytest.raises(NoAnswer):
            opened_log(plain, Keys())


def test_a_watch_wakes_up_with_a_change_and_when_its_member_is_gone(etcd: EtcdCluster, log: ReplicatedLog) -> None:
    appender = log.appender(log.claim())
    watch = log.store().watch(log.keys.head)
    try:
        eventually(lambda: watch.wait(0.1))  # it is open
        eventually(lambda: not watch.wait(0.3))
        appender.append(next_record(START))
        assert watch.wait(10)
        eventually(lambda: not watch.wait(0.3))
        etcd.members[0].kill()
        assert watch.wait(10)
        etcd.start()
        eventually(lambda: not watch.wait(0.5))
        appender.append(next_record(appender.head.head.position))
        assert watch.wait(10)
    finally:
        watch.close()
        etcd.start()


def test_a_connection_that_was_cut_off_unnoticed_is_made_anew(etcd: EtcdCluster, log: ReplicatedLog) -> None:
    with (
        stalling_proxy(etcd.members[0].client_port) as proxy,
        closing(EtcdStore(Members((f"127.0.0.1:{proxy.port}",)))) as store,
    ):
        opened_log(store, log.keys)
        proxy.stall()
        with pytest.raises(NoAnswer):
            store.transact(Transaction(then=(Read(log.keys.head),)), 0.2)
        eventually(lambda: _answers(store, log))
        assert proxy.connections >= 2


def _answers(store: EtcdStore, log: ReplicatedLog) -> bool:
    with suppress(NoAnswer):
        return bool(store.transact(Transaction(then=(Read(log.keys.head),)), 0.4).reads[0])
    return False


def test_a_member_that_does_not_listen_was_certainly_not_asked() -> None:
    with closing(EtcdStore(Members((f"127.0.0.1:{free_port()}",)))) as store, pytest.raises(Unreachable):
        opened_log(store, Keys())


def test_what_a_member_says_of_itself_names_one_leader(etcd: EtcdCluster) -> None:
    statuses = list(etcd.statuses().values())
    assert len(statuses) == 3
    assert [status.leads for status in statuses].count(True) == 1
    assert all(status.space_bytes >= status.used_bytes > 0 for status in statuses)
    assert all(status.version.startswith("3.") for status in statuses)
