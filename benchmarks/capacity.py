"""What one writer could feed on a machine with more cores: reckoned from processor time per order, never measured."""

from __future__ import annotations

import math
from typing import NamedTuple

BUSY_SHARE = 0.85  # of a core that one process can use before its latency grows without bound


class Costs(NamedTuple):
    """Processor time of one order, in microseconds, by who spends it."""

    writer: float  # the process that sequences, one interpreter: it cannot use more than a core
    door: float  # all front doors together, each in a process of its own
    behind: float  # whatever else an order costs on that machine: history, snapshots, the replicated log


class Capacity(NamedTuple):
    """What is reckoned for a machine."""

    cores: int
    orders_per_s: float
    doors: int
    limit: str  # what is used up first


def capacity(costs: Costs, cores: int) -> Capacity:
    """Orders a second on so many cores, the load generator elsewhere: the writer's core or all cores, the less."""
    by_writer = BUSY_SHARE * 1e6 / costs.writer
    by_cores = BUSY_SHARE * cores * 1e6 / sum(costs)
    rate = min(by_writer, by_cores)
    doors = max(1, math.ceil(rate * costs.door / 1e6 / BUSY_SHARE))
    return Capacity(cores, rate, doors, "the writer" if by_writer <= by_cores else "all cores")
