"""Answers of the nodes calls.

Written by tools/setup/generate_client.py from the server's OpenAPI document: change that, not this.
Layer: openbell_client.
"""

from __future__ import annotations

import msgspec


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
