"""The part of a journal that is exported: where it begins and ends, and the commands of it with what they caused.

Layer: export. Reads a journal and snapshots.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from engine.events import CommandResult
from engine.exchange import Exchange
from export.files import ExportError
from journal.beginnings import first_kept, first_proven
from journal.codec import BatchRecord, open_batch
from journal.port import Journal
from journal.snapshots import SnapshotFolder
from replica.follower import Follower

RECORDS_AT_ONCE: Final = 500


class Bounds(NamedTuple):
    """What is asked for. Seqs are inclusive; of times, `until_ns` is not."""

    from_seq: int | None = None
    to_seq: int | None = None
    from_ns: int | None = None
    until_ns: int | None = None


class Session:
    """The commands from `first_seq` to `last_seq` of a journal."""

    def __init__(self, journal: Journal, snapshots: Sequence[Path], bounds: Bounds) -> None:
        """`snapshots`: folders that may have some to begin from. O(log records), each a read of one record.

        Raises ExportError where there is nothing of the kind in the journal, and JournalError.
        """
        self._journal = journal
        self._files = sorted(file for folder in snapshots for file in SnapshotFolder(folder).files())
        self._first_n = first_kept(journal)
        last = journal.last
        if last is None:
            raise ExportError("The journal is empty.")
        by_time = 1 if bounds.from_ns is None else self._first_seq_at(bounds.from_ns)
        until = last.last_seq if bounds.until_ns is None else self._first_seq_at(bounds.until_ns) - 1
        self.first_seq = max(bounds.from_seq or 1, by_time)
        self.last_seq = min(bounds.to_seq or last.last_seq, until, last.last_seq)
        if self.first_seq > self.last_seq:
            raise ExportError(f"The journal ends with command {last.last_seq}, and none is in what was asked for.")

    def commands(self, begin: Callable[[Exchange], None]) -> Iterator[CommandResult]:
        """The commands with what they caused; the exchange is as each left it.

        `begin` gets the exchange as it is before the first. O(commands since the newest snapshot before). Raises
        ExportError, JournalError, and as a follower does.
        """
        follower = self._follower()
        for record in self._records(follower.n):
            commands = open_batch(record)
            steps = follower.steps(record, commands)
            for seq in range(record.first_seq, record.last_seq + 1):
                if seq == self.first_seq:
                    begin(follower.exchange)
                result = next(steps)
                if seq >= self.first_seq:
                    yield result
                if seq == self.last_seq:
                    return
            next(steps, None)  # the record is applied whole

    def _follower(self) -> Follower:
        """The latest state before the first command. Raises ExportError where the records before it are not kept."""
        kept = [file for file in self._files if file.n >= self._first_n - 1]
        snapshot = first_proven((file for file in reversed(kept) if file.seq < self.first_seq), self._journal.part)
        if snapshot is not None:
            return Follower(snapshot.exchange, snapshot.last)
        if self._first_n == 1:
            return Follower()
        (first,) = self._journal.part(self._first_n - 1, self._first_n)
        instead = (
            f"the first snapshot behind is of command {kept[0].seq}: --from {kept[0].seq + 1}"
            if kept
            else ("there is no snapshot behind to begin from")
        )
        raise ExportError(f"The records before command {first.first_seq} are not kept, and {instead}.")

    def _records(self, after_n: int) -> Iterator[BatchRecord]:
        while records := self._journal.part(after_n, after_n + RECORDS_AT_ONCE):
            yield from records
            after_n = records[-1].n

    def _first_seq_at(self, ts_ns: int) -> int:
        """The first command at or after a time; one more than the last where there is none."""
        last = self._journal.last
        if last is None or last.ts_ns < ts_ns:
            return 1 if last is None else last.last_seq + 1
        low, high = self._first_n, last.n
        while low < high:
            middle = (low + high) // 2
            (record,) = self._journal.part(middle - 1, middle)
            if record.ts_ns < ts_ns:
                low = middle + 1
            else:
                high = middle
        (record,) = self._journal.part(low - 1, low)
        return record.first_seq
