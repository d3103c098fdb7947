"""Schedules: a symbol has the status that its schedule asks for, whatever was missed, and operators overrule it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time
from pathlib import Path

import eventlet
import msgspec
import pytest

from engine.commands import EnterOrder, ListInstrument, SetStatus
from engine.types import AccountId, Lots, OrderType, Side, Ticks, TimeInForce, TradingStatus
from listings.schedule import Change, Schedule
from listings.schedule_runner import ScheduleRunner
from projections.statuses import CommandedStatuses
from sequencer.port import NotAccepting
from tests.sequencer.venue import COIN, Venue

PRE_OPEN, AUCTION, TRADING = TradingStatus.PRE_OPEN, TradingStatus.AUCTION, TradingStatus.TRADING
CLOSED, HALTED = TradingStatus.CLOSED, TradingStatus.HALTED
SCHEDULE = Schedule(
    UTC,
    frozenset(range(5)),
    ((PRE_OPEN, time(8)), (TRADING, time(9)), (AUCTION, time(16, 50)), (CLOSED, time(17))),
)
HOUR_NS = 3_600 * 10**9


def ns(day: int, hour: float) -> int:
    """A time of November 2026, in which the 2nd is a Monday."""
    return int(datetime(2026, 11, day, tzinfo=UTC).timestamp()) * 10**9 + int(hour * HOUR_NS)


class Day:
    """A running venue with one scheduled symbol, at a time that the test sets."""

    def __init__(self, folder: Path, now: int) -> None:
        self.venue = Venue(folder)
        self.venue.now = now
        self.commanded = CommandedStatuses()
        self.venue.start()
        if not self.venue.exchange.books["COIN"].instrument.scheduled:
            self.venue.sequencer.submit(ListInstrument(msgspec.structs.replace(COIN, scheduled=True)))
            self.venue.fund()
        self.sessions: ScheduleRunner | None = None

    def follow(self, commanded_ns: int | None = None, newly: tuple[str, ...] = ()) -> list[TradingStatus]:
        """Follow the schedule from now on; what was commanded at once. `commanded_ns`: the status was before."""
        if commanded_ns is not None:
            self.commanded.at_ns["COIN"] = commanded_ns
        before = len(self.statuses())
        self.sessions = ScheduleRunner(
            {"COIN": SCHEDULE}, self.venue.exchange, self.venue.sequencer, self.commanded, lambda: self.venue.now
        )
        self.venue.sequencer.listen(self.commanded.on_applied)
        self.sessions.start(newly)
        return self.statuses()[before:]

    def statuses(self) -> list[TradingStatus]:
        """Every status that was commanded."""
        applied = [applied for batch in self.venue.batches for applied in batch]
        return [item.command.status for item in applied if isinstance(item.command, SetStatus)]

    @property
    def status(self) -> TradingStatus:
        return self.venue.exchange.books["COIN"].status

    def command(self, status: TradingStatus) -> int:
        """An operator's command; when it was."""
        return self.venue.sequencer.submit(SetStatus("COIN", status)).ts_ns

    def order(self, side: Side, price: int, tif: TimeInForce = TimeInForce.GTC) -> None:
        """Enter an order for one lot."""
        self.venue.sequencer.submit(EnterOrder(AccountId(1), "COIN", side, OrderType.LIMIT, tif, Lots(1), Ticks(price)))

    def close(self) -> None:
        if self.sessions is not None:
            self.sessions.stop()
        self.venue.close()


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Day]:
    """Monday, noon."""
    day = Day(tmp_path, ns(2, 12))
    yield day
    day.close()


@pytest.mark.parametrize(
    ("now", "expected"),
    [(ns(2, 7), CLOSED), (ns(2, 8), PRE_OPEN), (ns(2, 9), TRADING), (ns(2, 16.9), AUCTION), (ns(1, 12), CLOSED)],
)
def test_the_first_start_brings_a_symbol_to_the_status_it_should_have(
    tmp_path: Path, now: int, expected: TradingStatus
) -> None:
    day = Day(tmp_path, now)
    assert day.follow() == [expected]
    assert day.status is expected
    assert day.sessions is not None
    assert day.sessions.next_change("COIN") == SCHEDULE.next_change(now)
    day.close()


def test_what_an_operator_commanded_after_the_last_change_stays_over_a_restart(day: Day) -> None:
    halted = day.command(HALTED)
    assert day.follow(commanded_ns=halted) == []
    assert day.status is HALTED


def test_what_an_operator_commanded_before_it_does_not(day: Day) -> None:
    day.command(HALTED)
    assert day.follow(commanded_ns=ns(2, 8.5)) == [TRADING]


def test_a_symbol_that_was_given_a_schedule_follows_it_at_once(day: Day) -> None:
    halted = day.command(HALTED)
    assert day.follow(commanded_ns=halted, newly=("COIN",)) == [TRADING]


def test_a_session_that_ended_while_no_server_ran_is_closed_first(day: Day) -> None:
    day.command(TRADING)
    day.order(Side.BUY, 90, TimeInForce.DAY)
    day.venue.now = ns(3, 12)
    assert day.follow(commanded_ns=ns(2, 9)) == [CLOSED, TRADING]
    assert day.venue.exchange.orders == {}


def test_a_closing_auction_ends_with_its_uncross_even_when_that_was_missed(day: Day) -> None:
    day.command(AUCTION)
    day.order(Side.BUY, 101)
    day.order(Side.SELL, 99)
    day.venue.now = ns(3, 8.5)
    assert day.follow(commanded_ns=ns(2, 16.85)) == [TRADING, CLOSED, PRE_OPEN]
    assert day.venue.exchange.books["COIN"].last_price is not None


def test_a_change_comes_when_its_time_has_come(day: Day) -> None:
    day.venue.now = ns(2, 17) - 30_000_000
    day.follow(commanded_ns=ns(2, 9))
    before = len(day.statuses())
    day.venue.now += 30_000_000
    for _ in range(500):
        if day.status is CLOSED:
            break
        eventlet.sleep(0.01)
    assert day.statuses()[before:] == [TRADING, CLOSED]  # the closing auction's uncross, then the end
    assert day.sessions is not None
    assert day.sessions.next_change("COIN") == Change(ns(3, 8), PRE_OPEN)


def test_a_change_that_was_not_taken_is_made_up_for_by_the_next_try(tmp_path: Path) -> None:
    day = Day(tmp_path, ns(2, 12))
    day.follow(commanded_ns=ns(2, 9))
    day.venue.close()  # a server that stops takes nothing more
    day.venue.now = ns(2, 17)
    sessions, before = day.sessions, len(day.statuses())
    assert sessions is not None
    with pytest.raises(NotAccepting):
        sessions._change_what_is_due()
    assert sessions.next_change("COIN") == Change(ns(3, 8), PRE_OPEN)  # that at 17 is late, not to come
    again = Day(tmp_path, ns(2, 17))  # the same journal, taking commands
    sessions._exchange, sessions._sequencer = again.venue.exchange, again.venue.sequencer
    sessions._change_what_is_due()
    assert again.statuses() == [CLOSED]
    sessions._change_what_is_due()
    assert (again.statuses(), len(day.statuses())) == ([CLOSED], before)
    sessions.stop()
    again.close()
