"""The writer's end of the record stream: one follower, served by one native thread.

The event loop and the committer only leave word (`Wake`); this thread gathers what became durable for a moment, sends
it in one piece, and reads the journal for a follower that is further behind than memory. What the follower does not
take stays in the journal: at most one piece waits to be sent, and nobody waits for it.
Layer: replica. Blocks in its own thread only.
"""

from __future__ import annotations

import logging
import select
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from typing import Final

import msgspec

from journal.beginnings import belongs
from journal.codec import GENESIS, BatchRecord
from journal.port import Checkpoint, JournalCorrupt, JournalError, RecordsDropped
from replica.frames import (
    FORMAT,
    BadFrame,
    FromFollower,
    Hello,
    Hurry,
    Position,
    Record,
    Refused,
    State,
    framed,
    from_follower,
)
from replica.record_log import RecordLog
from replica.wake import Wake

log = logging.getLogger(__name__)

GREETING_S: Final = 60.0  # that a follower may take for its hello
GATHER_S: Final = 0.02  # that a record waits for others, unless somebody waits for the follower
PIECE_BYTES: Final = 2**20  # about what is sent at a time
READ_AT_ONCE_MAX: Final = 512  # records of the journal
FINISH_UNTAKEN_S: Final = 2.0  # that a follower may take nothing when no more will come, before it is told so at once
_IN, _OUT, _IDLE = select.POLLIN, select.POLLOUT, 0


class LinkClosed(Exception):
    """The follower is gone, or is let go. Says why."""


class SilenceLimits(msgspec.Struct, frozen=True):
    """How long a follower may say nothing while records wait that it has not said to have applied."""

    report_s: float
    end_s: float  # when it is let go
    report: Callable[[], object]  # called in the serving thread, once each time


class FollowerLink:
    """One follower. `serve` is for a thread of its own, everything else for any."""

    def __init__(
        self,
        connection: socket.socket,
        records: RecordLog,
        on_said: Callable[[Position | State], object],
        silence: SilenceLimits | None = None,
    ) -> None:
        """`on_said`: called in the serving thread with all that the follower says. Takes over `connection`.

        `silence`: for a follower that always says how far it is; without, one may say nothing for ever.
        Raises OSError where there are no more descriptors; the connection is closed then.
        """
        self._socket = connection
        self._records = records
        self._on_said = on_said
        self._reader = from_follower()
        with ExitStack() as opened:
            opened.callback(connection.close)
            self._new = opened.enter_context(closing(Wake()))
            self._urgent = Wake()
            opened.pop_all()
        self._poll = select.poll()
        self._out = memoryview(b"")  # what waits to be sent
        self._sent_n = 0
        self._due: float | None = None  # when what was gathered is sent
        self._hurry_seq: int | None = None
        self._is_prompt = False
        self._finishing = self._has_finished = self._aborted = False
        self._noted: deque[Checkpoint] = deque()  # states behind what was sent, by seq
        self._read_at_once = 16
        self._silence = silence
        self._said = Position(0, None)
        self._silent_since: float | None = None  # while it has not said that it has everything
        self._silence_is_reported = False
        self.is_unreadable = False  # whether it ended since records that the follower needs cannot be read
        self._taken_at = 0.0  # when the follower took something of `_out`, or that was made

    def serve(self) -> str:
        """Serve the follower until it is gone; return why it is. Never raises."""
        self._records.on_append(self._new.set)
        try:
            self._socket.setblocking(False)
            self._poll.register(self._socket, _IN)
            self._poll.register(self._urgent, _IN)
            self._greet()
            self._poll.register(self._new, _IN)
            while True:
                self._turn()
        except LinkClosed as closed:
            return str(closed)
        except (JournalCorrupt, RecordsDropped) as problem:
            self.is_unreadable = True
            return str(problem)
        except (BadFrame, OSError, JournalError) as problem:
            return f"{type(problem).__name__}: {problem}"
        except Exception as bug:  # of ours: that follower ends, nobody else does
            log.exception("the link to a follower failed")
            return f"{type(bug).__name__}: {bug}"
        finally:
            self._records.off_append(self._new.set)
            self._socket.close()
            self._new.close()
            self._urgent.close()

    @property
    def applied_n(self) -> int:
        """The last record that the follower has said to have applied; 0 before it says any."""
        return self._said.n

    def hurry(self, seq: int) -> None:
        """Have the follower told that somebody waits for this command. Never blocks."""
        self._hurry_seq = max(seq, self._hurry_seq or 0)
        self._urgent.set()

    def finish(self) -> None:
        """Send what is in memory still, then tell the follower that no more will come. Returns at once."""
        self._finishing = True
        self._urgent.set()

    def abort(self) -> None:
        """Let the follower go. Returns at once."""
        self._aborted = True
        self._urgent.set()

    # -- in the serving thread

    def _greet(self) -> None:
        """Wait for the follower's hello and answer it. One that cannot begin yet may say so before, again and again.

        Raises LinkClosed, BadFrame.
        """
        until = time.monotonic() + GREETING_S
        while True:
            now = time.monotonic()
            if now >= until:
                raise LinkClosed(f"no hello in {GREETING_S:.0f} s")
            for descriptor, _ in self._poll.poll(_ms(_soonest(until - now, self._silence_s(now, waits=True)))):
                if descriptor == self._urgent.fileno():
                    self._urgent.clear()
            if self._aborted or (self._finishing and self._said.failure is not None):
                raise LinkClosed("the writer let it go")
            frames = self._reader.feed(self._receive())
            while frames and _cannot_begin(frames[0]):
                self._take([frames.pop(0)])
                until = time.monotonic() + GREETING_S
            if frames:
                hello = frames.pop(0)
                if not isinstance(hello, Hello):
                    raise BadFrame("a follower begins with a hello")
                self._begin(hello)
                self._take(frames)
                return

    def _begin(self, hello: Hello) -> None:
        """Check what the follower has. Raises LinkClosed when it can be given nothing."""
        refusal: str | None = None
        if hello.format != FORMAT:
            refusal = f"the record stream is of format {FORMAT} here, and of {hello.format} there"
        elif not 0 <= hello.after_n <= self._records.last_n:
            refusal = f"the journal ends at record {self._records.last_n}, before record {hello.after_n}"
        elif not self._goes_on_from(hello.after_n, hello.chain):
            refusal = f"record {hello.after_n} is another one here"
        if refusal is not None:
            with suppress(OSError):
                self._socket.send(framed(Refused(refusal)))
            raise LinkClosed(refusal)
        self._sent_n, self._is_prompt = hello.after_n, hello.prompt
        self._noted.extend(self._records.checkpoints())
        last = self._records.last
        n, chain = (0, GENESIS) if last is None else (last.n, last.chain)
        self._out = memoryview(framed(Hello(FORMAT, n, chain)))

    def _goes_on_from(self, n: int, chain: bytes) -> bool:
        """Whether what comes next follows a record with this chain. Raises RecordsDropped where that is not kept."""
        self._records.part(n, n + 1)
        return belongs(self._records.part, n, chain)

    def _turn(self) -> None:
        """Send what is due, then wait for whatever comes next. Raises LinkClosed and what ends the link."""
        if not self._out and self._wait_s(time.monotonic()) == 0:
            self._fill()
        if self._out:
            self._send()
        now = time.monotonic()
        if self._finishing and not self._has_finished and self._finish_s(now) == 0:
            self._end()
        wait_s = None if self._out else self._wait_s(now)
        if wait_s == 0:
            return
        gathering = self._out or wait_s is not None or self._has_finished
        self._poll.modify(self._socket, _IN | _OUT if self._out else _IN)
        self._poll.modify(self._new, _IDLE if gathering else _IN)
        waits = self._said.n < self._records.last_n
        wait_s = _soonest(wait_s, self._silence_s(now, waits=waits), self._finish_s(now))
        for descriptor, event in self._poll.poll(_ms(wait_s)):
            if descriptor == self._new.fileno():
                self._new.clear()
            elif descriptor == self._urgent.fileno():
                self._urgent.clear()
                if self._aborted:
                    raise LinkClosed("the writer let it go")
            elif event & ~_OUT:
                self._take(self._reader.feed(self._receive()))

    def _wait_s(self, now: float) -> float | None:
        """Seconds until there is something to send; None: nothing is known of."""
        if self._has_finished:
            return None
        if self._finishing or self._hurry_seq is not None:
            return 0
        if self._is_prompt:
            return None if self._records.last_n == self._sent_n else 0
        if self._records.last_n == self._sent_n:
            if self._due is not None and now < self._due:
                return self._due - now  # in a stream of records this thread is woken by its clock, not by each of them
            self._due = None
            return None
        if self._due is None:
            self._due = now + GATHER_S
        return max(0.0, self._due - now)

    def _silence_s(self, now: float, *, waits: bool) -> float | None:
        """Seconds that the follower may go on to say nothing while something waits for it; None: as long as it likes.

        Tells when it has been too long. Raises LinkClosed when it has been much too long.
        """
        limits = self._silence
        if limits is None or not waits or self._finishing:
            self._silent_since = None
            return None
        if self._silent_since is None:
            self._silent_since, self._silence_is_reported = now, False
        silent_s = now - self._silent_since
        if silent_s >= limits.end_s:
            raise LinkClosed(f"it has said nothing for {silent_s:.0f} s while records wait")
        if not self._silence_is_reported and silent_s >= limits.report_s:
            self._silence_is_reported = True
            limits.report()
        return (limits.end_s if self._silence_is_reported else limits.report_s) - silent_s

    def _finish_s(self, now: float) -> float | None:
        """Seconds that the follower is waited for when no more will come; None: it is not waited for."""
        if not self._finishing or self._has_finished:
            return None
        if self._said.failure is not None:  # it takes nothing before it gets on, and then has the journal
            return 0
        return max(0.0, self._taken_at + FINISH_UNTAKEN_S - now) if self._out else None

    def _end(self) -> None:
        """Tell the follower that no more will come, whatever it has not taken."""
        self._out = memoryview(b"")
        self._has_finished = True
        self._socket.shutdown(socket.SHUT_WR)

    def _fill(self) -> None:
        """Put the next piece into `_out`: some of the records that the follower has not, then the hurry."""
        self._due = None
        recent = self._records.recent(self._sent_n)
        if recent is None and self._finishing:  # too far behind to be waited for: the next start goes on with it
            recent = []
        records = self._read() if recent is None else recent
        piece, size = [], 0
        for record in records:
            piece.append(framed(Record(record, self._digests_of(record))))
            self._sent_n = record.n
            size += len(piece[-1])
            if size >= PIECE_BYTES:
                break
        if size >= PIECE_BYTES or recent is None:
            self._due = 0.0  # there may be more
        elif self._finishing and not piece:
            self._end()
            return
        elif piece:
            self._due = time.monotonic() + GATHER_S
        hurry, self._hurry_seq = self._hurry_seq, None
        if hurry is not None:
            piece.append(framed(Hurry(hurry)))
        self._out, self._taken_at = memoryview(b"".join(piece)), time.monotonic()

    def _read(self) -> list[BatchRecord]:
        """Some records from the journal, about as many as make a piece."""
        records = self._records.part(self._sent_n, self._sent_n + self._read_at_once)
        size = sum(len(record.body) for record in records)
        if size > PIECE_BYTES:
            self._read_at_once = max(1, self._read_at_once // 2)
        elif size < PIECE_BYTES // 2:
            self._read_at_once = min(READ_AT_ONCE_MAX, self._read_at_once * 2)
        return records

    def _digests_of(self, record: BatchRecord) -> dict[int, str]:
        """The digests that the journal has of states within the record, by seq; earlier ones are no longer needed."""
        found, noted = {}, self._noted
        while noted and noted[0].seq <= record.last_seq:
            state = noted.popleft()
            if state.seq >= record.first_seq:
                found[state.seq] = state.digest
        return found

    def _send(self) -> None:
        """Send as much as the follower takes."""
        with suppress(BlockingIOError):
            self._out = self._out[self._socket.send(self._out) :]
            self._taken_at = time.monotonic()

    def _receive(self) -> bytes:
        """What came; nothing where nothing did. Raises LinkClosed at the end."""
        try:
            data = self._socket.recv(65536)
        except BlockingIOError:
            return b""
        if not data:
            raise LinkClosed("it has closed")
        return data

    def _take(self, frames: list[FromFollower]) -> None:
        for frame in frames:
            if isinstance(frame, Hello):
                raise BadFrame("a follower says hello once")
            self._silent_since = None
            if isinstance(frame, Position):
                self._said = frame
            self._on_said(frame)


def _cannot_begin(frame: FromFollower) -> bool:
    """Whether a follower says by this that it is there, and cannot say hello yet."""
    return isinstance(frame, Position) and frame.seq is None and frame.failure is not None


def _soonest(*waits_s: float | None) -> float | None:
    """The shortest of these waits; None: there is none."""
    return min((wait_s for wait_s in waits_s if wait_s is not None), default=None)


def _ms(wait_s: float | None) -> float | None:
    """As `poll` takes it."""
    return None if wait_s is None else wait_s * 1000
