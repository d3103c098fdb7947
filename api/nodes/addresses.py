"""The nodes as a page is given them: their origins, and which of those its browser may connect to.

Layer: api.nodes.
"""

from __future__ import annotations

from collections.abc import Iterable

from api.nodes.views import NodeAddress
from api.settings import is_origin


def connectable(nodes: Iterable[NodeAddress]) -> tuple[tuple[str, str], ...]:
    """Name and origin of each node whose url is an origin and nothing else: what goes into a page's policy."""
    return tuple((node.name, node.url) for node in nodes if is_origin(node.url))


def sources(origin: str) -> str:
    """A node's origin as a policy names it, for requests and for WebSockets."""
    return f"{origin} {origin.replace('http', 'ws', 1)}"
