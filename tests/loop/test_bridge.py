"""The bridge: what native threads post runs in the event loop, in order, and nothing after it was closed."""

from __future__ import annotations

import os
import threading
from functools import partial

import eventlet
import pytest
from eventlet.event import Event

from loop.bridge import Bridge


def test_what_a_native_thread_posts_runs_in_the_event_loops_thread_and_in_order() -> None:
    bridge, seen, done = Bridge(), [], Event()
    bridge.open()

    def work() -> None:
        for number in range(1000):
            bridge.post(lambda number=number: seen.append((number, threading.get_ident())))
        bridge.post(lambda: done.send(None))

    thread = threading.Thread(target=work)
    thread.start()
    with eventlet.Timeout(10):
        done.wait()
    thread.join()
    bridge.close()
    assert seen == [(number, threading.get_ident()) for number in range(1000)]


def test_what_was_posted_before_the_end_runs_then() -> None:
    bridge, seen = Bridge(), []
    bridge.post(lambda: seen.append(1))
    bridge.close()
    assert seen == [1]


def test_a_bridge_that_was_closed_is_not_opened_again_even_where_others_have_its_descriptors_now() -> None:
    bridge = Bridge()
    bridge.close()
    reader, writer = os.pipe()  # takes the lowest free numbers, those of the bridge
    bridge.open()
    eventlet.sleep(0)
    os.close(reader)
    os.close(writer)


def test_a_waiting_greenlet_can_be_switched_to_from_a_callback() -> None:
    bridge, order = Bridge(), []
    bridge.open()
    hub = eventlet.hubs.get_hub()

    def wait() -> None:
        order.append("waits")
        hub.switch()
        order.append("goes on")

    waiter = eventlet.spawn(wait)
    eventlet.sleep(0)
    threading.Thread(target=lambda: bridge.post(waiter.switch)).start()
    with eventlet.Timeout(10):
        waiter.wait()
    bridge.close()
    assert order == ["waits", "goes on"]


def test_a_callback_that_raises_is_logged_and_the_others_run_now_and_later(caplog: pytest.LogCaptureFixture) -> None:
    bridge, seen, done = Bridge(), list[int](), Event()
    bridge.open()
    bridge.post(lambda: seen.append(1 // 0))
    bridge.post(lambda: seen.append(1))
    eventlet.sleep(0.01)
    bridge.post(lambda: done.send(None))
    with eventlet.Timeout(10):
        done.wait()
    bridge.post(lambda: seen.append(1 // 0))
    bridge.close()
    assert seen == [1]
    assert caplog.text.count("ZeroDivisionError") == 2


def test_a_callback_may_close_another_bridge_that_was_woken_in_the_same_turn(capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(20):
        bridges, seen = [Bridge(), Bridge()], list[int]()

        def close(other: Bridge, seen: list[int] = seen) -> None:
            if not seen:
                seen.append(1)
                other.close()

        for bridge, other in zip(bridges, reversed(bridges), strict=True):
            bridge.open()
            bridge.post(partial(close, other))
        eventlet.sleep(0.001)
        left = [bridge for bridge in bridges if not bridge._closed]
        assert len(left) == 1
        left[0].close()
    assert "Traceback" not in capfd.readouterr().err
