"""Records of the journal, read in parts from whoever has them.

Layer: explain.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

from journal.beginnings import ReadRecords
from journal.codec import BatchRecord

RECORDS_AT_ONCE: Final = 500


class RecordSource(Protocol):
    """Who has the records. A journal is one."""

    def part(self, after_n: int, until_n: int) -> list[BatchRecord]:
        """Some of the records after `after_n` up to `until_n`, in order; none where there are none."""

    def holding(self, seq: int) -> BatchRecord | None:
        """The record that has the command `seq`; None where there is none."""


def records_between(read: ReadRecords, after_n: int, until_n: int) -> Iterator[BatchRecord]:
    """The records behind `after_n` up to `until_n`, as far as there are any."""
    while after_n < until_n:
        records = read(after_n, min(until_n, after_n + RECORDS_AT_ONCE))
        if not records:
            return
        yield from records
        after_n = records[-1].n
