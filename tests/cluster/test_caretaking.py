"""What goes from the log and what is kept, and when space is given back, over a store in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import msgspec
import pytest

from cluster import trimming
from cluster.caretaking import (
    ALARMED_DEFRAGMENT_EVERY_S,
    COMPACT_EVERY_S,
    DEFRAGMENT_EVERY_S,
    NOBODY,
    Caretaker,
    read_space,
)
from cluster.failures import Fenced
from cluster.keys import Keys, SnapshotNote
from cluster.space import SpaceLevel
from cluster.store import Delete, LogMembers, MemberAlarm, MemberStatus, NoAnswer, Put, Transaction, Unreachable
from cluster.trimming import Trimmed, Trimmer
from tests.cluster.kept_store import KeptStore, Lost

KEYS = Keys("kept")
KEPT = 5
QUOTA = 1000


def note_of(node: str, n: int) -> SnapshotNote:
    return SnapshotNote(node, n, "00" * 32, "digest", "sha256", 1000, f"{node}.example:7000")


class Log:
    """A log of records 1 to `count`, whose owner is of epoch `epoch`, and snapshots of nodes."""

    def __init__(self, count: int, **snapshots: int) -> None:
        self.store = KeptStore()
        self.put(KEYS.owner, b"{}")
        self.epoch = self.store.log.revision
        for n in range(1, count + 1):
            self.put(KEYS.log(n), b"record")
        self.trimmer = Trimmer(self.store, KEYS, KEPT)
        for node, n in snapshots.items():
            self.trimmer.note(note_of(node, n))

    def put(self, key: str, value: bytes) -> None:
        self.store.transact(Transaction(then=(Put(key, value),)), 1.0)

    def left(self) -> list[int]:
        return [KEYS.record_number(key) for key in self.store.log.keys if key.startswith(KEYS.logs)]


def test_the_older_of_the_two_newest_snapshots_says_up_to_where_records_go() -> None:
    log = Log(20, a=3, b=18, c=12)
    assert [(note.node, note.n) for note in log.trimmer.notes()] == [("b", 18), ("c", 12), ("a", 3)]
    assert log.trimmer.trim(log.epoch) == Trimmed(12 - KEPT, more=False)
    assert log.left() == list(range(12 - KEPT + 1, 21))
    assert log.trimmer.trim(log.epoch) == Trimmed(0, more=False)
    log.trimmer.note(note_of("a", 13))
    assert log.trimmer.trim(log.epoch) == Trimmed(1, more=False)


@pytest.mark.parametrize("snapshots", [{}, {"a": 20}, {"a": 20, "b": KEPT}])
def test_nothing_goes_that_two_snapshots_do_not_cover(snapshots: dict[str, int]) -> None:
    log = Log(20, **snapshots)
    assert log.trimmer.trim(log.epoch) == Trimmed(0, more=False)
    assert len(log.left()) == 20


def test_a_node_that_is_forgotten_vouches_for_nothing() -> None:
    log = Log(20, a=20, b=20)
    log.trimmer.forget("b")
    assert log.trimmer.trim(log.epoch) == Trimmed(0, more=False)


def test_many_records_go_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trimming, "DELETED_AT_ONCE", 4)
    log = Log(20, a=14, b=14)
    steps = [log.trimmer.trim(log.epoch) for _ in range(3)]
    assert steps == [Trimmed(4, more=True), Trimmed(4, more=True), Trimmed(1, more=False)]
    assert log.left() == list(range(10, 21))


def test_a_log_without_records_has_nothing_to_trim() -> None:
    log = Log(0, a=20, b=20)
    asked = len(log.store.asked)
    assert log.trimmer.trim(log.epoch) == Trimmed(0, more=False)
    assert all(not each.compares for each in log.store.asked[asked:])


def test_nothing_goes_by_a_note_that_has_changed_meanwhile_and_it_is_tried_again() -> None:
    for changed in ("a", "b"):
        log = Log(20, a=20, b=20)

        def change(transaction: Transaction, log: Log = log, changed: str = changed) -> None:
            if transaction.compares:
                log.store.before = lambda transaction: None
                log.put(KEYS.snapshot(changed), msgspec.json.encode(note_of(changed, 10)))

        log.store.before = change
        assert log.trimmer.trim(log.epoch) == Trimmed(0, more=True)
        assert log.trimmer.trim(log.epoch) == Trimmed(10 - KEPT, more=False)


def test_a_writer_whose_epoch_has_ended_trims_nothing() -> None:
    log = Log(20, a=20, b=20)
    for ended in (log.epoch + 1, log.epoch):
        if ended == log.epoch:
            del log.store.log.keys[KEYS.owner]
        with pytest.raises(Fenced):
            log.trimmer.trim(ended)
    assert len(log.left()) == 20


def test_a_step_whose_answer_was_lost_is_no_harm_when_it_is_done_again() -> None:
    log = Log(20, a=20, b=20)
    log.store.fails.extend([None, None, Lost("the deletion's answer")])
    with pytest.raises(NoAnswer):
        log.trimmer.trim(log.epoch)
    assert log.trimmer.trim(log.epoch) == Trimmed(0, more=False)
    assert log.left() == list(range(20 - KEPT + 1, 21))


class Members:
    """Three members with so much space, the first of which leads; what was done is noted."""

    def __init__(self, space: int = 100, used: int = 100, *, alarmed: bool = False) -> None:
        self.addresses: Sequence[str] = ("m1", "m2", "m3")
        self.sizes = dict.fromkeys(self.addresses, (space, used))
        self.raised = [MemberAlarm(2, "nospace"), MemberAlarm(3, "corrupt")] if alarmed else []
        self.done: list[tuple[str, str | int]] = []
        self.silent: set[str] = set()
        self.frees = True

    def status(self, address: str, timeout_s: float) -> MemberStatus:
        if address in self.silent:
            raise Unreachable(address)
        return MemberStatus(address, int(address[1]), 1, "3.5.30", *self.sizes[address])

    def compact(self, revision: int, timeout_s: float) -> None:
        self.done.append(("compact", revision))

    def defragment(self, address: str, timeout_s: float) -> None:
        self.done.append(("defragment", address))
        if self.frees:
            used = self.sizes[address][1]
            self.sizes[address] = used, used

    def alarms(self, timeout_s: float) -> list[MemberAlarm]:
        return list(self.raised)

    def disarm(self, alarm: MemberAlarm, timeout_s: float) -> None:
        self.done.append(("disarm", alarm.member_id))
        self.raised.remove(alarm)

    def taken(self) -> list[tuple[str, str | int]]:
        """What was done since this was called last."""
        done, self.done = self.done, []
        return done


class Care:
    """A caretaker of a log, and a clock."""

    def __init__(self, members: Members, log: Log | None = None) -> None:
        self.log = Log(20) if log is None else log
        self.members = members
        self.now = 50.0
        self.caretaker = Caretaker(
            self.log.store, cast(LogMembers, members), self.log.trimmer, clock=lambda: self.now, quota_bytes=QUOTA
        )

    def turn(self, after_s: float = 0.0) -> list[tuple[str, str | int]]:
        """What is done in a turn so much later."""
        self.now += after_s
        self.caretaker.turn(self.log.epoch)
        return self.members.taken()


def test_a_log_with_space_is_compacted_now_and_then_and_left_alone_otherwise() -> None:
    care = Care(Members())
    assert care.turn(COMPACT_EVERY_S - 1) == []
    assert care.turn(1) == [("compact", care.log.store.log.revision)]
    assert care.turn(COMPACT_EVERY_S - 1) == []
    assert [what for what, _ in care.turn(1)] == ["compact"]


def test_what_was_trimmed_is_compacted_at_once_only_where_space_is_short() -> None:
    assert Care(Members(), Log(20, a=20, b=20)).turn() == []
    care = Care(Members(400, 400), Log(20, a=20, b=20))
    assert [what for what, _ in care.turn()] == ["compact"]
    assert care.turn() == []  # nothing was trimmed
    assert len(care.log.left()) == KEPT


def test_everything_that_may_go_goes_in_one_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trimming, "DELETED_AT_ONCE", 4)
    care = Care(Members(), Log(20, a=20, b=20))
    care.turn()
    assert len(care.log.left()) == KEPT


def test_members_with_much_unused_space_are_defragmented_the_leader_last_and_not_again_soon() -> None:
    members = Members(500, 200)
    members.frees = False
    care = Care(members)
    assert care.turn() == [("defragment", address) for address in ("m2", "m3", "m1")]
    compacted = [("compact", care.log.store.log.revision)]
    assert care.turn(COMPACT_EVERY_S) == compacted
    assert care.turn(DEFRAGMENT_EVERY_S - COMPACT_EVERY_S)[1:] == [
        ("defragment", address) for address in ("m2", "m3", "m1")
    ]


def test_a_log_that_is_full_is_compacted_and_defragmented_and_its_alarm_of_no_space_alone_ended() -> None:
    members = Members(QUOTA, 300, alarmed=True)
    care = Care(members)
    assert care.caretaker.space().level is SpaceLevel.FULL
    done = care.turn()
    assert [what for what, _ in done] == ["compact", *["defragment"] * 3, "disarm"]
    assert done[-1] == ("disarm", 2)
    assert [alarm.kind for alarm in members.raised] == ["corrupt"]


def test_while_nobody_owns_a_full_log_it_is_looked_after_all_the_same_and_never_beside_an_owner() -> None:
    log = Log(20, a=20, b=20)
    care = Care(Members(QUOTA, 300, alarmed=True), log)
    with pytest.raises(Fenced):
        care.caretaker.turn(NOBODY)
    assert care.members.taken() == []
    log.store.transact(Transaction(then=(Delete(KEYS.owner),)), 1.0)
    care.caretaker.turn(NOBODY)
    assert [what for what, _ in care.members.taken()] == ["compact", *["defragment"] * 3, "disarm"]
    assert len(log.left()) == KEPT


def test_an_alarm_stays_while_nothing_can_be_given_back_and_that_is_tried_again_and_again() -> None:
    members = Members(QUOTA, QUOTA, alarmed=True)
    care = Care(members)
    for after_s, times in ((0.0, 3), (ALARMED_DEFRAGMENT_EVERY_S - 1, 0), (1.0, 3)):
        done = [what for what, _ in care.turn(after_s)]
        assert done == ["compact", *["defragment"] * times]
    assert len(members.raised) == 2


def test_the_space_of_members_of_which_none_answers_is_not_known() -> None:
    members = Members(500, 200)
    space = read_space(cast(LogMembers, members), QUOTA)
    assert space is not None
    assert (space.level, space.share, space.used_bytes) == (SpaceLevel.WARN, 0.5, 200)
    members.silent = {"m1", "m2"}
    assert read_space(cast(LogMembers, members), QUOTA) is not None
    members.silent = {"m1", "m2", "m3"}
    assert read_space(cast(LogMembers, members), QUOTA) is None
