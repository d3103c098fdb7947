"""A cluster as faults see it: members of the log and nodes, each a process that is killed, paused and started."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from tests.cluster.faults.venue import START_S, Node, Venue
from tests.etcd import EtcdCluster, EtcdMember

T = TypeVar("T")


class Cluster(Venue):
    """Nodes on a replicated log, which is running already."""

    def __init__(self, nodes: list[Node], log: EtcdCluster) -> None:
        super().__init__(nodes)
        self.log = log

    def writer(self, within_s: float = START_S) -> Node:
        """The node that is the writer now; waits until there is one."""
        return _soon(lambda: next((node for node in self.nodes if self.role(node) == "writer"), None), within_s)

    def follower(self) -> Node:
        """A node that is not the writer."""
        writer = self.writer()
        return next(node for node in self.nodes if node is not writer)

    def leader(self) -> EtcdMember:
        """The member that leads the log now; waits until there is one."""
        return self.log.leader()

    def role(self, node: Node) -> str | None:
        """What a node says that it is; None where it does not answer."""
        said = None if node.paused else node.get("/node")
        return said["role"] if said else None


def _soon(find: Callable[[], T | None], within_s: float) -> T:
    deadline = time.monotonic() + within_s
    while (found := find()) is None:
        assert time.monotonic() < deadline, "there is none in time"
        time.sleep(0.02)
    return found
