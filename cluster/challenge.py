"""When an owner has been silent for long enough to be challenged: patience, and no more. Who may, `cluster.roles` says.

The owner's port that refuses is a crash: at once. Two pings that go unanswered are a pause or a cut: then. An owner
whose records go on coming is neither, its machine is busy: it has a few seconds more. Each node waits its rank's turn.
What is safe, the compare decides.
Layer: cluster. No I/O, clock or thread: the time is passed in, monotonic, in seconds.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

SILENT_PINGS: Final = 2
WRITING_S: Final = 5.0  # of silence in which its records speak for an owner; then the others cannot reach it
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
        self._silent_since: float | None = None  # it has answered nothing since, and listens
        self._due_from: float | None = None

    def record(self, epoch: int, ping: Ping, now: float) -> None:
        """Take down what became of a ping of the owner of `epoch`."""
        if epoch != self._epoch:
            self._epoch = epoch
            self._answered()
        if ping is Ping.ANSWERED:
            self._answered()
            return
        if ping is Ping.REFUSED:
            self._silent, self._silent_since = SILENT_PINGS, None
        else:
            self._silent_since = now if self._silent_since is None else self._silent_since
            self._silent += 1
        if self._silent >= SILENT_PINGS and self._due_from is None:
            self._due_from = now + self._rank * RANK_S

    def wrote(self, epoch: int, now: float) -> None:
        """A record of the owner of `epoch` came: pings that went unanswered before are no sign of a pause."""
        if epoch == self._epoch and self._silent_since is not None and now < self._silent_since + WRITING_S:
            self._silent, self._due_from = 0, None

    def is_due(self, epoch: int, now: float) -> bool:
        """Whether the owner of `epoch` has been silent for as long as this node waits."""
        return epoch == self._epoch and self._due_from is not None and now >= self._due_from

    def challenged(self) -> None:
        """A challenge was sent, whatever became of it: the patience begins anew."""
        self._answered()

    def _answered(self) -> None:
        self._silent, self._silent_since, self._due_from = 0, None, None
