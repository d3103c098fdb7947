"""Trimming by two nodes' snapshots, compaction, a log that is full, and how it recovers: against real etcd."""

from __future__ import annotations

import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from cluster.append import Appender
from cluster.caretaking import Caretaker, read_space
from cluster.etcd.etcd_members import EtcdMembers
from cluster.failures import AppendRefused, Fenced, RecordsTrimmed
from cluster.keys import SnapshotNote
from cluster.records import START, position_of
from cluster.space import SpaceLevel
from cluster.store import OutOfSpace
from cluster.trimming import Trimmer
from journal.codec import BatchRecord
from tests.cluster.replicated_log import ReplicatedLog, next_record, replicated_log
from tests.etcd import needs_etcd, running_etcd

pytestmark = needs_etcd

QUOTA_BYTES = 2 * 2**20
KEPT = 5


def append_many(log: ReplicatedLog, count: int, commands: int = 1) -> list[BatchRecord]:
    """So many records by a writer in a claim of its own."""
    appender = log.appender(log.claim())
    records: list[BatchRecord] = []
    for _ in range(count):
        records.append(next_record(appender.head.head.position, commands))
        appender.append(records[-1])
    return records


def snapshot_note(node: str, n: int) -> SnapshotNote:
    """A note of a snapshot at record `n`."""
    return SnapshotNote(node, n, "00" * 32, "digest", "sha256", 1000, f"{node}.example:7000")


def epoch_of(log: ReplicatedLog) -> int:
    """The epoch of the log's owner."""
    current = log.owner_key("x").current()
    assert current is not None
    return current.epoch


def test_nothing_is_trimmed_before_two_nodes_have_snapshots(log: ReplicatedLog) -> None:
    records = append_many(log, 20)
    trimmer = Trimmer(log.store(), log.keys, KEPT)
    trimmer.note(snapshot_note("a", 20))
    assert trimmer.trim(epoch_of(log)).deleted == 0
    assert log.all_records() == records


def test_what_the_older_of_the_two_newest_snapshots_covers_is_trimmed_but_for_what_is_kept(log: ReplicatedLog) -> None:
    records = append_many(log, 30)
    trimmer = Trimmer(log.store(), log.keys, KEPT)
    for note in (snapshot_note("a", 4), snapshot_note("b", 28), snapshot_note("c", 20), snapshot_note("a", 5)):
        trimmer.note(note)
    assert [note.node for note in trimmer.notes()] == ["b", "c", "a"]
    assert trimmer.trim(epoch_of(log)).deleted == 20 - KEPT
    assert trimmer.trim(epoch_of(log)).deleted == 0
    reader = log.reader()
    assert reader.read(position_of(records[14])).records == records[15:]
    with pytest.raises(RecordsTrimmed) as trimmed:
        reader.read(position_of(records[13]))
    assert trimmed.value.first_n == 16
    assert reader.head().n == 30


def test_a_log_that_was_trimmed_to_its_head_says_so(log: ReplicatedLog) -> None:
    records = append_many(log, 3)
    trimmer = Trimmer(log.store(), log.keys, 0)
    for node in "ab":
        trimmer.note(snapshot_note(node, 3))
    trimmer.trim(epoch_of(log))
    with pytest.raises(RecordsTrimmed):
        log.reader().read(START)
    assert log.reader().read(position_of(records[2])).records == []


def test_a_node_that_was_removed_holds_nothing_back_and_vouches_for_nothing(log: ReplicatedLog) -> None:
    append_many(log, 20)
    trimmer = Trimmer(log.store(), log.keys, KEPT)
    for node in "ab":
        trimmer.note(snapshot_note(node, 20))
    trimmer.forget("b")
    assert trimmer.trim(epoch_of(log)).deleted == 0


def test_who_is_no_writer_any_more_trims_nothing(log: ReplicatedLog) -> None:
    records = append_many(log, 20)
    epoch = epoch_of(log)
    trimmer = Trimmer(log.store(), log.keys, KEPT)
    for node in "ab":
        trimmer.note(snapshot_note(node, 20))
    assert log.owner_key("b").challenge(epoch)
    with pytest.raises(Fenced):
        trimmer.trim(epoch)
    assert log.all_records() == records


def fill(appender: Appender, trimmer: Trimmer) -> AppendRefused:
    """Append until there is no space, noting snapshots on the way; return the refusal."""
    while True:
        try:
            appender.append(next_record(appender.head.head.position, 20_000))
        except AppendRefused as refused:
            return refused
        if appender.head.n % 5 == 0:
            with suppress(OutOfSpace):
                for node in "ab":
                    trimmer.note(snapshot_note(node, appender.head.n))


def test_a_full_log_refuses_for_certain_and_recovers_by_trimming(tmp_path: Path) -> None:
    quota = ("--quota-backend-bytes", str(QUOTA_BYTES))
    with (
        running_etcd(tmp_path, 1, flags=quota) as etcd,
        replicated_log(etcd) as log,
        closing(EtcdMembers(etcd.parsed)) as members,
    ):
        appender, trimmer = log.appender(log.claim()), Trimmer(log.store(), log.keys, KEPT)
        epoch = epoch_of(log)
        caretaker = Caretaker(log.store(), members, trimmer, clock=time.monotonic, quota_bytes=QUOTA_BYTES)
        assert caretaker.space().level is SpaceLevel.NORMAL
        refused = fill(appender, trimmer)
        assert refused.out_of_space
        assert log.reader().head() == appender.head
        assert caretaker.space().level is SpaceLevel.FULL
        with pytest.raises(OutOfSpace):
            log.store().grant_lease(2, 1.0)

        caretaker.turn(epoch)

        space = read_space(members, QUOTA_BYTES)
        assert space is not None
        assert space.level in {SpaceLevel.NORMAL, SpaceLevel.WARN}
        known = appender.head.head.position
        appender.append(next_record(known))
        assert log.owner_key("a").challenge(epoch)
        log.take_over("b", log.claim("b"), known)
        assert [record.n for record in log.reader().read(known).records] == [known.n + 1, known.n + 2]
