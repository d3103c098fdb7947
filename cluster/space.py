"""How much of the log's quota is used, what that allows, and what gives space back.

etcd refuses everything that makes it larger once the file of its database has reached the quota. What was trimmed and
compacted is used again, but only a defragmentation makes the file smaller. A lease is refused as well then, so nobody
could take over: orders must end long before.
Layer: cluster. No I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec

from cluster.store import MemberAlarm, MemberStatus

QUOTA_BYTES: Final = 4 * 2**30  # that we ask operators to set; etcd before 3.6 does not say its own
WARN_SHARE: Final = 0.4
CANCELS_ONLY_SHARE: Final = 0.8
DEFRAGMENT_SHARE: Final = 0.4  # of the quota; below it a larger file does no harm
DEFRAGMENT_UNUSED: Final = 0.5  # of the file: less is not worth that the member answers nothing meanwhile


class SpaceLevel(StrEnum):
    """What the log has space for, from much to none."""

    NORMAL = "normal"
    WARN = "warn"
    CANCELS_ONLY = "cancels_only"
    FULL = "full"  # definite refusals; deletes go on


class Space(msgspec.Struct, frozen=True):
    """The fullest member's space: the log has no more than that."""

    level: SpaceLevel
    space_bytes: int
    used_bytes: int
    quota_bytes: int

    @property
    def share(self) -> float:
        """Of the quota, from 0 to 1."""
        return self.space_bytes / self.quota_bytes


def assess_space(statuses: Sequence[MemberStatus], alarms: Sequence[MemberAlarm], quota_bytes: int) -> Space:
    """The space of the members that answered; `quota_bytes` where they do not say their own."""
    space = Space(SpaceLevel.NORMAL, 0, 0, quota_bytes)
    for status in statuses:
        quota = status.quota_bytes or quota_bytes
        if status.space_bytes / quota >= space.share:
            space = Space(SpaceLevel.NORMAL, status.space_bytes, status.used_bytes, quota)
    level = SpaceLevel.NORMAL
    if any(alarm.kind == "nospace" for alarm in alarms):
        level = SpaceLevel.FULL
    elif space.share >= CANCELS_ONLY_SHARE:
        level = SpaceLevel.CANCELS_ONLY
    elif space.share >= WARN_SHARE:
        level = SpaceLevel.WARN
    return msgspec.structs.replace(space, level=level)


def needs_defragmentation(status: MemberStatus, quota_bytes: int) -> bool:
    """Whether the member's file is large, and much of it unused."""
    quota = status.quota_bytes or quota_bytes
    unused = status.space_bytes - status.used_bytes
    return status.space_bytes >= quota * DEFRAGMENT_SHARE and unused >= status.space_bytes * DEFRAGMENT_UNUSED
