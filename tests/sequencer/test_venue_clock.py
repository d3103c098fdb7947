"""The venue's clock beside a machine's clock that is set, drifts or shows nonsense once."""

from __future__ import annotations

import logging

import pytest

from sequencer.venue_clock import DRIFT_PPM, GAP_NS, STEP_NS, KeptClock, VenueClock
from tests.sequencer.machine import DAY, HOUR, NOON, Machine, S


def test_a_right_clock_is_followed_to_the_nanosecond() -> None:
    machine = Machine()
    assert machine.run(HOUR, every_ns=7 * S) == machine.wall_ns == NOON + HOUR
    assert machine.clock.held is None


def test_one_reading_an_hour_ahead_leaves_no_trace() -> None:
    machine = Machine()
    machine.run(10 * S)
    for wrong in (HOUR, -HOUR, 90 * DAY):
        machine.wall_ns += wrong
        assert abs(machine.clock() - (machine.wall_ns - wrong)) < S
        machine.wall_ns -= wrong
        assert machine.run(S) == machine.wall_ns
        assert machine.clock.held is None


@pytest.mark.parametrize("step_ns", [2 * S, HOUR, 90 * DAY, -2 * S, -HOUR, -90 * DAY])
def test_a_step_is_held_and_time_goes_on_at_the_steady_pace(step_ns: int) -> None:
    machine = Machine()
    before = machine.run(10 * S)
    machine.wall_ns += step_ns
    assert machine.run(2 * HOUR, every_ns=S) == before + 2 * HOUR
    held = machine.clock.held
    assert held is not None
    assert held == (step_ns, before, 0)


@pytest.mark.parametrize("step_ns", [HOUR, -HOUR])
def test_when_the_wall_clock_comes_back_by_itself_it_is_followed_again(step_ns: int) -> None:
    machine = Machine()
    machine.wall_ns += step_ns
    machine.run(HOUR, every_ns=S)
    machine.wall_ns -= step_ns
    assert machine.run(S) == machine.wall_ns
    assert machine.clock.held is None


def test_an_operator_can_say_that_a_step_forward_is_right() -> None:
    machine = Machine()
    machine.wall_ns += HOUR
    machine.run(S)
    assert machine.clock.accept() == HOUR
    assert machine.clock() == machine.wall_ns
    assert machine.clock.held is None


def test_after_a_step_back_that_is_right_time_goes_on_at_half_the_pace_until_the_wall_has_caught_up() -> None:
    machine = Machine()
    machine.run(S)
    before = machine.clock()
    machine.wall_ns -= HOUR
    machine.run(S)
    assert machine.clock.accept() == -HOUR
    at_half = machine.run(HOUR, every_ns=S)
    assert abs(at_half - (before + HOUR // 2)) < 2 * S
    assert machine.run(HOUR + 10 * S, every_ns=S) == machine.wall_ns


@pytest.mark.parametrize("step_ns", [STEP_NS, -STEP_NS])
def test_a_step_of_a_second_is_followed_without_an_alarm(step_ns: int) -> None:
    machine = Machine()
    machine.wall_ns += step_ns
    assert machine.run(3 * S) == machine.wall_ns
    assert machine.clock.held is None


def test_steps_of_nearly_a_second_one_after_the_other_are_a_large_one() -> None:
    machine = Machine()
    for _ in range(10):
        machine.wall_ns += STEP_NS * 9 // 10
        machine.run(S)
    assert machine.clock() - machine.wall_ns < -5 * S
    assert machine.clock.held is not None


@pytest.mark.parametrize("ppm", [DRIFT_PPM, -DRIFT_PPM])
def test_slow_drift_is_followed_for_days(ppm: int) -> None:
    machine = Machine()
    assert machine.run(3 * DAY, ppm=ppm, every_ns=20 * S) == machine.wall_ns
    assert machine.clock.held is None


def test_a_clock_that_runs_away_is_held() -> None:
    machine = Machine()
    machine.run(HOUR, ppm=100_000, every_ns=S)
    assert machine.clock.held is not None


def test_a_step_between_two_starts_on_one_boot_is_held_from_the_first_reading() -> None:
    machine = Machine()
    kept = machine.clock.to_keep()
    again = Machine(last_ns=NOON, kept=kept, wall_ns=NOON + 90 * DAY)
    assert again.clock() == NOON
    assert again.clock.held == (90 * DAY, NOON, 0)
    assert Machine(last_ns=NOON, kept=again.clock.to_keep(), wall_ns=NOON + 90 * DAY).clock.held is not None
    assert Machine(last_ns=NOON, kept=kept, wall_ns=NOON + S // 2).clock.held is None


# Seconds from the wall clock's noon: of the last record, of what was kept; at which the venue begins, by how much the
# machine's clock is ahead of that, and by how much what was kept is ahead of the machine's clock.
@pytest.mark.parametrize(
    ("last", "kept", "begins", "ahead", "kept_ahead"),
    [
        (-100, 0, 0, 0, 0),  # all agree
        (-100, -7_776_000, -100, 100, 0),  # the file is behind
        (-7_776_100, -7_776_000, -7_776_000, 7_776_000, 0),  # the wall clock was set forward
        (3_600, -50, 3_600, -3_600, 0),
        (-100, 3_456_000, 0, 0, 3_456_000),  # the file is ahead: nothing expires
        (-100, 2**62 // S, 0, 0, 2**62 // S),
        (3_590, 3_600, 3_600, -3_600, 0),  # the wall clock was set back
        (3_000, 3_600, 3_000, -3_000, 0),  # the same behind a pause
        (3_000, 3_456_000, 3_000, -3_000, 0),  # the same, and the file is ahead
        (3_600, 50, 3_600, -3_600, 0),
    ],
)
def test_what_was_kept_never_moves_time_on_alone(
    last: int, kept: int, begins: int, ahead: int, kept_ahead: int
) -> None:
    kept_clock = KeptClock("a", 400 * S, NOON + (kept - 100) * S)
    clock = Machine(last_ns=NOON + last * S, kept=kept_clock).clock
    assert clock() == NOON + begins * S
    held = clock.held
    if not ahead and not kept_ahead:
        assert held is None
    else:
        assert held == (ahead * S, NOON + begins * S, kept_ahead * S)
        assert held.away_ns == (ahead or -kept_ahead) * S


def test_a_steady_clock_that_cannot_have_been_kept_is_not_believed() -> None:
    for steady_ns in (-40 * DAY, 501 * S):
        clock = Machine(last_ns=NOON, kept=KeptClock("a", steady_ns, NOON), wall_ns=NOON + S).clock
        assert clock() == NOON + S
        assert clock.held is None


def test_a_file_that_is_not_believed_is_said_until_an_operator_accepts_over_starts_too() -> None:
    machine = Machine(last_ns=NOON - S, kept=KeptClock("a", 500 * S, NOON + 40 * DAY))
    for _ in range(2):
        assert machine.run(HOUR, every_ns=S) == machine.wall_ns
        assert machine.clock.held is not None
        assert machine.clock.held.kept_ahead_ns == 40 * DAY
        machine.clock = machine.started(machine.clock.to_keep())
    assert machine.clock.accept() == 0
    assert machine.clock.held is None
    assert machine.started(machine.clock.to_keep()).held is None


def test_on_another_boot_a_gap_is_normal_and_a_long_one_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    kept = Machine().clock.to_keep()
    with caplog.at_level(logging.WARNING):
        later = Machine(last_ns=NOON, kept=kept, boot="b", wall_ns=NOON + 6 * DAY)
        assert later.clock() == NOON + 6 * DAY
        assert caplog.text == ""
        Machine(last_ns=NOON, kept=kept, boot="b", wall_ns=NOON + GAP_NS + DAY)
    assert "8 days old" in caplog.text


def test_records_of_the_future_are_said_and_time_goes_on_from_them() -> None:
    machine = Machine(last_ns=NOON + HOUR)
    assert machine.run(10 * S) == NOON + HOUR + 10 * S
    held = machine.clock.held
    assert held is not None
    assert held.ahead_ns == -HOUR
    machine.clock.accept()
    machine.run(2 * HOUR + 20 * S, every_ns=S)
    assert machine.clock() == machine.wall_ns


def test_one_wrong_reading_at_the_start_does_not_count() -> None:
    walls = iter([NOON, NOON + HOUR])
    clock = VenueClock(0, None, wall=lambda: next(walls, NOON), steady=lambda: S, boot="a")
    assert clock() == NOON
    assert clock.held is None


def test_a_process_that_was_stopped_between_two_readings_takes_them_again() -> None:
    steadies = iter([S] * 10 + [S, 11 * S])
    walls = iter([NOON] * 6)
    clock = VenueClock(0, None, wall=lambda: next(walls, NOON + 10 * S), steady=lambda: next(steadies, 11 * S), boot="")
    assert clock() == NOON + 10 * S
    assert clock.held is None
