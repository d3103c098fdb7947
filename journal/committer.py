"""Group commit off the event loop: one native thread appends, greenlets wait for it.

While a commit is being flushed the event loop runs on and the next batch gathers. The thread
reports to the loop through a `Bridge`, so nothing polls and nothing is patched.
No lock is shared: the queue in and the bridge out are the only places where both sides meet.

Under CPython the thread must get the interpreter back after each flush, and it waits for
`sys.getswitchinterval()` before it asks. The loop lets go for a moment in each turn, which
begins that wait anew: with the default of 5 ms and turns of 2 ms a commit was seen to take
10 seconds. With SWITCH_INTERVAL_SECONDS it takes one turn of the loop (measured in
benchmarks/journal_commit.py). It holds for the whole process, so the server sets it.
Layer: journal.
"""

from __future__ import annotations

import logging
import threading
from queue import SimpleQueue
from typing import Any, Final

import eventlet
from eventlet import hubs

from journal.codec import BatchRecord
from journal.port import Checkpoint, Journal, JournalFailed
from loop.bridge import Bridge

SWITCH_INTERVAL_SECONDS: Final = 0.0001

log = logging.getLogger(__name__)


class Ticket:
    """A commit under way. One greenlet waits for it."""

    __slots__ = ("_settled", "_waiter", "checkpoint", "error", "record")

    def __init__(self, record: BatchRecord | None, checkpoint: Checkpoint | None) -> None:
        self.record = record  # None: nothing to write, the thread is to end
        self.checkpoint = checkpoint
        self.error: JournalFailed | None = None
        self._settled = False
        self._waiter: Any = None

    def settle(self) -> None:
        """Let the waiting greenlet go on at once, not a turn later. Called by the hub, once."""
        self._settled = True
        if self._waiter is not None:
            self._waiter.switch()

    def wait(self) -> None:
        """Wait until the commit is durable, letting other greenlets run. Raises JournalFailed."""
        if not self._settled:
            if self._waiter is not None:
                raise RuntimeError("another greenlet waits for this commit already")
            self._waiter = eventlet.getcurrent()
            try:
                hubs.get_hub().switch()
            finally:  # also when the greenlet is killed while it waits
                self._waiter = None
        if self.error is not None:
            raise self.error


class Committer:
    """Appends to `journal` in a thread of its own, in the order of `commit`.

    Every method is called from the thread of the event loop. From `start` to `stop` nobody
    else touches the journal, but to read a `part` of it.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: SimpleQueue[Ticket] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._bridge: Bridge | None = None

    def start(self) -> None:
        """Start the thread. Raises RuntimeError when it runs."""
        if self._thread is not None:
            raise RuntimeError("the committer runs already")
        self._bridge = Bridge()
        self._bridge.open()
        self._thread = threading.Thread(target=self._run, args=(self._bridge,), name="journal-committer", daemon=True)
        self._thread.start()

    def commit(self, record: BatchRecord, checkpoint: Checkpoint | None = None) -> Ticket:
        """Hand `record` to the thread and return at once. Raises JournalFailed when it does not run."""
        if self._thread is None:
            raise JournalFailed("The journal takes no more records: the server is stopping.")
        ticket = Ticket(record, checkpoint)
        self._waiting.put(ticket)
        return ticket

    def wait(self, ticket: Ticket) -> None:
        """Wait until `ticket` is durable, letting other greenlets run. Raises JournalFailed."""
        ticket.wait()

    def stop(self) -> None:
        """Commit what was handed over, then end the thread. Idempotent; lets other greenlets run."""
        thread, self._thread = self._thread, None
        bridge, self._bridge = self._bridge, None
        if thread is None or bridge is None:
            return
        last = Ticket(None, None)
        self._waiting.put(last)
        last.wait()
        thread.join()
        bridge.close()

    def _run(self, bridge: Bridge) -> None:
        """In the native thread: append one after the other until the end is queued."""
        running = True
        while running:
            ticket = self._waiting.get()
            if ticket.record is None:
                running = False
            else:
                try:
                    self._journal.append(ticket.record, ticket.checkpoint)
                except JournalFailed as error:
                    ticket.error = error
                except Exception as error:  # a bug; the callers that wait must get it all the same
                    log.exception("Record %d could not be appended.", ticket.record.n)
                    ticket.error = JournalFailed(f"The journal could not append record {ticket.record.n}: {error}.")
            bridge.post(ticket.settle)
