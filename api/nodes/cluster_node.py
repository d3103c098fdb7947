"""A node of a cluster, as clients see it, and why it takes no orders when it does not.

Layer: api.nodes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, cast

from api.json.errors import ApiError
from api.nodes.views import ClusterView, KnownRole, LogView, NodeAddress, NodeRole, NodeView, PeerView, StoodDown
from cluster.hosting import NodeHost
from cluster.housekeeping import Housekeeping
from cluster.known_nodes import KnownNodes
from cluster.node import STAND_DOWN_S, Node, Role
from cluster.peer_frames import NodeState
from cluster.probes import Heard, Probes
from cluster.space import SpaceLevel

STALE_S: Final = 3.0  # without a new record, with one each second, before what a node shows is called stale
HEARD_NOTHING_S: Final = 10.0  # and before it takes no orders
SILENT_S: Final = 2.0  # that the log may not answer before orders are refused

NOTHING_HEARD: Final = "this node hears nothing new of the venue"
NO_LOG: Final = "the log does not answer"
LOG_FULL: Final = "the log takes no more records"
HAS_STOPPED: Final = "this node has stopped: what it has differs from the log"


class ClusterNode:
    """The `Membership` of a node. For the event loop's thread."""

    def __init__(
        self,
        cluster: str,
        node: Node,
        host: NodeHost,
        nodes: KnownNodes,
        probes: Probes,
        housekeeping: Housekeeping,
        complete: Callable[[NodeState], NodeState],
    ) -> None:
        """`complete` adds to a state what the process says."""
        self._cluster, self._node, self._host, self._nodes = cluster, node, host, nodes
        self._probes, self._housekeeping, self._complete = probes, housekeeping, complete
        self.name = node.state().name

    @property
    def _age_s(self) -> float:
        return time.monotonic() - self._node.current_at

    @property
    def stale(self) -> bool:
        """As `Membership`."""
        return self._age_s > STALE_S

    def refusal(self) -> str | None:
        """Why this node takes no orders just now, in words; None where it does. O(nodes)."""
        node, journal, silent_since = self._node, self._host.journal, self._node.health.silent_since
        if node.role is Role.STOPPED:
            return HAS_STOPPED
        space = self._housekeeping.space
        if node.owner is None and space is not None and space.level is SpaceLevel.FULL:
            return LOG_FULL  # so nobody can claim it
        if silent_since is not None and time.monotonic() - silent_since > SILENT_S:
            return NO_LOG
        if journal is not None and journal.waiting_s > SILENT_S:
            return NO_LOG
        if node.role is Role.REFUSED or self._writer_is_refused():
            return LOG_FULL
        return NOTHING_HEARD if self._age_s > HEARD_NOTHING_S else None

    def _writer_is_refused(self) -> bool:
        owner = self._node.owner
        heard = None if owner is None else self._heard().get(owner.owner.node)
        return heard is not None and heard.state.role == Role.REFUSED

    def _heard(self) -> dict[str, Heard]:
        return {heard.state.name: heard for heard in self._probes.heard()}

    @property
    def nodes(self) -> list[NodeAddress]:
        """As `Membership`."""
        return self._addresses(self._complete(self._node.state()), self._heard())

    def _addresses(self, state: NodeState, heard: dict[str, Heard]) -> list[NodeAddress]:
        known = self._nodes.known
        states = {state.name: state} | {name: heard[name].state if name in heard else known[name] for name in known}
        urls = self._nodes.urls | {name: each.url for name, each in states.items()}
        return [
            NodeAddress(
                name=name,
                url=urls[name],
                role=cast("KnownRole", str(states[name].role) if name in states else "away"),
            )
            for name in sorted(urls)
        ]

    def view(self) -> NodeView:
        """As `Membership`."""
        owner, heard = self._node.owner, self._heard()
        state = self._complete(self._node.state())
        refusal = self._host.sequencer.refusal
        return NodeView(
            name=state.name,
            role=cast("NodeRole", str(state.role)),
            epoch=state.epoch,
            n=state.n,
            seq=state.seq,
            lag=state.behind,
            stale=self.stale,
            writer=None if owner is None else owner.writer,
            nodes=self._addresses(state, heard),
            accepting=refusal is None,
            reason=refusal,
            cluster=ClusterView(
                name=self._cluster,
                age_s=round(self._age_s, 3),
                stands=state.why_not is None,
                why_not=state.why_not,
                log=self._log(),
                peers=[self._peer(known, heard.get(known.name)) for known in self._nodes.known.values()],
            ),
        )

    def _log(self) -> LogView:
        silent_since, space = self._node.health.silent_since, self._housekeeping.space
        return LogView(
            answers=silent_since is None,
            silent_s=None if silent_since is None else round(time.monotonic() - silent_since, 3),
            space=None if space is None else space.level,
            space_share=None if space is None else round(space.share, 4),
        )

    def _peer(self, known: NodeState, heard: Heard | None) -> PeerView:
        return PeerView(
            name=known.name,
            answers=self._probes.answers(known.peer),
            n=None if heard is None else heard.state.n,
            clock_apart_s=None if heard is None else round(heard.apart_ns / 1e9, 3),
        )

    def stand_down(self) -> StoodDown:
        """As `Membership`."""
        if not any(heard.state.why_not is None for heard in self._probes.heard()):
            raise ApiError(409, "NO_OTHER_NODE", "No other node could take over now.")
        role = cast("NodeRole", str(self._node.role))
        self._node.stand_down()
        return StoodDown(name=self.name, role=role, for_s=STAND_DOWN_S)
