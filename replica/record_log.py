"""The writer's journal as its followers see it: the newest durable records in memory, all of them on the disk.

Stands between the one who appends and the journal, so that a record is shown to followers when it is durable and not
before, whatever is written to the journal by. Appending costs a follower's existence one entry of a queue.
Layer: replica.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from journal.codec import BatchRecord
from journal.port import Checkpoint, Journal, WrittenBy
from loop.histogram import Histogram

RECENT_BYTES_MAX: Final = 8 * 2**20  # of records in memory, for all followers together
RECORD_BYTES: Final = 400  # of a record in memory, besides its body
COMMIT_BOUNDS_S: Final = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
BATCH_BOUNDS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500)


class RecordLog:
    """The `Journal` port over another journal, and what followers read of it."""

    def __init__(self, journal: Journal, recent_bytes_max: int = RECENT_BYTES_MAX) -> None:
        self._journal = journal
        self._recent: deque[BatchRecord] = deque()  # changed by the thread that appends alone
        self._recent_bytes = 0
        self._recent_bytes_max = recent_bytes_max
        self.commit_seconds = Histogram(COMMIT_BOUNDS_S)  # of each record: written and flushed
        self.batch_commands = Histogram(BATCH_BOUNDS)  # in each record
        self._wakes: tuple[Callable[[], object], ...] = ()  # replaced whole: who appends reads it without the lock
        self._wakes_lock = threading.Lock()  # of those who replace it, each follower's thread

    # -- for the one who appends

    @property
    def last(self) -> BatchRecord | None:
        """The newest durable record. O(1)."""
        return self._journal.last

    def append(self, record: BatchRecord) -> None:
        """As `Journal.append`; then wake who follows. Never waits for a follower."""
        began = time.perf_counter()
        self._journal.append(record)
        self.commit_seconds.add(time.perf_counter() - began)
        self.batch_commands.add(record.last_seq - record.first_seq + 1)
        self._recent.append(record)
        self._recent_bytes += len(record.body) + RECORD_BYTES
        while self._recent_bytes > self._recent_bytes_max:
            self._recent_bytes -= len(self._recent.popleft().body) + RECORD_BYTES
        for wake in self._wakes:
            wake()

    def note(self, checkpoint: Checkpoint) -> None:
        """As `Journal.note`."""
        self._journal.note(checkpoint)

    def trim(self, until_n: int) -> None:
        """As `Journal.trim`."""
        self._journal.trim(until_n)

    def check(self) -> None:
        """As `Journal.check`."""
        self._journal.check()

    def tend(self, *, idle: bool) -> bool:
        """As `Journal.tend`."""
        return self._journal.tend(idle=idle)

    # -- for followers, from any thread

    @property
    def last_n(self) -> int:
        """The number of the newest durable record."""
        last = self._journal.last
        return 0 if last is None else last.n

    def recent(self, after_n: int) -> list[BatchRecord] | None:
        """The records behind `after_n`, from memory; None where they go back further. O(records)."""
        while True:
            try:
                found = self._newest(after_n)
            except RuntimeError:  # one was appended meanwhile
                continue
            found.reverse()
            if found and found[0].n == after_n + 1:
                return found
            return None if after_n < self.last_n else []

    def _newest(self, after_n: int) -> list[BatchRecord]:
        """Those in memory that are behind `after_n`, newest first. Raises RuntimeError when they change meanwhile."""
        found: list[BatchRecord] = []
        for record in reversed(self._recent):
            if record.n <= after_n:
                break
            found.append(record)
        return found

    def waiting_since_ns(self, after_n: int) -> int | None:
        """The time of the first record behind `after_n`: since when a follower there is behind; None where it is not.

        Of one that is further behind than memory, the time of the oldest in memory: it is behind since before that.
        """
        while True:
            try:
                recent = self._recent
                if after_n >= self.last_n or not recent:
                    return None
                return recent[max(0, after_n + 1 - recent[0].n)].ts_ns
            except (IndexError, RuntimeError):  # one was appended or left memory meanwhile
                continue

    def on_append(self, wake: Callable[[], object]) -> None:
        """Have `wake` called behind every append, by its thread. It must not block."""
        with self._wakes_lock:
            self._wakes = (*self._wakes, wake)

    def off_append(self, wake: Callable[[], object]) -> None:
        """Have it called no more, but maybe once that is under way."""
        with self._wakes_lock:
            self._wakes = tuple(each for each in self._wakes if each != wake)

    # -- the rest of the port

    @property
    def first_n(self) -> int:
        """As `Journal.first_n`."""
        return self._journal.first_n

    def read(self, after_n: int = 0) -> Iterator[BatchRecord]:
        """As `Journal.read`."""
        return self._journal.read(after_n)

    def part(self, after_n: int, until_n: int) -> list[BatchRecord]:
        """As `Journal.part`."""
        return self._journal.part(after_n, until_n)

    def holding(self, seq: int) -> BatchRecord | None:
        """As `Journal.holding`."""
        return self._journal.holding(seq)

    def checkpoints(self) -> list[Checkpoint]:
        """As `Journal.checkpoints`."""
        return self._journal.checkpoints()

    def versions(self) -> list[WrittenBy]:
        """As `Journal.versions`."""
        return self._journal.versions()

    def close(self) -> None:
        """As `Journal.close`."""
        self._journal.close()
