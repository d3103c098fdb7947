"""What a node does for the log beside following and writing, in a thread of its own: nothing of it is urgent.

Every node notes its newest snapshot and reads how much space there is; the writer trims, compacts, moves the leadership
of the log away from a member that is slow, and appends by the member that leads, which saves a hop.
Layer: cluster. One native thread.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Final

from cluster.caretaking import NOBODY, Caretaker, read_space
from cluster.failures import Fenced
from cluster.keys import Keys, SnapshotNote
from cluster.leadership import SlowLeader
from cluster.membership import member_statuses
from cluster.space import Space, SpaceLevel
from cluster.store import LogMembers, LogStore, StoreError
from cluster.trimming import Trimmer
from journal.files import open_regular
from journal.port import JournalError
from journal.snapshots import SnapshotFolder
from loop.histogram import Histogram
from replica.frames import State
from replica.record_log import COMMIT_BOUNDS_S, RecordLog

log = logging.getLogger(__name__)

TURN_S: Final = 0.5
SPACE_S: Final = 5.0  # between two looks at the space, or turns of the caretaker
FULL_S: Final = 1.0  # while there is none


class WriterNow:
    """What the thread is told of this node's term."""

    def __init__(
        self,
        epoch: Callable[[], int | None],
        waiting_s: Callable[[], float],
        append_by: Callable[[str], object],
        is_missing: Callable[[], bool] = lambda: False,
    ) -> None:
        """`epoch`: of this node's ownership; None: another node writes. `waiting_s`: of the append under way.

        `append_by`: have appends go to the member at this address. `is_missing`: whether nobody owns the log, and this
        node is the first that would claim it.
        """
        self.epoch = epoch
        self.waiting_s = waiting_s
        self.append_by = append_by
        self.is_missing = is_missing


class Housekeeping:
    """The thread, while this is not closed. Methods are for any thread."""

    def __init__(
        self,
        store: LogStore,
        members: LogMembers,
        keys: Keys,
        node: str,
        peer: str,
        snapshots: SnapshotFolder,
        records: RecordLog,
        writer: WriterNow,
    ) -> None:
        """`store` and `members`: for this thread alone. `peer`: the address at which snapshots are fetched."""
        self._members, self._keys, self._node, self._peer = members, keys, node, peer
        self._snapshots, self._records, self._writer = snapshots, records, writer
        self._trimmer = Trimmer(store, keys)
        self._caretaker = Caretaker(store, members, self._trimmer, clock=time.monotonic)
        self._slow = SlowLeader(members, clock=time.monotonic)
        self._store = store
        self._state: State | None = None  # of a snapshot that is to be noted
        self._has_none = False  # so what a lost disk of this node had noted holds no more
        self._ending = threading.Event()
        self._space_at = 0.0
        self.space: Space | None = None
        self.append_seconds = Histogram(COMMIT_BOUNDS_S)  # of each append by this node
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Begin."""
        newest = next(iter(self._snapshots.files()), None)
        self._has_none = newest is None
        if newest is not None:
            self._state = State(newest.n, newest.seq, "", newest.size, 0)
        self._thread.start()

    def close(self) -> None:
        """End soon. Returns at once. Idempotent."""
        self._ending.set()

    def note_append(self, seconds: float) -> None:
        """Take down how long an append took. From one thread."""
        self._slow.note(seconds)
        self.append_seconds.add(seconds)

    def note_state(self, state: State) -> None:
        """A snapshot of this state is durable on this node."""
        self._state = state

    @property
    def cancels_only(self) -> bool:
        """Whether the log has space for cancels alone, if for anything."""
        space = self.space
        return space is not None and space.level in (SpaceLevel.CANCELS_ONLY, SpaceLevel.FULL)

    def _run(self) -> None:
        while not self._ending.wait(TURN_S):
            for part in (self._tend_space, self._note_newest):  # neither waits for the other to succeed
                try:
                    part()
                except Fenced as fenced:
                    log.info("%s", fenced)
                except (StoreError, JournalError, OSError) as problem:
                    log.info("the log could not be looked after just now: %s", problem)
                    self._store.next_member()
                except Exception:  # of ours: orders go on
                    log.exception("the log could not be looked after")

    def _note_newest(self) -> None:
        """Say in the store where this node's newest snapshot is, where there is a newer one."""
        if self._has_none and self._state is None:
            self._trimmer.forget(self._node)
            self._has_none = False
        if self._state is not None:
            state = self._state
            self._note(state)
            if self._state is state:
                self._state = None

    def _tend_space(self) -> None:
        """Move a slow leadership, and keep the space, as far as that is due."""
        epoch = self._writer.epoch()
        if epoch is not None and self._slow.is_due(self._writer.waiting_s()):
            self._slow.move()
        space = self.space
        every_s = FULL_S if space is not None and space.level is SpaceLevel.FULL else SPACE_S
        if time.monotonic() - self._space_at < every_s:
            return
        self._space_at = time.monotonic()
        if epoch is not None:
            self._append_by_leader()
        before = None if space is None else space.level
        self.space = read_space(self._members) if epoch is None else self._caretaker.turn(epoch)
        is_full = self.space is not None and self.space.level is SpaceLevel.FULL
        if epoch is None and is_full and self._writer.is_missing():  # whose claim is refused until there is space
            self._caretaker.turn(NOBODY)
            self.space = read_space(self._members)
        if self.space is not None and self.space.level is not before and self.space.level is not SpaceLevel.NORMAL:
            log.warning("the log's space: %s, %.0f %% of the quota", self.space.level, 100 * self.space.share)

    def _append_by_leader(self) -> None:
        leader = next((status for status in member_statuses(self._members) if status.leads), None)
        if leader is not None:
            self._writer.append_by(leader.address)

    def _note(self, state: State) -> None:
        """Say in the store where this node's newest snapshot is. Raises StoreError, JournalError, OSError."""
        file = next((file for file in self._snapshots.files() if file.n == state.n), None)
        if file is None:
            return
        record = next(iter(self._records.part(state.n - 1, state.n)), None)
        with os.fdopen(open_regular(file.path), "rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        chain = "" if record is None else record.chain.hex()
        note = SnapshotNote(self._node, state.n, chain, state.digest, digest, file.size, self._peer)
        self._trimmer.note(note)
