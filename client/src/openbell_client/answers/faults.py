"""Answers of the faults calls.

Written by tools/setup/generate_client.py from the server's OpenAPI document: change that, not this.
Layer: openbell_client.
"""

from __future__ import annotations

import msgspec

from openbell_client.answers.shared import (
    FaultPlan,
)


class OwnFaults(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /account/faults: what touches the caller's requests."""

    allowed: bool
    own: FaultPlan | None
    venue: FaultPlan | None
