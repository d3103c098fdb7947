"""What a server says of itself as one of several: its name and role, how far it is, and where the others are.

Layer: api.nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from api.json.errors import ApiError
from api.nodes.views import NodeAddress, NodeView, StoodDown
from engine.exchange import Exchange
from sequencer.port import Sequencing


class Membership(Protocol):
    """What a server knows of its place among others. For the event loop's thread; no method waits."""

    @property
    def name(self) -> str | None:
        """Of this node; None for a server by itself."""

    @property
    def stale(self) -> bool:
        """Whether what it shows may be old."""

    @property
    def nodes(self) -> list[NodeAddress]:
        """All nodes, this one too; none of a server by itself."""

    def view(self) -> NodeView:
        """All of it."""

    def stand_down(self) -> StoodDown:
        """Be the writer no more, for a while. Raises ApiError where nobody could take over."""


class SingleServer:
    """The membership of a server by itself."""

    name: None = None
    stale = False

    def __init__(self, exchange: Exchange, sequencer: Sequencing, last_n: Callable[[], int]) -> None:
        """`last_n` gives the number of the newest durable record."""
        self._exchange = exchange
        self._sequencer = sequencer
        self._last_n = last_n
        self.nodes: list[NodeAddress] = []

    def view(self) -> NodeView:
        """As `Membership`."""
        refusal = self._sequencer.refusal
        return NodeView(
            name=None,
            role="writer",
            epoch=None,
            n=self._last_n(),
            seq=self._exchange.seq,
            lag=0,
            stale=False,
            writer=None,
            nodes=[],
            accepting=refusal is None,
            reason=refusal,
            cluster=None,
        )

    def stand_down(self) -> StoodDown:
        """As `Membership`."""
        raise ApiError(409, "NO_CLUSTER", "This server is no node of a cluster: nobody could take over.")
