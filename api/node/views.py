"""The answers about a node.

Layer: api.node.
"""

from __future__ import annotations

import msgspec


class NodePosition(msgspec.Struct, frozen=True):
    """The newest record that a node has applied, and its last command."""

    record: int
    seq: int


class NodeLag(msgspec.Struct, frozen=True):
    """How far a node is behind."""

    records: int | None  # of those in the log; null: it does not know
    seconds: float  # since it knew last that it had all


class LogView(msgspec.Struct, frozen=True):
    """How the log answers this node."""

    answers: bool
    silent_s: float | None  # since when it does not; null where it does
    space: str | None  # normal, warn, cancels_only, full; null: not known
    space_share: float | None  # of the quota that is used


class PeerView(msgspec.Struct, frozen=True):
    """Another node, as this one knows it."""

    name: str
    url: str
    role: str
    answers: bool  # asked by this one
    record: int | None
    seq: int | None
    clock_apart_s: float | None  # of this node's clock ahead of that one's


class WriterView(msgspec.Struct, frozen=True):
    """The node that sequences."""

    name: str
    url: str | None


class NodeView(msgspec.Struct, frozen=True):
    """GET /node."""

    name: str
    cluster: str
    role: str  # follower, standing, writer, refused, stopped
    epoch: int  # of the writer's ownership
    url: str
    position: NodePosition
    lag: NodeLag
    stale: bool  # it has heard nothing new of the venue for seconds
    accepting: bool
    reason: str | None  # why it takes no orders
    stands: bool  # for writer, where there is none
    why_not: str | None
    log: LogView
    writer: WriterView | None
    peers: list[PeerView]
    version: str


class StoodDown(msgspec.Struct, frozen=True):
    """POST /admin/node/stand-down."""

    name: str
    role: str  # before
    for_s: float  # that it does not stand again
