"""How the event loop reads the history: two native threads that read, and how far the process that writes it is.

The event loop must not wait for a database, and a native thread must not wait for the event loop:
reads go over by a queue, answers come back by the `Bridge`.
Layer: history.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import Final, ParamSpec, TypeVar

import eventlet
from eventlet.event import Event
from sqlalchemy.exc import SQLAlchemyError

from engine.types import Seq
from history.errors import StoreDamaged
from history.sqlite import cause_of
from history.store import History
from logs.limit import limited
from loop.bridge import Bridge
from loop.errors import StoreAway, StoreClosed

log = logging.getLogger(__name__)
client_log = limited(log)

OPENING_S: Final = 5.0  # from the start, that reads wait for the file to be there
READ_S: Final = 10.0  # that a read may take with those before it; longer than the database waits for a lock
READS_MAX: Final = 1_000  # of either kind that wait or are under way
CLOSE_S: Final = 0.5  # for the reads that are under way, at the end: one may be blocked in a disk

P = ParamSpec("P")
T = TypeVar("T")


class _Reads:
    """The reads that one thread answers, one after the other."""

    def __init__(self) -> None:
        self.queue: SimpleQueue[_Read | None] = SimpleQueue()
        self.count = 0  # that somebody waits for; of the event loop


class _Read:
    """A read, and where its answer goes. `abandoned`: nobody waits for it any more."""

    def __init__(self, read: Callable[[], object]) -> None:
        self.read = read
        self.answer = Event()
        self.abandoned = False


class HistoryAccess:
    """Answers reads, and knows up to where they find everything. Methods are for the event loop's thread.

    Another process writes: `note` is told how far it is and whether it fails just now. While it does (disk full),
    `failure` says so in a sentence that everybody may read: reads answer what there is, and `lag` grows. Trading
    goes on: the journal has everything, and what is missing is written when the database takes it again.
    """

    def __init__(
        self,
        history: History,
        stored_seq: Seq | None,
        hurry: Callable[[Seq], object],
        on_damaged: Callable[[str], object] = lambda cause: None,
    ) -> None:
        """Start the threads. `stored_seq`: what is stored already, None: the file is not there yet.

        `hurry`: called with a seq that a read waits for; never blocks. `on_damaged`: called in a reading thread with
        the cause when a read finds the file damaged, also over a connection that is new.
        """
        self.failure: str | None = None  # while nothing can be written; shown to anybody, so without the cause
        self.record_n = 0  # the record of the journal that the process which writes has followed to
        self._history = history
        self._stored_seq = Seq(0) if stored_seq is None else stored_seq
        self._is_there = threading.Event()  # the file, with its tables
        self._opening_until = time.monotonic() + OPENING_S
        if stored_seq is not None:
            self._is_there.set()
        self._hurry = hurry
        self._on_damaged = on_damaged
        self._closing = False
        self._reads = _Reads()
        self._lookups = _Reads()  # look-ups that orders wait for
        self._waiters: list[tuple[Seq, Event]] = []
        self._bridge = Bridge()
        self._threads = [
            threading.Thread(target=self._read_all, args=(self._reads,), name="history-reader", daemon=True),
            threading.Thread(target=self._read_all, args=(self._lookups,), name="history-look-up", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def stored_seq(self) -> Seq:
        """Everything up to this seq can be read."""
        return self._stored_seq

    def lag(self, seq: Seq) -> int:
        """How many commands up to `seq` are not stored yet."""
        return max(0, seq - self._stored_seq)

    def note(self, record_n: int, stored_seq: Seq, failure: str | None) -> None:
        """What the process that writes says: where it is, all up to `stored_seq` stored. From any thread."""
        self.record_n = record_n
        if stored_seq < self._stored_seq or not self._stored_seq or not self._is_there.is_set():
            # the file was made anew, or is about to be: what was opened since may be the one that was deleted
            self._history.reopen()
        self._stored_seq, self.failure = stored_seq, failure
        self._is_there.set()
        if self._waiters:
            self._bridge.post(self._release_waiters)

    def wait(self, seq: Seq, timeout_s: float) -> bool:
        """Wait, letting other greenlets run, until everything up to `seq` is stored; then True.

        False: it is not, because writing fails just now or this was closed, or it was not in `timeout_s` seconds.
        """
        if self.stored_seq >= seq:
            return True
        if self._closing or self.failure is not None:
            return False
        waiter = (seq, Event())
        self._waiters.append(waiter)
        self._bridge.open()
        self._release_waiters()  # it may have been stored, or failed, before `note` could see us
        self._hurry(seq)
        try:
            with eventlet.Timeout(timeout_s, False):
                waiter[1].wait()
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
        return self.stored_seq >= seq

    def query(self, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return `read(*args)`, a method of `History`, letting other greenlets run.

        Reads are answered one after the other, in the order they came. Raises StoreAway where the database fails or
        does not answer within `READ_S` seconds, or too many wait; else what `read` raises.
        """
        return self._read_by(self._reads, partial(read, *args, **kwargs))

    def look_up(self, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same, of short reads that no longer one may keep waiting: orders wait for them."""
        return self._read_by(self._lookups, partial(read, *args, **kwargs))

    def _read_by(self, reads: _Reads, read: Callable[[], T]) -> T:
        if self._closing:
            raise StoreClosed("the history is closed")
        if reads.count >= READS_MAX:
            raise StoreAway("too many reads of the history wait")
        asked = _Read(read)
        self._bridge.open()
        reads.queue.put(asked)
        reads.count += 1
        try:
            with eventlet.Timeout(READ_S, StoreAway("the history does not answer")):
                result: T = asked.answer.wait()
        except SQLAlchemyError as problem:
            client_log.error("the history could not be read: %s", cause_of(problem))
            raise StoreAway("the history cannot be read") from None
        finally:
            asked.abandoned = True  # when it was not answered
            reads.count -= 1
        return result

    def close(self) -> None:
        """Answer what waits, then stop the threads. Blocks the calling thread for `CLOSE_S` at most. Idempotent."""
        if self._closing:
            return
        self._closing = True
        self._is_there.set()  # what waits for the file is answered that it is not there
        self._reads.queue.put(None)
        self._lookups.queue.put(None)
        until = time.monotonic() + CLOSE_S
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        self._release_waiters()
        if any(thread.is_alive() for thread in self._threads):
            log.error("a read of the history does not end; the server ends without it")
            return  # it may post to the bridge still
        self._bridge.close()

    # -- the reading threads

    def _read_all(self, reads: _Reads) -> None:
        while (asked := reads.queue.get()) is not None:
            if not asked.abandoned:
                self._answer(asked.answer, asked.read)

    def _answer(self, answer: Event, read: Callable[[], object]) -> None:
        try:
            if not self._is_there.wait(max(0.0, self._opening_until - time.monotonic())):
                raise StoreAway("the history is not there yet")
            result = self._twice(read)
        except Exception as error:  # raised in the greenlet that asked
            self._bridge.post(partial(answer.send_exception, error))
        else:
            self._bridge.post(partial(answer.send, result))

    def _twice(self, read: Callable[[], object]) -> object:
        """What is read; where the file is damaged, once more: it may have been replaced under its connections."""
        try:
            return read()
        except StoreDamaged:
            self._history.reopen()
        try:
            return read()
        except StoreDamaged as damage:
            self._on_damaged(str(damage))
            raise

    # -- the event loop

    def _release_waiters(self) -> None:
        """Wake the greenlets whose seq is stored, or never will be. In the event loop's thread."""
        over = self.failure is not None or self._closing
        for waiter in [waiter for waiter in self._waiters if over or waiter[0] <= self._stored_seq]:
            self._waiters.remove(waiter)
            waiter[1].send()
