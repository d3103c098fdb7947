"""Greenlets for short work, used again."""

from __future__ import annotations

import weakref
from collections.abc import Callable

import eventlet
import greenlet
import pytest
from eventlet import hubs

from loop.greenlets import KEPT_MAX, Greenlets
from loop.reply import Replies, Reply


def in_the_hub(call: Callable[[], object]) -> None:
    """Run `call` as the hub does, and return when it has."""
    hubs.get_hub().schedule_call_global(0, call)
    eventlet.sleep(0)
    eventlet.sleep(0)


def test_work_runs_until_it_waits_and_goes_on_later() -> None:
    greenlets, replies, reply = Greenlets(), Replies(), Reply[str]()
    done: list[tuple[str, str]] = []
    in_the_hub(lambda: greenlets.run(lambda word: done.append((word, reply.wait())), "asked"))
    assert done == []
    reply.settle("answered")
    replies.send((reply,))
    replies.wait_behind()
    assert done == [("asked", "answered")]


def test_a_greenlet_whose_work_has_ended_is_used_again() -> None:
    greenlets, used = Greenlets(), []
    for _ in range(5):
        in_the_hub(lambda: greenlets.run(lambda _: used.append(greenlet.getcurrent()), None))
    assert len(set(used)) == 1


def test_work_that_waits_keeps_its_greenlet_to_itself() -> None:
    greenlets, replies, used = Greenlets(), Replies(), []
    waited_for = [Reply[None]() for _ in range(3 * KEPT_MAX)]

    def work(reply: Reply[None]) -> None:
        reply.wait()
        used.append(greenlet.getcurrent())

    for reply in waited_for:
        in_the_hub(lambda reply=reply: greenlets.run(work, reply))  # type: ignore[misc]
    for reply in waited_for:
        reply.settle(None)
    replies.send(waited_for)
    replies.wait_behind()
    assert len(set(used)) == len(waited_for)
    assert len(greenlets._idle) == KEPT_MAX


def test_work_that_fails_is_logged_and_its_greenlet_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    greenlets = Greenlets()
    done: list[str] = []
    in_the_hub(lambda: greenlets.run(lambda _: 1 / 0, None))
    in_the_hub(lambda: greenlets.run(done.append, "next"))
    assert done == ["next"]
    assert "work of the event loop failed" in caplog.text


def test_nothing_of_work_that_has_ended_is_held() -> None:
    class Held:
        """What can be looked for."""

    greenlets, held = Greenlets(), [Held()]
    found = weakref.ref(held[0])
    in_the_hub(lambda: greenlets.run(lambda argument: None, held.pop()))
    assert found() is None
