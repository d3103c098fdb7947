"""Reading the replicated log: pages of records, each verified behind the one before.

A page and the head are read in one transaction, so that both are of one moment and newer than everything that was
acknowledged before. Where the log and the reader differ the reader stops; nothing is ever mended.
Layer: cluster. Blocks, by what it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from cluster.failures import LogBehind, LogDiverged, LogUnformatted, RecordsTrimmed
from cluster.keys import Keys, StoredHead, decode_head
from cluster.records import Position, decode_record, position_of, verify_behind
from cluster.store import Entry, LogStore, NoAnswer, Read, TooLarge, Transaction
from journal.codec import BatchRecord, CorruptRecord

PAGE_RECORDS: Final = 200
READ_S: Final = 1.0  # for one page
PAUSE_S: Final = 0.05  # between tries


class LogPage(msgspec.Struct, frozen=True):
    """Records in order, without a gap, and the head when they were read."""

    records: list[BatchRecord]
    head: StoredHead


class LogReader:
    """Reads the log of one cluster. Used by one thread."""

    def __init__(self, store: LogStore, keys: Keys, *, sleep: Callable[[float], object]) -> None:
        self._store = store
        self._keys = keys
        self._sleep = sleep

    def head(self) -> StoredHead:
        """The newest record of the log. Raises LogUnformatted and StoreError."""
        outcome = self._store.transact(Transaction(then=(Read(self._keys.head),)), READ_S)
        return self._head(outcome.reads[0])

    def read(self, behind: Position, limit: int = PAGE_RECORDS) -> LogPage:
        """The next records behind `behind`, `limit` at most; none when it is at the head. One try.

        Raises RecordsTrimmed, LogBehind, LogDiverged, LogUnformatted, and StoreError.
        """
        until = self._keys.log(behind.n + limit + 1)
        reads = (Read(self._keys.head), Read(self._keys.log(behind.n + 1), until, limit))
        try:
            outcome = self._store.transact(Transaction(then=reads), READ_S)
        except TooLarge:
            if limit == 1:
                raise
            return self.read(behind, max(1, limit // 4))
        head = self._head(outcome.reads[0])
        records = self._verified(behind, outcome.reads[1])
        self._check_against_head(behind, records, head)
        return LogPage(records, head)

    def read_to_head(
        self, behind: Position, apply: Callable[[BatchRecord], object], giving_up: Callable[[], bool]
    ) -> StoredHead | None:
        """As `read_pages_to_head`, record by record."""

        def apply_each(records: list[BatchRecord]) -> None:
            for record in records:
                apply(record)

        return self.read_pages_to_head(behind, apply_each, giving_up)

    def read_pages_to_head(
        self, behind: Position, apply: Callable[[list[BatchRecord]], object], giving_up: Callable[[], bool]
    ) -> StoredHead | None:
        """Give `apply` every record behind `behind` up to the head, which is returned; None when it was given up.

        A read that is not answered is tried again at the next member. Raises what `read` does, but for NoAnswer.
        """
        while not giving_up():
            try:
                page = self.read(behind)
            except NoAnswer:
                self._store.next_member()
                self._sleep(PAUSE_S)
                continue
            if page.records:
                apply(page.records)
                behind = position_of(page.records[-1])
            if behind.n == page.head.n:
                return page.head
        return None

    def _head(self, entries: tuple[Entry, ...]) -> StoredHead:
        if not entries:
            raise LogUnformatted(f"There is no log under {self._keys.prefix} in this store.")
        return decode_head(entries[0].value)

    def _verified(self, behind: Position, entries: tuple[Entry, ...]) -> list[BatchRecord]:
        records: list[BatchRecord] = []
        if entries and (first_n := self._keys.record_number(entries[0].key)) != behind.n + 1:
            raise RecordsTrimmed(f"The log begins with record {first_n} now, and {behind.n + 1} is needed.", first_n)
        try:
            for entry in entries:
                record = decode_record(self._keys.record_number(entry.key), entry.value)
                verify_behind(record, behind)
                records.append(record)
                behind = position_of(record)
        except CorruptRecord as error:
            raise LogDiverged(f"The log does not go on from what this node has: {error}.") from error
        return records

    def _check_against_head(self, behind: Position, records: list[BatchRecord], head: StoredHead) -> None:
        at = position_of(records[-1]) if records else behind
        if head.n < behind.n:
            raise LogBehind(
                f"The log ends at record {head.n}, and this node has {behind.n}: it was restored from an older "
                "backup, or made anew. Nothing was changed; a person must decide which to keep."
            )
        if head.n == at.n and head.head.position.chain != at.chain:
            raise LogDiverged(f"The log has another record {at.n} than this node.")
        if not records and head.n > behind.n:
            raise RecordsTrimmed(f"The log has record {behind.n + 1} no more; its head is {head.n}.", head.n)
