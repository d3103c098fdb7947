"""The server's side of the process that explains: starts it when it is first asked, feeds it, ends it.

One native thread talks to the process, one question at a time; the event loop only waits. When
the process dies or does not answer in time it is ended, and the next question starts another.
Layer: explain.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import subprocess  # nosec B404 # for our own worker
import sys
import time
from pathlib import Path

import eventlet

from engine.types import AccountId
from explain.protocol import (
    RECORDS_A_FRAME,
    Advance,
    Answer,
    Channel,
    ChannelClosed,
    Dropped,
    Holding,
    Message,
    Question,
    Reached,
    Read,
    Records,
    SubjectKind,
    TooLong,
    Unknown,
)
from journal.beginnings import first_kept
from journal.codec import BatchRecord
from journal.port import Journal, JournalCorrupt, JournalError, RecordsDropped
from logs.limit import limited
from loop.errors import Busy, StoreError
from loop.fair_lock import FairLock
from loop.workers import Workers

log = logging.getLogger(__name__)
client_log = limited(log)

ROOT = Path(__file__).resolve().parent.parent
OWN_MAX = 4  # questions of one account at a time, the one that is answered included
WAITING_MAX = 1_000  # of all accounts
PATIENCE_S = 60.0  # that a question waits for its turn
CATCH_UP_S = 15.0  # that a question waits for the process to follow the journal
READ_ON_S = 5.0  # of following at a time, while nobody asks
ANSWER_S = 20.0  # that a question then waits for its answer
IDLE_S = 300.0  # without a question, after which the process is ended, and its memory free
GRACE_S = 10.0  # more, before a process that does not answer is ended
FRAME_BYTES = 4_000_000


class NotExplained(Exception):
    """There is no explanation now.

    - ExplainerBusy: as many questions wait as may, of the account or of all
    - ExplainerBehind: the journal is being read still
    - ExplainerFailed: it takes too long, or the process has ended
    - RecordsUnreadable: records that it is made from are damaged
    - NotKept: it is from before the records that are kept
    - NothingToExplain: there is no such order, trade or command, or not for who asks
    """


class ExplainerBusy(NotExplained):
    """As many questions wait as may: of this account (`own`), or of all."""

    def __init__(self, *, own: bool) -> None:
        super().__init__("too many questions wait")
        self.own = own


class ExplainerBehind(NotExplained):
    """The journal is being read still: `read_percent` of it so far."""

    def __init__(self, read_percent: int) -> None:
        super().__init__(f"the journal is read to {read_percent} %")
        self.read_percent = read_percent


class ExplainerFailed(NotExplained):
    """It takes longer than a question may, or the process that explains has ended."""


class RecordsUnreadable(NotExplained):
    """Records that explanations are made from cannot be read, which asking again does not mend."""


class NotKept(NotExplained):
    """It is from before the records that are kept: explanations begin with command `first_seq`."""

    def __init__(self, first_seq: int) -> None:
        super().__init__(f"explanations begin with command {first_seq}")
        self.first_seq = first_seq


class NothingToExplain(NotExplained):
    """There is no such order, trade or command, or it is not for who asks."""


class ExplainHost:
    """Answers why. All methods are for the event loop's thread, and cooperative."""

    def __init__(self, journal: Journal, data: Path) -> None:
        """`data`: the folder where the process keeps its index and its snapshots, and finds the server's."""
        self._journal = journal
        self._data = data
        self._workers = Workers("explain", 1, 2)  # a question, and who follows the journal
        self._lock = FairLock(OWN_MAX, WAITING_MAX, PATIENCE_S)
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._closing = False
        self._reader: eventlet.greenthread.GreenThread | None = None
        self._kept_from = 1, 1  # the first record of the journal's file, and of it with its archive
        self._asked_at = time.monotonic()
        self._watcher: eventlet.greenthread.GreenThread | None = None  # ends the process when nobody asks

    def explain(self, about: SubjectKind, number: int, account: AccountId | None) -> bytes:
        """The explanation as JSON, for `account` or, with None, for an operator. Raises NotExplained, StoreClosed.

        Accounts (and operators, as one) have their questions answered in turn, so that one with many keeps no other
        waiting for all of them.
        """
        try:
            with self._lock.held_for(account):
                self._note_question()
                found = self._workers.run(self._ask, Question(about, number, account, ANSWER_S))
                self._asked_at = time.monotonic()
        except Busy:
            raise ExplainerBusy(own=self._lock.own(account) >= OWN_MAX) from None
        if isinstance(found, Answer):
            return found.body
        if isinstance(found, Reached):
            self._go_on_reading()
            last = self._journal.last
            raise ExplainerBehind(0 if last is None else 100 * found.n // last.n)
        if isinstance(found, Unknown):
            raise NothingToExplain
        if isinstance(found, Dropped):
            raise NotKept(found.first_seq)
        if found is None:
            raise RecordsUnreadable
        raise ExplainerFailed

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return None if self._process is None else self._process.pid

    def close(self) -> None:
        """End the process; a question under way fails with ExplainerFailed. Idempotent."""
        self._closing = True
        if self._watcher is not None:
            self._watcher.kill()
        process = self._process
        if process is not None:
            process.kill()
        self._workers.close()
        self._end()

    def _go_on_reading(self) -> None:
        """Follow the journal further, also when nobody asks again."""
        if self._reader is None or self._reader.dead:
            self._reader = eventlet.spawn(self._read_on)

    def _read_on(self) -> None:
        with contextlib.suppress(Busy, StoreError):
            while not self._workers.run(self._follow):
                eventlet.sleep(0)

    def _note_question(self) -> None:
        self._asked_at = time.monotonic()
        if self._watcher is None or self._watcher.dead:
            self._watcher = eventlet.spawn(self._end_when_idle)

    def _end_when_idle(self) -> None:
        while True:
            left = self._asked_at + IDLE_S - time.monotonic()
            if left > 0:
                eventlet.sleep(left)
            elif self._reader is not None and not self._reader.dead:
                eventlet.sleep(READ_ON_S)
            else:
                break
        with contextlib.suppress(Busy, StoreError):  # Busy: somebody asks just now, and the watcher begins again
            self._workers.run(self._end)

    # -- in the native thread

    def _follow(self) -> bool:
        """Follow the journal for a while; whether there is no more to do. Never raises."""
        try:
            last = self._journal.last
            until_n = 0 if last is None else last.n
            wanted = Advance(until_n, READ_ON_S, self._first_kept())
            reached = self._converse(self._open(), wanted, READ_ON_S + GRACE_S)
            return not isinstance(reached, Reached) or reached.n >= until_n
        except _FAILURES as problem:
            self._fail(problem)
            return True

    def _ask(self, question: Question) -> Message | None:
        """Let the process follow the journal, then ask it; None where records are damaged. Never raises."""
        try:
            channel = self._open()
            last = self._journal.last
            until_n = 0 if last is None else last.n
            wanted = Advance(until_n, CATCH_UP_S, self._first_kept())
            reached = self._converse(channel, wanted, CATCH_UP_S + GRACE_S)
            if isinstance(reached, Dropped) or (isinstance(reached, Reached) and reached.n < until_n):
                return reached
            return self._converse(channel, question, ANSWER_S + GRACE_S)
        except _FAILURES as problem:
            self._fail(problem)
            return None if isinstance(problem, JournalCorrupt) else TooLong()

    def _fail(self, problem: Exception) -> None:
        if isinstance(problem, JournalCorrupt):
            client_log.error("there are no explanations that need these records: %s", problem)
        elif not self._closing:
            client_log.warning("the process that explains has failed, the next question starts another: %r", problem)
        self._end()

    def _converse(self, channel: Channel, message: Message, seconds: float) -> Message:
        """Send a message, and records when asked for, until the answer comes. Raises TimeoutError, ChannelClosed."""
        until = time.monotonic() + seconds
        channel.send(message)
        poll = select.poll()
        poll.register(channel.read_fd, select.POLLIN)
        while True:
            left = until - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                raise TimeoutError(f"no answer to {type(message).__name__} in {seconds} s")
            answer = channel.receive()
            if isinstance(answer, Read):
                channel.send(Records(self._records(answer)))
            elif isinstance(answer, Holding):
                channel.send(Records(self._holding(answer.seq)))
            else:
                return answer

    def _first_kept(self) -> int:
        """The first record that is kept; the archive is read only when the journal begins elsewhere than before."""
        first_n = self._journal.first_n
        if self._kept_from[0] != first_n:
            self._kept_from = first_n, first_kept(self._journal)
        return self._kept_from[1]

    def _holding(self, seq: int) -> list[BatchRecord]:
        try:
            record = self._journal.holding(seq)
        except RecordsDropped:
            return []
        return [] if record is None else [record]

    def _records(self, wanted: Read) -> list[BatchRecord]:
        try:
            records = self._journal.part(wanted.after_n, min(wanted.until_n, wanted.after_n + RECORDS_A_FRAME))
        except RecordsDropped:
            return []
        size = 0
        for number, record in enumerate(records):
            size += len(record.body)
            if size > FRAME_BYTES:
                return records[: max(number, 1)]
        return records

    def _open(self) -> Channel:
        if self._channel is not None:
            return self._channel
        if self._closing:
            raise ChannelClosed
        self._process = subprocess.Popen(  # noqa: S603 # nosec B603 # our own program
            [sys.executable, "-m", "explain.worker", str(self._data.resolve())],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # found by its folder, which a safe path would leave out
            env={**os.environ, "PYTHONWARNINGS": "ignore", "PYTHONSAFEPATH": ""},
        )
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None or self._closing:  # closed meanwhile: `close` may not have seen it
            raise ChannelClosed
        self._channel = Channel(stdout.fileno(), stdin.fileno())
        log.info("started the process that explains, %d", self._process.pid)
        return self._channel

    def _end(self) -> None:
        """End the process, if there is one."""
        process, self._process, self._channel = self._process, None, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


_FAILURES = (ChannelClosed, TimeoutError, JournalError, OSError)
