"""gRPC waits in a native thread; the event loop goes on meanwhile, as it does while a disk is flushed."""

from __future__ import annotations

import threading
from contextlib import closing
from functools import partial

import eventlet

from cluster.append import Appended
from cluster.records import START
from loop.bridge import Bridge
from tests.cluster.replicated_log import KeptClaim, ReplicatedLog, next_record
from tests.etcd import EtcdCluster, needs_etcd

pytestmark = needs_etcd


def test_the_event_loop_goes_on_while_an_append_waits_for_a_leader_that_is_paused(
    etcd: EtcdCluster, log: ReplicatedLog
) -> None:
    bridge, results, turns = Bridge(), list[Appended](), 0
    bridge.open()
    with closing(KeptClaim(log, "a")) as kept:
        store = log.store()
        store.use_member(etcd.leader().address)
        appender = log.appender(kept.claim, store)

        def append() -> None:
            bridge.post(partial(results.append, appender.append(next_record(START))))

        leader = etcd.leader()
        leader.pause()
        thread = threading.Thread(target=append, daemon=True)
        thread.start()
        try:
            with eventlet.Timeout(60):
                while not results:
                    eventlet.sleep(0.005)
                    turns += 1
        finally:
            leader.resume()
            thread.join(60)
            bridge.close()
            etcd.wait_until_ready()
    assert results[0].tries > 1
    assert turns > 20  # an election takes a second at least
