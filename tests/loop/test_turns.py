"""Long work in turns, and one thing that many ask for."""

from __future__ import annotations

import time

import eventlet
import pytest

from loop.errors import Busy
from loop.fair import FairTurns
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


def test_clients_have_their_turns_one_after_the_other_however_many_each_asks_for() -> None:
    turns, order = FairTurns(own_max=5, waiting_max=100, patience_s=5), list[str]()

    def ask(client: str) -> None:
        with turns.turn(client):
            eventlet.sleep(0)
            order.append(client)

    asking = [eventlet.spawn(ask, client) for client in ("a", "a", "a", "a", "b", "c", "b")]
    for greenlet in asking:
        greenlet.wait()
    assert order == ["a", "a", "b", "c", "a", "b", "a"]
    assert turns.own("a") == turns.own("b") == 0


def test_who_asks_for_too_much_or_waits_too_long_is_refused_and_leaves_nothing() -> None:
    turns = FairTurns(own_max=2, waiting_max=2, patience_s=0.05)
    with turns.turn("a"):
        waiting = eventlet.spawn(_refused, turns, "a")
        eventlet.sleep(0)
        assert _refused(turns, "a")  # its second waits already
        assert waiting.wait()  # and gives up
        assert [eventlet.spawn(_refused, turns, client).wait() for client in ("b", "c")] == [True, True]
    with turns.turn("d"):  # nobody has it any more
        assert turns.own("a") == 0


def _refused(turns: FairTurns, client: str) -> bool:
    with pytest.raises(Busy), turns.turn(client):
        raise AssertionError("it had its turn")
    return True
