"""Appending by compare, ownership and take-over, against three real members of etcd."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest

from cluster.append import Appender
from cluster.failures import AppendRefused, Fenced
from cluster.founding import found_log
from cluster.ownership import LEASE_S
from cluster.records import START, position_of
from cluster.store import NoAnswer
from engine.commands import WriterChanged
from journal.codec import BatchRecord, CorruptRecord, open_batch
from tests.cluster.replicated_log import KeptClaim, LossyStore, ReplicatedLog, next_record, replicated_log, retried
from tests.etcd import EtcdCluster, EtcdMember, needs_etcd
from tests.server import eventually

pytestmark = needs_etcd


def append_next(appender: Appender, commands: int = 1) -> BatchRecord:
    """Append a record behind the head and return it."""
    record = next_record(appender.head.head.position, commands)
    appender.append(record)
    return record


def test_records_are_read_as_they_were_appended(log: ReplicatedLog) -> None:
    appender = log.appender(log.claim())
    appended = [append_next(appender, commands) for commands in (1, 3, 250)]
    assert log.all_records() == appended
    assert log.reader().read(position_of(appended[1])).records == appended[2:]
    assert log.reader().head().head.position == position_of(appended[2])


def test_a_log_is_made_once(log: ReplicatedLog) -> None:
    appender = log.appender(log.claim())
    append_next(appender)
    assert found_log(log.store(), log.keys).n == 1


def test_an_unanswered_append_that_landed_is_known_by_its_bytes(log: ReplicatedLog) -> None:
    lossy = LossyStore(log.store())
    appender = log.appender(log.claim(), lossy)
    lossy.lost_behind = 1
    record = next_record(START)
    assert appender.append(record).tries == 2
    assert log.all_records() == [record]
    following = append_next(appender)
    assert log.all_records() == [record, following]


def test_an_unanswered_append_that_did_not_land_is_done_again(log: ReplicatedLog) -> None:
    lossy = LossyStore(log.store())
    appender = log.appender(log.claim(), lossy)
    lossy.lost_before = 2
    assert appender.append(next_record(START)).tries == 3
    assert len(log.all_records()) == 1


def test_an_append_that_landed_before_another_took_over_is_a_success(log: ReplicatedLog) -> None:
    lossy = LossyStore(log.store())
    claim = log.claim("a")
    appender = log.appender(claim, lossy)
    record = next_record(START)
    successor: list[Appender] = []

    def lose_and_take_over(seconds: float) -> None:
        assert log.owner_key("b").challenge(claim.epoch)
        successor.append(log.take_over("b", log.claim("b"))[0])

    appender._sleep = lose_and_take_over
    lossy.lost_behind = 1
    assert appender.append(record).tries == 2
    assert log.all_records()[0] == record
    with pytest.raises(Fenced):
        append_next(appender)
    append_next(successor[0])
    assert len(log.all_records()) == 3


def test_who_was_taken_over_from_is_fenced_for_good(log: ReplicatedLog) -> None:
    claim = log.claim("a")
    zombie = log.appender(claim)
    append_next(zombie)
    assert log.owner_key("b").challenge(claim.epoch)
    writer, applied = log.take_over("b", log.claim("b"))
    with pytest.raises(Fenced, match="Another writer owns the log") as fenced:
        append_next(zombie)
    assert not fenced.value.landed_unknown
    with pytest.raises(Fenced):
        append_next(zombie)
    append_next(writer)
    assert [record.n for record in log.all_records()] == [1, 2, 3]
    assert applied == log.all_records()[:2]
    changed = open_batch(applied[1])[0]
    assert isinstance(changed, WriterChanged)
    assert changed.node == "b"


def test_epochs_rise_and_a_challenge_ends_only_the_epoch_that_it_names(log: ReplicatedLog) -> None:
    first = log.claim("a")
    key = log.owner_key("b")
    assert key.challenge(first.epoch)
    assert not key.challenge(first.epoch)
    second = log.claim("b")
    assert second.epoch > first.epoch
    assert not log.owner_key("a").challenge(first.epoch)
    current = log.owner_key("c").current()
    assert current is not None
    assert (current.owner.node, current.epoch) == ("b", second.epoch)


def test_only_one_of_many_claims_is_granted(log: ReplicatedLog) -> None:
    keys = [log.owner_key(f"n{i}", log.store(i)) for i in range(4)]
    claims = []
    threads = [threading.Thread(target=lambda key=key: claims.append(retried(key.claim))) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len([claim for claim in claims if claim is not None]) == 1


def test_a_claim_whose_answer_was_lost_is_found_again(log: ReplicatedLog) -> None:
    lossy = LossyStore(log.store())
    key = log.owner_key("a", lossy)
    lossy.lost_behind = 1
    with pytest.raises(NoAnswer):
        key.claim()
    claim = key.claim()
    assert claim is not None
    append_next(log.appender(claim))


def test_a_lease_that_is_not_kept_ends_and_its_writer_is_fenced(log: ReplicatedLog) -> None:
    key = log.owner_key("a", lease_s=LEASE_S)
    claim = key.claim()
    assert claim is not None
    appender = log.appender(claim)
    eventually(lambda: log.owner_key("b").current() is None)
    assert key.keep(claim) == 0
    with pytest.raises(Fenced, match="has ended"):
        append_next(appender)
    assert log.all_records() == []


def test_a_lease_that_is_kept_has_its_seconds_again(log: ReplicatedLog) -> None:
    key = log.owner_key("a")
    claim = key.claim()
    assert claim is not None
    assert key.keep(claim) > LEASE_S


def test_who_stands_down_owns_nothing_at_once(log: ReplicatedLog) -> None:
    key = log.owner_key("a")
    claim = key.claim()
    assert claim is not None
    assert key.release(claim)
    assert log.owner_key("b").current() is None
    assert not key.release(claim)


def test_a_record_that_does_not_follow_is_never_sent(log: ReplicatedLog) -> None:
    appender = log.appender(log.claim())
    append_next(appender)
    with pytest.raises(CorruptRecord):
        appender.append(next_record(START))
    assert append_next(appender).n == 2


def test_a_record_larger_than_the_log_takes_is_refused_and_the_next_is_not(log: ReplicatedLog) -> None:
    appender = log.appender(log.claim())
    with pytest.raises(AppendRefused) as refused:
        append_next(appender, 600_000)
    assert not refused.value.out_of_space
    assert append_next(appender).n == 1


@pytest.mark.parametrize("fault", ["kill the leader", "pause the leader", "kill a follower", "kill all"])
def test_appends_go_on_through_faults_of_members_without_loss(etcd: EtcdCluster, fault: str) -> None:
    with replicated_log(etcd) as log, closing(KeptClaim(log, "a")) as kept:
        appender = log.appender(kept.claim)
        answered = [append_next(appender) for _ in range(20)]
        leader = etcd.leader()
        _begin(etcd, leader, fault)
        try:
            while len(answered) < 60:
                try:
                    answered.append(append_next(appender))
                except Fenced:  # there was no majority for longer than a lease: as a node would
                    appender, _ = log.take_over("a", kept.claim_again())
        finally:
            _end(etcd, leader, fault)
        records = log.all_records()
    assert [record for record in records if record in answered] == answered
    assert [record.n for record in records] == list(range(1, len(records) + 1))


def _begin(etcd: EtcdCluster, leader: EtcdMember, fault: str) -> None:
    match fault:
        case "kill the leader":
            leader.kill()
        case "pause the leader":
            leader.pause()
        case "kill a follower":
            etcd.followers()[0].kill()
        case "kill all":
            for member in etcd.members:
                member.kill()
            etcd.start()


def _end(etcd: EtcdCluster, leader: EtcdMember, fault: str) -> None:
    if fault == "pause the leader":
        leader.resume()
    etcd.start()
