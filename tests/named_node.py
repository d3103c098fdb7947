"""A server that says it is a node among others: `python -m tests.named_node NAME=URL,NAME=URL OWN_NAME ...`.

Its market and its journal are its own, as a server's by itself: so what pages and clients do when a node goes is tried
without a cluster. It says that it is stale while there is a file `stale` in its data folder.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from pathlib import Path

from api.lean_imports import import_lean

import_lean()

import msgspec  # noqa: E402  # behind what must be imported first

from api import bootstrap  # noqa: E402
from api.app import main  # noqa: E402
from api.http.origins import Origins  # noqa: E402
from api.nodes.membership import SingleServer  # noqa: E402
from api.nodes.views import NodeAddress, NodeView  # noqa: E402
from engine.exchange import Exchange  # noqa: E402
from sequencer.port import Sequencing  # noqa: E402

Single = SingleServer


class NamedNode(Single):
    """The membership of a node with a name and others; the first of them is the writer, so it says."""

    def __init__(self, name: str, nodes: list[NodeAddress], stale: Path, single: SingleServer) -> None:
        super().__init__(single._exchange, single._sequencer, single._last_n)
        self.name = name  # type: ignore[assignment]
        self.nodes = nodes
        self._stale = stale

    @property
    def stale(self) -> bool:  # type: ignore[override]
        """Whether the file says so."""
        return self._stale.exists()

    def view(self) -> NodeView:
        """As a node's."""
        own = next(node for node in self.nodes if node.name == self.name)
        return msgspec.structs.replace(
            super().view(),
            name=own.name,
            role=own.role,
            epoch=7,
            writer=self.nodes[0].name,
            nodes=self.nodes,
            stale=self.stale,
        )


def serve(listed: str, name: str, arguments: list[str]) -> None:
    """Be the node `name` of those in `listed`."""
    urls = dict(one.split("=", 1) for one in listed.split(","))
    first = next(iter(urls))
    nodes = [
        NodeAddress(name=other, url=url, role="writer" if other == first else "follower") for other, url in urls.items()
    ]
    stale = Path(arguments[arguments.index("--data") + 1]) / "stale"

    def membership(exchange: Exchange, sequencer: Sequencing, last_n: Callable[[], int]) -> NamedNode:
        return NamedNode(name, nodes, stale, Single(exchange, sequencer, last_n))

    def origins(configured: Collection[str]) -> Origins:
        made = Origins(configured)
        made.set_nodes(urls.values())
        return made

    vars(bootstrap).update(SingleServer=membership, Origins=origins)
    sys.argv = ["api/app.py", *arguments]
    main()


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], sys.argv[3:])
