"""A node of a cluster, as clients see it, and why it takes no orders when it does not.

Layer: api.node.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from api.json.errors import ApiError
from api.node.views import LogView, NodeLag, NodePosition, NodeView, PeerView, StoodDown, WriterView
from cluster.hosting import NodeHost
from cluster.housekeeping import Housekeeping
from cluster.known_nodes import KnownNodes
from cluster.node import STAND_DOWN_S, Node, Role
from cluster.peer_frames import NodeState
from cluster.probes import Heard, Probes
from openbell import __version__

STALE_S: Final = 3.0  # without a new record, with one each second, before what a node shows is called stale
HEARD_NOTHING_S: Final = 10.0  # and before it takes no orders
SILENT_S: Final = 2.0  # that the log may not answer before orders are refused

NOTHING_HEARD: Final = "this node hears nothing new of the venue"
NO_LOG: Final = "the log does not answer"
LOG_FULL: Final = "the log takes no more records"
HAS_STOPPED: Final = "this node has stopped: what it has differs from the log"


class ClusterNode:
    """A node of a cluster. For the event loop's thread, but what says that it is for any."""

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

    @property
    def _age_s(self) -> float:
        return time.monotonic() - self._node.current_at

    @property
    def stale(self) -> bool:
        """Whether what it shows may be seconds old."""
        return self._age_s > STALE_S

    def refusal(self) -> str | None:
        """Why this node takes no orders just now, in words; None where it does. O(nodes)."""
        node, journal, silent_since = self._node, self._host.journal, self._node.health.silent_since
        if node.role is Role.STOPPED:
            return HAS_STOPPED
        if silent_since is not None and time.monotonic() - silent_since > SILENT_S:
            return NO_LOG
        if journal is not None and journal.waiting_s > SILENT_S:
            return NO_LOG
        if node.role is Role.REFUSED or self._writer_is_refused():
            return LOG_FULL
        return NOTHING_HEARD if self._age_s > HEARD_NOTHING_S else None

    def _writer_is_refused(self) -> bool:
        owner = self._node.owner
        if owner is None:
            return False
        heard = self._heard().get(owner.owner.node)
        return heard is not None and heard.state.role == Role.REFUSED

    def _heard(self) -> dict[str, Heard]:
        return {heard.state.name: heard for heard in self._probes.heard()}

    def view(self) -> NodeView:
        """How it is. O(nodes)."""
        node, owner = self._node, self._node.owner
        state, known, heard = self._complete(node.state()), self._nodes.known, self._heard()
        silent_since, space = node.health.silent_since, self._housekeeping.space
        refusal = self._host.sequencer.refusal
        urls = {state.name: state.url} | {name: other.url for name, other in known.items()}
        n, seq = self._host.applied
        return NodeView(
            name=state.name,
            cluster=self._cluster,
            role=state.role,
            epoch=state.epoch,
            url=state.url,
            position=NodePosition(n, seq),
            lag=NodeLag(state.behind, round(self._age_s, 3)),
            stale=self.stale,
            accepting=refusal is None,
            reason=refusal,
            stands=state.why_not is None,
            why_not=state.why_not,
            log=LogView(
                silent_since is None,
                None if silent_since is None else round(time.monotonic() - silent_since, 3),
                None if space is None else space.level,
                None if space is None else round(space.share, 4),
            ),
            writer=None if owner is None else WriterView(owner.owner.node, urls.get(owner.owner.node)),
            peers=[self._peer(known[name], heard.get(name)) for name in sorted(known)],
            version=__version__,
        )

    def _peer(self, known: NodeState, heard: Heard | None) -> PeerView:
        answers = self._probes.answers(known.peer)
        if heard is None:
            return PeerView(known.name, known.url, known.role, answers, None, None, None)
        state = heard.state
        apart_s = round(heard.apart_ns / 1e9, 3)
        return PeerView(state.name, state.url, state.role, answers, state.n, state.seq, apart_s)

    def stand_down(self) -> StoodDown:
        """Be the writer no more, for `STAND_DOWN_S` seconds. Raises ApiError where no other node could take over."""
        if not any(heard.state.why_not is None for heard in self._probes.heard()):
            raise ApiError(409, "NO_OTHER_NODE", "No other node could take over now.")
        role = self._node.role
        self._node.stand_down()
        return StoodDown(self._node.state().name, role, STAND_DOWN_S)
