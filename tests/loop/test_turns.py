"""Long work in turns."""

from __future__ import annotations

import time

import eventlet

from loop.turns import TURN_S, in_turns


def test_others_have_their_turn_while_long_work_goes_on() -> None:
    others: list[float] = []

    def other() -> None:
        while True:
            others.append(time.perf_counter())
            eventlet.sleep(0)

    running = eventlet.spawn(other)
    done = []
    for item in in_turns(range(200), every=1):
        time.sleep(TURN_S / 10)  # it works
        done.append(item)
    running.kill()
    assert done == list(range(200))
    assert len(others) >= 10
