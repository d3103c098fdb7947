"""Addresses take turns, however much of one of them waits."""

from __future__ import annotations

import time

import eventlet

from api.http.front.turns import CROWDED_BYTES, Turns
from loop.turns import TURN_S


def test_each_address_has_one_turn_after_the_other() -> None:
    turns, done = Turns(), list[str]()
    for address in ("a", "a", "a", "b", "c", "c"):
        turns.ask(address, lambda address=address: done.append(address))  # type: ignore[misc]
    assert done == []  # what has come meanwhile is read first
    eventlet.sleep(0.01)
    assert done == ["a", "b", "c", "a", "c", "a"]


def test_an_address_is_crowded_while_much_of_it_waits() -> None:
    turns = Turns()
    turns.ask("a", lambda: None, CROWDED_BYTES)
    assert turns.crowded("a")
    assert not turns.crowded("b")
    eventlet.sleep(0.01)
    assert not turns.crowded("a")


def test_who_alone_asks_need_not_wait() -> None:
    turns = Turns()
    assert turns.is_free(1)
    assert turns.is_free(1)
    assert not turns.is_free(2)  # in the same turn of the hub, as far as one can tell
    turns.ask("a", lambda: None)
    assert not turns.is_free(1)


def test_a_turn_that_took_long_gives_the_next_one_none_for_free() -> None:
    turns = Turns()
    assert turns.is_free(1)
    time.sleep(2 * TURN_S)
    turns.note_end()
    assert not turns.is_free(2)  # it came in the same turn of the hub: others may have come meanwhile
    assert turns.is_free(1)


def test_whoever_waits_goes_on_in_turn_and_once() -> None:
    turns, done = Turns(), list[str]()

    def work(name: str) -> None:
        turns.wait(name[0])
        done.append(name)
        if name == "a1":
            waiting[1].kill()

    waiting = [eventlet.spawn(work, name) for name in ("a1", "a2", "a3", "b1")]
    eventlet.sleep(0.02)
    assert done == ["a1", "b1", "a3"]
