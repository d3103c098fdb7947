"""The server's side of the historian: the process, and the reads of what it has written.

Layer: replica. For the event loop's thread.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from typing import Final

import msgspec

from engine.types import Seq
from history.access import HistoryAccess
from history.store import History
from replica.child import SILENCE_END_S, SILENCE_REPORT_S, ChildEnd, ChildFollower
from replica.frames import Position, State
from replica.historian.options import HistorianOptions
from replica.record_log import RecordLog

log = logging.getLogger(__name__)

MODULE: Final = "replica.historian"
CLOSE_S: Final = 2.5  # that it may take to write what it has: the next start writes the rest
HEAL_AGAIN_S: Final = 600.0  # between two histories that reads find damaged: building one anew takes its time
ENDS_MAX: Final = 3  # in a row, before it is told
IS_SILENT: Final = (
    "The process that writes the history does not answer; if it goes on so, it is ended and another is started."
)
COULD_NOT_START: Final = (
    "The process that writes the history cannot be started; it is tried again, and the log says why."
)
ENDS_AGAIN: Final = (
    "The process that writes the history ends again and again; it is started again, and the log says why."
)
GETS_NO_FURTHER: Final = (
    "The process that writes the history ends again and again and gets no further; it is started again, each time "
    "later, and the log says why."
)
IS_DAMAGED: Final = "The history is damaged; it is set aside and built anew from the journal."
HAS_STOPPED: Final = "The process that writes the history has stopped; the log says why. The next start begins it anew."


class HistorianHost:
    """Has the history written by a process of its own, and read through `access`."""

    def __init__(
        self,
        records: RecordLog,
        history: History,
        stored_seq: Seq,
        options: HistorianOptions,
        *,
        silence_report_s: float = SILENCE_REPORT_S,
        silence_end_s: float = SILENCE_END_S,
    ) -> None:
        """Start it. `stored_seq`: how far the file `history` reads is already, as `history.writer.stored_seq` says.

        When it says nothing for so many seconds while records wait, that is told in `access.failure`, and it is killed.
        """
        self.access = HistoryAccess(history, stored_seq or None, self.hurry, self._on_damaged)
        last = records.last
        if last is not None and stored_seq >= last.last_seq:
            self.access.record_n = last.n  # it has all, also before the process has said so
        self._history = history
        self._healed_at: float | None = None
        self.last_snapshot: State | None = None  # that it wrote; of this run of the server
        self._on_state: list[Callable[[State], object]] = []
        self._asked = options
        self._begins_at_newest = False
        self._end_by = math.inf
        self._child = ChildFollower(
            MODULE,
            lambda: [self._options()],
            records,
            on_said=self._on_said,
            on_end=self._on_end,
            on_silence=lambda: self._note_failure(IS_SILENT),
            silence_report_s=silence_report_s,
            silence_end_s=silence_end_s,
        )

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._child.pid

    def finish(self, end_by: float) -> None:
        """Let it write what it has and end, until the monotonic second `end_by` at most; `close` waits for it.

        No record comes any more. Returns at once.
        """
        self._end_by = end_by
        self._child.finish()

    def close(self) -> None:
        """Let it write what it has, within `CLOSE_S` seconds, and end it; then end the reading threads. Idempotent."""
        self._child.close(max(0.0, min(CLOSE_S, self._end_by - time.monotonic())))
        self.access.close()

    def hurry(self, seq: Seq) -> None:
        """Have the history written up to a command soon. Never blocks."""
        self._child.hurry(seq)

    def on_state(self, listener: Callable[[State], object]) -> None:
        """Have `listener` called with each state that it says, in its link's thread. It must not block."""
        self._on_state.append(listener)

    # -- in a reading thread

    def _on_damaged(self, cause: str) -> None:
        """Set the file aside, and have it built anew by another process: this one may have it open."""
        now = time.monotonic()
        if self._healed_at is not None and now - self._healed_at < HEAL_AGAIN_S:
            return
        self._healed_at = now
        log.error("the history is damaged (%s): it is set aside and built anew, trading goes on", cause)
        try:
            self._history.set_aside()
        except OSError as problem:
            log.error("the damaged history cannot be set aside: %s", problem)
            return
        self.access.note(self.access.record_n, Seq(0), IS_DAMAGED)
        self._child.restart()

    # -- in the thread of the child's link

    def _on_said(self, message: Position | State) -> None:
        if isinstance(message, Position):
            self._note_position(message)
            return
        self.last_snapshot = message
        for listener in self._on_state:
            listener(message)

    def _note_position(self, position: Position) -> None:
        stored = self.access.stored_seq if position.seq is None else Seq(position.seq)
        self.access.note(position.n, stored, position.failure)

    def _options(self) -> str:
        return msgspec.json.encode(
            msgspec.structs.replace(self._asked, begins_at_newest=self._begins_at_newest)
        ).decode()

    def _on_end(self, end: ChildEnd) -> None:
        self._begins_at_newest = end.unreadable or self._begins_at_newest
        if not end.again:
            self._note_failure(HAS_STOPPED)
        elif not end.started:
            self._note_failure(COULD_NOT_START)
        elif end.stuck >= ENDS_MAX:
            self._note_failure(GETS_NO_FURTHER)
        elif end.times >= ENDS_MAX:
            self._note_failure(ENDS_AGAIN)

    def _note_failure(self, failure: str) -> None:
        self.access.note(self.access.record_n, self.access.stored_seq, failure)
