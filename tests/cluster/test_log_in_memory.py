"""Claiming, reading and taking over a log whose store is in memory: which answer leads where."""

from __future__ import annotations

import msgspec
import pytest

from cluster.append import Appender
from cluster.failures import LogBehind, LogDiverged, LogTooNew, LogUnformatted, RecordsTrimmed
from cluster.founding import found_log, opened_log
from cluster.keys import Format, Head, Keys, Owner, StoredHead, encode_head
from cluster.log_reader import PAGE_RECORDS, LogReader
from cluster.ownership import Claim, OwnerKey
from cluster.records import START, Position, encode_record, position_of
from cluster.store import Busy, Delete, NoAnswer, Put, Read, Refused, TooLarge, Transaction
from cluster.take_over import take_over
from engine.commands import WriterChanged
from journal.codec import BatchRecord, seal
from tests.cluster.kept_store import KeptStore, Lost
from tests.cluster.replicated_log import next_record

KEYS = Keys("kept")


def owner_key(store: KeptStore, node: str = "a", lease_s: int = 2) -> OwnerKey:
    return OwnerKey(store, KEYS, Owner(node, f"{node}-boot", f"{node}.example:7000"), lease_s)


def claimed(store: KeptStore, node: str = "a") -> Claim:
    claim = owner_key(store, node).claim()
    assert claim is not None
    return claim


def reader_of(store: KeptStore, paused: list[float] | None = None) -> LogReader:
    return LogReader(store, KEYS, sleep=([] if paused is None else paused).append)


def filled(count: int) -> tuple[KeptStore, list[BatchRecord]]:
    """A log with so many records."""
    store, records, at = KeptStore(), list[BatchRecord](), START
    found_log(store, KEYS)
    for _ in range(count):
        records.append(next_record(at))
        at = position_of(records[-1])
        put(store, KEYS.log(at.n), encode_record(records[-1]))
    put(store, KEYS.head, encode_head(Head(at, 1)).value)
    return store, records


def put(store: KeptStore, key: str, value: bytes) -> None:
    store.transact(Transaction(then=(Put(key, value),)), 1.0)


# -- owning it


def test_a_claim_is_of_the_revision_that_made_the_owner_and_on_a_lease_of_so_long() -> None:
    store = KeptStore()
    claim = owner_key(store, lease_s=7).claim()
    assert claim is not None
    current = owner_key(store, "b").current()
    assert current is not None
    assert (current.owner.node, current.epoch, store.log.revision) == ("a", claim.epoch, claim.epoch)
    assert owner_key(store).keep(claim) == 7
    store.log.revoke(claim.lease)
    assert owner_key(store).keep(claim) == 0
    assert owner_key(store).current() is None


def test_who_claims_what_another_owns_gets_nothing_and_leaves_no_lease() -> None:
    store = KeptStore()
    claim = claimed(store)
    assert owner_key(store, "b").claim() is None
    assert list(store.log.leases) == [claim.lease]


def test_a_claim_whose_answer_was_lost_is_the_same_claim_when_it_is_asked_for_again() -> None:
    store = KeptStore()
    key = owner_key(store)
    store.fails.extend([None, Lost("the put's answer")])
    with pytest.raises(NoAnswer):
        key.claim()
    claim = key.claim()
    assert claim is not None
    assert claim == Claim(store.log.keys[KEYS.owner].create_revision, store.log.keys[KEYS.owner].lease)
    assert len(store.log.leases) == 1
    assert store.members == 1


def test_a_claim_whose_lease_ended_on_the_way_is_made_with_another_lease() -> None:
    store = KeptStore()
    key = owner_key(store)
    store.fails.extend([None, NoAnswer("never arrived")])
    with pytest.raises(NoAnswer):
        key.claim()
    (lease,) = store.log.leases
    store.log.revoke(lease)
    with pytest.raises(Refused):
        key.claim()
    claim = key.claim()
    assert claim is not None
    assert claim.lease != lease


def test_each_claim_has_a_lease_of_its_own() -> None:
    store = KeptStore()
    key = owner_key(store)
    first = key.claim()
    assert first is not None
    assert key.release(first)
    assert store.log.leases == {}
    second = key.claim()
    assert second is not None
    assert second.lease != first.lease
    assert second.epoch > first.epoch
    assert not key.release(first)  # which is over
    assert owner_key(store).current() is not None


def test_a_challenge_ends_the_epoch_that_it_names_and_no_other() -> None:
    store = KeptStore()
    first = claimed(store)
    other = owner_key(store, "b")
    assert not other.challenge(first.epoch + 1)
    assert other.challenge(first.epoch)
    assert not other.challenge(first.epoch)
    second = claimed(store, "b")
    assert not owner_key(store).challenge(first.epoch)
    assert owner_key(store).challenge(second.epoch)


def test_whoever_gets_no_answer_goes_on_to_the_next_member_and_whoever_gets_a_no_stays() -> None:
    store = KeptStore()
    claim = claimed(store)
    key = owner_key(store)
    calls = [key.current, key.claim, lambda: key.keep(claim), lambda: key.challenge(claim.epoch + 1)]
    for failure, members in ((NoAnswer("late"), len(calls)), (Busy("later"), 0)):
        store.members = 0
        for call in calls:
            store.fails.append(failure)
            with pytest.raises(type(failure)):
                call()
        assert store.members == members
    store.fails.extend([None, NoAnswer("to the end of the lease")])
    assert key.release(claim)  # its lease ends by itself
    assert store.members == 1


# -- making and opening it


def test_a_log_is_founded_once_and_begins_where_it_was_said() -> None:
    store = KeptStore()
    with pytest.raises(LogUnformatted):
        opened_log(store, KEYS)
    with pytest.raises(LogUnformatted):
        reader_of(store).head()
    at = position_of(next_record(START))
    assert found_log(store, KEYS, at).head == Head(at, 0)
    assert found_log(store, KEYS).head == Head(at, 0)
    assert opened_log(store, KEYS) == reader_of(store).head()
    assert msgspec.json.decode(store.log.keys[KEYS.format].value, type=Format).founded_at_n == 1


@pytest.mark.parametrize("missing", ["format", "head"])
def test_half_a_log_is_none_and_is_not_made_whole(missing: str) -> None:
    store = KeptStore()
    found_log(store, KEYS)
    store.transact(Transaction(then=(Delete(getattr(KEYS, missing)),)), 1.0)
    with pytest.raises(LogUnformatted):
        found_log(store, KEYS)


@pytest.mark.parametrize("value", [b'{"log":2}', b"{"])
def test_a_log_of_a_newer_version_is_left_alone(value: bytes) -> None:
    store = KeptStore()
    found_log(store, KEYS)
    put(store, KEYS.format, value)
    with pytest.raises(LogTooNew):
        opened_log(store, KEYS)


# -- reading it


def test_a_page_has_the_next_records_and_no_more_than_were_asked_for() -> None:
    store, records = filled(5)
    page = reader_of(store).read(START, 2)
    assert (page.records, page.head.n) == (records[:2], 5)
    assert reader_of(store).read(position_of(records[1]), 3).records == records[2:]
    assert reader_of(store).read(position_of(records[4])).records == []
    read = next(each for each in store.asked[-1].then if isinstance(each, Read) and each.until)
    assert (read.key, read.until, read.limit) == (KEYS.log(6), KEYS.log(6 + PAGE_RECORDS), PAGE_RECORDS)


def test_a_page_that_is_too_large_is_asked_for_in_smaller_ones_down_to_a_record() -> None:
    store, records = filled(3)
    store.fails.extend([TooLarge("200"), TooLarge("50"), TooLarge("12")])
    assert reader_of(store).read(START).records == records
    asked = [each.limit for transaction in store.asked[-4:] for each in transaction.then if isinstance(each, Read)]
    assert [limit for limit in asked if limit] == [200, 50, 12, 3]
    store.fails.extend([TooLarge("2"), TooLarge("1")])
    with pytest.raises(TooLarge, match="1"):
        reader_of(store).read(START, 2)


def test_everything_up_to_the_head_is_read_page_by_page_whoever_does_not_answer() -> None:
    store, records = filled(PAGE_RECORDS + 3)
    pages, paused = list[list[BatchRecord]](), list[float]()
    store.fails.extend([NoAnswer("late"), None, NoAnswer("late")])
    head = reader_of(store, paused).read_pages_to_head(START, pages.append, lambda: False)
    assert head is not None
    assert head.n == PAGE_RECORDS + 3
    assert [len(page) for page in pages] == [PAGE_RECORDS, 3]
    assert [record for page in pages for record in page] == records
    assert (store.members, len(paused)) == (2, 2)


def test_whoever_gives_up_reading_has_no_head() -> None:
    store, records = filled(PAGE_RECORDS + 3)
    applied: list[BatchRecord] = []
    given_up = iter([False, True]).__next__
    assert reader_of(store).read_to_head(START, applied.append, given_up) is None
    assert applied == records[:PAGE_RECORDS]


def test_a_log_that_goes_back_no_further_says_where_it_begins() -> None:
    store, records = filled(4)
    store.transact(Transaction(then=(Delete(KEYS.log(1), KEYS.log(3)),)), 1.0)
    for behind in (START, position_of(records[0])):
        with pytest.raises(RecordsTrimmed) as trimmed:
            reader_of(store).read(behind)
        assert trimmed.value.first_n == 3
    assert reader_of(store).read(position_of(records[1])).records == records[2:]
    store.transact(Transaction(then=(Delete(KEYS.log(3), KEYS.log(5)),)), 1.0)
    with pytest.raises(RecordsTrimmed) as trimmed:
        reader_of(store).read(position_of(records[1]))
    assert trimmed.value.first_n == 4


def test_a_log_that_ends_before_what_a_node_has_is_refused() -> None:
    store, records = filled(2)
    following = position_of(next_record(position_of(records[1])))
    with pytest.raises(LogBehind, match="ends at record 2, and this node has 3"):
        reader_of(store).read(following)


def test_a_log_with_another_record_than_the_node_is_refused() -> None:
    store, records = filled(3)
    first = position_of(records[0])
    last = position_of(records[2])
    for other in (
        Position(1, bytes(32), first.seq, first.ts_ns),  # what follows is not chained to it
        Position(1, first.chain, first.seq + 1, first.ts_ns),
        Position(1, first.chain, first.seq, first.ts_ns + 5),
        Position(3, bytes(32), last.seq, last.ts_ns),  # the head is another
    ):
        with pytest.raises(LogDiverged):
            reader_of(store).read(other)


def test_a_head_that_its_own_records_do_not_lead_to_is_refused() -> None:
    store, records = filled(2)
    at = position_of(records[1])
    put(store, KEYS.head, encode_head(Head(Position(at.n, bytes(32), at.seq, at.ts_ns), 1)).value)
    with pytest.raises(LogDiverged, match="another record 2"):
        reader_of(store).read(START)


@pytest.mark.parametrize("value", [b"\x09nothing", None])
def test_a_page_with_a_record_that_is_none_or_missing_is_refused(value: bytes | None) -> None:
    store, _ = filled(3)
    if value is None:
        store.transact(Transaction(then=(Delete(KEYS.log(2)),)), 1.0)
    else:
        put(store, KEYS.log(2), value)
    with pytest.raises(LogDiverged):
        reader_of(store).read(START)


# -- taking it over


def taken_over(
    store: KeptStore, applied: list[BatchRecord], behind: Position = START, *, given_up: bool = False
) -> Appender | None:
    claim = claimed(store)

    def appender(head: StoredHead) -> Appender:
        return Appender(store, KEYS, claim.epoch, head, clock=lambda: 0.0, sleep=lambda _: None)

    def changed(at: Position) -> BatchRecord:
        return seal(at.n + 1, at.ts_ns + 1, at.seq + 1, [WriterChanged("a", claim.epoch)], at.chain)

    return take_over(reader_of(store), behind, applied.append, appender, changed, lambda: given_up)


def test_whoever_takes_over_applies_what_it_has_not_and_its_own_first_record_once_that_is_durable() -> None:
    store, records = filled(3)
    applied: list[BatchRecord] = []
    writer = taken_over(store, applied, position_of(records[0]))
    assert writer is not None
    assert applied[:2] == records[1:]
    assert [record.n for record in applied] == [2, 3, 4]
    assert writer.head == reader_of(store).head()
    assert writer.head.head == Head(position_of(applied[2]), store.log.keys[KEYS.owner].create_revision)
    assert reader_of(store).read(position_of(records[2])).records == [applied[2]]


def test_a_take_over_that_is_given_up_appends_nothing() -> None:
    store, _ = filled(1)
    applied: list[BatchRecord] = []
    assert taken_over(store, applied, given_up=True) is None
    assert applied == []
    assert reader_of(store).head().n == 1
