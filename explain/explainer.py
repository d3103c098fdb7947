"""Answers questions from an index of the records and earlier states of a follower.

Layer: explain. Its files are in a folder of its own; the records come from whoever has them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from engine.commands import Command, EnterOrder
from engine.types import AccountId, OrderId, entry_of
from explain.answers import Explanation
from explain.checkpoints import Checkpoints, NoState, Overrun
from explain.explanation import (
    ChapterResult,
    Subject,
    assemble_explanation,
    chosen_seqs,
    last_totals,
    subject_of_command,
)
from explain.memory import give_back, release, resident_bytes
from explain.order_index import OrderIndex, open_index, set_aside
from explain.protocol import Advance, Answer, Dropped, Message, Question, Reached, TooLong, Unknown
from explain.reading import RecordSource, records_between
from journal.beginnings import belongs, first_proven
from journal.codec import open_batch
from journal.port import RecordsDropped
from journal.snapshots import SnapshotFile, SnapshotFolder
from replica.follower import Follower

INDEX_NAME: Final = "explain.sqlite"
SNAPSHOTS_NAME: Final = "explain"  # a folder
FOLLOWED_BYTES_MAX = 90_000_000  # of memory, of this process while there is a copy of an earlier state beside it

log = logging.getLogger(__name__)


class DroppedRecords(Exception):
    """What is asked about lies before what is kept; explanations begin with command `first_seq`."""

    def __init__(self, first_seq: int) -> None:
        super().__init__(f"The records before command {first_seq} are not kept, and explanations begin there.")
        self.first_seq = first_seq


class Explainer:
    """Follows the records, and explains what they did."""

    def __init__(
        self, records: RecordSource, folder: Path, others: Sequence[Path], foreign_fds: list[int], first_n: int = 1
    ) -> None:
        """Go on from the index in `folder`, or begin one; what is behind the newest snapshot is still to be followed.

        `others`: folders of snapshots that somebody else writes. `foreign_fds`: descriptors that other processes must
        not keep open. `first_n`: the first record that is kept. O(state). Raises IndexBusy, IndexDamaged, OSError,
        and DroppedRecords where there is no state to begin from.
        """
        self._records = records
        self._path = folder / INDEX_NAME
        self._own = SnapshotFolder(folder / SNAPSHOTS_NAME)
        self._others = [SnapshotFolder(other) for other in others]
        self._index = open_index(self._path)
        self.checkpoints = Checkpoints(self._own, self._others, foreign_fds)
        self._first_n = first_n
        self._follower: Follower | None = None
        self._watch(self._begin())

    def close(self) -> None:
        """Let go of the files and the processes. Idempotent."""
        self.checkpoints.close()
        self._index.close()

    def advance(self, wanted: Advance) -> Reached:
        """Follow the records for as long as wanted. Raises as `follow`."""
        self._first_n = wanted.first_n
        self.checkpoints.keep_from(wanted.first_n)
        self.follow(wanted.until_n, time.monotonic() + wanted.seconds)
        return Reached(self._index.span.n, self._index.span.seq)

    def follow(self, until_n: int, until: float) -> None:
        """Follow the records up to one or a reading of the monotonic clock, one record at least.

        Raises CorruptRecord, UnknownVersion, IndexDamaged, and DroppedRecords as at the beginning. O(commands).
        """
        if until_n <= self._index.span.n:
            return
        if self._follower is not None and self._follower.n + 1 < self._first_n:
            self._let_go()  # what it would follow next is no longer kept
        follower = self._follower or self._watch(self._begin())
        for record in records_between(self._records.part, follower.n, until_n):
            follower.follow(record)
            if time.monotonic() >= until:
                break
        self._index.commit()

    def answer(self, question: Question) -> Message:
        """The explanation, or that there is nothing to explain to whoever asks."""
        until = time.monotonic() + question.seconds
        try:
            if question.about == "trade":
                found = self._trade(question, until)
            elif question.about == "order":
                found = self._order(OrderId(question.number), question.account, until)
            else:
                found = self._command(question, until)
        except Overrun:
            return TooLong()
        except DroppedRecords as dropped:
            return Dropped(dropped.first_seq)
        return Unknown() if found is None else Answer(msgspec.json.encode(found))

    # -- three kinds of questions

    def _order(self, order_id: OrderId, asker: AccountId | None, until: float) -> Explanation | None:
        entry = self._entry(order_id, asker)
        if entry is None:
            return None
        seqs = self._index.seqs_of(order_id)
        if not seqs:
            return None
        subject = Subject(order_id, entry.account, entry.symbol)
        chosen, left_out = chosen_seqs(seqs, self._index.state_of(order_id))
        return assemble_explanation(self._chapters(subject, chosen, until), subject, self._index.span.seq, left_out)

    def _trade(self, question: Question, until: float) -> Explanation | None:
        trade = self._index.trade(question.number)
        if trade is None:
            self._require_kept_trade(question.number)
            return None
        seq, maker, taker = trade
        results: list[ChapterResult] = []
        subjects: list[Subject] = []
        dropped: DroppedRecords | None = None
        for order_id in (taker, maker):
            try:
                entry = self._entry(OrderId(order_id), question.account)
            except DroppedRecords as error:  # of an order that was entered long before the trade
                dropped = error
                continue
            if entry is not None:
                subjects.append(Subject(OrderId(order_id), entry.account, entry.symbol, question.number))
                results.extend(self._chapters(subjects[-1], [seq], until))
        if not results and dropped is not None:
            raise dropped
        return assemble_explanation(results, subjects[0], self._index.span.seq, 0) if results else None

    def _command(self, question: Question, until: float) -> Explanation | None:
        command = self._command_at(question.number)
        if command is None:
            return None
        owner: AccountId | None = getattr(command, "account", None)
        if question.account is not None and owner != question.account:
            return None
        order_id, symbol = subject_of_command(command, question.number)
        if isinstance(command, EnterOrder) and self._index.seqs_of(order_id):
            return self._order(order_id, question.account, until)
        if symbol is None:
            entry = self._entry(order_id, owner)
            symbol = "" if entry is None else entry.symbol
        subject = Subject(order_id, owner or AccountId(-1), symbol)
        state = self._index.state_of(order_id)
        results = self._chapters(subject, sorted({question.number, state or question.number}), until)
        about = [one for one in results if one.chapter.seq == question.number]
        return assemble_explanation(about, subject, self._index.span.seq, 0, last_totals(results))

    # -- steps

    def _entry(self, order_id: OrderId, asker: AccountId | None) -> EnterOrder | None:
        """The command that entered an order, or its first leg or its entry, when the asker may know of it."""
        command = self._command_at(entry_of(order_id))
        if isinstance(command, EnterOrder) and asker in (None, command.account):
            return command
        return None

    def _command_at(self, seq: int) -> Command | None:
        """A command that was followed; None for a seq of none. Raises DroppedRecords."""
        if not 1 <= seq <= self._index.span.seq:
            return None
        try:
            record = None if seq <= self._index.span.after_seq else self._records.holding(seq)
        except RecordsDropped:
            record = None
        if record is None:
            raise self._dropped()
        return open_batch(record)[seq - record.first_seq]

    def _require_kept_trade(self, trade_id: int) -> None:
        """Raise DroppedRecords for a trade from before the index."""
        first = self._index.first_trade()
        if self._index.span.after_seq and trade_id >= 1 and (first is None or trade_id < first):
            raise self._dropped()

    def _dropped(self) -> DroppedRecords:
        span = self._index.span
        starts = [state.seq for state in self.checkpoints.states()]
        return DroppedRecords(max(min(starts, default=span.seq), span.after_seq) + 1)

    def _chapters(self, subject: Subject, seqs: list[int], until: float) -> list[ChapterResult]:
        """The chapters, from as few states as they need. Raises Overrun, DroppedRecords."""
        if resident_bytes() > FOLLOWED_BYTES_MAX:
            self._let_go()
        try:
            parts = self.checkpoints.chapters(subject, seqs, lambda: int(until - time.monotonic()), self._records.part)
        except NoState:
            raise self._dropped() from None
        return [result for part in parts for result in part.results]

    # -- where to begin

    def _watch(self, follower: Follower) -> Follower:
        """Have an exchange followed by the index and the checkpoints."""
        self._follower = follower
        self.checkpoints.keep_from(self._first_n)
        follower.listen(self._index.on_record)
        self.checkpoints.watch(follower)
        return follower

    def _let_go(self) -> None:
        """Free the follower's memory for a copy of an earlier state; to follow on, a snapshot is loaded again."""
        follower, self._follower = self._follower, None
        if follower is not None:
            release(follower.exchange)
            del follower
            give_back()

    def _begin(self) -> Follower:
        """The state behind which to follow: one that the index covers, or the earliest where there is no index.

        Raises DroppedRecords where the beginning of the journal is not kept and no snapshot of what is.
        """
        read, span, first_n = self._records.part, self._index.span, self._first_n
        if span.n and not belongs(read, span.n, span.chain):
            self._begin_anew("it is of another journal, or ahead of this one")
            for file in self._own.files():
                file.path.unlink(missing_ok=True)
        kept = [file for file in self._files() if file.n >= first_n - 1]
        covered = [file for file in kept if file.seq <= self._index.span.seq]
        snapshot = first_proven(reversed(covered), read)
        if snapshot is None and first_n == 1:
            return Follower()
        if snapshot is None:
            if self._index.span.n:
                self._begin_anew("what it goes on from is not kept")
            snapshot = first_proven(kept, read)
            if snapshot is None:
                first = read(first_n - 1, first_n)
                raise DroppedRecords(first[0].first_seq if first else 1)
            self._index.begin_behind(snapshot.last)
        log.info("explanations go on from the snapshot behind command %d", snapshot.last.last_seq)
        return Follower(snapshot.exchange, snapshot.last)

    def _files(self) -> list[SnapshotFile]:
        """The snapshots there are, the oldest first."""
        return sorted(file for folder in (self._own, *self._others) for file in folder.files())

    def _begin_anew(self, why: str) -> None:
        self._index.close()
        set_aside(self._path, why)
        self._index = OrderIndex(self._path)
