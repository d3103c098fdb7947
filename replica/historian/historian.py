"""Follows the records with an exchange of its own, and writes down what every command caused.

It begins with a snapshot that is no newer than what the database has. What the database has already is folded and not
written again. What is to be written gathers for a moment into one transaction, unless somebody waits for it. Where the
database fails, the same is tried again, later each time; meanwhile what waits is bounded, and the records stay in the
journal. Snapshots are written between two records.
Layer: replica. Blocks.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from engine.events import CommandResult
from engine.rejects import InvariantViolation
from history.errors import StoreDamaged
from history.writer import HistoryWriter, StoreGap, StoreLocked, StoreRefused
from journal.codec import BatchRecord, CorruptRecord, UnknownVersion
from replica.follower import Follower, StateDiffers
from replica.frames import BadFrame, Hurry, Position, State
from replica.historian.snapshotter import Snapshotter
from replica.stream import RecordStream, StreamEnded

log = logging.getLogger(__name__)

TRANSACTION_COMMANDS_MAX: Final = 1_000  # when so many wait they are written before more records are taken
GATHER_S: Final = 0.05  # that what is to be written waits for more, unless somebody waits for it
REPORT_S: Final = 0.5  # between two positions while nothing is written
LOCK_WAIT_S: Final = 2.0  # for another historian that ends, before it is told
RETRY_S: Final = 0.25  # before the first try after a failure; twice as long before each further one
RETRY_S_MAX: Final = 10.0
COULD_NOT_OPEN: Final = "The history cannot be opened for writing; it is tried again."
COULD_NOT_WRITE: Final = "The history cannot be written; it is tried again, and what is missing is written then."
IS_DAMAGED: Final = "The history is damaged; it is set aside and built anew from the journal."
PRUNE_S: Final = 0.5  # between two steps while there is more to prune
PRUNE_ROWS: Final = 1_000  # of each table in one step: some 20 ms
PRUNED_S: Final = 600.0  # before it is looked for more
DAY_NS: Final = 86_400_000_000_000


FOLLOWING_FAILED: Final = (BadFrame, CorruptRecord, UnknownVersion, StateDiffers, InvariantViolation)


class Historian:
    """Between the record stream and the database."""

    def __init__(
        self,
        stream: RecordStream,
        database: Path,
        follower: Follower,
        snapshotter: Snapshotter,
        days: int | None = None,
        *,
        begins_anew: bool = False,
    ) -> None:
        """`follower` is behind the record that the stream begins behind.

        `days`: that what is over stays in the history, by the time of the records; None: for ever.
        `begins_anew`: have a history that begins where the follower is, for the records before were dropped.
        """
        self._begins_anew = begins_anew
        self._stream = stream
        self._days = days
        self._prune_at = time.monotonic()
        self._database = database
        self._follower = follower
        self._follower.listen(self._on_record)
        self._snapshotter = snapshotter
        self._writer: HistoryWriter | None = None
        self._stored_seq = 0
        self._waiting: list[CommandResult] = []
        self._write_at: float | None = None  # when what waits is written at the latest
        self._hurry_seq = 0
        self._reported = Position(0, None)
        self._reported_at = 0.0

    def run(self) -> None:
        """Follow until the writer's process ends and all is written that can be.

        Raises BadFrame, and what `Follower.follow` raises where the records or the state differ: what came before is
        written then. Raises StoreDamaged, the file set aside, and StoreGap where somebody else wrote it, or where it
        has less than the snapshot that was begun with: begin anew.
        """
        writer = self._opened()
        if writer is None:
            return
        if self._begins_anew and writer.applied_seq < self._follower.seq:
            log.error("the history begins with seq %d: records before cannot be read", self._follower.seq + 1)
            if writer.applied_seq:  # it has what cannot be made anew
                writer.set_aside()
                writer = self._opened()
                if writer is None:
                    return
            instruments = [book.instrument for book in self._follower.exchange.books.values()]
            writer.begin_at(self._follower.seq, instruments)
        self._writer, self._stored_seq = writer, writer.applied_seq
        if self._stored_seq < self._follower.seq:
            raise StoreGap(f"{self._database} was found with commands up to {self._follower.seq}, and has fewer now")
        self._report()
        try:
            self._follow()
        except StreamEnded:
            self._write_rest()
            if not self._waiting:
                self._save_snapshot(at_the_end=True)
        except FOLLOWING_FAILED:
            self._write_rest()
            raise

    def close(self) -> None:
        """Let go of database and stream."""
        if self._writer is not None:
            self._writer.close()
        self._stream.close()

    # -- following

    def _follow(self) -> None:
        """Take records and write what they caused. Raises StreamEnded and what the follower raises."""
        follow = self._follower.follow
        while True:
            for frame in self._stream.receive(self._receive_s()):
                if isinstance(frame, Hurry):
                    self._hurry_seq = max(self._hurry_seq, frame.seq)
                    continue
                for seq, digest in frame.digests.items():
                    self._follower.expect(seq, digest)
                follow(frame.record)
                while len(self._waiting) >= TRANSACTION_COMMANDS_MAX:
                    self._write()
            if self._waiting and self._wait_s() == 0:
                self._write()
            if not self._waiting:
                self._prune_now_and_then()
            self._report_now_and_then()
            if self._snapshotter.is_due:
                while self._waiting:  # the records that a snapshot covers may be dropped: the history needs them first
                    self._write()
                self._save_snapshot()

    def _on_record(self, record: BatchRecord, applied: list[CommandResult]) -> None:
        if record.last_seq <= self._stored_seq:
            return
        stored = max(0, self._stored_seq - record.first_seq + 1)  # of its commands
        self._waiting += applied[stored:] if stored else applied
        if self._write_at is None:
            self._write_at = time.monotonic() + GATHER_S

    def _wait_s(self) -> float | None:
        """Seconds until what waits is to be written; None: nothing waits."""
        if not self._waiting:
            return None
        if self._stored_seq < self._hurry_seq <= self._follower.seq or self._write_at is None:
            return 0
        return max(0.0, self._write_at - time.monotonic())

    def _receive_s(self) -> float | None:
        """Seconds until something is to be written, said or pruned; None: nothing is."""
        now, waits = time.monotonic(), [self._wait_s()]
        if self._follower.n != self._reported.n:
            waits.append(max(0.0, self._reported_at + REPORT_S - now))
        if self._days is not None and self._follower.last is not None:
            waits.append(max(0.0, self._prune_at - now))
        return min((wait_s for wait_s in waits if wait_s is not None), default=None)

    # -- writing

    def _write(self) -> None:
        """One transaction, again and again until the database takes it. Raises StreamEnded."""
        retry_s = RETRY_S
        while not self._try_to_write():
            if self._stream.is_over(retry_s):
                raise StreamEnded("the writer has ended")
            retry_s = min(2 * retry_s, RETRY_S_MAX)

    def _try_to_write(self) -> bool:
        """One transaction; whether the database took it."""
        some = self._waiting[:TRANSACTION_COMMANDS_MAX]
        if self._writer is None:
            return False
        try:
            self._writer.write(some)
        except StoreRefused as refusal:
            if self._reported.failure is None:
                log.error("history stopped at seq %d, trading goes on: %s", self._stored_seq, refusal)
            self._report(COULD_NOT_WRITE)
            return False
        except StoreDamaged as damage:
            self._set_aside(self._writer, damage)
            raise
        del self._waiting[: len(some)]
        self._write_at = time.monotonic() + GATHER_S if self._waiting else None
        if self._reported.failure is not None:
            log.info("the history is written again, from seq %d on", self._stored_seq + 1)
        self._stored_seq = self._writer.applied_seq
        self._report()
        return True

    def _write_rest(self) -> None:
        """What waits still, as far as the database takes it at once."""
        while self._waiting and self._try_to_write():
            pass

    def _prune_now_and_then(self) -> None:
        """A step of pruning, while nothing is to be written, where it is time for one."""
        last, writer = self._follower.last, self._writer
        if self._days is None or last is None or writer is None or time.monotonic() < self._prune_at:
            return
        try:
            more = writer.prune(last.ts_ns - self._days * DAY_NS, PRUNE_ROWS, last.ts_ns)
        except StoreRefused as refusal:
            log.warning("the history could not be pruned, which is tried again: %s", refusal)
            more = False
        except StoreDamaged as damage:
            self._set_aside(writer, damage)
            raise
        self._prune_at = time.monotonic() + (PRUNE_S if more else PRUNED_S)

    def _set_aside(self, writer: HistoryWriter, damage: StoreDamaged) -> None:
        log.error(
            "the history is damaged at seq %d, set aside and built anew, trading goes on: %s", self._stored_seq, damage
        )
        self._stored_seq = 0
        self._report(IS_DAMAGED)
        writer.set_aside()

    def _opened(self) -> HistoryWriter | None:
        """The database, when it can be opened; None where the writer has ended before."""
        retry_s = RETRY_S
        while True:
            try:
                return HistoryWriter(self._database, LOCK_WAIT_S, can_be_rebuilt=not self._begins_anew)
            except (StoreLocked, StoreRefused, OSError) as problem:
                if self._reported.failure is None:
                    log.error("the history cannot be written, trading goes on: %s", problem)
                self._say(Position(0, None, COULD_NOT_OPEN))
            if self._stream.is_over(retry_s):
                return None
            retry_s = min(2 * retry_s, RETRY_S_MAX)

    # -- snapshots

    def _save_snapshot(self, *, at_the_end: bool = False) -> None:
        """Write a snapshot, and tell the writer of it; at the end only where records came since the last one."""
        saved = self._snapshotter.save_last() if at_the_end else self._snapshotter.save()
        if saved is not None:
            self._send(saved)

    # -- reporting

    def _report_now_and_then(self) -> None:
        if self._follower.n != self._reported.n and time.monotonic() - self._reported_at >= REPORT_S:
            self._report(self._reported.failure)

    def _report(self, failure: str | None = None) -> None:
        self._say(Position(self._follower.n, self._stored_seq, failure))

    def _say(self, position: Position) -> None:
        self._reported, self._reported_at = position, time.monotonic()
        self._send(position)

    def _send(self, message: Position | State) -> None:
        with suppress(StreamEnded):  # it is noticed where records are taken, behind those that came before
            self._stream.say(message)
