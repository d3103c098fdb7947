"""The faults of a cluster on one machine, each with the bound that the design gives it.

Every function does its fault, heals it, and returns the moment from which clients count, None for its beginning.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from tests.cluster.faults.campaign import Fault
from tests.cluster.faults.clustered import Cluster
from tests.cluster.faults.venue import Node
from tests.etcd import EtcdMember
from tests.faults.tracing import injected

DEAD_S = 1.0  # for which what was killed stays dead
PAUSE_S = 10.0
LEADER_PAUSE_S = 4.0
SLOW_S = 12.0
SLOW_FLUSH_US = 200_000
GONE_S = 3.0  # for which the whole log is away


def kill_writer(cluster: Cluster) -> None:
    """`kill -9` of the writer; it is started again a second later."""
    writer = cluster.writer()
    writer.kill()
    time.sleep(DEAD_S)
    writer.launch()


def kill_follower(cluster: Cluster) -> None:
    """`kill -9` of a node that is not the writer."""
    node = cluster.follower()
    node.kill()
    time.sleep(DEAD_S)
    node.launch()


def pause_writer(cluster: Cluster, seconds: float = PAUSE_S) -> None:
    """SIGSTOP of the writer; it wakes up when another has taken over."""
    with _paused(cluster.writer()):
        time.sleep(seconds)


def kill_leader(cluster: Cluster) -> None:
    """`kill -9` of the log's leader."""
    leader = cluster.leader()
    leader.kill()
    time.sleep(DEAD_S)
    leader.start()


def pause_leader(cluster: Cluster, seconds: float = LEADER_PAUSE_S) -> None:
    """SIGSTOP of the log's leader."""
    with _paused(cluster.leader()):
        time.sleep(seconds)


def kill_writer_and_leader(cluster: Cluster) -> None:
    """Both at once."""
    writer, leader = cluster.writer(), cluster.leader()
    leader.kill()
    writer.kill()
    time.sleep(DEAD_S)
    leader.start()
    writer.launch()


def kill_all_members(cluster: Cluster) -> float:
    """Every member of the log, started again a little later: clients count from then."""
    for member in cluster.log.members:
        member.kill()
    time.sleep(GONE_S)
    cluster.log.start()
    return time.monotonic()


def slow_leader(cluster: Cluster, seconds: float = SLOW_S) -> None:
    """Every flush of the log's leader takes 200 ms longer."""
    with injected(psutil.Process(cluster.leader().pid), f"fdatasync:delay_exit={SLOW_FLUSH_US}"):
        time.sleep(seconds)


def faults(cluster: Cluster) -> list[Fault]:
    """All of them, on this cluster."""
    return [
        Fault("kill -9 of the writer", 0.5, lambda: kill_writer(cluster)),
        Fault("kill -9 of a follower", 0.5, lambda: kill_follower(cluster)),
        Fault(f"the writer paused for {PAUSE_S:.0f} s", 3.0, lambda: pause_writer(cluster)),
        Fault("kill -9 of the log's leader", 3.0, lambda: kill_leader(cluster)),
        Fault(f"the log's leader paused for {LEADER_PAUSE_S:.0f} s", 3.0, lambda: pause_leader(cluster)),
        Fault("kill -9 of the writer and the log's leader", 4.0, lambda: kill_writer_and_leader(cluster)),
        Fault("all members of the log killed and started, counted from then", 4.0, lambda: kill_all_members(cluster)),
        Fault("the log's leader flushes 200 ms slower", 10.0, lambda: slow_leader(cluster)),
    ]


@contextmanager
def _paused(process: Node | EtcdMember) -> Iterator[None]:
    process.pause()
    try:
        yield
    finally:
        process.resume()
