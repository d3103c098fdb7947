"""What a node has on its disk when its process has died, and how a process comes to a state by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from engine.digest import state_digest
from engine.exchange import Exchange
from engine.snapshot import encode_state, restore_state
from journal.codec import BatchRecord
from journal.port import Checkpoint
from projections import submissions
from projections.submissions import SubmissionsState, SubmissionWindow
from replica import follower
from replica.follower import Follower

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(SubmissionsState).decode


class Snapshot(msgspec.Struct):
    """A state, with what a node needs beside it."""

    last: BatchRecord
    digest: str
    state: bytes
    submissions: bytes


class NodeDisk(msgspec.Struct):
    """The archive of one node, and its snapshots."""

    archive: list[BatchRecord] = []  # every record from behind the snapshot that it began with
    snapshots: list[Snapshot] = []  # the newest last
    keys_max: int = submissions.KEYS_MAX
    lost_n: int = 0  # of a snapshot that was lost with the disk before, and is still noted in the log

    def newest_n(self) -> int:
        """The record that the newest snapshot is behind."""
        return self.snapshots[-1].last.n if self.snapshots else 0

    def noted_n(self) -> int:
        """The record that the newest snapshot is behind, or was on the disk that was lost."""
        return max(self.newest_n(), self.lost_n)

    # -- the `Journal` port, as far as an archive and a committer use it

    @property
    def last(self) -> BatchRecord | None:
        """As `Journal.last`."""
        if self.archive:
            return self.archive[-1]
        return self.snapshots[-1].last if self.snapshots else None

    def append(self, record: BatchRecord) -> None:
        """As `Journal.append`."""
        last = self.last
        if record.n != (1 if last is None else last.n + 1):
            raise ValueError(f"record {record.n} does not follow {last and last.n}")
        self.archive.append(record)

    def check(self) -> None:
        """As `Journal.check`."""

    def tend(self, *, idle: bool) -> bool:
        """As `Journal.tend`."""
        return False

    def note(self, checkpoint: Checkpoint) -> None:
        """As `Journal.note`."""

    # -- snapshots

    def begin_with(self, snapshot: Snapshot) -> None:
        """Hold a peer's snapshot, and nothing that was before."""
        self.archive, self.snapshots = [], [snapshot]

    def save(self, exchange: Exchange, last: BatchRecord, window: SubmissionWindow) -> Snapshot:
        """Write a snapshot, and keep the one before."""
        snapshot = Snapshot(last, state_digest(exchange), encode_state(exchange), _encode(window.saved()))
        self.snapshots = [*self.snapshots[-1:], snapshot]
        return snapshot

    def restored(self, on_wrong: Callable[[str], object]) -> tuple[Follower, SubmissionWindow]:
        """What the disk says: the newest snapshot, and the records behind it."""
        window = submissions.SubmissionWindow(self.keys_max)
        if self.snapshots:
            snapshot = self.snapshots[-1]
            exchange = restore_state(snapshot.state)
            if state_digest(exchange) != snapshot.digest:
                on_wrong(f"the snapshot behind record {snapshot.last.n} is of another state")
            window.restore(_decode(snapshot.submissions))
            restored = follower.Follower(exchange, snapshot.last)
        else:
            restored = follower.Follower(Exchange())
        for record in self.archive:
            if record.n > restored.n:
                restored.follow(record)
                window.note(record)
        return restored, window
