"""The clock: what is due happens in time, and before anything that comes after it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import eventlet
import pytest

from engine.commands import AdvanceTime, EnterOrder, OrderOptions
from engine.events import Accepted, CommandResult, Event, Expired, Filled
from engine.types import DAY_NS, AccountId, Lots, OrderType, Side, Ticks, TimeInForce
from sequencer.clock import Clock
from sequencer.sequencer import EXPIRED_AT_ONCE
from tests.sequencer.venue import Venue

BUYER = AccountId(1)


def good_till(expire_ns: int | None, side: Side = Side.BUY) -> EnterOrder:
    """An order that expires; at the next midnight when no time is given."""
    tif = TimeInForce.DAY if expire_ns is None else TimeInForce.GTD
    options = None if expire_ns is None else OrderOptions(expire_ns=expire_ns)
    return EnterOrder(
        BUYER, "COIN", side, OrderType.LIMIT, tif, Lots(1), Ticks(100), options=options, self_trade_prevention=None
    )


def taking() -> EnterOrder:
    """An order of the same account that would trade with `good_till`."""
    return EnterOrder(BUYER, "COIN", Side.SELL, OrderType.LIMIT, TimeInForce.IOC, Lots(1), Ticks(100))


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    """A running sequencer whose time the test sets."""
    venue = Venue(tmp_path)
    venue.start()
    venue.fund()
    yield venue
    venue.close()


def events(venue: Venue) -> list[Event]:
    """Everything that happened, in order."""
    return [event for batch in venue.batches for applied in batch for event in applied.events]


def commands(venue: Venue) -> list[type]:
    """What was sequenced, in order."""
    return [type(applied.command) for batch in venue.batches for applied in batch]


@pytest.mark.parametrize(("expire_ns", "entered"), [(5_000, 4_999), (None, DAY_NS - 1)])
def test_nobody_trades_with_an_order_that_has_expired(venue: Venue, expire_ns: int | None, entered: int) -> None:
    venue.now = entered
    venue.sequencer.submit(good_till(expire_ns))
    venue.now = entered + 1
    taken = venue.sequencer.submit(taking())
    assert [type(event) for event in events(venue)[-3:-1]] == [Expired, Accepted]
    assert not any(isinstance(event, Filled) for event in taken.events)
    assert commands(venue)[-3:] == [EnterOrder, AdvanceTime, EnterOrder]


@pytest.mark.parametrize(("expire_ns", "entered"), [(5_000, 4_999), (None, DAY_NS - 1)])
def test_not_even_when_the_batch_that_entered_it_is_not_applied_yet(
    venue: Venue, expire_ns: int | None, entered: int
) -> None:
    venue.now, venue.journal.flush_s = entered, 0.2
    entering = venue.spawn(good_till(expire_ns))
    taken: list[list[CommandResult]] = []

    def take() -> None:
        venue.now = entered + 1
        taken.append(venue.sequencer.submit_all([taking()]))

    eventlet.sleep(venue.journal.flush_s / 4)  # it is being flushed
    taker = eventlet.spawn(take)
    entering.wait()
    taker.wait()
    assert not any(isinstance(event, Filled) for event in events(venue))
    assert commands(venue)[-3:] == [EnterOrder, AdvanceTime, EnterOrder]


def test_an_order_trades_up_to_its_last_nanosecond(venue: Venue) -> None:
    venue.now = 4_000
    venue.sequencer.submit(good_till(5_000))
    venue.now = 4_999
    taken = venue.sequencer.submit(taking())
    assert any(isinstance(event, Filled) for event in taken.events)
    assert AdvanceTime not in commands(venue)


def test_nothing_is_advanced_while_nothing_is_due(venue: Venue) -> None:
    for _ in range(3):
        venue.now += 10
        venue.sequencer.submit(good_till(10**18))
    assert AdvanceTime not in commands(venue)


def test_the_timer_lets_happen_what_is_due_without_any_other_command(venue: Venue) -> None:
    clock = Clock(venue.exchange, venue.sequencer, lambda: venue.now)
    clock.start()
    venue.sequencer.submit(good_till(venue.now + 3_600 * 10**9))  # an hour that the test will not wait for
    venue.sequencer.submit(good_till(venue.now + 20_000_000))  # sooner: the timer is set anew
    venue.now += 20_000_000
    for _ in range(500):
        if AdvanceTime in commands(venue):
            break
        eventlet.sleep(0.01)
    assert [type(event) for event in events(venue)[-1:]] == [Expired]
    assert commands(venue).count(AdvanceTime) == 1
    clock.stop()


def test_what_fell_due_while_nobody_kept_the_time_happens_before_the_start_is_done(tmp_path: Path) -> None:
    before = Venue(tmp_path)
    before.start()
    before.fund()
    before.sequencer.submit(good_till(5_000))
    before.close()
    after = Venue(tmp_path)
    after.now = 6_000
    after.start()
    clock = Clock(after.exchange, after.sequencer, lambda: after.now)
    clock.start()
    assert [type(event) for event in events(after)] == [Expired]
    assert after.exchange.orders == {}
    clock.stop()
    after.close()


def test_of_many_orders_that_expire_at_once_others_wait_for_all_and_the_loop_for_a_part(venue: Venue) -> None:
    many = 2 * EXPIRED_AT_ONCE + 10
    for _ in range(many // 10):
        venue.sequencer.submit_all([good_till(5_000)] * 10)
    venue.now = 5_000
    turns: list[int] = []

    def count_turns() -> None:
        while True:
            turns.append(len(venue.exchange.orders))
            eventlet.sleep(0)

    counting = eventlet.spawn(count_turns)
    venue.sequencer.submit(taking())
    counting.kill()
    assert commands(venue)[-4:] == [AdvanceTime, AdvanceTime, AdvanceTime, EnterOrder]
    assert Filled not in [type(event) for event in events(venue)]
    assert {many - EXPIRED_AT_ONCE, many - 2 * EXPIRED_AT_ONCE} <= set(turns)
