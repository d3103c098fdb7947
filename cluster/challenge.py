"""When a node may end another's ownership: rules of patience, and no more. What is safe, the compare decides.

The owner's port that refuses is a crash: at once. Two pings of a second that go unanswered are a pause or a cut: then.
Only a node that is at most one record behind challenges, each waits its rank's turn, and at most once in five seconds.
Layer: cluster. No I/O, clock or thread: the time is passed in, monotonic, in seconds.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

PING_S: Final = 1.0  # patience for one ping
SILENT_PINGS: Final = 2
RANK_S: Final = 0.15  # by which each rank waits longer than the one before: a claim takes less
BETWEEN_S: Final = 5.0
BEHIND_MAX: Final = 1


class Ping(StrEnum):
    """What became of one ping of the writer."""

    ANSWERED = "answered"
    UNANSWERED = "unanswered"  # within PING_S
    REFUSED = "refused"  # nobody listens at its port


class Challenger:
    """What one node has seen of the owner, and whether it is its turn to challenge."""

    def __init__(self, rank: int) -> None:
        """`rank`: of this node among those that may take over, from 0."""
        self._rank = rank
        self._epoch = 0
        self._silent = 0
        self._due_from: float | None = None
        self._challenged_at: float | None = None

    def record(self, epoch: int, ping: Ping, now: float) -> None:
        """Take down what became of a ping of the owner of `epoch`."""
        if epoch != self._epoch:
            self._epoch, self._silent, self._due_from = epoch, 0, None
        if ping is Ping.ANSWERED:
            self._silent, self._due_from = 0, None
            return
        self._silent = SILENT_PINGS if ping is Ping.REFUSED else self._silent + 1
        if self._silent >= SILENT_PINGS and self._due_from is None:
            self._due_from = now + self._rank * RANK_S

    def is_due(self, epoch: int, records_behind: int, now: float) -> bool:
        """Whether to challenge the owner of `epoch` now."""
        if epoch != self._epoch or self._due_from is None or records_behind > BEHIND_MAX:
            return False
        if self._challenged_at is not None and now - self._challenged_at < BETWEEN_S:
            return False
        return now >= self._due_from

    def challenged(self, now: float) -> None:
        """A challenge was sent, whatever became of it."""
        self._challenged_at, self._silent, self._due_from = now, 0, None
