"""The history's native threads, one that writes and two that read, and what a greenlet asks of them.

The event loop must not wait for a database, and a native thread must not wait for the event loop:
batches go over by a queue, answers come back by the `Bridge`.

What waits to be written is gathered for a moment into one transaction, since the interpreter lock
is what the two sides compete for, and a transaction costs some takes of it however large it is.
Layer: history.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Final, ParamSpec, TypeVar

import eventlet
from eventlet.event import Event
from sqlalchemy.exc import SQLAlchemyError

from engine.events import CommandResult
from engine.types import Seq
from history.dialect import cause_of
from history.store import History
from logs.limit import limited
from loop.bridge import Bridge
from loop.errors import StoreAway, StoreClosed

log = logging.getLogger(__name__)
client_log = limited(log)

WAITING_COMMANDS_MAX: Final = 50_000  # beyond this `put` asks for a pause; at twice this the writer gives up
TRANSACTION_COMMANDS_MAX: Final = 1_000  # encoding them holds the interpreter lock about a millisecond
COULD_NOT_WRITE: Final = "The history could not be written; the next start writes what is missing."
TOO_FAR_BEHIND: Final = "The history was too far behind the journal; the next start writes what is missing."
GATHER_S: Final = 0.05  # that a batch waits to be written with others, unless a read waits for it

P = ParamSpec("P")
T = TypeVar("T")


class HistoryWriter:
    """Writes behind the journal, and answers reads. All methods are for the event loop's thread.

    When the database refuses (disk full), `failure` says so in a sentence that everybody may read, once
    and for good, and the log says why: nothing more is written until the next start, reads answer what
    there is, and `lag` grows. Trading goes on: the journal has everything, and the next start builds
    what is missing.
    """

    def __init__(self, history: History, waiting_max: int = WAITING_COMMANDS_MAX) -> None:
        """Start the threads. `waiting_max`: commands that may wait before `put` asks for a pause."""
        self.failure: str | None = None  # set when nothing is written any more; shown to anybody, so without the cause
        self._history = history
        self._waiting_max = waiting_max
        self._put_seq = history.applied_seq  # of the last command put
        self._closing = False
        self._batches: SimpleQueue[list[CommandResult] | None] = SimpleQueue()  # None: no more will come
        self._reads: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lookups: SimpleQueue[Callable[[], None] | None] = SimpleQueue()  # look-ups that orders wait for
        self._hurry = threading.Event()  # a read waits: write now
        self._waiters: list[tuple[Seq, Event]] = []
        self._bridge = Bridge()
        self._threads = [
            threading.Thread(target=self._write_all, name="history-writer", daemon=True),
            threading.Thread(target=self._read_all, args=(self._reads,), name="history-reader", daemon=True),
            threading.Thread(target=self._read_all, args=(self._lookups,), name="history-look-up", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def stored_seq(self) -> Seq:
        """Everything up to this seq can be read."""
        return self._history.applied_seq

    def lag(self, seq: Seq) -> int:
        """How many commands up to `seq` are not stored yet."""
        return max(0, seq - self.stored_seq)

    def put(self, batch: list[CommandResult]) -> bool:
        """Have `batch` stored soon. Never blocks. Batches come in the order of their seqs, without a hole.

        False: it is taken, but more than `waiting_max` commands wait. The caller should then call
        `wait_for_room` before it lets more commands in. One that does not, and comes to twice the
        limit, makes the writer give up (see `failure`): memory is bounded, trading never stops.
        Raises StoreClosed after `close`.
        """
        if self._closing:
            raise StoreClosed("the history is closed")
        if self.failure is not None or not batch:
            return True
        self._put_seq = batch[-1].seq
        self._batches.put(batch)
        waiting = self.lag(self._put_seq)
        if waiting > 2 * self._waiting_max:
            self._give_up(TOO_FAR_BEHIND, f"{waiting} commands wait to be written, more than twice the limit")
        return waiting <= self._waiting_max

    def wait(self, seq: Seq, timeout_s: float | None = None) -> bool:
        """Wait, letting other greenlets run, until everything up to `seq` is stored; then True.

        False: it will not be, because the writer failed or closed, or it was not in `timeout_s` seconds.
        """
        if self.stored_seq >= seq:
            return True
        waiter = (seq, Event())
        self._waiters.append(waiter)
        self._bridge.open()
        self._release_waiters()  # it may have been stored, or failed, before the writer could see us
        self._hurry.set()
        try:
            with eventlet.Timeout(timeout_s, False):
                waiter[1].wait()
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
        return self.stored_seq >= seq

    def wait_for_room(self) -> None:
        """Wait, letting other greenlets run, until no more than half the limit waits to be written."""
        self.wait(Seq(self._put_seq - self._waiting_max // 2))

    def query(self, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return `read(*args)`, a method of `History`, letting other greenlets run.

        Raises StoreAway where the database fails, and else what it raises.

        Reads are answered one after the other, in the order they came.
        """
        return self._read_by(self._reads, partial(read, *args, **kwargs))

    def look_up(self, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same, of short reads that no longer one may keep waiting: orders wait for them."""
        return self._read_by(self._lookups, partial(read, *args, **kwargs))

    def _read_by(self, reads: SimpleQueue[Callable[[], None] | None], read: Callable[[], T]) -> T:
        if self._closing:
            raise StoreClosed("the history is closed")
        answer = Event()
        self._bridge.open()
        reads.put(partial(self._answer, answer, read))
        try:
            result: T = answer.wait()
        except SQLAlchemyError as problem:
            client_log.error("the history could not be read: %s", cause_of(problem))
            raise StoreAway("the history cannot be read") from None
        return result

    def close(self) -> None:
        """Write and answer what waits, then stop the threads. Blocks the calling thread until then."""
        if self._closing:
            return
        self._closing = True
        self._batches.put(None)
        self._reads.put(None)
        self._lookups.put(None)
        self._hurry.set()
        for thread in self._threads:
            thread.join()
        self._release_waiters()
        self._bridge.close()

    # -- the writing thread

    def _write_all(self) -> None:
        backlog: list[CommandResult] = []
        while self.failure is None and (backlog or self._gather(backlog)):
            self._take(backlog)
            try:
                self._history.write(backlog[:TRANSACTION_COMMANDS_MAX])
            except Exception as error:  # whatever failed: trading goes on without the history
                self._give_up(COULD_NOT_WRITE, cause_of(error))
            del backlog[:TRANSACTION_COMMANDS_MAX]
            if self._waiters:
                self._bridge.post(self._release_waiters)

    def _gather(self, backlog: list[CommandResult]) -> bool:
        """Block until there is something to write and a moment for more has passed; False when none will come."""
        batch = self._batches.get()
        if batch is None:
            return False
        backlog += batch
        self._hurry.wait(GATHER_S)
        self._hurry.clear()
        return True

    def _take(self, backlog: list[CommandResult]) -> None:
        """Move waiting batches to `backlog` until it fills a transaction. Never blocks."""
        while len(backlog) < TRANSACTION_COMMANDS_MAX:
            try:
                batch = self._batches.get_nowait()
            except Empty:
                return
            if batch is None:
                self._batches.put(None)  # it is the last: leave it for `_gather`
                return
            backlog += batch

    # -- the reading threads

    def _read_all(self, reads: SimpleQueue[Callable[[], None] | None]) -> None:
        while (read := reads.get()) is not None:
            read()

    def _answer(self, answer: Event, read: Callable[[], object]) -> None:
        try:
            result = read()
        except Exception as error:  # raised in the greenlet that asked
            self._bridge.post(partial(answer.send_exception, error))
        else:
            self._bridge.post(partial(answer.send, result))

    # -- both

    def _give_up(self, why: str, cause: str) -> None:
        """`why` is for everybody, `cause` for the log."""
        log.error("history stopped at seq %s, trading goes on: %s. %s", self.stored_seq, cause, why)
        self.failure = why
        with suppress(Empty):  # from now on `put` adds nothing
            while True:
                self._batches.get_nowait()
        self._bridge.post(self._release_waiters)

    def _release_waiters(self) -> None:
        """Wake the greenlets whose seq is stored, or never will be. In the event loop's thread."""
        over = self.failure is not None or not self._threads[0].is_alive()
        for waiter in [waiter for waiter in self._waiters if over or waiter[0] <= self.stored_seq]:
            self._waiters.remove(waiter)
            waiter[1].send()
