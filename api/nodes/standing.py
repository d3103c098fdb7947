"""What a server says of itself as one of several: its name and role, how far it is, and where the others are.

Layer: api.nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

from engine.exchange import Exchange

NodeRole = Literal["writer", "follower", "door"]


class NodeAddress(msgspec.Struct, frozen=True, kw_only=True):
    """One node of the cluster, as pages and clients reach it."""

    name: str
    url: str  # its origin, without a slash at the end: https://b.example:5001
    role: NodeRole


class NodeView(msgspec.Struct, frozen=True, kw_only=True):
    """GET /node."""

    name: str | None  # null: a server by itself
    role: NodeRole
    epoch: int | None  # of the writer that it follows; null: a server by itself
    n: int  # the last record that it has applied
    seq: int  # the last command that it has applied
    lag: int | None  # records that it has yet to apply; null: not known
    stale: bool  # it has heard of no record for a while: what it shows may be old
    writer: str | None  # the node that orders; null: none is known, or a server by itself
    nodes: list[NodeAddress]  # all of them, this one too; none of a server by itself


class Standing(Protocol):
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


class SingleServer:
    """The standing of a server by itself."""

    name: None = None
    stale = False

    def __init__(self, exchange: Exchange, last_n: Callable[[], int]) -> None:
        """`last_n` gives the number of the newest durable record."""
        self._exchange = exchange
        self._last_n = last_n
        self.nodes: list[NodeAddress] = []

    def view(self) -> NodeView:
        """As `Standing`."""
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
        )
