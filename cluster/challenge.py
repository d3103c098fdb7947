"""When an owner has been silent for long enough to be challenged: patience, and no more. Who may, `cluster.roles` says.

The owner's port that refuses is a crash: at once. Two pings that go unanswered are a pause or a cut: then. Each node
waits its rank's turn. What is safe, the compare decides.
Layer: cluster. No I/O, clock or thread: the time is passed in, monotonic, in seconds.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

SILENT_PINGS: Final = 2
RANK_S: Final = 0.15  # by which each rank waits longer than the one before: a claim takes less


class Ping(StrEnum):
    """What became of one ping of the writer."""

    ANSWERED = "answered"
    UNANSWERED = "unanswered"  # within `cluster.peer_client.ANSWER_S`
    REFUSED = "refused"  # nobody listens at its port


class Challenger:
    """What one node has seen of the owner, and whether its turn to challenge has come."""

    def __init__(self, rank: int) -> None:
        """`rank`: of this node among those that may take over, from 0."""
        self._rank = rank
        self._epoch = 0
        self._silent = 0
        self._due_from: float | None = None

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

    def is_due(self, epoch: int, now: float) -> bool:
        """Whether the owner of `epoch` has been silent for as long as this node waits."""
        return epoch == self._epoch and self._due_from is not None and now >= self._due_from

    def challenged(self) -> None:
        """A challenge was sent, whatever became of it: the patience begins anew."""
        self._silent, self._due_from = 0, None
