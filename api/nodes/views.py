"""The answers about a node.

Layer: api.nodes.
"""

from __future__ import annotations

from typing import Literal

import msgspec

# claiming: it has claimed the log and is not open yet; refused: it is the writer, and the log takes nothing
NodeRole = Literal["writer", "follower", "claiming", "refused", "stopped"]
KnownRole = Literal[NodeRole, "away"]  # away: it has not been heard of for a while, and was not removed


class NodeAddress(msgspec.Struct, frozen=True, kw_only=True):
    """One node of the cluster, as pages and clients reach it."""

    name: str
    url: str  # its origin, without a slash at the end: https://b.example:5001
    role: KnownRole


class LogView(msgspec.Struct, frozen=True, kw_only=True):
    """How the log of the cluster answers this node."""

    answers: bool
    silent_s: float | None  # since when it does not; null where it does
    space: str | None  # normal, warn, cancels_only or full; null: not known
    space_share: float | None  # of its quota that is used


class PeerView(msgspec.Struct, frozen=True, kw_only=True):
    """Another node, as this one sees it."""

    name: str
    answers: bool
    n: int | None  # the last record that it has applied; null: not known
    clock_apart_s: float | None  # of this node's clock ahead of its


class ClusterView(msgspec.Struct, frozen=True, kw_only=True):
    """What a node knows of its cluster."""

    name: str
    age_s: float  # since it knew last that it had all records
    stands: bool  # for writer, where there is none
    why_not: str | None
    log: LogView
    peers: list[PeerView]


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
    accepting: bool  # whether it takes orders
    reason: str | None  # why it does not
    cluster: ClusterView | None  # null: a server by itself


class StoodDown(msgspec.Struct, frozen=True, kw_only=True):
    """POST /admin/node/stand-down."""

    name: str
    role: NodeRole  # before
    for_s: float  # that it does not stand again
