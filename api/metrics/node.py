"""The figures of a node of a cluster.

Layer: api.metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, get_args

from api.metrics.text import Family, Wide, histogram, labels_of
from api.nodes.views import NodeRole, NodeView
from loop.histogram import Histogram

ROLES: Final = get_args(NodeRole)


class NodeFamilies:
    """What monitoring sees of a node, besides what it sees of any server."""

    def __init__(self, view: Callable[[], NodeView], appends: Histogram) -> None:
        """`appends`: how long each append to the log took, while this node was the writer."""
        self._view = view
        self._appends = appends

    def families(self) -> Iterator[Family]:
        """Each of them. O(nodes)."""
        view = self._view()
        roles = [(f"openbell_node_role{labels_of(role=role)}", float(role == view.role)) for role in ROLES]
        yield Wide("openbell_node_role", "gauge", "1 for what the node does now", roles)
        yield _one("openbell_node_epoch", "Of the writer's ownership", view.epoch or 0)
        yield _one("openbell_node_stale", "1 while it has heard of no record for seconds", float(view.stale))
        if view.lag is not None:
            yield _one("openbell_node_lag_records", "Records of the log that it has yet to apply", view.lag)
        if view.cluster is not None:
            log, peers = view.cluster.log, view.cluster.peers
            yield _one("openbell_node_stands", "1 while it would take over", float(view.cluster.stands))
            yield _one(
                "openbell_node_peers_silent", "Other nodes that do not answer", sum(not p.answers for p in peers)
            )
            yield _one("openbell_log_answers", "1 while the log answers this node", float(log.answers))
            if log.space_share is not None:
                yield _one("openbell_log_space_share", "Of the log's quota that is used", log.space_share)
        yield histogram("openbell_log_append_seconds", "How long an append to the log took", self._appends.reading())


def _one(name: str, documentation: str, value: float) -> Wide:
    return Wide(name, "gauge", documentation, [(name, float(value))])
