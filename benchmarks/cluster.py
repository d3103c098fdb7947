"""What more processes and more nodes give: one process, two front doors before one writer, a cluster of three.

    python -m benchmarks.cluster [--rounds 3] [--seconds 5] [--only single --only doors --only cluster]

All arms run by turns in one run, on the cores of this machine, which the load generator, three members of etcd and
PostgreSQL share. Each is loaded by closed loops on 64 connections in all, with the same random orders; those of the
cluster go to its nodes in equal parts. Processor time is of all threads of each process until the history is written,
less what the same processes take when nobody asks, by who spends it. What one writer could feed on a machine with 16
cores is computed from it, and says so: nothing here has so many.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from benchmarks.arguments import positive_int
from benchmarks.capacity import BUSY_SHARE, Costs, capacity
from benchmarks.generators import Load, closed_loop, generator
from benchmarks.machine import describe
from benchmarks.orders import orders
from benchmarks.ratios import cell, median
from tests.cluster.faults.clustered import Cluster, Setting, cluster
from tests.cluster.faults.load import Connection
from tests.cluster.faults.venue import Node, single

CONNECTIONS = 64
DOORS = 2
CORES = 16
IDLE_S = 3.0
WRITTEN_S = 120.0  # for the history, behind the answers
WARM_UP_S = 2
ROLES = ("writer", "door", "historian", "log")

Cpu = dict[str, float]  # role -> seconds of processor time


class Arm(NamedTuple):
    """One way to run a venue, running."""

    ports: list[int]
    nodes: list[Node]
    processes: Callable[[], dict[str, list[psutil.Process]]]  # by role


class Turn(NamedTuple):
    """One arm's turn in a round."""

    load: Load
    cost_us: Cpu  # role -> of one order


def turn(arm: Arm, seconds: int) -> Turn:
    """Load it, and count until nothing is left to do."""
    began, before, idle = time.monotonic(), *_idle(arm)
    load = spread(arm.ports, seconds)
    _written(arm)
    took, after = time.monotonic() - began - IDLE_S, _cpu(arm)
    cost = {role: (after[role] - before[role] - idle[role] * took) * 1e6 / load.asked for role in after}
    return Turn(load, cost)


def spread(ports: list[int], seconds: int) -> Load:
    """Closed loops on several ports at once: the rates add up, p50 is their mean by answers, p99 the worst port's."""
    loads: list[Load] = []

    def one(port: int) -> None:
        loads.append(closed_loop(port, orders(), CONNECTIONS // len(ports), seconds))

    threads = [threading.Thread(target=one, args=(port,)) for port in ports]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == len(ports), "a generator failed"
    return joined(loads)


def joined(loads: list[Load]) -> Load:
    """What several generators found at the same time."""
    counted = sum(load.counted for load in loads)
    return Load(
        counted,
        sum(load.asked for load in loads),
        max(load.seconds for load in loads),
        sum(load.p50 * load.counted for load in loads) / counted,
        max(load.p99 for load in loads),
        max(load.p999 for load in loads),
    )


def _idle(arm: Arm) -> tuple[Cpu, Cpu]:
    """Processor time so far, and what each role takes in a second when nobody asks."""
    before = _cpu(arm)
    time.sleep(IDLE_S)
    after = _cpu(arm)
    return after, {role: (after[role] - before[role]) / IDLE_S for role in after}


def _cpu(arm: Arm) -> Cpu:
    spent: Cpu = dict.fromkeys(ROLES, 0.0)
    for role, processes in arm.processes().items():
        for process in processes:
            times = process.cpu_times()
            spent[role] += times.user + times.system
    return spent


def _written(arm: Arm) -> None:
    """Wait until every history has what was answered."""
    deadline = time.monotonic() + WRITTEN_S
    while any((_health(node) or {"history": {"lag": 1}})["history"]["lag"] for node in arm.nodes):
        assert time.monotonic() < deadline, "a history is not written"
        time.sleep(0.1)


def _health(node: Node) -> Any:
    connection = Connection(node.url, 10.0)
    try:
        return connection.call("GET", "/health")[1]
    finally:
        connection.close()


# -- the arms


@contextmanager
def one_process(folder: Path) -> Iterator[Arm]:
    """Writer and front door in one."""
    with single(folder, watched=False) as venue:
        node = venue.nodes[0]
        yield Arm([node.port], [node], lambda: _roles(node, "writer"))


@contextmanager
def front_doors(folder: Path) -> Iterator[Arm]:
    """Front doors before the writer, on one port."""
    with single(folder, "--front-doors", str(DOORS), watched=False) as venue:
        node = venue.nodes[0]
        yield Arm([node.port], [node], lambda: _roles(node, "writer"))


@contextmanager
def three_nodes(folder: Path) -> Iterator[Arm]:
    """A cluster on loopback; every node is asked."""
    with cluster(folder, Setting(watched=False)) as venue:
        writer = venue.writer()
        yield Arm([node.port for node in venue.nodes], venue.nodes, lambda: _of_cluster(venue, writer))


def _of_cluster(venue: Cluster, writer: Node) -> dict[str, list[psutil.Process]]:
    found: dict[str, list[psutil.Process]] = defaultdict(list)
    for node in venue.nodes:
        for role, processes in _roles(node, "writer" if node is writer else "door").items():
            found[role] += processes
    found["log"] = [psutil.Process(member.pid) for member in venue.log.members]
    return found


def _roles(node: Node, own: str) -> dict[str, list[psutil.Process]]:
    """The processes of one server by what they do."""
    found: dict[str, list[psutil.Process]] = {role: [] for role in ROLES}
    found[own].append(node.server.process)
    for child in node.server.process.children(recursive=True):
        words = " ".join(child.cmdline())
        found["historian" if "historian" in words else "door"].append(child)
    return found


ARMS = {"single": one_process, "doors": front_doors, "cluster": three_nodes}
NAMES = {"single": "one process", "doors": f"{DOORS} front doors", "cluster": "cluster of three"}


def report(turns: dict[str, list[Turn]]) -> str:
    """The table, and what is computed from it."""
    lines = [
        "| | orders a second | p50, ms | p99, ms | of an order, us: writer | front doors | history | log |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, each in turns.items():
        cells = [cell([t.load.rate for t in each]), cell([t.load.p50 for t in each]), cell([t.load.p99 for t in each])]
        cells += [cell([t.cost_us[role] for t in each]) if _cost(each, role) > 0.5 else "" for role in ROLES]
        lines.append(f"| {NAMES[name]} | {' | '.join(cells)} |")
    for name in ("doors", "cluster"):
        if name in turns:
            lines += ["", computed(name, turns[name])]
    return "\n".join(lines)


def _cost(turns: list[Turn], role: str) -> float:
    return median([each.cost_us[role] for each in turns])


def computed(name: str, turns: list[Turn]) -> str:
    """A sentence about a machine that is not here."""
    behind = _cost(turns, "historian") + _cost(turns, "log")
    found = capacity(Costs(_cost(turns, "writer"), _cost(turns, "door"), behind), CORES)
    return (
        f"Computed, not measured, from {NAMES[name]}: on {CORES} cores like these, {BUSY_SHARE:.0%} of each used, one "
        f"writer feeds {found.orders_per_s:,.0f} orders a second through {found.doors} front doors; {found.limit} is "
        "what is used up first."
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=positive_int, default=3, help="turns of each arm (default %(default)s)")
    parser.add_argument("--seconds", type=positive_int, default=5, help="of each turn (default %(default)s)")
    parser.add_argument("--only", action="append", choices=ARMS, help="only these")
    arguments = parser.parse_args()
    print(f"{describe()}. {generator()}\n", flush=True)
    turns: dict[str, list[Turn]] = {name: [] for name in arguments.only or ARMS}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        arms = {name: stack.enter_context(ARMS[name](Path(folder) / name)) for name in turns}
        for arm in arms.values():
            spread(arm.ports, WARM_UP_S)
            _written(arm)
        for _ in range(arguments.rounds):
            for name, arm in arms.items():
                turns[name].append(turn(arm, arguments.seconds))
                print(f"{NAMES[name]}: {turns[name][-1].load.rate:,.0f} a second", flush=True)
    print(f"\n{report(turns)}")


if __name__ == "__main__":
    main()
