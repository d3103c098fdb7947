"""Whose pages may call this server besides its own: those that the settings name, and those of the other nodes.

An origin is what browsers write into `Origin`: scheme, name and port. The nodes are those of a cluster, which its
operator started; they come and go while the server runs.
Layer: api.http.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from urllib.parse import urlsplit


class Origins:
    """The origins whose pages are let in. For any thread."""

    def __init__(self, configured: Collection[str] = ()) -> None:
        """`configured`: those of `--cors-origins`, which get no cookies."""
        self._configured = frozenset(configured)
        self._nodes: frozenset[str] = frozenset()
        self._node_names: frozenset[str] = frozenset()

    @property
    def shared(self) -> bool:
        """Whether there is any besides our own."""
        return bool(self._configured or self._nodes)

    def set_nodes(self, urls: Iterable[str]) -> None:
        """Let the pages of these nodes in, and of no others; and answer to their names, this one's among them."""
        parts = [urlsplit(url) for url in urls]
        self._nodes = frozenset(f"{part.scheme}://{part.netloc}" for part in parts)
        self._node_names = frozenset(part.hostname for part in parts if part.hostname)

    def has(self, origin: str) -> bool:
        """Whether pages of `origin` may call us."""
        return origin in self._configured or origin in self._nodes

    def is_node(self, origin: str) -> bool:
        """Whether `origin` is a node's: its pages are ours, and may show our cookies."""
        return origin in self._nodes

    def is_name_of_node(self, name: str) -> bool:
        """Whether a node is called so, in small letters and without its port."""
        return name in self._node_names
