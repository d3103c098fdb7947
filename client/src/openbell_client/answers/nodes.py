"""Answers of the nodes calls.

Written by tools/setup/generate_client.py from the server's OpenAPI document: change that, not this.
Layer: openbell_client.
"""

from __future__ import annotations

import msgspec


class ClusterView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a node knows of its cluster."""

    name: str
    age_s: float
    stands: bool
    why_not: str | None
    log: LogView
    peers: list[PeerView]


class LogView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the log of the cluster answers this node."""

    answers: bool
    silent_s: float | None
    space: str | None
    space_share: float | None


class NodeAddress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One node of the cluster, as pages and clients reach it."""

    name: str
    url: str
    role: str


class NodeView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /node."""

    name: str | None
    role: str
    epoch: int | None
    n: int
    seq: int
    lag: int | None
    stale: bool
    writer: str | None
    nodes: list[NodeAddress]
    accepting: bool
    reason: str | None
    cluster: ClusterView | None


class PeerView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Another node, as this one sees it."""

    name: str
    answers: bool
    n: int | None
    clock_apart_s: float | None


class StoodDown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /admin/node/stand-down."""

    name: str
    role: str
    for_s: float
