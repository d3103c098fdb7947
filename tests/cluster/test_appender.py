"""Which answer of a store means what for an append, without a store: each is written down."""

from __future__ import annotations

from typing import cast

import pytest

from cluster.append import ANSWER_S, ANSWER_S_MAX, Appender
from cluster.failures import AppendAbandoned, AppendRefused, Fenced, LogBehind
from cluster.keys import Head, encode_head
from cluster.records import START, encode_record, position_of
from cluster.store import Busy, LogStore, NoAnswer, Outcome, OutOfSpace, Unreachable
from journal.codec import CorruptRecord
from tests.cluster.replicated_log import next_record
from tests.cluster.scripted_store import (
    DONE,
    EPOCH,
    KEYS,
    RECORD,
    Answer,
    ScriptedStore,
    appender_over,
    failed,
    read,
)

BEFORE = Head(START, EPOCH)
AFTER = Head(position_of(RECORD), EPOCH)
OURS = encode_record(RECORD)
LATER = Head(position_of(next_record(position_of(RECORD))), 9)


@pytest.mark.parametrize(
    ("answers", "tries"),
    [
        ([DONE], 1),
        ([NoAnswer("late"), DONE], 2),
        ([Unreachable("gone"), Busy("later"), DONE], 3),
        (
            [
                NoAnswer("late"),
                OutOfSpace("full"),
                read(EPOCH, BEFORE, None),
                OutOfSpace("full"),
                NoAnswer("late"),
                DONE,
            ],
            4,
        ),
        ([OutOfSpace("full"), read(EPOCH, AFTER, OURS)], 1),
        ([OutOfSpace("full"), read(9, LATER, OURS)], 1),
        ([OutOfSpace("full"), OutOfSpace("even to read"), OutOfSpace("full"), read(EPOCH, AFTER, OURS)], 2),
        ([NoAnswer("late"), OutOfSpace("full"), read(EPOCH, AFTER, OURS)], 2),
        ([NoAnswer("late"), Unreachable("gone"), OutOfSpace("full"), read(EPOCH, BEFORE, None), DONE], 4),
        ([NoAnswer("late"), failed(EPOCH, AFTER, OURS)], 2),
        ([NoAnswer("late"), failed(9, LATER, OURS)], 2),
        ([NoAnswer("late"), OutOfSpace("full"), read(EPOCH, BEFORE, None), failed(None, AFTER, OURS)], 3),
    ],
)
def test_an_append_is_durable_when_it_is_confirmed_or_its_bytes_are_there(answers: list[Answer], tries: int) -> None:
    appender, store = appender_over(answers)
    assert appender.append(RECORD).tries == tries
    assert appender.head.head == AFTER
    writes = [asked for asked in store.asked if asked.compares]
    assert len(writes) == tries
    assert all(asked == writes[0] for asked in writes)  # never other bytes, never n + 2


@pytest.mark.parametrize(
    ("answer", "landed_unknown"),
    [
        (failed(9, BEFORE, None), False),
        (failed(None, BEFORE, None), False),
        (failed(9, LATER, b"another record"), False),
        (failed(EPOCH, LATER, b"another record"), False),
        (failed(9, LATER, None), True),  # trimmed by now
    ],
)
@pytest.mark.parametrize("before", [[], [NoAnswer("late")]])
def test_whoever_is_fenced_appends_nothing_more(before: list[Answer], answer: Outcome, landed_unknown: bool) -> None:
    appender, store = appender_over([*before, answer])
    with pytest.raises(Fenced) as fenced:
        appender.append(RECORD)
    assert fenced.value.landed_unknown == landed_unknown
    with pytest.raises(Fenced):
        appender.append(RECORD)
    assert len(store.asked) == len(before) + 1


def test_a_refusal_is_definite_only_while_nothing_is_unanswered() -> None:
    other = next_record(START, commands=2)
    nothing = read(EPOCH, BEFORE, None)
    appender, _ = appender_over([Unreachable("gone"), OutOfSpace("full"), nothing, DONE])
    with pytest.raises(AppendRefused) as refused:
        appender.append(RECORD)
    assert refused.value.out_of_space
    appender.append(other)  # another record in its place
    assert appender.head.head.position == position_of(other)


def test_an_append_that_is_given_up_has_no_outcome_once_a_try_is_unanswered() -> None:
    refused: list[Answer] = [OutOfSpace("full"), read(EPOCH, BEFORE, None)]
    for behind in (refused, [Unreachable("gone")], [Busy("later")]):
        appender, _ = appender_over([NoAnswer("late"), *behind], giving_up=iter([False, True]).__next__)
        with pytest.raises(AppendAbandoned):
            appender.append(RECORD)
        with pytest.raises(Fenced):
            appender.append(RECORD)


@pytest.mark.parametrize("then", [[], [Unreachable("gone")]])
def test_a_refusal_that_nobody_could_read_behind_has_no_outcome(then: list[Answer]) -> None:
    answers: list[Answer] = [OutOfSpace("full, or so it says"), NoAnswer("to the read"), *then]
    appender, store = appender_over(answers, giving_up=iter([not then, True]).__next__)
    with pytest.raises(AppendAbandoned):
        appender.append(RECORD)
    with pytest.raises(Fenced):
        appender.append(RECORD)
    assert store.members == 1 + len(then)  # who did not answer the read is not asked again


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (read(9, BEFORE, None), "Another writer owns the log, in epoch 9 after 7"),
        (read(None, BEFORE, None), "epoch 7, has ended"),
        (read(EPOCH, LATER, b"another record"), "has gone on behind record 0 without this writer"),
    ],
)
def test_who_is_refused_and_has_lost_the_log_is_fenced_and_says_how(found: Outcome, why: str) -> None:
    appender, _ = appender_over([OutOfSpace("full"), found])
    with pytest.raises(Fenced, match=why):
        appender.append(RECORD)


def test_a_record_that_does_not_follow_the_head_is_not_sent() -> None:
    appender, store = appender_over([DONE])
    with pytest.raises(CorruptRecord):
        appender.append(next_record(position_of(RECORD)))
    assert store.asked == []
    appender.append(RECORD)


def test_an_append_that_was_never_sent_is_given_up_for_certain() -> None:
    appender, store = appender_over([Unreachable("gone"), Busy("later")], giving_up=iter([False, True]).__next__)
    with pytest.raises(AppendRefused):
        appender.append(RECORD)
    assert store.members == 2


@pytest.mark.parametrize("head", [None, BEFORE])
@pytest.mark.parametrize("is_refused", [False, True])
def test_a_log_that_ends_before_what_it_confirmed_is_refused_for_good(head: Head | None, is_refused: bool) -> None:
    found: list[Answer] = [OutOfSpace("full"), read(EPOCH, head, None)] if is_refused else [failed(EPOCH, head, None)]
    appender, store = appender_over(found, encode_head(AFTER))
    record = next_record(position_of(RECORD))
    with pytest.raises(LogBehind):
        appender.append(record)
    with pytest.raises(Fenced):
        appender.append(record)
    assert len(store.asked) == len(found)


def test_how_long_an_append_waits_is_known_meanwhile() -> None:
    now = [50.0]
    waited = []
    store = ScriptedStore([NoAnswer("late"), DONE])

    def sleep(seconds: float) -> None:
        now[0] += 2.0
        waited.append(appender.waiting_s)

    appender = Appender(cast(LogStore, store), KEYS, EPOCH, encode_head(BEFORE), clock=lambda: now[0], sleep=sleep)
    assert appender.append(RECORD).seconds == 2.0
    assert waited == [2.0]
    assert appender.waiting_s == 0.0


def test_each_member_is_asked_twice_before_an_answer_is_waited_for_longer() -> None:
    appender, store = appender_over([*[NoAnswer("late")] * 30, DONE])
    assert appender.append(RECORD).tries == 31
    assert store.patience_s == [ANSWER_S] * 6 + [2 * ANSWER_S] * 6 + [ANSWER_S_MAX] * 19
    assert sum(store.patience_s[:6]) < 3, "an election of the log is over by then"
