"""The faults of a cluster on one machine, each with the bound that the design gives it.

Each does its fault, heals it, and returns the moment from which clients count; None: its beginning.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from math import inf
from pathlib import Path
from typing import NamedTuple

import psutil

from tests.cluster.faults import log_faults
from tests.cluster.faults.campaign import Fault, Run, campaign
from tests.cluster.faults.clustered import Cluster, Setting, cluster
from tests.cluster.faults.load import Load
from tests.cluster.faults.network import can_isolate
from tests.cluster.faults.venue import Node
from tests.etcd import EtcdMember
from tests.faults.clocks import LIBRARIES
from tests.faults.tracing import can_trace, injected

DEAD_S = 1.0  # for which what was killed stays dead
PAUSE_S = 5.0  # more than a lease
LEADER_PAUSE_S = 3.0  # more than an election
SLOW_S = 5.0
SLOW_FLUSH_US = 200_000
GONE_S = 1.5  # for which the whole log is away
CUT_S = 4.0  # at least; until another node writes
WRONG_S = 2.0  # for which a clock is wrong
SMALL_QUOTA = 48 * 2**20
TAKEN_OVER_S = 60.0  # within which another node writes, on a busy machine


class LoadOf(NamedTuple):
    """How many traders, and what each waits between an answer and its next request, about."""

    traders: int
    pace_s: float
    within_s: float = inf  # in which the last fault begins


class Row(NamedTuple):
    """A fault, and the cluster that it needs."""

    name: str
    bound_s: float | None
    strike: Callable[[Cluster], float | None]
    setting: Setting = Setting()
    absent: Callable[[], str | None] = lambda: None  # why it cannot be done here


def run(
    rows: Sequence[Row], folder: Path, times: int, load: LoadOf, said: Callable[[str], object] = lambda _: None
) -> Run:
    """Each in turn so many times, on one cluster, for they need the same. Raises AssertionError where it stays away."""
    with cluster(folder, rows[0].setting) as venue:
        faults = [Fault(row.name, row.bound_s, partial(row.strike, venue)) for _ in range(times) for row in rows]
        return campaign(
            venue, faults, Load(venue.doors, load.traders, load.pace_s), folder / "scratch", said, load.within_s
        )


def kill_writer(venue: Cluster) -> None:
    """`kill -9` of the writer; it is started again a second later."""
    writer = venue.writer()
    writer.kill()
    time.sleep(DEAD_S)
    writer.launch()


def kill_follower(venue: Cluster) -> None:
    """`kill -9` of a node that is not the writer."""
    node = venue.follower()
    node.kill()
    time.sleep(DEAD_S)
    node.launch()


def kill_nodes(venue: Cluster) -> float:
    """`kill -9` of every node; clients count from when all are started again."""
    for node in venue.nodes:
        node.kill()
    for node in venue.nodes:
        node.launch()
    return time.monotonic()


def pause_writer(venue: Cluster, seconds: float = PAUSE_S) -> None:
    """SIGSTOP of the writer; it wakes up when another has taken over."""
    writer = venue.writer()
    with _paused(writer):
        _taken_over(venue, writer, seconds)


def kill_leader(venue: Cluster) -> None:
    """`kill -9` of the log's leader."""
    leader = venue.leader()
    leader.kill()
    time.sleep(DEAD_S)
    leader.start()


def pause_leader(venue: Cluster, seconds: float = LEADER_PAUSE_S) -> None:
    """SIGSTOP of the log's leader."""
    with _paused(venue.leader()):
        time.sleep(seconds)


def kill_writer_and_leader(venue: Cluster) -> None:
    """Both at once."""
    writer, leader = venue.writer(), venue.leader()
    leader.kill()
    writer.kill()
    time.sleep(DEAD_S)
    leader.start()
    writer.launch()


def kill_log(venue: Cluster) -> float:
    """Every member of the log, started again a little later: clients count from when it leads again."""
    for member in venue.log.members:
        member.kill()
    time.sleep(GONE_S)
    venue.log.start()
    return time.monotonic()


def slow_leader(venue: Cluster, seconds: float = SLOW_S) -> None:
    """Every flush of the log's leader takes 200 ms longer."""
    with injected(psutil.Process(venue.leader().pid), f"fdatasync:delay_exit={SLOW_FLUSH_US}"):
        time.sleep(seconds)


def cut_writer(venue: Cluster, seconds: float = CUT_S) -> None:
    """The writer's host reaches no other, nor they it; clients reach all."""
    writer = venue.writer()
    venue.hosts.isolate(writer.name)
    _healed_when_taken_over(venue, writer, seconds)


def unplug_writer(venue: Cluster) -> None:
    """The writer's host reaches nobody, nor anybody it."""
    writer = venue.writer()
    venue.hosts.unplug(writer.name)
    try:
        _taken_over(venue, writer, CUT_S)
    finally:
        venue.hosts.plug(writer.name)


def mute_writer(venue: Cluster, seconds: float = CUT_S) -> None:
    """Nothing that the writer's host sends comes to another; what they send comes there."""
    writer = venue.writer()
    for node in venue.nodes:
        if node is not writer:
            venue.hosts.lose(writer.name, node.name)
    _healed_when_taken_over(venue, writer, seconds)


def deafen_writer(venue: Cluster) -> None:
    """Nothing that other hosts send comes to the writer's; what it sends comes there."""
    writer = venue.writer()
    for node in venue.nodes:
        if node is not writer:
            venue.hosts.lose(node.name, writer.name)
    _healed_when_taken_over(venue, writer, CUT_S)


def split_all(venue: Cluster) -> float:
    """No host reaches another; clients count from when it is healed."""
    venue.hosts.split(*([node.name] for node in venue.nodes))
    return _healed_after(venue, CUT_S)


def wrong_clock(venue: Cluster, offset: str) -> None:
    """The writer's clock is an hour off for a while."""
    clock = venue.clocks[venue.writer().name]
    clock.set(offset)
    try:
        time.sleep(WRONG_S)
    finally:
        clock.set("+0")


def wrong_clock_does_not_stand(venue: Cluster) -> None:
    """A follower's clock is an hour ahead while the writer is killed: the other one takes over."""
    writer, wrong = venue.writer(), venue.follower()
    clock = venue.clocks[wrong.name]
    clock.set("+1h")
    try:
        time.sleep(WRONG_S)
        writer.kill()
        now = venue.writer()
        assert now is not wrong, f"{wrong.name} became the writer with a wrong clock"
        writer.launch()
    finally:
        clock.set("+0")


def _healed_after(venue: Cluster, seconds: float) -> float:
    try:
        time.sleep(seconds)
    finally:
        venue.hosts.heal()
    return time.monotonic()


def _healed_when_taken_over(venue: Cluster, writer: Node, seconds: float) -> None:
    try:
        _taken_over(venue, writer, seconds)
    finally:
        venue.hosts.heal()


def _taken_over(venue: Cluster, writer: Node, seconds: float) -> None:
    """Wait so long, and on until another node than this one writes, which takes longer on a busy machine."""
    until = time.monotonic() + TAKEN_OVER_S
    time.sleep(seconds)
    others = [node for node in venue.nodes if node is not writer]
    while not any(venue.role(node) == "writer" for node in others):
        assert time.monotonic() < until, f"nobody takes over from {writer.name}"
        time.sleep(0.05)


@contextmanager
def _paused(process: Node | EtcdMember) -> Iterator[None]:
    process.pause()
    try:
        yield
    finally:
        process.resume()


def _no_hosts() -> str | None:
    return None if can_isolate() else "no network namespaces can be made here"


def _no_tracing() -> str | None:
    return None if can_trace() else "no process can be traced here"


def _no_clocks() -> str | None:
    return None if LIBRARIES else "libfaketime is not installed"


_HOSTS = Setting(on_hosts=True)
_CLOCKS = Setting(with_clocks=True)
ROWS = {
    "kill-writer": Row("kill -9 of the writer", 0.5, kill_writer),
    "kill-follower": Row("kill -9 of a follower", 0.5, kill_follower),
    "kill-nodes": Row("kill -9 of all nodes, counted from when they are started", None, kill_nodes),
    "pause-writer": Row(f"the writer stands still for {PAUSE_S:.0f} s", 3, pause_writer),
    "kill-leader": Row("kill -9 of the log's leader", 3, kill_leader),
    "pause-leader": Row(f"the log's leader stands still for {LEADER_PAUSE_S:.0f} s", 3, pause_leader),
    "kill-both": Row("kill -9 of the writer and the log's leader", 4, kill_writer_and_leader),
    "kill-log": Row("kill -9 of all members of the log, counted from when they are back", 4, kill_log),
    "cut-writer": Row("the writer's host is cut off from the others", 5, cut_writer, _HOSTS, _no_hosts),
    "unplug-writer": Row("the writer's host is cut off from everybody", 5, unplug_writer, _HOSTS, _no_hosts),
    "mute-writer": Row("what the writer's host sends is lost", 5, mute_writer, _HOSTS, _no_hosts),
    "deafen-writer": Row("what is sent to the writer's host is lost", 5, deafen_writer, _HOSTS, _no_hosts),
    "split": Row("no host reaches another, counted from when it is healed", 4, split_all, _HOSTS, _no_hosts),
    "slow-leader": Row("the log's leader flushes 200 ms slower", 10, slow_leader, Setting(), _no_tracing),
    "full": Row(
        "the log is out of space, counted from when there is some",
        None,
        log_faults.out_of_space,
        Setting(log_flags=("--quota-backend-bytes", str(SMALL_QUOTA))),
    ),
    "clock-forward": Row(
        "the writer's clock goes an hour forward", None, lambda venue: wrong_clock(venue, "+1h"), _CLOCKS, _no_clocks
    ),
    "clock-back": Row(
        "the writer's clock goes an hour back", None, lambda venue: wrong_clock(venue, "-1h"), _CLOCKS, _no_clocks
    ),
    "clock-stands": Row(
        "kill -9 of the writer while a follower's clock is an hour ahead",
        None,
        wrong_clock_does_not_stand,
        _CLOCKS,
        _no_clocks,
    ),
    "old-backup": Row(
        "the log is restored from an older backup, counted from when the newer is back", None, log_faults.old_backup
    ),
}
