"""What is done for one at a time, by turns of its clients."""

from __future__ import annotations

import eventlet
import pytest

from loop.errors import Busy
from loop.fair_lock import FairLock


def test_clients_have_their_turns_one_after_the_other_however_many_each_asks_for() -> None:
    lock, order = FairLock(own_max=5, waiting_max=100, patience_s=5), list[str]()

    def ask(client: str) -> None:
        with lock.held_for(client):
            eventlet.sleep(0)
            order.append(client)

    asking = [eventlet.spawn(ask, client) for client in ("a", "a", "a", "a", "b", "c", "b")]
    for greenlet in asking:
        greenlet.wait()
    assert order == ["a", "a", "b", "c", "a", "b", "a"]
    assert lock.own("a") == lock.own("b") == 0


def test_who_asks_for_too_much_or_waits_too_long_is_refused_and_leaves_nothing() -> None:
    lock = FairLock(own_max=2, waiting_max=2, patience_s=0.05)
    with lock.held_for("a"):
        waiting = eventlet.spawn(_refused, lock, "a")
        eventlet.sleep(0)
        assert _refused(lock, "a")  # its second waits already
        assert waiting.wait()  # and gives up
        assert [eventlet.spawn(_refused, lock, client).wait() for client in ("b", "c")] == [True, True]
    with lock.held_for("d"):  # nobody has it any more
        assert lock.own("a") == 0


def test_who_is_ended_the_moment_it_would_have_its_turn_passes_it_on() -> None:
    lock, order = FairLock(own_max=2, waiting_max=2, patience_s=5), list[str]()

    def ask(client: str) -> None:
        with lock.held_for(client):
            order.append(client)

    with lock.held_for("a"):
        ended, next_one = eventlet.spawn(ask, "b"), eventlet.spawn(ask, "c")
        eventlet.sleep(0)
    ended.kill()  # it holds the lock, and has not run since
    with eventlet.Timeout(5):
        next_one.wait()
    assert order == ["c"]


def _refused(lock: FairLock, client: str) -> bool:
    with pytest.raises(Busy), lock.held_for(client):
        raise AssertionError("it had its turn")
    return True
