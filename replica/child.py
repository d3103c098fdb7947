"""A follower in a process of its own, which is started, served, started again when it ends, and ended.

Layer: replica. One native thread for each.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess  # nosec B404 # for our own followers
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from journal.codec import BatchRecord
from journal.port import JournalError
from replica.frames import Position, State
from replica.link import FollowerLink, SilenceLimits
from replica.record_log import RecordLog

log = logging.getLogger(__name__)

ROOT: Final = Path(__file__).resolve().parent.parent
EXIT_DIFFERS: Final = (
    65  # EX_DATAERR of sysexits.h: its records or its state differ; another one would end the same way
)
EXIT_UNREADABLE: Final = 66  # EX_NOINPUT: a record is not what was sealed, or is missing
BACK_OFF_S: Final = 0.25  # before the second; twice as long before each further one
BACK_OFF_S_MAX: Final = 30.0
STUCK_S_MAX: Final = 3600.0  # before another of those that get no further: each reads the whole journal
STEADY_S: Final = 60.0  # that one runs, and the next is started soon again
REAP_S: Final = 1.0  # for a process whose stream has ended, before it is killed
KILLED_S: Final = 5.0  # for one that was killed, before it is told: it may be blocked in a disk
SILENCE_REPORT_S: Final = 30.0  # one that gets on says so twice a second, one whose database fails every 15 s at most
SILENCE_END_S: Final = 120.0  # long enough for a slow disk: another one must read the whole journal first


class ChildEnd(msgspec.Struct, frozen=True):
    """How a process ended by itself."""

    times: int  # so many in a row, each soon behind the one before
    stuck: int  # so many in a row got no further than where they began
    started: bool  # False: it could not be started, or not be served
    again: bool  # another is started
    unreadable: bool  # records that it needed cannot be read


class _Run:
    """What one process has said of how far it is."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self._first_seq: int | None = None
        self._last_seq = 0
        self._had_all_at: float | None = None

    def note(self, position: Position, newest: BatchRecord | None) -> None:
        """Note what it says, when `newest` is the last record there is."""
        if position.seq is None:
            return
        self._last_seq = position.seq
        if self._first_seq is None:
            self._first_seq = position.seq
        has_all = newest is None or (position.n >= newest.n and position.seq >= newest.last_seq)
        if has_all and self._had_all_at is None:
            self._had_all_at = time.monotonic()

    def lasted_s(self) -> float:
        return time.monotonic() - self.began

    def got_further(self) -> bool:
        """Whether it has done more than was done when it began, or went on for a while with nothing left to do."""
        if self._had_all_at is not None and time.monotonic() - self._had_all_at > STEADY_S:
            return True
        return self._first_seq is not None and self._last_seq > self._first_seq


class ChildFollower:
    """The process, while this is not closed. Methods are for any thread, and none but `close` blocks."""

    def __init__(
        self,
        module: str,
        arguments: Callable[[], Sequence[str]],
        records: RecordLog,
        *,
        on_said: Callable[[Position | State], object],
        on_end: Callable[[ChildEnd], object],
        on_silence: Callable[[], object],
        silence_report_s: float = SILENCE_REPORT_S,
        silence_end_s: float = SILENCE_END_S,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start `python -m module DESCRIPTOR ARGUMENTS`, which follows by the socket of that descriptor.

        `environment`: what is added to ours for it, such as a password, which other users can read of an argument.

        `arguments` gives them before each start, in the native thread; it may raise JournalError.
        `on_said` is called with all that it says; `on_end` when it ended by itself; `on_silence` when it has said
        nothing for `silence_report_s` seconds while records wait for it. After `silence_end_s` it is killed, and
        another is started. All of them in the native thread.
        """
        self._module = module
        self._arguments = arguments
        self._environment = dict(environment or {})
        self._records = records
        self._say_on = on_said
        self._on_end = on_end
        self._on_silence = on_silence
        self._silence = SilenceLimits(silence_report_s, silence_end_s, self._is_silent)
        self._run_now = _Run()
        self._was_unreadable = False
        self._closing = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._link: FollowerLink | None = None
        self._thread = threading.Thread(target=self._run, name=f"{module.rpartition('.')[2]}-link", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        process = self._process
        return None if process is None else process.pid

    def hurry(self, seq: int) -> None:
        """Have it told that somebody waits for command `seq`."""
        link = self._link
        if link is not None:
            link.hurry(seq)

    def restart(self) -> None:
        """End the process at once; another is started, as when it ends by itself."""
        process = self._process
        if process is not None:
            process.kill()

    def finish(self) -> None:
        """Let it do what is left and end, and start no other. Returns at once; `close` waits for it. Idempotent."""
        self._closing.set()
        link = self._link
        if link is not None:
            link.finish()

    def close(self, deadline_s: float) -> None:
        """Let it do what is left, and end it; after `deadline_s` seconds by force. Blocks until then. Idempotent."""
        until = time.monotonic() + deadline_s
        self.finish()
        self._thread.join(max(0.0, until - time.monotonic()))
        if self._thread.is_alive():
            process, link = self._process, self._link
            log.warning("%s does not end, and is killed: what it has not done is done at the next start", self._module)
            if process is not None:
                process.kill()
            if link is not None:
                link.abort()
            self._thread.join(KILLED_S)  # not for ever: it may be blocked in a disk

    # -- in the native thread

    def _run(self) -> None:
        times = stuck = 0
        while not self._closing.is_set():
            run = self._run_now = _Run()
            status = self._follow_or_log()
            if self._closing.is_set():
                return
            lasted_s = run.lasted_s()
            times = 1 if lasted_s > STEADY_S else times + 1
            stuck = 0 if run.got_further() else stuck + 1
            unreadable = status == EXIT_UNREADABLE or self._was_unreadable
            self._report_end(ChildEnd(times, stuck, status is not None, status != EXIT_DIFFERS, unreadable))
            if status == EXIT_DIFFERS:
                log.error("%s has stopped and is not started again before the next start", self._module)
                return
            wait_s = _back_off_s(times, stuck, lasted_s)
            further = "" if stuck < 2 else f", no further than {stuck - 1} before it"
            log.warning("%s has ended (%s)%s; another is started in %.2f s", self._module, status, further, wait_s)
            self._closing.wait(wait_s)

    def _follow_or_log(self) -> int | None:
        """Start one and serve it until it ends; return its exit status, None where that failed."""
        try:
            return self._follow()
        except (OSError, JournalError) as error:  # no process, no descriptors: later, perhaps
            log.error("%s could not be started: %s", self._module, error)
        except Exception:  # a fault of ours ends one process, and not what starts the next
            log.exception("%s could not be served", self._module)
        return None

    def _report_end(self, end: ChildEnd) -> None:
        try:
            self._on_end(end)
        except Exception:
            log.exception("that %s has ended could not be told", self._module)

    def _is_silent(self) -> None:
        log.error("%s has said nothing for %.0f s while records wait", self._module, self._silence.report_s)
        self._on_silence()

    def _on_said(self, message: Position | State) -> None:
        if isinstance(message, Position):
            self._run_now.note(message, self._records.last)
        self._say_on(message)

    def _follow(self) -> int:
        """Start one and serve it until it ends; return its exit status. Raises OSError."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            link = FollowerLink(ours, self._records, self._on_said, self._silence)
            try:
                process = self._started(theirs.fileno())
            except BaseException:
                link.abort()
                link.serve()  # closes what it has
                raise
        self._process, self._link = process, link
        try:
            if self._closing.is_set():
                link.finish()
            why = link.serve()
            self._was_unreadable = link.is_unreadable
            if not self._closing.is_set():
                level = logging.ERROR if link.is_unreadable else logging.INFO
                log.log(level, "the stream to %s, process %d, has ended: %s", self._module, process.pid, why)
        finally:
            self._link = None
            status = self._reaped(process)
            self._process = None
        return status

    def _started(self, descriptor: int) -> subprocess.Popen[bytes]:
        """A process that follows by the socket `descriptor`. Raises OSError."""
        return subprocess.Popen(  # noqa: S603  # nosec B603 # our own module
            [sys.executable, "-m", self._module, str(descriptor), *self._arguments()],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=2,  # what it says goes to the log of the server
            pass_fds=[descriptor],
            process_group=0,  # signals of the terminal are for the server, which ends it
            # found by its folder, which a safe path would leave out
            env={**os.environ, **self._environment, "PYTHONWARNINGS": "ignore", "PYTHONSAFEPATH": ""},
        )

    def _reaped(self, process: subprocess.Popen[bytes]) -> int:
        """The exit status of a process whose stream has ended; -9 for one that does not even end when it is killed."""
        with suppress(subprocess.TimeoutExpired):
            return process.wait(None if self._closing.is_set() else REAP_S)
        process.kill()
        while True:
            with suppress(subprocess.TimeoutExpired):
                return process.wait(KILLED_S)
            log.error("%s, process %d, was killed and does not end", self._module, process.pid)
            if self._closing.wait(BACK_OFF_S_MAX):
                return -signal.SIGKILL


def _back_off_s(times: int, stuck: int, lasted_s: float) -> float:
    """Seconds before another is started; of those that get no further, no less than the last one took to end."""
    wait_s = min(BACK_OFF_S * 2.0 ** min(times - 1, 16), BACK_OFF_S_MAX)
    if stuck < 2:
        return wait_s
    return max(wait_s, min(max(BACK_OFF_S * 2.0 ** min(stuck - 1, 16), lasted_s), STUCK_S_MAX))
