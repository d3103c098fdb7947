"""Submissions under keys: taken once, in one record that says so, and refused for the right reason or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import eventlet
import msgspec
import pytest

from engine.commands import AdvanceTime, Command, EnterOrder
from engine.types import AccountId, Lots, OrderType, Side, Ticks, TimeInForce
from journal.codec import BODY_VERSION, PLAIN_VERSION, BatchRecord, submissions_of
from journal.port import JournalError, JournalFailed, JournalFenced, JournalUnsettled
from loop.reply import Reply
from projections.submissions import KeptSubmission, SubmissionWindow
from sequencer.entries import fingerprint_of
from sequencer.port import (
    NO_DEADLINE,
    STOPPING,
    AlreadySubmitted,
    DeadlinePassed,
    Forgotten,
    KeyReused,
    NotAccepting,
    OutcomeUnknown,
    Submit,
    TooManyWaiting,
)
from tests.sequencer.venue import Venue

ONE, TWO = b"1" * 16, b"2" * 16


def order(price: int = 100) -> EnterOrder:
    """A limit order in COIN."""
    return EnterOrder(AccountId(1), "COIN", Side.BUY, OrderType.LIMIT, TimeInForce.GTC, Lots(1), Ticks(price))


def submit(key: bytes, *commands: Command, deadline_ns: int = NO_DEADLINE, after_seq: int = 0) -> Submit:
    """What a front door sends."""
    return Submit(key, deadline_ns, after_seq, b"", list(commands or (order(),)))


class Asked:
    """A submission that was handed over, and what came of it."""

    def __init__(self, venue: Venue, submission: Submit) -> None:
        self.refusals: list[Exception] = []
        self.reply: Reply[Any] = Reply()
        venue.sequencer.take(submission, self.refusals.append, self.reply)

    @property
    def kinds(self) -> list[type[Exception]]:
        """Why it was not taken."""
        return [type(refusal) for refusal in self.refusals]


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    """A venue that runs."""
    venue = Venue(tmp_path)
    venue.start()
    yield venue
    venue.close()


def records(venue: Venue) -> list[BatchRecord]:
    return venue.journal.part(0, 10_000)


def test_the_record_says_which_commands_came_under_which_key(venue: Venue) -> None:
    waiting = [venue.spawn(order(1)), venue.spawn(order(2))]
    eventlet.sleep(0)
    one, two = Asked(venue, submit(ONE, order(3), order(4))), Asked(venue, submit(TWO, order(5)))
    assert [result.command for result in one.reply.wait()] == [order(3), order(4)]
    assert [result.command for result in two.reply.wait()] == [order(5)]
    assert [greenlet.wait()[0].command for greenlet in waiting] == [order(1), order(2)]
    found = [
        (record.first_seq + each.place, each.count, each.key)
        for record in records(venue)
        for each in submissions_of(record)
    ]
    assert found == [(4, 2, ONE), (6, 1, TWO)]
    assert venue.sequencer.submitted(ONE) == KeptSubmission(4, 2, b"")


def test_a_record_without_submissions_is_written_as_before_there_were_any(venue: Venue) -> None:
    venue.sequencer.submit(order())
    Asked(venue, submit(ONE)).reply.wait()
    venue.sequencer.submit(order())
    assert [record.body[0] for record in records(venue)] == [PLAIN_VERSION, PLAIN_VERSION, BODY_VERSION, PLAIN_VERSION]


def test_a_key_is_taken_once_while_it_waits_and_when_it_is_done(venue: Venue) -> None:
    first = Asked(venue, submit(ONE))
    while_it_waits = Asked(venue, submit(ONE))
    assert while_it_waits.refusals == []
    seq = first.reply.wait()[0].seq
    afterwards = Asked(venue, submit(ONE))
    for again in (while_it_waits, afterwards):
        assert again.kinds == [AlreadySubmitted]
        assert again.refusals[0].place == KeptSubmission(seq, 1, b"")  # type: ignore[attr-defined]
    assert venue.exchange.seq == seq


def test_a_restart_knows_what_was_taken_before(tmp_path: Path) -> None:
    before = Venue(tmp_path)
    before.start()
    Asked(before, submit(ONE)).reply.wait()
    before.close()
    window = SubmissionWindow()
    venue = Venue(tmp_path, submissions=window)
    for record in records(venue):
        window.note(record)
    venue.start()
    assert Asked(venue, submit(ONE)).kinds == [AlreadySubmitted]
    venue.close()


def test_a_key_of_other_content_is_refused(venue: Venue) -> None:
    first = venue.sequencer.submit_as(ONE, [order(1)])
    with pytest.raises(AlreadySubmitted) as again:
        venue.sequencer.submit_as(ONE, [order(1)])
    assert again.value.place == KeptSubmission(first[0].seq, 1, fingerprint_of([order(1)]))
    with pytest.raises(KeyReused):
        venue.sequencer.submit_as(ONE, [order(2)])
    waiting = eventlet.spawn(venue.sequencer.submit_as, TWO, [order(1)])
    eventlet.sleep(0)
    with pytest.raises(KeyReused):
        venue.sequencer.submit_as(TWO, [order(2)])
    assert waiting.wait()[0].seq == first[0].seq + 1


def test_what_comes_behind_its_deadline_is_refused_and_the_others_are_not(venue: Venue) -> None:
    late = Asked(venue, submit(ONE, deadline_ns=venue.now - 1))
    in_time = Asked(venue, submit(TWO, deadline_ns=venue.now))
    in_time.reply.wait()
    assert late.kinds == [DeadlinePassed]
    alone = Asked(venue, submit(ONE, deadline_ns=venue.now - 1))  # of which no record is made
    assert venue.sequencer.submit(order()).seq == 3
    assert alone.kinds == [DeadlinePassed]
    assert Asked(venue, submit(ONE)).reply.wait()[0].seq == 4  # it was not taken, so it may be


def test_of_a_key_that_may_be_forgotten_nobody_says_that_it_is_new(tmp_path: Path) -> None:
    venue = Venue(tmp_path, submissions=SubmissionWindow(keys_max=4))
    venue.start()
    for number in range(6):
        seq = Asked(venue, submit(bytes([number]) * 16, after_seq=venue.exchange.seq)).reply.wait()[0].seq
    assert Asked(venue, submit(ONE, after_seq=1)).kinds == [Forgotten]
    assert Asked(venue, submit(ONE, after_seq=seq)).reply.wait()[0].seq == seq + 1
    venue.close()


def test_more_than_may_wait_are_refused_for_good(tmp_path: Path) -> None:
    venue = Venue(tmp_path, max_waiting=2)
    venue.start()
    taken = [Asked(venue, submit(bytes([number]) * 16)) for number in range(2)]
    assert Asked(venue, submit(ONE)).kinds == [TooManyWaiting]
    for one in taken:
        one.reply.wait()
    venue.close()


def test_what_cannot_be_encoded_is_refused_alone(venue: Venue) -> None:
    bad = Asked(venue, submit(ONE, msgspec.structs.replace(order(), quantity=Lots(2**70))))
    good = Asked(venue, submit(TWO))
    assert good.reply.wait()[0].seq == 2
    assert bad.kinds == [OverflowError]
    assert Asked(venue, submit(ONE)).reply.wait()[0].seq == 3


@pytest.mark.parametrize(
    "submission",
    [
        Submit(ONE, NO_DEADLINE, 0, b"", []),
        Submit(b"short", NO_DEADLINE, 0, b"", [order()]),
        Submit(ONE, NO_DEADLINE, 0, b"short", [order()]),
    ],
)
def test_what_is_no_submission_is_refused_before_a_record_has_it(submission: Submit, venue: Venue) -> None:
    assert Asked(venue, submission).kinds == [ValueError]
    assert Asked(venue, submit(TWO)).reply.wait()[0].seq == 2
    assert [each.key for each in submissions_of(records(venue)[-1])] == [TWO]


@pytest.mark.parametrize(
    ("failure", "in_flight", "said"),
    [
        (JournalFailed("broken"), OutcomeUnknown, "until a restart: broken"),
        (JournalFenced("another one"), NotAccepting, "another node sequences now: another one"),
        (JournalUnsettled("no answer"), OutcomeUnknown, "another node sequences now: no answer"),
    ],
)
def test_a_journal_that_fails_says_of_each_what_is_known_of_it(
    failure: JournalError, in_flight: type[Exception], said: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    venue = Venue(tmp_path)
    venue.start()
    failures: list[str | None] = []
    venue.sequencer.listen_failure(lambda: failures.append(venue.sequencer.refusal))

    def fail(_record: BatchRecord) -> None:
        raise failure

    venue.journal.append = fail  # type: ignore[method-assign, assignment]
    flushed = Asked(venue, submit(ONE))
    eventlet.sleep(0)
    waits = Asked(venue, submit(TWO))
    while not waits.refusals:
        eventlet.sleep(0.001)
    assert flushed.kinds == [in_flight]
    assert waits.kinds == [NotAccepting]
    assert Asked(venue, submit(b"3" * 16)).kinds == [NotAccepting]
    assert said in caplog.text
    goes_on = not said.startswith("until")  # elsewhere: a restart of this one changes nothing
    assert failures == ([] if goes_on else ["the journal failed"])
    assert ("until a restart" in caplog.text) is not goes_on
    venue.close()


def test_who_stops_hands_back_what_comes_too_late(venue: Venue) -> None:
    taken = Asked(venue, submit(ONE))
    venue.sequencer.stop()
    assert taken.reply.settled
    late = Asked(venue, submit(TWO))
    assert late.kinds == [NotAccepting]
    assert str(late.refusals[0]) == STOPPING


def test_an_order_that_expires_comes_before_a_submission_and_moves_its_place(venue: Venue) -> None:
    venue.fund()
    day = msgspec.structs.replace(order(), time_in_force=TimeInForce.DAY)
    venue.sequencer.submit(day)
    venue.now += 2 * 86_400 * 10**9
    result = Asked(venue, submit(ONE)).reply.wait()[0]
    record = records(venue)[-1]
    assert (record.count, record.first_seq, result.seq) == (2, 5, 6)
    assert [(each.place, each.count) for each in submissions_of(record)] == [(1, 1)]
    assert isinstance(venue.batches[-1][0].command, AdvanceTime)
