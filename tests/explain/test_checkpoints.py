"""Earlier states: the words of a whole replay, few in number, and not harmed by a question or by damage."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.digest import state_digest
from engine.events import Accepted
from engine.exchange import Exchange
from engine.types import AccountId, OrderId, Seq
from explain import checkpoints as module
from explain.checkpoints import Beginning, Checkpoints, Fork, NoState, Overrun
from explain.explanation import Subject, chapters_of_records
from explain.order_index import OrderIndex
from journal.codec import BatchRecord, open_batch
from journal.snapshots import SnapshotFile, SnapshotFolder
from replica.follower import Follower
from tests.explain.market import SYMBOL, Market, records_of
from tests.explain.random_market import random_market

EVERY = 40  # commands between two snapshots, twice those between two forks


@pytest.fixture(scope="module")
def market() -> Market:
    return random_market(9)


class Kept:
    """A follower at the end of the market's journal, with its checkpoints."""

    def __init__(self, records: list[BatchRecord], folder: Path) -> None:
        self.records = records
        self.follower = Follower()
        self.folder = SnapshotFolder(folder)
        ends = os.pipe()
        self.checkpoints = Checkpoints(self.folder, [], [os.dup(ends[0]), os.dup(ends[1])])
        self.checkpoints.watch(self.follower)
        for record in records:
            self.follower.follow(record)

    def read(self, after_n: int, until_n: int) -> list[BatchRecord]:
        """The records, as a journal gives them."""
        return self.records[after_n:until_n]

    def start_of(self, seq: int) -> int:
        """The seq of the state that a question about a command begins with."""
        return max(state.seq for state in self.checkpoints.states() if state.seq < seq)


@pytest.fixture
def kept(market: Market, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    monkeypatch.setattr(module, "FORK_EVERY", EVERY // 2)
    monkeypatch.setattr(module, "SNAPSHOT_EVERY", EVERY)
    monkeypatch.setattr(module, "SNAPSHOTS_MAX", 4)
    monkeypatch.setattr(module, "FORKED_BYTES_MAX", 2**40)
    kept = Kept(records_of(market), tmp_path / "explain")
    yield kept
    kept.checkpoints.close()


def test_from_every_state_come_the_chapters_and_the_state_of_a_whole_replay(market: Market, kept: Kept) -> None:
    records, states = kept.records, kept.checkpoints.states()
    assert state_digest(kept.follower.exchange) == market.digest
    assert {type(state) for state in states} == {Beginning, SnapshotFile, Fork}
    entered = [e for events in market.events for e in events if isinstance(e, Accepted) and e.order_id < 10**15]
    for state in states:
        for event in [event for event in entered if event.order_id > state.seq][:1]:
            seq = int(event.order_id)
            subject = Subject(event.order_id, event.account, SYMBOL)
            expected = chapters_of_records(Follower(), records[:seq], [seq], subject)
            whole = Exchange()
            for record in records[:seq]:
                for command in open_batch(record):
                    whole.apply(command, Seq(record.n), record.ts_ns)
            for _ in range(2):  # the state is as it was
                (answer,) = kept.checkpoints.chapters(subject, [seq], lambda: 20, kept.read)
                assert (answer.results, answer.digest) == (expected, state_digest(whole))


def test_chapters_that_lie_far_apart_come_from_a_state_each_and_in_order(market: Market, kept: Kept) -> None:
    seqs = list(range(1, len(kept.records), 7))
    subject = Subject(OrderId(0), AccountId(-1), SYMBOL)
    answers = kept.checkpoints.chapters(subject, seqs, lambda: 20, kept.read)
    assert len(answers) == len({kept.start_of(seq) for seq in seqs}) > 4
    found = [result for answer in answers for result in answer.results]
    assert found == chapters_of_records(Follower(), kept.records, seqs, subject)


def test_states_are_few_and_begin_with_the_empty_one(kept: Kept) -> None:
    starts = [kept.start_of(seq) for seq in range(1, kept.follower.seq + 1)]
    assert starts[0] == 0
    assert len(kept.folder.files()) == 4
    assert len(set(starts)) <= 1 + 4 + module.FORKS_MAX
    assert kept.follower.seq - starts[-1] <= EVERY // 2 + 1


def test_a_question_that_takes_too_long_is_ended_and_the_next_is_answered(kept: Kept) -> None:
    def slow(after_n: int, until_n: int) -> list[BatchRecord]:
        time.sleep(1.5)
        return kept.read(after_n, until_n)

    for seq in (10, kept.start_of(kept.follower.seq) + 1):  # from the beginning, and from a fork
        subject = Subject(OrderId(seq), AccountId(1), SYMBOL)
        with pytest.raises(Overrun):
            kept.checkpoints.chapters(subject, [seq], lambda: 1, slow)
        (answer,) = kept.checkpoints.chapters(subject, [seq], lambda: 20, kept.read)
        assert [result.chapter.seq for result in answer.results] == [seq]


def test_a_snapshot_that_is_damaged_or_of_another_journal_is_passed_over_and_left_alone(
    market: Market, kept: Kept
) -> None:
    files = sorted(kept.folder.files())
    damaged, foreign = files[1], files[2]
    damaged.path.write_bytes(damaged.path.read_bytes()[:-1])
    other = random_market(10)
    exchange = Follower()
    for record in records_of(other)[: foreign.n]:
        exchange.follow(record)
    assert exchange.last is not None
    kept.folder.save(exchange.exchange, exchange.last, {})
    subject = Subject(OrderId(0), AccountId(-1), SYMBOL)
    for seq in (damaged.seq + 1, foreign.seq + 1):
        (answer,) = kept.checkpoints.chapters(subject, [seq], lambda: 20, kept.read)
        assert answer.results == chapters_of_records(Follower(), kept.records, [seq], subject)
        assert kept.start_of(seq) < files[1].seq
    assert [file.path for file in sorted(kept.folder.files())] == [file.path for file in files]


def test_a_process_that_is_large_is_not_forked_and_its_forks_end(
    market: Market, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FORK_EVERY", EVERY)
    monkeypatch.setattr(module, "FORKED_BYTES_MAX", 2**40)
    follower, checkpoints = Follower(), Checkpoints(SnapshotFolder(tmp_path), [], [])
    checkpoints.watch(follower)
    records = records_of(market)
    for record in records[: 2 * EVERY]:
        follower.follow(record)
    assert any(isinstance(state, Fork) for state in checkpoints.states())
    monkeypatch.setattr(module, "FORKED_BYTES_MAX", 0)
    for record in records[2 * EVERY :]:
        follower.follow(record)
    assert not any(isinstance(state, Fork) for state in checkpoints.states())
    checkpoints.close()


def test_without_the_first_records_there_is_no_state_before_the_first_snapshot_behind_them(kept: Kept) -> None:
    first = sorted(kept.folder.files())[0]
    kept.checkpoints.keep_from(first.n + 1)
    subject = Subject(OrderId(0), AccountId(-1), SYMBOL)
    with pytest.raises(NoState):
        kept.checkpoints.chapters(subject, [first.seq], lambda: 20, kept.read)
    assert kept.checkpoints.chapters(subject, [first.seq + 1], lambda: 20, kept.read)
    second = sorted(kept.folder.files())[1]
    kept.checkpoints.keep_from(second.n + 1)
    with pytest.raises(NoState):
        kept.checkpoints.chapters(subject, [second.seq], lambda: 20, kept.read)


def test_the_index_finds_every_command_that_touched_an_order(market: Market) -> None:
    follower, index = Follower(), OrderIndex()
    follower.listen(index.on_record)
    for record in records_of(market):
        follower.follow(record)
    names = ("order_id", "maker_order_id", "taker_order_id")
    for order_id in list(market.exchange.orders)[:10]:
        touching = [
            seq
            for seq, events in enumerate(market.events, 1)
            if any(getattr(event, name, None) == order_id for event in events for name in names)
        ]
        assert index.seqs_of(order_id) == touching
    assert index.seqs_of(10**9) == []
