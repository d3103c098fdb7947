"""A cluster as faults see it: members of the log and nodes, each a process that is killed, paused and started."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

import psutil

from tests.cluster.faults.venue import START_S, Node, Venue

T = TypeVar("T")


class LogMember(Protocol):
    """One member of the replicated log."""

    name: str

    @property
    def process(self) -> psutil.Process:
        """The process that runs now."""

    def launch(self) -> None:
        """Start its process, and return at once."""

    def kill(self) -> None:
        """`kill -9`."""

    def pause(self) -> None:
        """SIGSTOP."""

    def go_on(self) -> None:
        """SIGCONT."""


class Cluster(Venue):
    """Three nodes on three members of the log."""

    def __init__(self, nodes: list[Node], members: list[LogMember], leader: Callable[[], str | None]) -> None:
        """`leader` names the member that leads; None: none does."""
        super().__init__(nodes)
        self.members = members
        self._leader = leader

    def writer(self, within_s: float = START_S) -> Node:
        """The node that is the writer now; waits until there is one."""
        return _soon(lambda: next((node for node in self.nodes if self.role(node) == "writer"), None), within_s)

    def follower(self) -> Node:
        """A node that is not the writer."""
        writer = self.writer()
        return next(node for node in self.nodes if node is not writer)

    def leader(self, within_s: float = START_S) -> LogMember:
        """The member that leads the log now; waits until there is one."""
        name = _soon(self._leader, within_s)
        return next(member for member in self.members if member.name == name)

    def role(self, node: Node) -> str | None:
        """What a node says that it is; None where it does not answer."""
        said = None if node.paused else node.get("/node")
        return said["role"] if said else None

    def epoch(self) -> int:
        """The epoch of the writer."""
        said = self.writer().get("/node", 5.0)
        return said["epoch"] if said else 0


def _soon(find: Callable[[], T | None], within_s: float) -> T:
    deadline = time.monotonic() + within_s
    while (found := find()) is None:
        assert time.monotonic() < deadline, "there is none in time"
        time.sleep(0.02)
    return found
