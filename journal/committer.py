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
from collections.abc import Callable
from functools import partial
from queue import Empty, SimpleQueue
from typing import Final

from journal.codec import BatchRecord
from journal.port import Checkpoint, Journal, JournalError, JournalFailed
from loop.bridge import Bridge
from loop.reply import Reply

SWITCH_INTERVAL_SECONDS: Final = 0.0001
CHECK_S: Final = 0.5  # without a commit: then it is looked whether the journal is still there
PAUSE_S: Final = 0.02  # without a commit: then the journal does what can wait

log = logging.getLogger(__name__)


class Ticket(Reply[None]):
    """A commit under way. One greenlet waits for it."""

    __slots__ = ("record",)

    def __init__(self, record: BatchRecord | None) -> None:
        super().__init__()
        self.record = record  # None: nothing to write, the thread is to end

    def give(self, failure: JournalFailed | None) -> None:
        """Let who waits go on at once, not a turn later. Called by the hub, once."""
        if failure is None:
            self.settle(None)
        else:
            self.fail(failure)
        self.resume()


class Committer:
    """Appends to `journal` in a thread of its own, in the order of `commit`.

    `note` and `trim` are for any thread, everything else for that of the event loop. From `start` to `stop`
    nobody else touches the journal, but to read of it what may be read from any thread.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: SimpleQueue[Ticket | Callable[[], object]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._bridge: Bridge | None = None
        self._on_failure: Callable[[JournalFailed], object] = lambda _: None

    def on_failure(self, listener: Callable[[JournalFailed], object]) -> None:
        """Have `listener` called, in the event loop, once the journal has failed while nothing was committed."""
        self._on_failure = listener

    def start(self) -> None:
        """Start the thread. Raises RuntimeError when it runs."""
        if self._thread is not None:
            raise RuntimeError("the committer runs already")
        self._bridge = Bridge()
        self._bridge.open()
        self._thread = threading.Thread(target=self._run, args=(self._bridge,), name="journal-committer", daemon=True)
        self._thread.start()

    def commit(self, record: BatchRecord) -> Ticket:
        """Hand `record` to the thread and return at once. Raises JournalFailed when it does not run."""
        if self._thread is None:
            raise JournalFailed("The journal takes no more records: the server is stopping.")
        ticket = Ticket(record)
        self._waiting.put(ticket)
        return ticket

    def note(self, checkpoint: Checkpoint) -> None:
        """Have the digest of a durable state noted behind what was handed over, and return at once.

        What fails is logged. Nothing happens when the thread does not run.
        """
        if self._thread is not None:
            self._waiting.put(partial(self._journal.note, checkpoint))

    def trim(self, until_n: int) -> None:
        """Have the records up to `until_n`, archived or to be dropped, removed bit by bit, and return at once.

        Each bit takes a few milliseconds and has its turn between two commits. Nothing happens when the thread does not
        run: what was not removed is when it is asked for again.
        """
        if self._thread is not None:
            self._waiting.put(partial(self._journal.trim, until_n))

    def wait(self, ticket: Ticket) -> None:
        """Wait until `ticket` is durable, letting other greenlets run. Raises JournalFailed."""
        ticket.wait()

    def stop(self) -> None:
        """Commit what was handed over, then end the thread. Idempotent; lets other greenlets run."""
        thread, self._thread = self._thread, None
        bridge, self._bridge = self._bridge, None
        if thread is None or bridge is None:
            return
        last = Ticket(None)
        self._waiting.put(last)
        last.wait()
        thread.join()
        bridge.close()

    def _run(self, bridge: Bridge) -> None:
        """In the native thread: do one after the other until the end is queued, and between them tend the journal."""
        running, more, sound = True, False, True
        while running:
            try:
                asked = self._waiting.get(timeout=PAUSE_S if more else CHECK_S)
            except Empty:
                more = self._tend(idle=True)
                if sound and not more:
                    sound = self._check(bridge)
                continue
            if isinstance(asked, Ticket):
                running = asked.record is not None
                bridge.post(partial(asked.give, self._append(asked)))
            else:
                self._carry_out(asked)
            more = running and self._tend(idle=False)

    def _append(self, ticket: Ticket) -> JournalFailed | None:
        if ticket.record is None:
            return None
        try:
            self._journal.append(ticket.record)
        except JournalFailed as error:
            return error
        except Exception as error:  # a bug; the callers that wait must get it all the same
            log.exception("Record %d could not be appended.", ticket.record.n)
            return JournalFailed(f"The journal could not append record {ticket.record.n}: {error}.")
        return None

    def _check(self, bridge: Bridge) -> bool:
        """Whether the journal is still there; says so to the event loop where it is not."""
        try:
            self._journal.check()
        except JournalFailed as failure:
            bridge.post(partial(self._on_failure, failure))
            return False
        except Exception:  # a bug; commits go on
            log.exception("It could not be looked whether the journal is still there.")
            return False
        return True

    def _carry_out(self, task: Callable[[], object]) -> None:
        try:
            task()
        except JournalError as error:
            log.error("%s", error)
        except Exception:  # a bug; commits go on
            log.exception("A task of the journal failed.")

    def _tend(self, *, idle: bool) -> bool:
        try:
            return self._journal.tend(idle=idle)
        except Exception:  # a bug; commits go on
            log.exception("The journal could not be tended.")
            return False
