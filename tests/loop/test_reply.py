"""Replies: one greenlet waits for each, and the hub resumes all of a row in order."""

from __future__ import annotations

import time

import eventlet
import pytest

from loop.reply import Replies, Reply


def test_those_who_wait_go_on_in_the_order_in_which_their_replies_were_sent() -> None:
    replies, row = Replies(), [Reply[int]() for _ in range(5)]
    resumed: list[int] = []
    waiting = [eventlet.spawn(lambda reply: resumed.append(reply.wait()), reply) for reply in row]
    eventlet.sleep(0)
    for number, reply in enumerate(row):
        reply.settle(number)
    replies.send(reversed(row))
    for greenlet in waiting:
        greenlet.wait()
    assert resumed == [4, 3, 2, 1, 0]


def test_an_error_is_raised_where_it_is_waited_for() -> None:
    replies, reply = Replies(), Reply[int]()
    waiting = eventlet.spawn(reply.wait)
    eventlet.sleep(0)
    reply.fail(ValueError("no"))
    replies.send((reply,))
    with pytest.raises(ValueError, match="no"):
        waiting.wait()


def test_a_reply_that_is_there_already_is_not_waited_for() -> None:
    reply = Reply[str]()
    reply.settle("here")
    assert reply.wait() == "here"


def test_only_one_greenlet_waits_for_a_reply() -> None:
    reply = Reply[int]()
    eventlet.spawn(reply.wait)
    eventlet.sleep(0)
    with pytest.raises(RuntimeError, match="another greenlet"):
        reply.wait()


def test_who_waits_behind_goes_on_when_all_before_have() -> None:
    replies, row = Replies(), [Reply[int]() for _ in range(50)]
    done: list[int] = []

    def work(reply: Reply[int]) -> None:
        number = reply.wait()
        end = time.perf_counter() + 0.0005  # so that all of them are several turns
        while time.perf_counter() < end:
            pass
        done.append(number)

    for reply in row:
        eventlet.spawn(work, reply)
    eventlet.sleep(0)
    for number, reply in enumerate(row):
        reply.settle(number)
    replies.send(row)
    replies.wait_behind()
    assert done == list(range(50))


def test_others_have_a_turn_between_those_who_are_resumed() -> None:
    replies, row = Replies(), [Reply[None]() for _ in range(20)]
    done: list[str] = []

    def work(reply: Reply[None]) -> None:
        reply.wait()
        end = time.perf_counter() + 0.003
        while time.perf_counter() < end:
            pass
        done.append("resumed")

    for reply in row:
        eventlet.spawn(work, reply)
    eventlet.sleep(0)
    for reply in row:
        reply.settle(None)
    replies.send(row)
    eventlet.sleep(0)
    eventlet.spawn(done.append, "another")
    replies.wait_behind()
    assert "another" in done[:5]
