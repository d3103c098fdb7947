"""What the writer does for the log beside writing: trim, compact, give space back, end the alarm of no space.

Where it has died meanwhile, nobody can claim a log that is full: then one of the others does the same. It runs in a
thread of its own, a turn at a time, and never touches a record that is not covered by two snapshots.
Layer: cluster. Blocks, by what it is given.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from cluster.membership import STATUS_S, member_statuses
from cluster.space import QUOTA_BYTES, Space, SpaceLevel, assess_space, needs_defragmentation
from cluster.store import LogMembers, LogStore, Read, StoreError, Transaction
from cluster.trimming import Trimmer

COMPACT_EVERY_S: Final = 300.0
DEFRAGMENT_EVERY_S: Final = 600.0  # of one member
ALARMED_DEFRAGMENT_EVERY_S: Final = 30.0
COMPACT_S: Final = 30.0
DEFRAGMENT_S: Final = 120.0
NOBODY: Final = 0  # in the place of an epoch, while nobody owns the log: the compare is that nobody does

log = logging.getLogger(__name__)


class Caretaker:
    """Keeps the log small. Used by one thread, of the node that is the writer, or would be."""

    def __init__(
        self,
        store: LogStore,
        members: LogMembers,
        trimmer: Trimmer,
        *,
        clock: Callable[[], float],
        quota_bytes: int = QUOTA_BYTES,
        compact_every_s: float = COMPACT_EVERY_S,
    ) -> None:
        self._store = store
        self._members = members
        self._trimmer = trimmer
        self._clock = clock
        self._quota_bytes = quota_bytes
        self._compact_every_s = compact_every_s
        self._compacted_at = clock()
        self._defragmented_at: dict[str, float] = {}

    def space(self) -> Space:
        """The log's space now, of the members that answer. Raises StoreError where the alarms cannot be read."""
        return assess_space(member_statuses(self._members), self._members.alarms(STATUS_S), self._quota_bytes)

    def turn(self, epoch: int) -> Space:
        """Do what is due; return the space before it. Raises Fenced and StoreError; it may be called again at once.

        `epoch`: of the ownership; NOBODY where there is none.
        """
        space = self.space()
        alarmed = space.level is SpaceLevel.FULL
        trimmed = self._trim(epoch)
        due = self._clock() - self._compacted_at >= self._compact_every_s
        if due or alarmed or (trimmed and space.level is not SpaceLevel.NORMAL):
            self._compact()
        self._defragment(alarmed=alarmed)
        if alarmed:
            self._disarm()
        return space

    def _trim(self, epoch: int) -> int:
        deleted = 0
        while True:
            trimmed = self._trimmer.trim(epoch)
            deleted += trimmed.deleted
            if not trimmed.more:
                break
        if deleted:
            log.info("The log was trimmed: %d records that two snapshots cover.", deleted)
        return deleted

    def _compact(self) -> None:
        """Forget every older revision: nobody reads any."""
        revision = self._store.transact(Transaction(then=(Read("/openbell/revision"),)), STATUS_S).revision
        self._members.compact(revision, COMPACT_S)
        self._compacted_at = self._clock()

    def _defragment(self, *, alarmed: bool) -> None:
        """One member after the other, the leader last: each answers nothing meanwhile.

        While the alarm holds all of them: what was compacted just now a member does not yet count as unused.
        """
        for status in sorted(member_statuses(self._members), key=lambda status: status.leads):
            every_s = ALARMED_DEFRAGMENT_EVERY_S if alarmed else DEFRAGMENT_EVERY_S
            last = self._defragmented_at.get(status.address)
            if last is not None and self._clock() - last < every_s:
                continue
            if alarmed or needs_defragmentation(status, self._quota_bytes):
                log.info(
                    "Defragmenting etcd at %s: %d of %d bytes used.",
                    *(status.address, status.used_bytes, status.space_bytes),
                )
                self._defragmented_at[status.address] = self._clock()
                self._members.defragment(status.address, DEFRAGMENT_S)

    def _disarm(self) -> None:
        """End the alarm once every member that answers has space again; else it would be raised at once."""
        statuses = member_statuses(self._members)
        if assess_space(statuses, (), self._quota_bytes).share >= 1:
            log.error("The log is out of space, and nothing more can be given back: its quota must be raised.")
            return
        for alarm in self._members.alarms(STATUS_S):
            if alarm.kind == "nospace":
                self._members.disarm(alarm, STATUS_S)
                log.warning("The log's alarm of no space was ended.")


def read_space(members: LogMembers, quota_bytes: int = QUOTA_BYTES) -> Space | None:
    """The log's space, for those who only show it; None when nobody answers. Never raises."""
    statuses = member_statuses(members)
    try:
        return assess_space(statuses, members.alarms(STATUS_S), quota_bytes) if statuses else None
    except StoreError:
        return None
