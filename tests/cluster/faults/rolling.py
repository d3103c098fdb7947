"""Every node restarted in turn, as an operator updates a cluster, while clients go on."""

from __future__ import annotations

import time

from tests.cluster.faults.clustered import Cluster

BETWEEN_S = 0.3


def rolling_restart(venue: Cluster) -> None:
    """Each node once, the writer last; the next when the one before takes orders again."""
    writer = venue.writer()
    for node in [*(node for node in venue.nodes if node is not writer), writer]:
        node.restart()
        venue.accepting()
        time.sleep(BETWEEN_S)
