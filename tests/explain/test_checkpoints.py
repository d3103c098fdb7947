"""Forked checkpoints: the state and the words of a whole replay, few in number, and not harmed by a question."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from engine.digest import state_digest
from engine.events import Accepted
from engine.exchange import Exchange
from engine.types import OrderId, Seq
from explain import checkpoints as module
from explain.checkpoints import Checkpoints, Overrun
from explain.explanation import Subject, chapters_of_commands
from explain.replica import Replica
from journal.codec import GENESIS, BatchRecord, open_batch, seal
from tests.explain.market import SYMBOL, Market
from tests.explain.random_market import random_market

EVERY = 40  # commands between two checkpoints


def records_of(market: Market) -> list[BatchRecord]:
    """The commands of a market, one a record."""
    records, chain = [], GENESIS
    for seq, ts_ns, command in market.commands:
        records.append(seal(seq, ts_ns, seq, [command], chain))
        chain = records[-1].chain
    return records


@pytest.fixture(scope="module")
def market() -> Market:
    return random_market(9)


@pytest.fixture
def kept(market: Market, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Replica, Checkpoints, list[BatchRecord]]]:
    """A replica at the end of the market's journal, with its checkpoints."""
    monkeypatch.setattr(module, "CHECKPOINT_EVERY", EVERY)
    monkeypatch.setattr(module, "CHECKPOINTS_MAX", 4)
    records = records_of(market)
    replica = Replica(lambda after_n, until_n: records[after_n : min(until_n, after_n + 7)])
    ends = os.pipe()
    checkpoints = Checkpoints(replica, [os.dup(ends[0]), os.dup(ends[1])])

    def followed() -> bool:
        if checkpoints.due:
            checkpoints.add()
        return True

    replica.advance(len(records), followed)
    yield replica, checkpoints, records
    checkpoints.close()


def test_a_checkpoint_moved_on_is_the_state_of_a_whole_replay(
    market: Market, kept: tuple[Replica, Checkpoints, list[BatchRecord]]
) -> None:
    replica, checkpoints, records = kept
    assert state_digest(replica.exchange) == market.digest
    owners = {e.order_id: e.account for events in market.events for e in events if isinstance(e, Accepted)}
    order_id = max(order for order in owners if order < 10**15)
    whole = Exchange()
    for record in records[: order_id + 5]:
        for command in open_batch(record):
            whole.apply(command, Seq(record.n), record.ts_ns)
    subject = Subject(OrderId(order_id), owners[order_id], SYMBOL)
    for _ in range(2):  # the checkpoint is as it was
        checkpoint = checkpoints.before(order_id)
        assert order_id - 3 * EVERY < checkpoint.seq < order_id
        answer = checkpoint.chapters(
            subject, [order_id], order_id + 5, 20, lambda after_n, until_n: records[after_n:until_n]
        )
        assert answer.digest == state_digest(whole)
        assert answer.results == chapters_of_commands(Exchange(), market.commands[: order_id + 5], [order_id], subject)


def test_checkpoints_are_few_and_begin_with_the_empty_state(
    kept: tuple[Replica, Checkpoints, list[BatchRecord]],
) -> None:
    replica, checkpoints, _ = kept
    seqs = [checkpoints.before(seq).seq for seq in range(1, replica.seq + 1)]
    assert seqs[0] == 0
    assert len(set(seqs)) == 4
    assert replica.seq - seqs[-1] <= EVERY + 1


def test_a_question_that_takes_too_long_is_ended_and_the_next_is_answered(
    kept: tuple[Replica, Checkpoints, list[BatchRecord]],
) -> None:
    _, checkpoints, records = kept
    checkpoint, subject = checkpoints.before(10), Subject(OrderId(10), 1, SYMBOL)

    def slow(after_n: int, until_n: int) -> list[BatchRecord]:
        time.sleep(1.5)
        return records[after_n:until_n]

    with pytest.raises(Overrun):
        checkpoint.chapters(subject, [10], 10, 1, slow)
    answer = checkpoint.chapters(subject, [10], 10, 20, lambda after_n, until_n: records[after_n:until_n])
    assert [result.chapter.seq for result in answer.results] == [10]


def test_the_index_finds_every_command_that_touched_an_order(
    market: Market, kept: tuple[Replica, Checkpoints, list[BatchRecord]]
) -> None:
    replica, _, _ = kept
    names = ("order_id", "maker_order_id", "taker_order_id")
    for order_id in list(market.exchange.orders)[:10]:
        touching = [
            seq
            for seq, events in enumerate(market.events, 1)
            if any(getattr(event, name, None) == order_id for event in events for name in names)
        ]
        assert replica.index.seqs_of(order_id) == touching
    assert replica.index.seqs_of(10**9) == []
