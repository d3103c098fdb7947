"""A node's own journal, which keeps what the log has long trimmed: written behind the log, by one thread of its own.

What is written here is durable in the log already, so nobody waits for it; what waits to be written is bounded, and who
brings more waits. The followers of this node (the historian, explanations) read it from here.
Layer: cluster. Native threads.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from journal.codec import BatchRecord
from journal.committer import Committer
from journal.port import Journal, JournalError, JournalFailed
from replica.record_log import RECORD_BYTES, RecordLog

WAITING_BYTES_MAX: Final = 64 * 2**20
WAIT_S: Final = 10.0  # for room, before the disk counts as one that takes nothing


class Archive(RecordLog):
    """The journal of this node as its followers see it, and the thread that writes it."""

    def __init__(self, journal: Journal, on_failure: Callable[[JournalError], object]) -> None:
        """`on_failure` is called, once, in the writing thread when a record could not be written."""
        super().__init__(journal)
        self.committer = Committer(self)  # for notes and trims: from any thread
        self._on_failure = on_failure
        self._room = threading.Condition()
        self._waiting_bytes = 0
        self._failure: JournalError | None = None

    @property
    def failure(self) -> JournalError | None:
        """Why nothing is written any more; None while it is. From any thread."""
        return self._failure

    def start(self) -> None:
        """Begin to write. In the event loop's thread."""
        self.committer.on_failure(self._fail)
        self.committer.start()

    def put(self, record: BatchRecord) -> None:
        """Have the next record written soon. From any thread, one at a time. Raises JournalFailed.

        Waits only where `WAITING_BYTES_MAX` wait already.
        """
        size = len(record.body) + RECORD_BYTES
        until = time.monotonic() + WAIT_S
        with self._room:
            while self._waiting_bytes and self._waiting_bytes + size > WAITING_BYTES_MAX and self._failure is None:
                if not self._room.wait(until - time.monotonic()):
                    raise JournalFailed(f"This node's own journal has taken nothing for {WAIT_S:.0f} s.")
            if self._failure is not None:
                raise JournalFailed(str(self._failure))
            self._waiting_bytes += size
        self.committer.commit(record)

    def append(self, record: BatchRecord) -> None:
        """As `RecordLog.append`, in the writing thread."""
        try:
            super().append(record)
        except JournalError as failure:
            self._fail(failure)
            raise
        except Exception as bug:
            self._fail(JournalFailed(f"This node's own journal could not append record {record.n}: {bug}."))
            raise
        with self._room:
            self._waiting_bytes -= len(record.body) + RECORD_BYTES
            self._room.notify_all()

    def stop(self) -> None:
        """Write what waits, then end the thread. Idempotent; lets other greenlets run."""
        self.committer.stop()

    def _fail(self, failure: JournalError) -> None:
        with self._room:
            is_first, self._failure = self._failure is None, self._failure or failure
            self._room.notify_all()
        if is_first:
            self._on_failure(failure)
