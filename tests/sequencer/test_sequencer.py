"""The one writer, over a real journal and a real commit thread: order, durability, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import eventlet
import pytest

from engine.commands import CancelOrder, Command, EnterOrder
from engine.digest import state_digest
from engine.events import Accepted, CommandResult, Rejected
from engine.types import AccountId, Lots, OrderId, OrderType, Side, Ticks, TimeInForce
from journal.codec import BatchRecord
from sequencer.port import NotAccepting
from tests.sequencer.venue import Venue


def order(side: Side = Side.BUY, quantity: int = 1, price: int = 100, name: str | None = None) -> EnterOrder:
    """A limit order in COIN."""
    return EnterOrder(AccountId(1), "COIN", side, OrderType.LIMIT, TimeInForce.GTC, Lots(quantity), Ticks(price), name)


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    """A venue that runs."""
    venue = Venue(tmp_path)
    venue.start()
    yield venue
    venue.close()


def test_a_command_is_answered_with_what_it_caused(venue: Venue) -> None:
    venue.fund()
    applied = venue.sequencer.submit(order())
    assert (applied.seq, applied.ts_ns, applied.command) == (4, 1_000, order())
    assert isinstance(applied.events[0], Accepted)
    assert venue.exchange.seq == 4
    assert venue.exchange.order(OrderId(4)) is not None


def test_commands_that_gather_during_a_flush_share_the_next_one(venue: Venue) -> None:
    waiting = [venue.spawn(order(price=100 + number)) for number in range(300)]
    answers = [greenlet.wait()[0] for greenlet in waiting]
    assert [answer.seq for answer in answers] == list(range(2, 302))
    assert [answer.command.price for answer in answers] == [100 + number for number in range(300)]
    assert sum(venue.journal.counts) == 301
    assert len(venue.journal.counts) < 10


def test_no_batch_is_larger_than_it_may_be(tmp_path: Path) -> None:
    venue = Venue(tmp_path, max_batch=7)
    venue.start()
    waiting = [venue.spawn(order()) for _ in range(30)]
    for greenlet in waiting:
        greenlet.wait()
    assert max(venue.journal.counts) == 7
    venue.close()


def test_commands_of_one_caller_stay_together_and_share_a_batch(tmp_path: Path) -> None:
    venue = Venue(tmp_path, max_batch=4)
    venue.start()
    waiting = [venue.spawn(*(order(price=caller * 10 + turn + 1) for turn in range(3))) for caller in range(20)]
    for caller, greenlet in enumerate(waiting):
        answers = greenlet.wait()
        assert [answer.command.price for answer in answers] == [caller * 10 + turn + 1 for turn in range(3)]
        assert [answer.seq - answers[0].seq for answer in answers] == [0, 1, 2]
        assert len({answer.ts_ns for answer in answers}) == 1
    assert set(venue.journal.counts[1:]) <= {3, 6}
    venue.close()


def test_an_answer_leaves_only_when_the_command_is_durable_and_applied(venue: Venue) -> None:
    durable = 0

    def on_durable(record: BatchRecord) -> None:
        nonlocal durable
        durable = record.last_seq

    venue.journal.on_durable = on_durable
    behind: list[int] = []

    def trade() -> None:
        for _ in range(5):
            seq = venue.sequencer.submit(order()).seq
            if durable < seq or venue.exchange.seq < seq:
                behind.append(seq)

    for greenlet in [eventlet.spawn(trade) for _ in range(40)]:
        greenlet.wait()
    assert durable == 201
    assert behind == []


def test_the_exchange_shows_nothing_that_is_not_durable(venue: Venue) -> None:
    ahead: list[int] = []
    durable: list[int] = [venue.exchange.seq]
    venue.journal.on_durable = lambda record: durable.append(record.last_seq)
    done = False

    def watch() -> None:
        while not done:
            if venue.exchange.seq > durable[-1]:
                ahead.append(venue.exchange.seq)
            eventlet.sleep(0)

    watcher = eventlet.spawn(watch)
    waiting = [venue.spawn(order()) for _ in range(50)]
    waiting += [venue.spawn(order()) for _ in range(50)]
    for greenlet in waiting:
        greenlet.wait()
    done = True
    watcher.wait()
    assert ahead == []


def test_listeners_hear_every_batch_once_in_order(venue: Venue) -> None:
    for greenlet in [venue.spawn(order()) for _ in range(100)]:
        greenlet.wait()
    eventlet.sleep(0.05)
    assert [applied.seq for batch in venue.batches for applied in batch] == list(range(1, 102))


def test_a_listener_that_fails_stops_nobody(venue: Venue, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[int] = []

    def fails(_batch: list[CommandResult]) -> None:
        raise ZeroDivisionError

    venue.sequencer.listen(fails)
    venue.sequencer.listen(lambda batch: heard.append(batch[0].seq))
    assert venue.sequencer.submit(order()).seq == 2
    assert venue.sequencer.submit(order()).seq == 3
    eventlet.sleep(0.05)
    assert heard == [2, 3]
    assert "a listener failed" in caplog.text


def test_what_must_agree_with_the_exchange_is_folded_before_anybody_is_answered(venue: Venue) -> None:
    folded: list[int] = []
    venue.sequencer.listen(lambda batch: folded.extend(applied.seq for applied in batch))
    for _ in range(5):
        assert venue.sequencer.submit(order()).seq == folded[-1]


def test_every_caller_of_a_batch_is_answered_before_it_is_published(venue: Venue) -> None:
    answered = 0
    published: list[tuple[int, int]] = []  # how many with this batch, and how many were answered by then

    def caller() -> None:
        nonlocal answered
        venue.sequencer.submit(order())
        answered += 1

    def publish(batch: list[CommandResult]) -> None:
        published.append((published[-1][0] + len(batch) if published else len(batch), answered))

    eventlet.sleep(0.05)  # the listing is published
    venue.sequencer.listen_behind(publish)
    for greenlet in [eventlet.spawn(caller) for _ in range(40)]:
        greenlet.wait()
    venue.sequencer.submit(order())
    assert published[-1][0] >= 40
    assert all(answered_by_then >= min(count, 40) for count, answered_by_then in published), published


def test_no_command_is_applied_while_the_batch_before_is_being_published(venue: Venue) -> None:
    seen: list[tuple[int, int]] = []

    def publish(batch: list[CommandResult]) -> None:
        eventlet.sleep(0.01)
        seen.append((batch[-1].seq, venue.exchange.seq))

    venue.sequencer.listen_behind(publish)
    callers = []
    for _ in range(20):
        callers.append(venue.spawn(order()))
        eventlet.sleep(0.003)
    for greenlet in callers:
        greenlet.wait()
    venue.sequencer.stop()
    assert len(seen) > 1
    assert all(published == applied for published, applied in seen)


def test_a_caller_that_is_killed_while_it_waits_keeps_no_other_from_its_answer(venue: Venue) -> None:
    callers = [venue.spawn(order()) for _ in range(3)]
    eventlet.sleep(0)
    callers[1].kill()
    assert [callers[index].wait()[0].seq for index in (0, 2)] == [2, 4]


def test_a_reject_is_an_answer_and_is_journaled(venue: Venue) -> None:
    (event,) = venue.sequencer.submit(CancelOrder(AccountId(1), OrderId(99))).events
    assert isinstance(event, Rejected)
    assert venue.journal.last is not None
    assert venue.journal.last.last_seq == 2


def test_above_the_most_that_may_wait_commands_are_refused_and_leave_no_trace(tmp_path: Path) -> None:
    venue = Venue(tmp_path, max_waiting=5)
    venue.start()
    answers = [greenlet.wait() for greenlet in [venue.spawn(order(price=1 + number)) for number in range(20)]]
    taken = [answer[0].command.price for answer in answers if isinstance(answer, list)]
    refused = [answer for answer in answers if isinstance(answer, NotAccepting)]
    assert taken == list(range(1, 1 + len(taken)))
    assert len(taken) + len(refused) == 20
    assert refused[0].why == "5 commands are waiting already"
    assert sum(venue.journal.counts) == 1 + len(taken)
    assert venue.sequencer.refusal is None
    assert venue.sequencer.submit(order()).seq == 2 + len(taken)
    venue.close()


def test_one_callers_commands_are_taken_when_nobody_waits_however_many_they_are(tmp_path: Path) -> None:
    venue = Venue(tmp_path, max_waiting=2)
    venue.start()
    assert [applied.seq for applied in venue.sequencer.submit_all([order()] * 10)] == list(range(2, 12))
    venue.close()


def test_commands_that_cannot_be_encoded_are_given_back_and_stop_nobody(venue: Venue) -> None:
    bad = EnterOrder(AccountId(1), "\ud800", Side.BUY, OrderType.LIMIT, TimeInForce.GTC, Lots(1), Ticks(1))
    waiting = [
        venue.spawn(order(price=1)),
        venue.spawn(bad),
        venue.spawn(order(price=2), order(price=3)),
        venue.spawn(order(price=4), order(quantity=2**70)),
        venue.spawn(order(price=5)),
    ]
    answers = [greenlet.wait() for greenlet in waiting]
    assert isinstance(answers[1], UnicodeEncodeError)
    assert isinstance(answers[3], OverflowError)
    taken = [applied for answer in answers if isinstance(answer, list) for applied in answer]
    assert [(applied.seq, applied.command.price) for applied in taken] == [(2, 1), (3, 2), (4, 3), (5, 5)]
    assert venue.sequencer.submit(order()).seq == 6


def test_a_failed_journal_refuses_all_who_wait_and_all_who_come(venue: Venue, caplog: pytest.LogCaptureFixture) -> None:
    refusals: list[str | None] = []
    venue.sequencer.listen_failure(lambda: refusals.append(venue.sequencer.refusal))
    acknowledged = [venue.sequencer.submit(order()).seq for _ in range(3)]
    eventlet.sleep(0.05)
    state = state_digest(venue.exchange)
    venue.journal._connection.execute("PRAGMA max_page_count = 1")  # the file may not grow: as a full disk
    large = [order(name="x" * 60)] * 200
    answers = [greenlet.wait() for greenlet in [venue.spawn(*large) for _ in range(5)]]
    assert {type(answer) for answer in answers} == {NotAccepting}
    with pytest.raises(NotAccepting, match="the journal failed"):
        venue.sequencer.submit(order())
    assert refusals == ["the journal failed"]
    assert "no more orders are taken until a restart" in caplog.text
    assert state_digest(venue.exchange) == state
    assert venue.exchange.seq == acknowledged[-1]
    assert venue.journal.last is not None
    assert venue.journal.last.last_seq == acknowledged[-1]


def test_what_was_durable_before_a_failure_is_still_answered(venue: Venue) -> None:
    venue.journal.on_durable = lambda _record: setattr(venue.journal, "_failure", "The disk is full.")
    first = [venue.spawn(order()) for _ in range(5)]
    eventlet.sleep(0)  # they are being flushed
    second = [venue.spawn(order()) for _ in range(5)]
    assert all(isinstance(greenlet.wait(), list) for greenlet in first)
    assert all(isinstance(greenlet.wait(), NotAccepting) for greenlet in second)
    assert venue.exchange.seq == 6


def test_a_broken_invariant_stops_the_process_before_any_answer(tmp_path: Path) -> None:
    venue = Venue(tmp_path)
    venue.start()
    venue.fund()
    venue.sequencer.submit(order())
    venue.exchange.orders.clear()  # the state contradicts itself: the next fill finds no such order
    answers: list[Any] = []

    def trade(command: Command) -> None:
        answers.append(venue.sequencer.submit(command))

    greenlets = [eventlet.spawn(trade, command) for command in (order(price=50), order(Side.SELL), order(price=51))]
    venue.until_violated()
    eventlet.sleep(0.05)
    assert len(venue.violations) == 1
    assert answers == []
    for greenlet in greenlets:
        greenlet.kill()
    venue.close_stopped()


def test_a_bug_of_the_writer_stops_the_process_too(tmp_path: Path) -> None:
    venue = Venue(tmp_path)
    venue.start()

    def fails() -> None:
        raise ZeroDivisionError

    venue.sequencer._next_batch = fails  # type: ignore[assignment,method-assign]
    caller = venue.spawn(order())
    venue.until_violated()
    assert [type(bug) for bug in venue.violations] == [ZeroDivisionError]
    caller.kill()
    venue.close_stopped()


def test_a_clock_that_goes_back_is_not_followed(venue: Venue) -> None:
    times = []
    for now in (5_000, 3_000, 4_999, 5_001):
        venue.now = now
        times.append(venue.sequencer.submit(order()).ts_ns)
    assert times == [5_000, 5_000, 5_000, 5_001]


def test_a_restart_goes_on_where_it_stopped_even_with_a_clock_that_went_back(tmp_path: Path) -> None:
    first = Venue(tmp_path)
    first.start()
    first.fund()
    first.now = 9_000
    seq = first.sequencer.submit(order()).seq
    first.close()
    second = Venue(tmp_path)
    second.now = 10
    second.start()
    applied = second.sequencer.submit(order(Side.SELL))
    assert (applied.seq, applied.ts_ns) == (seq + 1, 9_000)
    assert len(applied.events) == 4  # accepted, filled, and both orders done
    second.close()


def test_stopping_answers_those_who_wait_and_refuses_those_who_come(venue: Venue) -> None:
    waiting = [venue.spawn(order()) for _ in range(50)]
    eventlet.sleep(0)
    stopping = eventlet.spawn(venue.sequencer.stop)
    eventlet.sleep(0)
    late = venue.spawn(order())
    stopping.wait()
    assert [greenlet.wait()[0].seq for greenlet in waiting] == list(range(2, 52))
    assert late.wait().why == "the exchange is stopping"
    assert venue.sequencer.refusal == "the exchange is stopping"
    assert venue.journal.last is not None
    assert venue.journal.last.last_seq == 51


def test_nothing_is_taken_before_the_start(tmp_path: Path) -> None:
    venue = Venue(tmp_path)
    with pytest.raises(NotAccepting, match="the exchange is starting"):
        venue.sequencer.submit(order())
    venue.sequencer.stop()
    venue.journal.close()


def test_a_caller_that_goes_away_holds_nobody_up(venue: Venue) -> None:
    venue.fund()
    waiting = [venue.spawn(order()) for _ in range(10)]
    eventlet.sleep(0)
    waiting[3].kill()
    others = [greenlet.wait()[0].seq for number, greenlet in enumerate(waiting) if number != 3]
    assert others == [4, 5, 6, 8, 9, 10, 11, 12, 13]
    assert venue.exchange.order(OrderId(7)) is not None  # it was taken all the same
