"""What the server asks of a publisher. It travels in the process's environment: its target may have a password.

Layer: publish.
"""

from __future__ import annotations

from typing import Final

import msgspec

from publish.target import Target

VARIABLE: Final = "OPENBELL_PUBLISHER"  # of the environment, with the options as JSON


class PublisherOptions(msgspec.Struct, frozen=True):
    """Paths are absolute."""

    target: Target
    snapshots: str  # folder
    version: str  # of the program
