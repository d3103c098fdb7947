"""A follower comes to the writer's state, and stops at the first record that is not the writer's."""

from __future__ import annotations

import msgspec
import pytest

from engine.digest import state_digest
from engine.events import CommandResult
from journal.codec import BatchRecord, CorruptRecord, seal
from replica.follower import Follower, StateDiffers
from tests.journal.commands import START_NS, applied_digest, flow, sealed

RECORDS = list(sealed(flow(3, 600), 7))
NOTED = {RECORDS[n - 1].last_seq: applied_digest(RECORDS[:n]) for n in (20, 40)}


def following(records: list[BatchRecord], follower: Follower | None = None) -> Follower:
    follower = follower or Follower()
    for record in records:
        follower.follow(record)
    return follower


def test_it_comes_to_the_writers_state_and_says_where_it_is() -> None:
    follower = Follower(digests=NOTED)
    assert (follower.n, follower.seq, follower.last) == (0, 0, None)
    for record in RECORDS:
        follower.follow(record)
    assert (follower.n, follower.seq, follower.last) == (len(RECORDS), 600, RECORDS[-1])
    assert state_digest(follower.exchange) == applied_digest(RECORDS)


def test_listeners_get_every_record_and_what_it_caused_in_order() -> None:
    follower, seen = Follower(), list[tuple[BatchRecord, list[CommandResult]]]()
    follower.listen(lambda record, applied: seen.append((record, applied)))
    for record in RECORDS:
        assert follower.follow(record) is seen[-1][1]
    assert [record for record, _ in seen] == RECORDS
    assert [one.seq for _, applied in seen for one in applied] == list(range(1, 601))


def test_step_by_step_the_state_is_that_of_the_command_that_was_asked_for() -> None:
    follower = Follower()
    for record in RECORDS[:5]:
        for applied in follower.steps(record):
            assert follower.seq == applied.seq
    assert follower.last == RECORDS[4]


def test_it_goes_on_from_a_position_and_the_exchange_that_belongs_to_it() -> None:
    before = following(RECORDS[:30])
    follower = Follower(before.exchange, before.last)
    for record in RECORDS[30:]:
        follower.follow(record)
    assert state_digest(follower.exchange) == applied_digest(RECORDS)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (RECORDS[11], "record 11: it is missing; record 12 stands in its place"),
        (RECORDS[9], "record 11: it is missing; record 10 stands in its place"),
        (msgspec.structs.replace(RECORDS[10], body=RECORDS[10].body[:-1] + b"\0"), "record 11: its checksum"),
        (msgspec.structs.replace(RECORDS[10], chain=bytes(32)), "record 11: its chain hash"),
        (seal(11, START_NS + 11, RECORDS[10].first_seq, flow(4, 7), bytes(32)), "record 11: it is not chained"),
    ],
)
def test_a_record_that_does_not_follow_is_named_and_not_applied(record: BatchRecord, said: str) -> None:
    follower = following(RECORDS[:10])
    with pytest.raises(CorruptRecord, match=said):
        follower.follow(record)
    assert (follower.n, follower.seq) == (10, 70)


def test_an_exchange_that_is_elsewhere_follows_nothing() -> None:
    with pytest.raises(CorruptRecord, match=r"record 11: .* the exchange is at 63"):
        Follower(following(RECORDS[:9]).exchange, RECORDS[9]).follow(RECORDS[10])


def test_another_state_than_the_writer_noted_stops_it_at_the_record() -> None:
    follower = following(RECORDS[:10])
    follower.expect(140, "another")
    follower.expect(70, "behind us: it is not compared any more")
    with pytest.raises(StateDiffers, match="record 20: the state digest differs at seq 140") as stopped:
        following(RECORDS[10:], follower)
    assert (stopped.value.n, stopped.value.seq) == (20, 140)
