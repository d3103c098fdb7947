"""The bridge: what native threads post runs in the event loop, in order, and nothing after it was closed."""

from __future__ import annotations

import os
import threading

import eventlet
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
