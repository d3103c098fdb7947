"""The end of the process: which signals ask for it, and by when it has ended whatever holds it up.

Layer: api.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from types import FrameType
from typing import Final, NoReturn

from logs.setup import leave

log = logging.getLogger("openbell")

STOP_S: Final = 4.0  # from the signal to the end: five seconds, less what a busy machine takes to do both
ANSWERED_S: Final = 1.5  # of these, for what has come to be answered
WRITTEN_S: Final = 3.0  # and for the history to be written: the next start writes the rest
EXIT_INVARIANT_VIOLATION: Final = 70  # EX_SOFTWARE of sysexits.h
EXIT_DIFFERS: Final = 65  # EX_DATAERR: what this node has differs from the log, or cannot be kept: a person decides
EXIT_NOT_CLOSED: Final = (
    75  # EX_TEMPFAIL of sysexits.h: what was not answered may be in the journal, or not; start again
)


def end_at_interrupt() -> None:
    """Have SIGINT end the process at once, as SIGTERM does, while nothing was begun that has to be closed.

    Python's own handler would wait for the end of a call, and then close all that was opened. A SIGINT that is ignored
    stays so.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


class StopSignals:
    """Notes the first SIGINT or SIGTERM. A second one ends the process at once, as if nobody handled it."""

    def __init__(self) -> None:
        self.received: int | None = None
        self.received_at = 0.0  # monotonic seconds
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.received, self.received_at = number, time.monotonic()
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_DFL)


class StopDeadline:
    """Ends the process in time, from a native thread: what holds up the event loop does not hold it up."""

    def __init__(self, began: float) -> None:
        """`began`: the monotonic second from which it counts, of the signal."""
        self.began = began
        self._all_durable = False
        self._step = "the requests"
        self._done = threading.Event()
        threading.Thread(target=self._run, name="stop-deadline", daemon=True).start()

    @property
    def answered_by(self) -> float:
        """The monotonic second by which what has come is answered, or is not any more."""
        return self.began + ANSWERED_S

    @property
    def written_by(self) -> float:
        """The monotonic second by which the history is written, or is not any more."""
        return self.began + WRITTEN_S

    def note_step(self, step: str) -> None:
        """What is waited for from now on, in words for the log."""
        self._step = step

    def note_all_durable(self) -> None:
        """Everything that was taken is in the journal, and answered."""
        self._all_durable = True

    def done(self) -> None:
        """All is closed: nothing is to be ended by force."""
        self._done.set()

    def _run(self) -> None:
        if self._done.wait(max(0.0, self.began + STOP_S - time.monotonic())):
            return
        if self._all_durable:
            log.warning(
                "the server ends without waiting for %s any longer: all that was taken is in the journal", self._step
            )
        else:
            log.critical("the journal does not end, and the server ends without it: what was not answered is uncertain")
        leave(0 if self._all_durable else EXIT_NOT_CLOSED)


def stop_at_violation(violation: BaseException) -> NoReturn:
    """A broken invariant: no answer leaves any more, and a restart would stop at the same command."""
    log.critical("the engine contradicts itself; stopping before any answer", exc_info=violation)
    leave(EXIT_INVARIANT_VIOLATION)


def stop_to_begin_anew(problem: Exception) -> NoReturn:
    """A node that the log has left behind: its next start begins with another node's snapshot."""
    log.critical("this node ends, and begins with a snapshot when it is started again: %s", problem)
    leave(EXIT_NOT_CLOSED)


def stop_at_difference(problem: Exception) -> NoReturn:
    """A node whose records are not those of the log, or cannot be written: it shows nothing any more."""
    log.critical("this node stops, and keeps what it has: %s", problem)
    leave(EXIT_DIFFERS)
