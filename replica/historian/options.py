"""What the server asks of the historian: one argument of its command line, as JSON.

Layer: replica.
"""

from __future__ import annotations

import msgspec


class HistorianOptions(msgspec.Struct, frozen=True):
    """Paths are absolute."""

    database: str
    snapshots: str  # folder
    version: str  # of the program, noted in what is written
    snapshot_every: int  # commands
    snapshot_seconds: float
    prove: bool  # load each snapshot that was written: records are archived or dropped by them
    begins_at_newest: bool = False  # behind the newest snapshot: records that it would need before cannot be read
    history_days: int | None = None  # that what is over stays in the history; None: for ever
