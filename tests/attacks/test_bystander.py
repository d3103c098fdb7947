"""What a busy machine does to a bystander's figures is allowed for once: what a client does to others still shows."""

from __future__ import annotations

import os
import time

from tests.attacks.bystander import P50_FLOOR_MS, P99_FLOOR_MS, Figures
from tests.attacks.machine import Share


def figures(p50_ms: float, p99_ms: float, slowness: float = 1.0, own_ms: float = 0.0) -> Figures:
    """What a bystander may have seen of a hundred requests."""
    return Figures(count=100, failures=0, p50_ms=p50_ms, p99_ms=p99_ms, max_ms=p99_ms, slowness=slowness, own_ms=own_ms)


QUIET = figures(2.0, 10.0)


def test_on_a_quiet_machine_others_wait_as_long_as_before_three_times_or_the_floor() -> None:
    assert figures(P50_FLOOR_MS, P99_FLOOR_MS).no_worse_than(QUIET)
    assert not figures(P50_FLOOR_MS + 1, P99_FLOOR_MS).no_worse_than(QUIET)
    assert not figures(P50_FLOOR_MS, P99_FLOOR_MS + 1).no_worse_than(QUIET)
    assert figures(60.0, 600.0).no_worse_than(figures(20.0, 200.0))


def test_on_a_machine_that_has_become_slower_others_may_wait_as_many_times_as_long() -> None:
    assert figures(4 * P50_FLOOR_MS, 4 * P99_FLOOR_MS, slowness=4.0).no_worse_than(QUIET)
    assert figures(240.0, 2_400.0, slowness=4.0).no_worse_than(figures(20.0, 200.0))
    assert figures(P50_FLOOR_MS + 5, P99_FLOOR_MS, own_ms=5.0).no_worse_than(QUIET)


def test_what_the_machine_did_before_as_well_is_not_allowed_for_twice() -> None:
    before = figures(20.0, 200.0, slowness=4.0)
    assert figures(100.0, 600.0, slowness=4.0).no_worse_than(before)
    assert not figures(100.0, 601.0, slowness=4.0).no_worse_than(before)
    assert not figures(101.0, 600.0, slowness=4.0).no_worse_than(before)


def test_a_machine_that_was_slower_before_allows_no_less_than_three_times_what_was_seen_then() -> None:
    assert figures(60.0, 600.0, slowness=1.0).no_worse_than(figures(20.0, 200.0, slowness=4.0))


def test_a_process_that_works_by_itself_is_as_slow_as_it_is_and_of_none_nothing_is_known() -> None:
    with Share(os.getpid()) as share:
        until = time.process_time() + 0.05
        while time.process_time() < until:
            pass
    assert share.slowness >= 1.0
    with Share(None) as nobody:
        pass
    assert nobody.slowness == 1.0
