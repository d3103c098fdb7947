"""A leader of the log whose disk is slow hands over to another member.

Every append waits for the leader's disk. When five in a row took long, or one has been waiting long, the leadership is
moved; at most once in ten seconds, and ever less often while it does not help: then it is not the leader.
Layer: cluster. Blocks in `move`, by what it is given.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from statistics import median
from typing import Final

from cluster.membership import member_statuses
from cluster.store import LogMembers, StoreError

SLOW_S: Final = 0.15  # an append on sound disks takes a hundredth of it
SAMPLES: Final = 5
WAITING_S: Final = 1.0
BETWEEN_S: Final = 10.0
BETWEEN_S_MAX: Final = 320.0
MOVE_S: Final = 3.0

log = logging.getLogger(__name__)


class SlowLeader:
    """How long appends take, and whether the leadership should move. `note` may be called by another thread."""

    def __init__(self, members: LogMembers, *, clock: Callable[[], float]) -> None:
        """`members`: a client for the thread that calls `move`."""
        self._members = members
        self._clock = clock
        self._taken: deque[float] = deque(maxlen=SAMPLES)
        self._moved_at: float | None = None
        self._between_s = BETWEEN_S
        self._moved_from: set[int] = set()

    def note(self, seconds: float) -> None:
        """Take down how long an append took."""
        self._taken.append(seconds)

    def is_due(self, waiting_s: float = 0.0) -> bool:
        """Whether the leadership should move; `waiting_s`: how long the append under way has waited by now."""
        if self._moved_at is not None and self._clock() - self._moved_at < self._between_s:
            return False
        taken = list(self._taken)
        slow = len(taken) == SAMPLES and median(taken) >= SLOW_S
        if not slow and len(taken) == SAMPLES:
            self._between_s = BETWEEN_S
            self._moved_from.clear()
        return slow or waiting_s >= WAITING_S

    def move(self) -> bool:
        """Move the leadership to a member that it was not moved away from lately; return whether it was."""
        self._between_s = BETWEEN_S if self._moved_at is None else min(2 * self._between_s, BETWEEN_S_MAX)
        self._moved_at = self._clock()
        self._taken.clear()
        statuses = member_statuses(self._members)
        leader = next((status for status in statuses if status.leads), None)
        if leader is None:
            return False  # an election is under way, or it is cut off: the others elect by themselves
        self._moved_from.add(leader.member_id)
        others = [status for status in statuses if not status.leads and status.leader_id == leader.member_id]
        others.sort(key=lambda status: status.member_id in self._moved_from)
        for other in others:
            try:
                self._members.move_leader(leader, other.member_id, MOVE_S)
            except StoreError as error:
                log.warning("The leadership of etcd could not be moved to %s: %s", other.address, error)
                continue
            log.warning("etcd at %s is slow: its leadership was moved to %s.", leader.address, other.address)
            return True
        return False
