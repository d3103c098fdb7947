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
    Message,
    Question,
    Reached,
    Read,
    Records,
    SubjectKind,
    TooLong,
    Unknown,
)
from journal.codec import BatchRecord
from journal.port import Journal, JournalError
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
GRACE_S = 10.0  # more, before a process that does not answer is ended
FRAME_BYTES = 4_000_000


class NotExplained(Exception):
    """There is no explanation now.

    - ExplainerBusy: as many questions wait as may, of the account or of all
    - ExplainerBehind: the journal is being read still
    - ExplainerFailed: it takes too long, or the process has ended
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


class NothingToExplain(NotExplained):
    """There is no such order, trade or command, or it is not for who asks."""


class ExplainHost:
    """Answers why. All methods are for the event loop's thread, and cooperative."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._workers = Workers("explain", 1, 2)  # a question, and who follows the journal
        self._lock = FairLock(OWN_MAX, WAITING_MAX, PATIENCE_S)
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._closing = False
        self._reader: eventlet.greenthread.GreenThread | None = None

    def explain(self, about: SubjectKind, number: int, account: AccountId | None) -> bytes:
        """The explanation as JSON, for `account` or, with None, for an operator. Raises NotExplained, StoreClosed.

        Accounts (and operators, as one) have their questions answered in turn, so that one with many keeps no other
        waiting for all of them.
        """
        try:
            with self._lock.held_for(account):
                found = self._workers.run(self._ask, Question(about, number, account, ANSWER_S))
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
        raise ExplainerFailed

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return None if self._process is None else self._process.pid

    def close(self) -> None:
        """End the process; a question under way fails with ExplainerFailed. Idempotent."""
        self._closing = True
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

    # -- in the native thread

    def _follow(self) -> bool:
        """Follow the journal for a while; whether there is no more to do. Never raises."""
        try:
            last = self._journal.last
            until_n = 0 if last is None else last.n
            reached = self._converse(self._open(), Advance(until_n, READ_ON_S), READ_ON_S + GRACE_S)
            return not isinstance(reached, Reached) or reached.n >= until_n
        except _FAILURES as problem:
            self._fail(problem)
            return True

    def _ask(self, question: Question) -> Message:
        """Let the process follow the journal, then ask it. Never raises."""
        try:
            channel = self._open()
            last = self._journal.last
            until_n = 0 if last is None else last.n
            reached = self._converse(channel, Advance(until_n, CATCH_UP_S), CATCH_UP_S + GRACE_S)
            if isinstance(reached, Reached) and reached.n < until_n:
                return reached
            return self._converse(channel, question, ANSWER_S + GRACE_S)
        except _FAILURES as problem:
            self._fail(problem)
            return TooLong()

    def _fail(self, problem: Exception) -> None:
        if not self._closing:
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
            if not isinstance(answer, Read):
                return answer
            channel.send(Records(self._records(answer)))

    def _records(self, wanted: Read) -> list[BatchRecord]:
        records = self._journal.part(wanted.after_n, min(wanted.until_n, wanted.after_n + RECORDS_A_FRAME))
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
        self._process = subprocess.Popen(  # nosec B603 # a fixed command
            [sys.executable, "-m", "explain.worker"],
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
