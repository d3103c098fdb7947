"""Answers of the metrics calls.

Written by tools/setup/generate_client.py from the server's OpenAPI document: change that, not this.
Layer: openbell_client.
"""

from __future__ import annotations

import msgspec


class LiveView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /health/live."""

    status: str


class ReadyView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /health/ready."""

    status: str
